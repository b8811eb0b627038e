import { INTENT_KEYS } from '../domain/deciding/intent.js';
import { TIER_WORDS } from '../domain/deciding/risk.js';
import type { AcceptRule, Target } from '../domain/target.js';
import type { ConfigWarning } from './config.js';
import type { Resolved } from './rules.js';
import type { TargetInput } from './schema-target.js';
import { quote, suggest } from './text.js';

export function toAccept(rules: TargetInput['accept']): Pick<Target, 'accept'> {
  if (rules.length === 0) return {};
  return {
    accept: rules.map(({ resource, path, until, reason, by, ticket }): AcceptRule => ({
      resource, until: new Date(until).toISOString(), reason, by, ...(path === undefined ? {} : { path }), ...(ticket === undefined ? {} : { ticket }),
    })),
  };
}

/**
 * What is valid, and no longer means what it meant when it was written. An acceptance that has lapsed
 * refuses no configuration: a date that comes must stop nobody's checks.
 */
export function outdated(resolved: readonly Resolved[], now: Date): readonly ConfigWarning[] {
  const found = new Map<string, string>();
  for (const { instance, target } of resolved) {
    const where = `targets.${instance.declared.name}`;
    for (const [index, { until, by }] of (target.accept ?? []).entries()) {
      if (new Date(until) <= now) found.set(`${where}.accept[${index}]`, `has lapsed: ${until} (by ${quote(by)}) has passed; its changes are asked about again, and the rule can be removed`);
    }
    const { tier, horizon } = target.intent ?? {};
    if (tier !== undefined && !TIER_WORDS.includes(tier.trim().toLowerCase())) found.set(`${where}.intent.tier`, `${quote(tier)} is no tier that the risk of a change knows: ${suggest(tier, TIER_WORDS)}`);
    if (horizon !== undefined && /^\d{4}-\d{2}-\d{2}/.test(horizon) && new Date(horizon) <= now) found.set(`${where}.intent.horizon`, `${quote(horizon)} has passed: is it still needed?`);
  }
  return [...found].map(([where, message]) => ({ where, message }));
}

/** A key of one's own is welcome, one that looks like a slip is not. */
export function slipIn(intent: object): { readonly key: string; readonly meant: string } | undefined {
  for (const key of Object.keys(intent)) {
    if (INTENT_KEYS.some((each) => each === key)) continue;
    const meant = INTENT_KEYS.find((each) => suggest(key, [each]).startsWith('did you mean'));
    if (meant !== undefined) return { key, meant };
  }
  return undefined;
}

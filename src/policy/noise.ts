import type { Config } from '../config/config.js';
import type { Change } from '../domain/change.js';
import { classOf, typeOf } from '../domain/deciding/class.js';
import type { Decided } from '../domain/deciding/decision.js';
import { deciderOf } from './decide.js';
import { decisionInputs, type Knowing } from './inputs.js';
import { indexRules, type RuleIndex } from './rule-index.js';
import { type RuleFile, rulesIn } from './rule.js';

type Looking = Omit<Knowing, 'config' | 'baseline'> & { readonly config: Pick<Config, 'environments' | 'policies'> };

/**
 * The changes that rules leave alone, with what was decided. Only those that a rule could accept are
 * decided: a check of ten thousand others costs nothing.
 */
export async function noiseOf({ config, target, changes, at, ledger }: Looking): Promise<ReadonlyMap<Change, Decided>> {
  const index = acceptingIndex(config.policies);
  if (index === undefined) return new Map();
  const { provider } = target;
  const near = changes.filter((change) => index({ type: typeOf(change, provider), path: change.path, class: classOf(change, provider), kind: change.kind, effect: change.effect, provider }).length > 0);
  if (near.length === 0) return new Map();
  const decide = deciderOf(config);
  const inputs = await decisionInputs({ config, target, changes: near, at, ...(ledger === undefined ? {} : { ledger }) });
  const decided = inputs.map((input) => [input.change, decide(input)] as const);
  return new Map(decided.filter(([, each]) => each.decision === 'accept'));
}

/** Made once per configuration: a check asks for each of its targets. */
const indexes = new WeakMap<readonly RuleFile[], RuleIndex | undefined>();

function acceptingIndex(files: readonly RuleFile[] | undefined): RuleIndex | undefined {
  if (files === undefined) return undefined;
  if (!indexes.has(files)) {
    const rules = rulesIn(files).filter((rule) => rule.decision === 'accept' && !rule.shadow);
    indexes.set(files, rules.length === 0 ? undefined : indexRules(rules));
  }
  return indexes.get(files);
}

import type { Decided, DecisionInput } from './decision.js';

/** The rule that is named wherever something is first seen. */
export const FIRST_SEEN = 'first-seen';

interface Safeguard {
  readonly rule: string;
  /** Why a person decides, or `undefined`. */
  readonly speaks: (input: DecisionInput) => string | undefined;
}

/** What no rule and no setting can take away, foremost first. */
const SAFEGUARDS: readonly Safeguard[] = [
  { rule: 'never-automatic-deletes', speaks: ({ change: { effect }, plan }) => removalOf(effect, plan) },
  {
    rule: FIRST_SEEN,
    speaks: (input) => (isFirstSeen(input) ? 'first seen: it stood there when the target was looked at for the first time, and nobody has said yet whether it is drift' : undefined),
  },
  { rule: 'step-back', speaks: ({ steppedBack }) => steppedBack?.reason },
  { rule: 'health-required', speaks: ({ target }) => (target.health.length === 0 ? 'without a health check no repair is automatic' : undefined) },
  { rule: 'unhealthy-before', speaks: ({ baseline }) => (baseline === 'healthy' ? undefined : `health before the repair was ${baseline ?? 'not measured'}, so a person decides`) },
];

function removalOf(effect: DecisionInput['change']['effect'], plan: DecisionInput['plan']): string | undefined {
  if (effect === 'delete' || effect === 'replace') return `a repair that would ${effect} is never automatic`;
  const { delete: deleted = 0, replace = 0 } = plan?.blastRadius ?? {};
  return deleted + replace === 0 ? undefined : `the planned repair would delete ${deleted} and replace ${replace}, which is never automatic`;
}

/** It stood there when the target was read for the first time, and the environment has a history to respect. */
function isFirstSeen({ history, environment }: DecisionInput): boolean {
  return history.firstLook && environment.firstSeen !== 'repair';
}

/** Whoever asks, or holds, says of what is first seen that it is. */
export function toldFirstSeen(input: DecisionInput, decided: Decided): Decided {
  if ((decided.decision !== 'ask' && decided.decision !== 'hold') || !isFirstSeen(input) || decided.rules.includes(FIRST_SEEN)) return decided;
  return { ...decided, rules: [...decided.rules, FIRST_SEEN], reason: `${decided.reason}; first seen` };
}

/** Lets through what does not repair by itself; of what would, whatever said so, it asks a person where a safeguard speaks. */
export function safeguarded(input: DecisionInput, decided: Decided): Decided {
  if (decided.decision !== 'remediate') return decided;
  const spoken = SAFEGUARDS.flatMap(({ rule, speaks }) => {
    const reason = speaks(input);
    return reason === undefined ? [] : [{ rule, reason }];
  });
  const [first] = spoken;
  return first === undefined ? decided : { ...decided, decision: 'ask', rules: [...spoken.map((each) => each.rule), ...decided.rules], reason: first.reason };
}

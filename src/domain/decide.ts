import type { Change } from './change.js';
import type { Decided, Decision, DecideChange, DecisionInput, Part, Risk } from './decision.js';

const RISKS: readonly Risk[] = ['low', 'medium', 'high', 'critical'];
/** Most restrictive first: where several rules speak, the first in this order wins. */
const RESTRICTIVE: readonly Decision[] = ['hold', 'accept', 'adopt', 'ask', 'remediate'];

/**
 * Decides one change by the target's `remediation`. Deletes and replaces are never automatic, and
 * neither is the repair of something that was unhealthy, or unmeasured, before it.
 */
export const decideByRemediation: DecideChange = (input) => {
  const { target, change } = input;
  const risk = riskOf(input);
  const base = { risk, rules: [`remediation: ${target.remediation}`] };
  if (target.remediation === 'observe') return { ...base, decision: 'hold', reason: 'this target is only observed' };
  if (target.remediation === 'ask') return { ...base, decision: 'ask', reason: 'this target asks before every repair' };
  const ask = (rule: string, reason: string): Decided => ({ decision: 'ask', risk, rules: [rule, ...base.rules], reason });
  if (change.effect === 'delete' || change.effect === 'replace') return ask('never-automatic-deletes', `a repair that would ${change.effect} is never automatic`);
  if (target.health.length === 0) return ask('health-required', 'without a health check no repair is automatic');
  if (input.baseline !== 'healthy') return ask('unhealthy-before', `health before the repair was ${input.baseline ?? 'not measured'}, so a person decides`);
  return { ...base, decision: 'remediate', reason: 'this target repairs by itself' };
};

/** A first, coarse order: what a person loses if the repair is wrong. */
function riskOf({ target, change }: DecisionInput): Risk {
  const base = change.effect === 'delete' || change.effect === 'replace' ? 2 : change.path === '@mode' || change.path === '@owner' ? 1 : 0;
  const raised = base + (target.intent?.tier === 'critical' ? 1 : 0);
  return RISKS[Math.min(raised, RISKS.length - 1)] ?? 'critical';
}

export interface DecidedChange {
  readonly change: Change;
  readonly decided: Decided;
}

/** Groups changes with the same decision; the most restrictive part comes first. */
export function splitParts(decided: readonly DecidedChange[]): readonly Part[] {
  return RESTRICTIVE.flatMap((decision) => {
    const members = decided.filter((each) => each.decided.decision === decision);
    return members.length === 0 ? [] : [partOf(decision, members)];
  });
}

/** What was decided for several changes, told as one. */
export function partOf(decision: Decision, members: readonly DecidedChange[]): Part {
  const rules = [...new Set(members.flatMap((each) => each.decided.rules))];
  const reasons = [...new Set(members.map((each) => each.decided.reason))];
  return {
    decision,
    risk: highestRisk(members.map((each) => each.decided.risk)),
    rules,
    reason: reasons.join('; '),
    changes: members.map((each) => each.change),
    decided: members.map((each) => each.decided),
  };
}

/** Of two decisions about the same change the more restrictive; the second, where they restrict alike. */
export function moreRestrictive(one: Decided, other: Decided): Decided {
  return RESTRICTIVE.indexOf(one.decision) < RESTRICTIVE.indexOf(other.decision) ? one : other;
}

export function highestRisk(risks: readonly Risk[]): Risk {
  return RISKS[Math.max(0, ...risks.map((risk) => RISKS.indexOf(risk)))] ?? 'low';
}

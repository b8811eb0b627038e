import type { Change } from '../change.js';
import { typeOf } from './class.js';
import type { Decided, Decision, DecideChange, DecisionInput, Part } from './decision.js';
import { remediationOf, type Setting } from './remediation.js';
import { highestRisk, riskInputs, riskOf, type RiskAssessment } from './risk.js';
import { safeguarded, toldFirstSeen } from './safeguards.js';

/**
 * Most restrictive first: where several rules speak, the first in this order wins, so that deny beats
 * allow. What counts is first what may be done without a person, then what is done unseen: `hold` does
 * nothing and stays in sight, `ask` waits for a person, `adopt` proposes, `accept` leaves alone and
 * tells nobody, `remediate` writes.
 */
export const RESTRICTIVE: readonly Decision[] = ['hold', 'ask', 'adopt', 'accept', 'remediate'];

/** What rules say of a change; without a decision they only raise its risk, or are on trial. */
export type Spoken = Omit<Decided, 'decision' | 'would'> & { readonly decision?: Decision };

/** What rules as code say of a change; `undefined` where none speaks, so that `remediation` decides. */
export type Rules = (input: DecisionInput, assessed: RiskAssessment) => Spoken | undefined;

/** What would be repaired where `remediation` asks or observes. */
const NOTHING_AGAINST = 'no rule and no safeguard wants a person for it';

/**
 * Decides one change: rules first, `remediation` where none speaks, and whoever decided it, the
 * safeguards hold. A class that is only observed is decided in full, told as what it `would` be, and held.
 */
export function decideWith(rules: Rules): DecideChange {
  return (input) => toldFirstSeen(input, decided(input, rules));
}

function decided(input: DecisionInput, rules: Rules): Decided {
  const assessed = riskOf(input);
  const setting = remediationOf(input.target, assessed.class.value);
  const spoken = rules(input, assessed);
  const base = {
    risk: highestRisk([assessed.risk, spoken?.risk ?? 'low']),
    rules: [setting.by, ...(spoken?.decision === undefined ? (spoken?.rules ?? []) : [])],
    inputs: { ...spoken?.inputs, type: typeOf(input.change, input.target.provider), risk: riskInputs(assessed) },
  };
  const shadow = spoken?.shadow === undefined ? {} : { shadow: spoken.shadow };
  const acting = safeguarded(input, spoken?.decision === undefined ? { ...base, ...shadow, decision: 'remediate', reason: setting.remediation === 'auto' ? saidBy(setting, 'this target repairs by itself') : NOTHING_AGAINST } : { ...spoken, decision: spoken.decision, risk: base.risk, inputs: base.inputs });
  const { decision, rules: named, reason } = acting;
  // A person may approve what is only observed: then as many as the rules ask for.
  const requires = spoken?.requires === undefined ? {} : { requires: spoken.requires };
  // What is left alone is left alone also where it is only observed: nothing is written, and nobody is told.
  if (setting.remediation === 'observe' && decision !== 'accept') return { ...base, ...shadow, ...requires, decision: 'hold', reason: saidBy(setting, 'this target is only observed'), would: { decision, rules: named, reason } };
  if (spoken?.decision !== undefined || setting.remediation === 'auto') return acting;
  return { ...base, ...shadow, ...requires, decision: 'ask', reason: saidBy(setting, 'this target asks before every repair'), would: { decision, rules: named, reason } };
}

/** A plain setting of the whole environment is told in its own words; any other by what said so. */
function saidBy({ remediation, by }: Setting, plain: string): string {
  return by === `remediation: ${remediation}` ? plain : by;
}

/** Decides by the target's `remediation` alone. */
export const decideByRemediation: DecideChange = decideWith(() => undefined);

export interface DecidedChange {
  readonly change: Change;
  readonly decided: Decided;
}

/** Groups changes with the same decision, and what is only observed by what would be decided; the most restrictive part comes first. */
export function splitParts(decided: readonly DecidedChange[]): readonly Part[] {
  return RESTRICTIVE.flatMap((decision) => {
    const members = decided.filter((each) => each.decided.decision === decision);
    const groups = [undefined, ...RESTRICTIVE].map((would) => members.filter((each) => wouldBe(each.decided) === would));
    return groups.flatMap((group) => (group.length === 0 ? [] : [partOf(decision, group)]));
  });
}

/** What an observed change would be; what is asked about is one question, whatever it would be. */
function wouldBe({ decision, would }: Decided): Decision | undefined {
  return decision === 'hold' ? would?.decision : undefined;
}

/** What was decided for several changes, told as one. */
export function partOf(decision: Decision, members: readonly DecidedChange[]): Part {
  const rules = [...new Set(members.flatMap((each) => each.decided.rules))];
  const reasons = [...new Set(members.map((each) => each.decided.reason))];
  const would = members[0] === undefined ? undefined : wouldBe(members[0].decided);
  return {
    decision,
    ...(would === undefined ? {} : { would }),
    risk: highestRisk(members.map((each) => each.decided.risk)),
    rules,
    reason: reasons.join('; '),
    changes: members.map((each) => each.change),
    decided: members.map((each) => each.decided),
  };
}

/** Of two decisions about the same change the more restrictive, with the higher risk; the second, where they restrict alike. */
export function moreRestrictive(one: Decided, other: Decided): Decided {
  const chosen = RESTRICTIVE.indexOf(one.decision) < RESTRICTIVE.indexOf(other.decision) ? one : other;
  return { ...chosen, risk: highestRisk([one.risk, other.risk]) };
}

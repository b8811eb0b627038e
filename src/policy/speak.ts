import { typeOf } from '../domain/deciding/class.js';
import type { Decision, DecisionInput, Risk } from '../domain/deciding/decision.js';
import { RESTRICTIVE } from '../domain/deciding/decide.js';
import type { RiskAssessment } from '../domain/deciding/risk.js';
import { ruleFacts } from './facts.js';
import type { Facts, Values } from './condition.js';
import { indexRules, type RuleIndex } from './rule-index.js';
import type { Rule } from './rule.js';

/**
 * What one rule says of one change. `waiting`: it reads the plan, and there is none yet. A rule that
 * failed counts as the most cautious answer it could have given.
 */
export interface Heard {
  readonly rule: Rule;
  readonly answer: 'matched' | 'waiting' | 'failed' | 'not';
  /** Why it failed. */
  readonly reason?: string;
}

/** What rules know of a change, and which of them may concern it. */
export interface Hearing {
  readonly heard: readonly Heard[];
  readonly values: Values;
}

/** Rules, ready to be asked about any number of changes. */
export interface RuleBook {
  readonly rules: readonly Rule[];
  readonly index: RuleIndex;
}

/** Indexes rules once; they keep their order. */
export function openRuleBook(rules: readonly Rule[]): RuleBook {
  return { rules, index: indexRules(rules) };
}

/** Asks the rules that the index finds; those that say no are left out. */
export function hear({ index }: RuleBook, input: DecisionInput, assessed: RiskAssessment): Hearing {
  const { change, target } = input;
  const type = typeOf(change, target.provider);
  const rules = index({ type, path: change.path, class: assessed.class.value, kind: change.kind, effect: change.effect, provider: target.provider });
  if (rules.length === 0) return { heard: [], values: {} };
  const { facts, values } = ruleFacts(input, { type, assessed });
  const heard: Heard[] = [];
  for (const rule of rules) {
    const each = hearOne(rule, input, facts);
    if (each.answer !== 'not') heard.push(each);
  }
  return { heard, values };
}

/** Asks one rule; `at` is ISO, UTC, and ends those whose `until` has come. Never throws. */
export function hearOne(rule: Rule, { at }: Pick<DecisionInput, 'at'>, facts: Facts): Heard {
  if (rule.until !== undefined && rule.until <= at) return { rule, answer: 'not' };
  const answer = rule.when?.ask(facts) ?? true;
  if (answer === false) return { rule, answer: 'not' };
  if (answer === true) return { rule, answer: 'matched' };
  return answer.unknown ? { rule, answer: 'waiting' } : { rule, answer: 'failed', reason: answer.reason };
}

/**
 * What is decided where this rule is followed; nothing where it only raises the risk, or waits for a
 * plan. One that would allow a repair by its plan lets it be planned: it is asked again with the plan,
 * which may only restrict.
 */
export function decisionOf({ rule, answer }: Heard): Decision | undefined {
  if (answer === 'failed') return rule.decision === 'hold' ? 'hold' : 'ask';
  if (answer === 'waiting') return rule.decision === 'remediate' ? 'remediate' : undefined;
  return rule.decision;
}

/** The risk that a rule adds; a rule that failed adds its own all the same. */
export function riskOfHeard({ rule, answer }: Heard): Risk | undefined {
  return answer === 'waiting' ? undefined : rule.risk;
}

/** The most restrictive of several decisions, whatever their order. */
export function mostRestrictive(decisions: readonly Decision[]): Decision | undefined {
  return RESTRICTIVE.find((each) => decisions.includes(each));
}

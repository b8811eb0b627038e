import { typeOf } from '../domain/deciding/class.js';
import type { Decision, DecisionInput, Risk } from '../domain/deciding/decision.js';
import type { Json } from '../domain/json.js';
import { riskOf } from '../domain/deciding/risk.js';
import { ruleFacts } from './facts.js';
import { valueAt } from './saying.js';
import type { Rule } from './rule.js';
import { decisionOf, hearOne, mostRestrictive, type RuleBook } from './speak.js';

/** What one rule made of a change. */
export interface Explained {
  readonly rule: string;
  /** `policies/base.yaml:12`. */
  readonly at: string;
  /**
   * `won`: it decided. `lost`: another restricts more. `raised`: it raises the risk alone. `failed`: it could
   * not be answered, and counts as its `decision`. `waiting`: it reads a plan that is not there. `shadow`: it
   * matches, on trial. `no`: its condition does not hold, or its date has passed.
   */
  readonly result: 'won' | 'lost' | 'raised' | 'failed' | 'waiting' | 'shadow' | 'no';
  /** What it says, or counts as. */
  readonly decision?: Decision;
  readonly risk?: Risk;
  /** Who must approve, where it asks. */
  readonly requires?: Rule['requires'];
  readonly when?: string;
  /** What its condition looked at; sensitive values are left out. */
  readonly saw: Readonly<Record<string, Json>>;
  /** ISO, UTC: its `until`, which had come when it was asked. */
  readonly ended?: string;
  /** Why it failed. */
  readonly reason?: string;
}

export interface Explanation {
  readonly rules: readonly Explained[];
  /** How many rules are about other types, paths, classes or effects. */
  readonly others: number;
}

/** What every rule made of one change. */
export function explainChange(book: RuleBook, input: DecisionInput): Explanation {
  const { change, target } = input;
  const typed = { type: typeOf(change, target.provider), assessed: riskOf(input) };
  const selected = book.index({ type: typed.type, path: change.path, class: typed.assessed.class.value, kind: change.kind, effect: change.effect, provider: target.provider });
  const { facts, values } = ruleFacts(input, typed);
  const heard = selected.map((rule) => hearOne(rule, input, facts));
  const decision = mostRestrictive(heard.flatMap((each) => (each.rule.shadow || each.answer === 'not' ? [] : (decisionOf(each) ?? []))));
  const rules = heard.map((each): Explained => {
    const { rule, answer, reason } = each;
    const own = answer === 'not' || answer === 'waiting' ? rule.decision : decisionOf(each);
    return {
      rule: rule.name, at: rule.at, result: resultOf(rule, answer, own === undefined ? undefined : own === decision), saw: sawOf(rule, values),
      ...(own === undefined ? {} : { decision: own }), ...(rule.risk === undefined ? {} : { risk: rule.risk }), ...(rule.requires === undefined ? {} : { requires: rule.requires }),
      ...(rule.when === undefined ? {} : { when: rule.when.text }), ...(rule.until === undefined || rule.until > input.at ? {} : { ended: rule.until }), ...(reason === undefined ? {} : { reason }),
    };
  });
  return { rules, others: book.rules.length - selected.length };
}

function resultOf({ shadow }: Rule, answer: ReturnType<typeof hearOne>['answer'], wins: boolean | undefined): Explained['result'] {
  if (answer === 'not') return 'no';
  if (answer === 'waiting' || answer === 'failed') return answer;
  if (shadow) return 'shadow';
  return wins === undefined ? 'raised' : wins ? 'won' : 'lost';
}

function sawOf({ when }: Rule, values: Parameters<typeof valueAt>[0]): Explained['saw'] {
  return Object.fromEntries((when?.reads ?? []).flatMap((name) => {
    const value = valueAt(values, name);
    return value === undefined ? [] : [[name, value]];
  }));
}

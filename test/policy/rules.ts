import { isProblem } from '../../src/policy/condition.js';
import type { Rule } from '../../src/policy/rule.js';
import { RULES } from '../../src/policy/vocabulary.js';

/** A rule as a file would give it, its condition written out. */
export function rule({ when, ...overrides }: Partial<Omit<Rule, 'when'>> & { readonly when?: string } = {}): Rule {
  const name = overrides.name ?? 'one';
  return { name, at: `rules.yaml:${name}`, on: {}, shadow: false, ...overrides, ...(when === undefined ? {} : { when: conditionOf(when) }) };
}

function conditionOf(when: string): NonNullable<Rule['when']> {
  const condition = RULES.compile(when);
  if (isProblem(condition)) throw new Error(`${when}: ${condition.message}`);
  return condition;
}

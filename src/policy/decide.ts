import type { Config } from '../config/config.js';
import { decideByRemediation, decideWith } from '../domain/deciding/decide.js';
import type { DecideChange } from '../domain/deciding/decision.js';
import { type Rule, rulesIn } from './rule.js';
import { rulesOf } from './saying.js';
import { openRuleBook } from './speak.js';

/** Made once per configuration: every step of it asks. */
const deciders = new WeakMap<NonNullable<Config['policies']>, DecideChange>();

/** How changes are decided under this configuration: its rules first, `remediation` where none speaks. */
export function deciderOf({ policies }: Pick<Config, 'policies'>): DecideChange {
  if (policies === undefined) return decideByRemediation;
  const decide = deciders.get(policies) ?? decideUnder(rulesIn(policies));
  deciders.set(policies, decide);
  return decide;
}

/** How changes are decided under these rules. */
export function decideUnder(rules: readonly Rule[]): DecideChange {
  return decideWith(rulesOf(openRuleBook(rules)));
}

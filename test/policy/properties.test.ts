import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RESTRICTIVE } from '../../src/domain/deciding/decide.js';
import type { Decided, Decision, Risk } from '../../src/domain/deciding/decision.js';
import { RISKS } from '../../src/domain/deciding/risk.js';
import { decideUnder } from '../../src/policy/decide.js';
import type { GivenInput, Rule } from '../../src/policy/rule.js';
import { decideGiven, inputOf } from '../../src/policy/testing.js';
import { rule } from './rules.js';

const ANSWERS = {
  yes: ['true', 'change.path == "/port"', 'change.path in ["/port", "/host"]', 'change.desired.a == 1', 'risk == "low" || change.desired.missing == 1'],
  no: ['change.kind == "missing"', 'change.path == "/host"', 'change.desired.missing == 1 && change.kind == "missing"'],
  fails: ['change.desired.missing == 1', 'change.desired > 3', '1 / history.recurrence == 1'],
  plan: ['plan.resources > 2', 'plan.deletes == 0', 'plan.rollback == "exact" && change.path == "/port"'],
} as const;

const decisions = fc.constantFrom<Decision>(...RESTRICTIVE);
const texts = fc.constantFrom(...ANSWERS.yes, ...ANSWERS.no, ...ANSWERS.fails, ...ANSWERS.plan);
const parts = fc.record({ decision: fc.option(decisions, { nil: undefined }), risk: fc.option(fc.constantFrom<Risk>(...RISKS), { nil: undefined }), when: fc.option(texts, { nil: undefined }), shadow: fc.boolean(), type: fc.constantFrom(undefined, 'file', 'fi*', 'Deployment') });

function made({ decision, risk, when, shadow, type }: typeof parts extends fc.Arbitrary<infer T> ? T : never, index: number): Rule {
  return rule({ name: `r${index}`, shadow, on: type === undefined ? {} : { type: [type] }, ...(decision === undefined ? {} : { decision }), ...(risk === undefined ? {} : { risk }), ...(when === undefined ? {} : { when }) });
}

const rules = fc.array(parts, { maxLength: 8 }).map((all) => all.map(made));
const shuffled = rules.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray([...all], { minLength: all.length })));
const givens: fc.Arbitrary<GivenInput> = fc.record({
  change: fc.record({ path: fc.constant('/port'), desired: fc.constant({ a: 1 }), effect: fc.constantFrom('update' as const, 'create' as const, 'delete' as const, 'replace' as const) }),
  environment: fc.record({ name: fc.constantFrom('dev', 'prod'), remediation: fc.constantFrom('observe' as const, 'ask' as const, 'auto' as const) }),
  target: fc.record({ health: fc.boolean() }),
  plan: fc.constantFrom({ updates: 1 }, { deletes: 1, resources: 5 }, { rollback: 'forward-only' as const }),
});

function decided(all: readonly Rule[], given: GivenInput): Decided {
  return decideGiven(decideUnder(all), inputOf(given));
}

describe('whatever the rules', () => {
  it('their order never matters', () => {
    fc.assert(fc.property(shuffled, givens, ([one, other], given) => {
      const [first, second] = [decided(one, given), decided(other, given)];
      expect({ ...second, rules: [...second.rules].sort() }).toMatchObject({ decision: first.decision, risk: first.risk, rules: [...first.rules].sort() });
    }), { numRuns: 500 });
  });

  it('one rule more never allows more than a rule before it had denied: deny beats allow', () => {
    const given: GivenInput = { change: { path: '/port', desired: { a: 1 } }, plan: { updates: 3, resources: 3 } };
    fc.assert(fc.property(rules, parts, decisions, (all, more, denied) => {
      const denying = [...all, rule({ name: 'denying', decision: denied })];
      const before = decided(denying, given).decision;
      const after = decided([...denying, made(more, 99)], given).decision;
      expect(RESTRICTIVE.indexOf(after)).toBeLessThanOrEqual(RESTRICTIVE.indexOf(before));
    }), { numRuns: 500 });
  });

  it('the most restrictive of those that match wins, or a safeguard or an observed target restricts it further', () => {
    fc.assert(fc.property(fc.array(decisions, { minLength: 1, maxLength: 6 }), givens, (said, given) => {
      const all = said.map((decision, index) => rule({ name: `r${index}`, decision }));
      const most = Math.min(...said.map((each) => RESTRICTIVE.indexOf(each)));
      const result = decided(all, given);
      expect(RESTRICTIVE.indexOf(result.decision)).toBeLessThanOrEqual(most);
      if (RESTRICTIVE[most] !== 'remediate' && given.environment?.remediation !== 'observe') expect(result.decision).toBe(RESTRICTIVE[most]);
    }), { numRuns: 500 });
  });

  it('a failing rule never leads to a repair, nor to silence', () => {
    fc.assert(fc.property(rules, parts, fc.constantFrom(...ANSWERS.fails), givens, (all, failing, when, given) => {
      const result = decided([...all, made({ ...failing, when, shadow: false, type: undefined }, 99)], given);
      expect(['ask', 'hold']).toContain(result.decision);
    }), { numRuns: 500 });
  });

  it('a rule on trial never changes a decision', () => {
    fc.assert(fc.property(rules, parts, givens, (all, trial, given) => {
      const { decision, risk, reason, requires, rules: named } = decided(all, given);
      expect(decided([...all, made({ ...trial, shadow: true }, 99)], given)).toMatchObject({ decision, risk, reason, rules: named, ...(requires === undefined ? {} : { requires }) });
    }), { numRuns: 500 });
  });

  it('nothing is deleted, replaced, or repaired without a health check or on an observed target, without a person', () => {
    fc.assert(fc.property(rules, givens, (all, given) => {
      const { change, environment, target, plan } = given;
      const guarded = change?.effect === 'delete' || change?.effect === 'replace' || (plan?.deletes ?? 0) > 0 || target?.health === false || environment?.remediation === 'observe';
      if (guarded) expect(decided(all, given).decision).not.toBe('remediate');
    }), { numRuns: 500 });
  });

  it('the risk is at least that of every rule that matches, and of the formula', () => {
    fc.assert(fc.property(rules, fc.constantFrom<Risk>(...RISKS), givens, (all, risk, given) => {
      const least = Math.max(RISKS.indexOf(risk), RISKS.indexOf(decided([], given).risk));
      expect(RISKS.indexOf(decided([...all, rule({ name: 'raising', risk })], given).risk)).toBeGreaterThanOrEqual(least);
    }), { numRuns: 300 });
  });
});

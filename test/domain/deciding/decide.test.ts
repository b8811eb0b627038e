import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Difference } from '../../../src/domain/change.js';
import { decideByRemediation, decideWith, splitParts } from '../../../src/domain/deciding/decide.js';
import type { Decided, Decision, DecisionInput, Risk } from '../../../src/domain/deciding/decision.js';
import { highestRisk } from '../../../src/domain/deciding/risk.js';
import type { Remediation } from '../../../src/domain/target.js';
import { change, decisionInput, HTTP, target } from '../build.js';

interface Row {
  readonly reason: string;
  readonly remediation?: Remediation;
  readonly effect?: Difference['effect'];
  readonly baseline?: DecisionInput['baseline'];
  readonly health?: readonly (typeof HTTP)[];
  readonly decision: Decision;
  readonly rule?: string;
}

function decide({ remediation = 'auto', effect = 'update', baseline, health = [HTTP] }: Partial<Row>): Decided {
  return decideByRemediation(decisionInput({ target: target({ remediation, health }), change: change({ effect }), ...(baseline === undefined ? {} : { baseline }) }));
}

describe('decideByRemediation', () => {
  const rows: Row[] = [
    { reason: 'it repairs by itself what was healthy before', baseline: 'healthy', decision: 'remediate', rule: 'remediation: auto' },
    { reason: 'a file that is missing is made again', effect: 'create', baseline: 'healthy', decision: 'remediate' },
    { reason: 'a delete is never automatic', effect: 'delete', baseline: 'healthy', decision: 'ask', rule: 'never-automatic-deletes' },
    { reason: 'a replace is never automatic', effect: 'replace', baseline: 'healthy', decision: 'ask', rule: 'never-automatic-deletes' },
    { reason: 'without a health check nothing can be proved', health: [], decision: 'ask', rule: 'health-required' },
    { reason: 'it was unhealthy before, so the repair cannot be judged', baseline: 'unhealthy', decision: 'ask', rule: 'unhealthy-before' },
    { reason: 'nobody could tell how it was', baseline: 'inconclusive', decision: 'ask', rule: 'unhealthy-before' },
    { reason: 'the measurement itself failed', baseline: 'error', decision: 'ask', rule: 'unhealthy-before' },
    { reason: 'a health check that was not run proves nothing', decision: 'ask', rule: 'unhealthy-before' },
    { reason: 'the target asks', remediation: 'ask', baseline: 'healthy', decision: 'ask', rule: 'remediation: ask' },
    { reason: 'the target asks, also for deletes', remediation: 'ask', effect: 'delete', decision: 'ask' },
    { reason: 'the target is only observed', remediation: 'observe', baseline: 'healthy', decision: 'hold', rule: 'remediation: observe' },
    { reason: 'observed means never', remediation: 'observe', effect: 'delete', baseline: 'unhealthy', decision: 'hold' },
  ];
  it.each(rows)('$decision: $reason', ({ decision, rule, ...input }) => {
    const decided = decide(input);
    expect(decided.decision).toBe(decision);
    expect(decided.reason).not.toBe('');
    if (rule !== undefined) expect(decided.rules[0]).toBe(rule);
  });

  it('says of what would be repaired nothing that its own setting denies', () => {
    for (const remediation of ['ask', 'observe'] as const) expect(decide({ remediation, baseline: 'healthy' }).would?.reason).toBe('no rule and no safeguard wants a person for it');
    expect(decide({ baseline: 'healthy' }).reason).toBe('this target repairs by itself');
  });

  it('says its risk with the parts of it', () => {
    const decided = decideByRemediation(decisionInput({ change: change({ path: '@mode' }), baseline: 'healthy' }));
    expect(decided).toMatchObject({ risk: 'high', inputs: { type: 'file', risk: { score: 28.8, class: { value: 'privilege' }, tier: { value: 'tier not said' } } } });
  });

  it.each<{ reason: string; remediation: Remediation; effect?: Difference['effect']; firstLook?: boolean; would?: Decision; rule?: string }>([
    { reason: 'it would be repaired', remediation: 'observe', would: 'remediate', rule: 'remediation: observe' },
    { reason: 'a delete would be asked about', remediation: 'observe', effect: 'delete', would: 'ask', rule: 'never-automatic-deletes' },
    { reason: 'first seen would be asked about', remediation: 'observe', firstLook: true, would: 'ask', rule: 'first-seen' },
    { reason: 'asked about, it would be repaired', remediation: 'ask', would: 'remediate' },
    { reason: 'what is repaired is no would', remediation: 'auto' },
  ])('$remediation would $would: $reason', ({ remediation, effect = 'update', firstLook = false, would, rule }) => {
    const decided = decideByRemediation(decisionInput({ target: target({ remediation }), change: change({ effect }), baseline: 'healthy', history: { recurrence: 0, firstLook } }));
    expect(decided.would?.decision).toBe(would);
    if (rule !== undefined) expect(decided.would?.rules[0]).toBe(rule);
  });

  it('never repairs by itself a delete, a replace, or what was not healthy before', () => {
    const input = fc.record({
      remediation: fc.constantFrom<Remediation[]>('observe', 'ask', 'auto'), effect: fc.constantFrom<Difference['effect'][]>('create', 'update', 'replace', 'delete'),
      baseline: fc.constantFrom<DecisionInput['baseline'][]>('healthy', 'unhealthy', 'inconclusive', 'error', undefined), health: fc.constantFrom([], [HTTP]),
    });
    fc.assert(fc.property(input, (given) => {
      const safe = given.remediation === 'auto' && (given.effect === 'create' || given.effect === 'update') && given.baseline === 'healthy' && given.health.length > 0;
      expect(decide(given).decision === 'remediate').toBe(safe);
    }));
  });
});

describe('safeguards', () => {
  const willing = decideWith(() => ({ decision: 'remediate', risk: 'low', rules: ['a rule that repairs everything'], reason: 'it says so' }));
  const input = (overrides: Partial<DecisionInput> = {}): DecisionInput => decisionInput({ target: target({ remediation: 'ask' }), baseline: 'healthy', ...overrides });

  it.each<{ reason: string; given?: Partial<DecisionInput>; decision: Decision; rule: string }>([
    { reason: 'a rule speaks before remediation', decision: 'remediate', rule: 'a rule that repairs everything' },
    { reason: 'no rule deletes by itself', given: { change: change({ effect: 'delete' }) }, decision: 'ask', rule: 'never-automatic-deletes' },
    { reason: 'no rule replaces by itself', given: { change: change({ effect: 'replace' }) }, decision: 'ask', rule: 'never-automatic-deletes' },
    { reason: 'no rule repairs what was first seen', given: { history: { recurrence: 0, firstLook: true } }, decision: 'ask', rule: 'first-seen' },
    { reason: 'unless the environment says so', given: { history: { recurrence: 0, firstLook: true }, environment: { name: 'preview', remediation: 'auto', timezone: 'UTC', firstSeen: 'repair' } }, decision: 'remediate', rule: 'a rule that repairs everything' },
    { reason: 'no rule overrules a step back', given: { steppedBack: { reason: 'rolled back before' } }, decision: 'ask', rule: 'step-back' },
    { reason: 'no rule repairs what cannot be measured', given: { target: target({ remediation: 'auto', health: [] }) }, decision: 'ask', rule: 'health-required' },
    { reason: 'no rule repairs what was unhealthy before', given: { baseline: 'unhealthy' }, decision: 'ask', rule: 'unhealthy-before' },
    { reason: 'no rule touches what is only observed', given: { target: target({ remediation: 'observe' }) }, decision: 'hold', rule: 'remediation: observe' },
  ])('$decision: $reason', ({ given, decision, rule }) => {
    const decided = willing(input(given));
    expect([decided.decision, decided.rules[0]]).toEqual([decision, rule]);
  });

  it.each<{ reason: string; remediation: Remediation; says: Decision; firstSeen?: 'repair'; told: boolean }>([
    { reason: 'whoever asks for another reason says it as well', remediation: 'ask', says: 'ask', told: true },
    { reason: 'so does who only observes', remediation: 'observe', says: 'ask', told: true },
    { reason: 'what is left alone needs no word', remediation: 'ask', says: 'accept', told: false },
    { reason: 'not where the environment has no history', remediation: 'ask', says: 'ask', firstSeen: 'repair', told: false },
  ])('first seen is told $told: $reason', ({ remediation, says, firstSeen, told }) => {
    const decide = decideWith(() => ({ decision: says, risk: 'low', rules: ['r'], reason: 'because' }));
    const found = decide(input({ target: target({ remediation }), history: { recurrence: 0, firstLook: true }, environment: { name: 'prod', remediation, timezone: 'UTC', ...(firstSeen === undefined ? {} : { firstSeen }) } }));
    expect([found.rules.includes('first-seen'), found.reason.endsWith('; first seen')]).toEqual([told, told]);
  });

  it('lower no risk that a rule gives, and a rule lowers none', () => {
    const low = decideWith(() => ({ decision: 'ask', risk: 'low', rules: ['r'], reason: 'r' }));
    const critical = decideWith(() => ({ decision: 'ask', risk: 'critical', rules: ['r'], reason: 'r' }));
    expect([low(input({ change: change({ path: '@mode' }) })).risk, critical(input()).risk]).toEqual(['high', 'critical']);
  });
});

const ORDER: readonly Decision[] = ['hold', 'ask', 'adopt', 'accept', 'remediate'];
const RISKS: readonly Risk[] = ['low', 'medium', 'high', 'critical'];

describe('splitParts', () => {
  const member = fc.record({ decision: fc.constantFrom(...ORDER), risk: fc.constantFrom(...RISKS), rule: fc.constantFrom('one', 'two'), reason: fc.constantFrom('because', 'since') });
  const members = fc.array(member, { maxLength: 12 }).map((all) => all.map(({ rule, ...rest }, index) => ({ change: change({ path: `/${index}` }), decided: { ...rest, rules: [rule] } })));

  it('keeps every change, in one part, with those of its own decision', () => {
    fc.assert(fc.property(members, (given) => {
      const parts = splitParts(given);
      expect(parts.flatMap((part) => part.changes.map((each) => each.path)).sort()).toEqual(given.map((each) => each.change.path).sort());
      for (const part of parts) for (const each of part.changes) expect(given.find((one) => one.change === each)?.decided.decision).toBe(part.decision);
    }));
  });

  it('has the most restrictive part first, whatever the order', () => {
    fc.assert(fc.property(members.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))), ([given, shuffled]) => {
      const decisions = splitParts(shuffled).map((part) => part.decision);
      expect(decisions).toEqual(ORDER.filter((decision) => decisions.includes(decision)));
      expect(decisions).toEqual(splitParts(given).map((part) => part.decision));
    }));
  });

  it('has the highest risk of its changes, and each rule and reason once', () => {
    const [part] = splitParts([
      { change: change({ path: '/a' }), decided: { decision: 'ask', risk: 'low', rules: ['one'], reason: 'because' } },
      { change: change({ path: '/b' }), decided: { decision: 'ask', risk: 'high', rules: ['two', 'one'], reason: 'because' } },
    ]);
    expect(part).toMatchObject({ decision: 'ask', risk: 'high', rules: ['one', 'two'], reason: 'because' });
  });

  it('keeps apart what is observed and would be decided differently', () => {
    const observed = (path: string, decision: Decision) => ({ change: change({ path }), decided: { decision: 'hold', risk: 'low', rules: [], reason: '', would: { decision, rules: [], reason: '' } } as Decided });
    expect(splitParts([observed('/a', 'remediate'), observed('/b', 'ask'), observed('/c', 'remediate')]).map((part) => [part.would, part.changes.length])).toEqual([['ask', 1], ['remediate', 2]]);
  });

  it('of nothing makes nothing', () => {
    expect(splitParts([])).toEqual([]);
  });
});

it.each<{ risks: Risk[]; highest: Risk; reason: string }>([
  { risks: [], highest: 'low', reason: 'nothing is at risk' },
  { risks: ['low', 'critical', 'high'], highest: 'critical', reason: 'the worst counts' },
  { risks: ['medium', 'low'], highest: 'medium', reason: 'the worst counts' },
])('the highest of $risks is $highest: $reason', ({ risks, highest }) => {
  expect(highestRisk(risks)).toBe(highest);
});

import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/ledger/ledger.js';
import { decideUnder } from '../../src/policy/decide.js';
import { explainedLines } from '../../src/cli/render/explain.js';
import { makeStyle } from '../../src/cli/render/style.js';
import { explainChange } from '../../src/policy/explain.js';
import { givenOf, NAMED, restOf } from '../../src/policy/recorded.js';
import { replay } from '../../src/policy/replay.js';
import type { GivenInput, Rule } from '../../src/policy/rule.js';
import { openRuleBook } from '../../src/policy/speak.js';
import { decideGiven, inputOf } from '../../src/policy/testing.js';
import { rule } from './rules.js';

const GIVEN: GivenInput = { environment: { name: 'prod', remediation: 'auto' }, change: { resource: 'etc/app.yaml', path: '/port', desired: 1, actual: 2 }, plan: { updates: 1 } };
const KEEP = rule({ name: 'keep', decision: 'ask', when: 'change.path == "/port"' });

/** As `assessed` entries hold it, through JSON as a ledger would. */
function entry(part: number, rules: readonly Rule[], given: GivenInput = GIVEN, more: object = {}): Entry {
  const input = inputOf(given);
  const { resource, path, kind, effect, fingerprint, revision } = input.change;
  const [known] = givenOf([input]);
  const data = { part, count: 1, planned: input.plan, changes: [{ resource, path, kind, effect, fingerprint, revision, ...decideGiven(decideUnder(rules), input), given: known }], ...more };
  return { seq: part, previous: '', hash: '', at: '2026-01-05T12:00:00.000Z', kind: 'assessed', environment: 'prod', target: 'web', incident: 3, data: JSON.parse(JSON.stringify(data)) as Entry['data'] };
}

async function* listed(...entries: readonly Entry[]): AsyncIterable<Entry> {
  for (const each of entries) yield await Promise.resolve(each);
}

const { target, environment } = inputOf(GIVEN);
const find = () => ({ target, environment });
const changesOf = () => Promise.reject(new Error('the entry says all of its changes'));

describe('replay', () => {
  it('decides the same under the same rules', async () => {
    expect(await replay(listed(entry(1, [KEEP])), { decide: decideUnder([KEEP]), find, changesOf })).toEqual({ decided: 1, same: 1, moved: [], counts: {}, risks: {}, notKept: 0, gone: 0 });
  });

  it('says which decisions other rules would change, with counts', async () => {
    const held = rule({ name: 'held', decision: 'hold', when: 'plan.resources > 0' });
    const result = await replay(listed(entry(1, [KEEP]), entry(2, [])), { decide: decideUnder([held]), find, changesOf });
    expect(result).toMatchObject({ decided: 2, same: 0, counts: { 'ask → hold': 1, 'remediate → hold': 1 } });
    expect(result.moved[0]).toMatchObject({ incident: 'prod/web#3', resource: 'etc/app.yaml', path: '/port', was: { decision: 'ask', rules: ['keep (rules.yaml:keep)'] }, now: { decision: 'hold', rules: ['held (rules.yaml:held)'] } });
  });

  it('decides by the remediation of that time: what is configured now changes nothing of it', async () => {
    const now = { target: { ...target, remediation: 'observe' as const }, environment };
    expect(await replay(listed(entry(1, [])), { decide: decideUnder([]), find: () => now, changesOf })).toMatchObject({ same: 1 });
  });

  it('says which risks would be others, also where the decision stays', async () => {
    const graver = rule({ name: 'keep', decision: 'ask', risk: 'critical', when: 'change.path == "/port"' });
    const result = await replay(listed(entry(1, [KEEP])), { decide: decideUnder([graver]), find, changesOf });
    const before = decideGiven(decideUnder([KEEP]), inputOf(GIVEN)).risk;
    expect(result).toMatchObject({ decided: 1, same: 0, counts: {}, risks: { [`${before} → critical`]: 1 }, moved: [{ was: { decision: 'ask', risk: before }, now: { decision: 'ask', risk: 'critical' } }] });
  });

  it('of what was only observed compares what would have been done', async () => {
    const watched: GivenInput = { ...GIVEN, environment: { name: 'prod', remediation: 'observe' } };
    const result = await replay(listed(entry(1, [], watched)), { decide: decideUnder([KEEP]), find, changesOf });
    expect(result).toMatchObject({ decided: 1, same: 0, counts: { 'hold (would remediate) → hold (would ask)': 1 }, moved: [{ was: { decision: 'hold', would: 'remediate' }, now: { decision: 'hold', would: 'ask' } }] });
  });

  it('decides again every change of a large part: those that the entry does not say all of stand in its plan', async () => {
    const inputs = Array.from({ length: 1_000 }, (_, index) => inputOf({ ...GIVEN, change: { ...GIVEN.change, path: index % 2 === 0 ? '/port' : `/host/${index}`, desired: index === 3 ? 'x'.repeat(5_000) : index }, history: { recurrence: index % 3 } }));
    const changes = inputs.map((each) => each.change);
    const decided = inputs.map((each) => decideGiven(decideUnder([KEEP]), each));
    const given = givenOf(inputs);
    const large = entry(1, [KEEP], GIVEN, {
      plan: 'f00d', count: 1_000, rest: restOf(given, decided, inputs),
      changes: changes.slice(0, NAMED).map(({ resource, path, kind, effect, fingerprint, revision }, index) => ({ resource, path, kind, effect, fingerprint, revision, ...decided[index], given: given[index] })),
    });
    expect(JSON.stringify(large.data['rest']).length).toBeLessThan(6_000);
    const held = rule({ name: 'held', decision: 'hold', when: 'change.desired == 900 || history.recurrence == 2 && change.path == "/port"' });
    const again = { find, changesOf: (plan: string) => Promise.resolve(plan === 'f00d' ? changes : undefined) };
    expect(await replay(listed(large), { ...again, decide: decideUnder([KEEP]) })).toMatchObject({ decided: 1_000, same: 1_000, notKept: 0 });
    const result = await replay(listed(large), { ...again, decide: decideUnder([KEEP, held]) });
    expect(result).toMatchObject({ decided: 1_000, counts: { 'ask → hold': inputs.filter(({ change, history }) => change.path === '/port' && (change.desired === 900 || history.recurrence === 2)).length } });
    // 99 of the first hundred stand in the entry itself.
    expect(await replay(listed(large), { find, changesOf: () => Promise.resolve(undefined), decide: decideUnder([KEEP]) })).toMatchObject({ decided: 99, notKept: 901 });
  });

  it('counts a part that was decided twice once, as the last', async () => {
    expect(await replay(listed(entry(1, [KEEP]), entry(1, [])), { decide: decideUnder([]), find, changesOf })).toMatchObject({ decided: 1, same: 1 });
  });

  it('says what it cannot decide again: what was not kept, and targets that are gone', async () => {
    const cut = entry(1, [KEEP], { ...GIVEN, change: { ...GIVEN.change, actual: 'x'.repeat(5_000) } });
    expect(await replay(listed(cut, entry(2, [KEEP], GIVEN, { count: 150 })), { decide: decideUnder([]), find, changesOf })).toMatchObject({ decided: 1, notKept: 150 });
    expect(await replay(listed(entry(1, [KEEP])), { decide: decideUnder([]), find: () => undefined, changesOf })).toMatchObject({ decided: 0, gone: 1 });
  });

  it('passes over entries that are not as they should be', async () => {
    const broken = { ...entry(1, []), data: { part: 1, count: 2, changes: [{ resource: 3 }, { resource: 'a', path: '' }] } };
    expect(await replay(listed(broken), { decide: decideUnder([]), find, changesOf })).toMatchObject({ decided: 0, notKept: 2 });
  });
});

describe('explaining', () => {
  it('says what each rule made of a change, and what its condition saw', () => {
    const rules = [
      KEEP, rule({ name: 'repairs', decision: 'remediate', when: 'change.desired == 1' }), rule({ name: 'raises', risk: 'high' }), rule({ name: 'trial', decision: 'hold', shadow: true }),
      rule({ name: 'fails', decision: 'remediate', when: 'change.desired.x == 1' }), rule({ name: 'not', decision: 'hold', when: 'change.path == "/host" || change.kind == "missing"' }),
      rule({ name: 'elsewhere', decision: 'hold', on: { type: ['Deployment'] } }),
    ];
    const { rules: explained, others } = explainChange(openRuleBook(rules), inputOf(GIVEN));
    expect(Object.fromEntries(explained.map((each) => [each.rule, each.result]))).toEqual({ keep: 'won', repairs: 'lost', raises: 'raised', trial: 'shadow', fails: 'failed', not: 'no' });
    expect(explained.find((each) => each.rule === 'repairs')).toMatchObject({ decision: 'remediate', when: 'change.desired == 1', saw: { 'change.desired': 1 } });
    expect(explained.find((each) => each.rule === 'fails')).toMatchObject({ decision: 'ask', reason: 'No such key: x' });
    expect(explained.find((each) => each.rule === 'raises'), 'what only raises says no decision').toStrictEqual({ rule: 'raises', at: 'rules.yaml:raises', result: 'raised', risk: 'high', saw: {} });
    expect(explained.find((each) => each.rule === 'keep'), 'what says no risk has none').not.toHaveProperty('risk');
    expect(others).toBe(1);
  });

  it.each<{ readonly reason: string; readonly given: GivenInput; readonly when: string }>([
    { reason: 'the owner of the environment', given: { environment: { owner: 'payments' } }, when: 'environment.owner == "payments"' },
    { reason: 'no owner, where none is given', given: {}, when: 'environment.owner == ""' },
    { reason: 'the owner of the target', given: { target: { owner: 'shop' } }, when: 'target.owner == "shop"' },
  ])('a given input has $reason', ({ given, when }) => {
    expect(explainChange(openRuleBook([rule({ when, decision: 'ask' })]), inputOf(given)).rules).toMatchObject([{ result: 'won' }]);
  });

  it('says of a rule whose date has passed that it has ended, and not that its condition does not hold', () => {
    const explained = explainChange(openRuleBook([rule({ name: 'old', decision: 'hold', until: '2020-01-01T00:00:00.000Z' })]), inputOf(GIVEN));
    expect(explained.rules).toMatchObject([{ result: 'no', ended: '2020-01-01T00:00:00.000Z' }]);
    expect(explainedLines({ resource: 'a', path: '', kind: 'drifted', effect: 'update', ...explained }, makeStyle(false)).join('\n')).toContain('hold; has ended: its until, 2020-01-01T00:00:00.000Z, has passed');
  });

  it('says of every rule what it says itself: who must approve, and what it would decide by a plan that is not there', () => {
    const { plan: _, ...without } = GIVEN;
    const rules = [rule({ name: 'waits', when: 'plan.deletes == 0', decision: 'ask', requires: { any: [{ group: 'sre', count: 2 }, { group: 'leads', count: 1 }] } }), rule({ name: 'raises', risk: 'high' }), rule({ name: 'waits-too', when: 'plan.deletes == 0', risk: 'high' }), rule({ name: 'not', when: 'change.path == "/host" || change.kind == "missing"', decision: 'ask', requires: { all: [{ group: 'sre', count: 1 }, { group: 'leads', count: 1 }] } })];
    const explained = explainChange(openRuleBook(rules), inputOf(without));
    const lines = explainedLines({ resource: 'a', path: '', kind: 'changed', effect: 'update', ...explained }, makeStyle(false)).filter((line) => / \(rules\.yaml:/.test(line)).map((line) => line.trim());
    expect(lines).toEqual([
      'raised    raises (rules.yaml:raises): risk high; raises the risk',
      'waiting   waits (rules.yaml:waits): ask, 2 of sre or 1 of leads; reads a plan that is not there',
      'waiting   waits-too (rules.yaml:waits-too): risk high; reads a plan that is not there',
      'no        not (rules.yaml:not): ask, 1 of sre and 1 of leads; does not hold',
    ]);
  });

  it('without a plan says which rules wait for it', () => {
    const { plan: _, ...without } = GIVEN;
    expect(explainChange(openRuleBook([rule({ when: 'plan.deletes == 0', decision: 'ask' })]), inputOf(without)).rules).toMatchObject([{ result: 'waiting' }]);
  });
});

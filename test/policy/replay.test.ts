import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/ledger/ledger.js';
import { decideUnder } from '../../src/policy/decide.js';
import { explainChange } from '../../src/policy/explain.js';
import { givenOf } from '../../src/policy/recorded.js';
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

describe('replay', () => {
  it('decides the same under the same rules', async () => {
    expect(await replay(listed(entry(1, [KEEP])), { decide: decideUnder([KEEP]), find })).toEqual({ decided: 1, same: 1, moved: [], counts: {}, notKept: 0, gone: 0 });
  });

  it('says which decisions other rules would change, with counts', async () => {
    const held = rule({ name: 'held', decision: 'hold', when: 'plan.resources > 0' });
    const result = await replay(listed(entry(1, [KEEP]), entry(2, [])), { decide: decideUnder([held]), find });
    expect(result).toMatchObject({ decided: 2, same: 0, counts: { 'ask → hold': 1, 'remediate → hold': 1 } });
    expect(result.moved[0]).toMatchObject({ incident: 'prod/web#3', resource: 'etc/app.yaml', path: '/port', was: { decision: 'ask', rules: ['keep (rules.yaml:keep)'] }, now: { decision: 'hold', rules: ['held (rules.yaml:held)'] } });
  });

  it('decides by the remediation of that time: what is configured now changes nothing of it', async () => {
    const now = { target: { ...target, remediation: 'observe' as const }, environment };
    expect(await replay(listed(entry(1, [])), { decide: decideUnder([]), find: () => now })).toMatchObject({ same: 1 });
  });

  it('counts a part that was decided twice once, as the last', async () => {
    expect(await replay(listed(entry(1, [KEEP]), entry(1, [])), { decide: decideUnder([]), find })).toMatchObject({ decided: 1, same: 1 });
  });

  it('says what it cannot decide again: what was not kept, and targets that are gone', async () => {
    const cut = entry(1, [KEEP], { ...GIVEN, change: { ...GIVEN.change, actual: 'x'.repeat(5_000) } });
    expect(await replay(listed(cut, entry(2, [KEEP], GIVEN, { count: 150 })), { decide: decideUnder([]), find })).toMatchObject({ decided: 1, notKept: 150 });
    expect(await replay(listed(entry(1, [KEEP])), { decide: decideUnder([]), find: () => undefined })).toMatchObject({ decided: 0, gone: 1 });
  });

  it('passes over entries that are not as they should be', async () => {
    const broken = { ...entry(1, []), data: { part: 1, count: 2, changes: [{ resource: 3 }, { resource: 'a', path: '' }] } };
    expect(await replay(listed(broken), { decide: decideUnder([]), find })).toMatchObject({ decided: 0, notKept: 2 });
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
    expect(others).toBe(1);
  });

  it('without a plan says which rules wait for it', () => {
    const { plan: _, ...without } = GIVEN;
    expect(explainChange(openRuleBook([rule({ when: 'plan.deletes == 0', decision: 'ask' })]), inputOf(without)).rules).toMatchObject([{ result: 'waiting' }]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failedIn, halfOpen, tripped, type Failure } from '../../../src/domain/gates/breaker.js';
import { askGates } from '../../../src/domain/gates/ask.js';
import type { Asking, GateRow } from '../../../src/domain/gates/facts.js';
import type { Json } from '../../../src/domain/json.js';
import { nextPhase, TRANSITIONS, type Phase } from '../../../src/domain/phase.js';

const CHANGE = { fingerprint: 'v1:one', revision: 'r1', resource: 'etc/app.yaml', path: '/port' };
const MINE = 'prod/storefront#7/1';
const OTHER = 'prod/search#2/1';

function clock(time: string): string {
  return `2026-11-02T${time}:00.000Z`;
}

/** Opened by failed repairs; one is let through from 10:00 on. */
const FAILING: GateRow = { scope: 'prod', gate: 'breaker', by: 'holdfast', reason: '3 failed repairs', halfOpenAt: clock('10:00') };
const BROKEN: GateRow = { scope: 'prod', gate: 'breaker', by: 'holdfast', reason: 'a rollback did not restore everything' };
const probe = (holder: string): GateRow => ({ scope: 'prod', gate: 'breaker', by: 'holdfast', reason: 'it was let through', holder });

function ask(at: string, rows: readonly GateRow[], overrides: Partial<Asking> = {}): ReturnType<typeof askGates> {
  return askGates({ at, rows }, { action: 'stage', changes: [CHANGE], automatic: true, holder: MINE, ...overrides });
}

describe('the breaker that failed repairs open', () => {
  it.each<{ at: string; rows: readonly GateRow[]; asking?: Partial<Asking>; open: boolean; opensAt?: string; reason: string }>([
    { at: '09:59', rows: [], open: true, reason: 'nothing failed' },
    { at: '09:59', rows: [FAILING], open: false, opensAt: clock('10:00'), reason: 'a minute before one is let through, nobody is' },
    { at: '09:59', rows: [FAILING], asking: { automatic: false }, open: false, opensAt: clock('10:00'), reason: 'an approved repair fails as the others did: it waits too' },
    { at: '09:59', rows: [FAILING], asking: { automatic: false, breakGlass: true }, open: true, reason: 'whoever breaks the glass goes through' },
    { at: '09:59', rows: [FAILING], asking: { action: 'finalize' }, open: false, opensAt: clock('10:00'), reason: 'what was staged before it opened does not switch over' },
    { at: '10:00', rows: [FAILING], open: true, reason: 'at its time it is half-open, and nobody was let through yet' },
    { at: '10:00', rows: [FAILING, probe(OTHER)], open: false, reason: 'another was let through: its end decides, and no time' },
    { at: '10:00', rows: [FAILING, probe(MINE)], open: true, reason: 'the one that was let through goes on' },
    { at: '10:00', rows: [FAILING, probe(MINE)], asking: { action: 'finalize' }, open: true, reason: 'and switches over' },
    { at: '10:00', rows: [FAILING, probe('prod/storefront#7/2')], open: false, reason: 'another part of the same incident is another repair' },
    { at: '10:00', rows: [FAILING, probe(MINE)], asking: { holder: 'prod/storefront#70/1' }, open: false, reason: 'a number that begins the same is another incident' },
    { at: '23:00', rows: [FAILING, probe(OTHER)], open: false, reason: 'however long the one that was let through takes' },
    { at: '10:00', rows: [FAILING, probe(OTHER)], asking: { automatic: false }, open: false, reason: 'an approved one waits for the end of the one that was let through' },
    { at: '10:00', rows: [FAILING, BROKEN], open: false, reason: 'a rollback that failed is released by a person, whatever its time' },
    { at: '10:00', rows: [FAILING, BROKEN], asking: { automatic: false }, open: true, reason: 'approved, the half-open one lets it through and the other does not hold it' },
    { at: '09:00', rows: [FAILING, BROKEN], asking: { automatic: false }, open: false, opensAt: clock('10:00'), reason: 'approved, the failing one still holds it' },
    { at: '09:00', rows: [probe(OTHER)], open: true, reason: 'a place without a breaker holds nobody' },
  ])('$at $open: $reason', ({ at, rows, asking, open, opensAt }) => {
    const answer = ask(clock(at), rows, asking);
    expect(answer.allowed).toBe(open);
    if (answer.allowed) return;
    expect(answer.gate).toBe('breaker');
    expect(answer.opensAt).toBe(opensAt);
    expect(answer.command).toBe('holdfast release prod --gate breaker --reason WHY');
  });

  it('says what it waits for and when: the time before it, the incident that was let through after it', () => {
    expect(ask(clock('09:59'), [FAILING])).toMatchObject({ reason: 'breaker of prod, one repair is let through at 2026-11-02T10:00:00.000Z: 3 failed repairs' });
    expect(ask(clock('10:01'), [FAILING, probe(OTHER)])).toMatchObject({ reason: 'breaker of prod, half-open: the repair of prod/search#2 was let through, and its end decides: 3 failed repairs' });
  });

  it('gives a place away only while it is half-open and has given none', () => {
    const facts = (at: string, rows: readonly GateRow[]) => ({ at: clock(at), rows });
    expect(halfOpen(facts('09:59', [FAILING]))).toBeUndefined();
    expect(halfOpen(facts('10:00', [FAILING]))).toBe('prod');
    expect(halfOpen(facts('10:00', [FAILING, probe(OTHER)]))).toBeUndefined();
    expect(halfOpen(facts('10:00', [BROKEN]))).toBeUndefined();
  });
});

describe('tripped', () => {
  const limit = { max: 3, withinMs: 3_600_000 };
  const failed = (time: string, part: string): Failure => ({ at: clock(time), part });
  const now = { part: MINE, at: clock('12:00'), wasLetThrough: false };

  it.each<{ failures: readonly Failure[]; last?: Partial<typeof now>; max?: number; at?: string; opens: boolean; reason: string }>([
    { failures: [], opens: false, reason: 'the first failure' },
    { failures: [failed('11:30', OTHER)], opens: false, reason: 'the second' },
    { failures: [failed('11:30', OTHER), failed('11:50', 'prod/search#3/1')], opens: true, reason: 'the third within the hour' },
    { failures: [failed('11:30', OTHER), failed('11:50', 'prod/search#3/1'), failed('12:00', MINE)], opens: true, reason: 'its own entry counts once' },
    { failures: [failed('11:30', OTHER), failed('12:00', MINE)], opens: false, reason: 'its own entry is no other failure' },
    { failures: [failed('11:30', OTHER), failed('11:31', OTHER)], opens: false, reason: 'the same repair is told twice, by its rollback and by its end' },
    { failures: [failed('11:30', 'prod/search#2/1'), failed('11:31', 'prod/search#2/2')], opens: true, reason: 'two parts of an incident are two repairs' },
    { failures: [failed('11:00', OTHER), failed('11:50', 'prod/search#3/1')], opens: false, reason: 'an hour ago to the second is outside' },
    { failures: [failed('11:01', OTHER), failed('11:50', 'prod/search#3/1')], opens: true, reason: 'a minute later is inside' },
    { failures: [failed('12:05', OTHER), failed('12:06', 'prod/search#3/1')], at: '13:06', opens: true, reason: 'those that failed while it was being put back may have been counted before it was written down' },
    { failures: [failed('11:20', OTHER), failed('12:30', 'prod/search#3/1')], opens: false, reason: 'the hour before it and the hour after it are two hours' },
    { failures: [failed('12:30', OTHER), failed('13:00', 'prod/search#3/1')], opens: false, reason: 'an hour later to the second is outside' },
    { failures: [], max: 1, opens: true, reason: 'with a limit of one, one is enough' },
    { failures: [], last: { wasLetThrough: true }, opens: true, reason: 'the one that was let through failed: open again, however long ago the others were' },
  ])('$opens: $reason', ({ failures, last, max, at = '13:00', opens }) => {
    const result = tripped({ ...limit, ...(max === undefined ? {} : { max }) }, failures, { ...now, ...last });
    expect(result?.halfOpenAt).toBe(opens ? clock(at) : undefined);
  });

  it('names the incidents that failed', () => {
    expect(tripped({ max: 2, withinMs: 3_600_000 }, [failed('11:30', OTHER)], now)?.reason).toBe('2 failed repairs within 1 hour (prod/search#2, prod/storefront#7)');
    expect(tripped({ max: 2, withinMs: 90_000 }, [failed('11:59', OTHER)], now)?.reason).toContain('within 90 seconds');
    expect(tripped(limit, [], { ...now, wasLetThrough: true })?.reason).toBe('the repair that was let through failed as well: prod/storefront#7');
  });

  const failure = fc.record({ at: fc.integer({ min: 0, max: 240 }).map((minute) => new Date(Date.parse(clock('10:00')) + minute * 60_000).toISOString()), part: fc.constantFrom('prod/a#1/1', 'prod/b#1/1', 'prod/c#1/1', 'prod/d#1/1') });

  it('opens for no fewer than the limit within one such time, whatever their order', () => {
    fc.assert(fc.property(fc.array(failure, { maxLength: 8 }), (failures) => {
      const within = (end: number): number => new Set([...failures.filter((each) => Date.parse(each.at) > end - limit.withinMs && Date.parse(each.at) <= end).map((each) => each.part), MINE]).size;
      const from = Date.parse(now.at);
      const most = Math.max(...Array.from({ length: 60 }, (_, minute) => within(from + minute * 60_000)));
      expect(tripped(limit, failures, now) !== undefined).toBe(most >= limit.max);
      expect(tripped(limit, [...failures].reverse(), now)?.halfOpenAt).toBe(tripped(limit, failures, now)?.halfOpenAt);
    }));
  });

  it('of repairs that fail at once, each written down after the others were counted, at least one opens it', () => {
    fc.assert(fc.property(fc.array(failure, { minLength: 3, maxLength: 6 }), fc.integer({ min: 1, max: 4 }), (all, max) => {
      const opened = all.some((each) => tripped({ ...limit, max }, all, { ...each, wasLetThrough: false }) !== undefined);
      const parts = Math.max(...all.map(({ at }) => new Set(all.filter((other) => other.at <= at && Date.parse(other.at) > Date.parse(at) - limit.withinMs).map((other) => other.part)).size));
      expect(opened).toBe(parts >= max);
    }));
  });
});

describe('failedIn', () => {
  const rolledBack = (data: Record<string, Json>) => ({ kind: 'rolled-back', data: { part: 1, round: 1, result: 'restored', ...data } });
  it.each<{ entry: { kind: string; data: Record<string, Json> }; parts: number[]; reason: string }>([
    { entry: rolledBack({ cause: 'unhealthy' }), parts: [1], reason: 'health failed' },
    { entry: rolledBack({ cause: 'failed' }), parts: [1], reason: 'a step failed' },
    { entry: rolledBack({ cause: 'asked' }), parts: [], reason: 'a person undid it' },
    { entry: rolledBack({ cause: 'cancelled' }), parts: [], reason: 'a person cancelled it' },
    { entry: rolledBack({ cause: 'gate-closed' }), parts: [], reason: 'a gate closed: it was unstaged, and goes on later' },
    { entry: rolledBack({ cause: 'moved' }), parts: [], reason: 'what drifted moved: it is decided again' },
    { entry: rolledBack({ cause: 'asked', result: 'not-restored' }), parts: [1], reason: 'undone by a person, and not restored: half a repair stands there' },
    { entry: { kind: 'closed', data: { parts: [{ part: 1, outcome: 'needs-human' }, { part: 2, outcome: 'fixed' }] } }, parts: [1], reason: 'what needs a person counts, the part that was repaired beside it does not' },
    { entry: { kind: 'closed', data: { parts: [{ part: 1, outcome: 'rolled-back' }] } }, parts: [], reason: 'a rollback tells its own cause' },
    { entry: { kind: 'closed', data: { parts: [{ part: 1, outcome: 'rejected' }, { part: 2, outcome: 'expired' }, { part: 3, outcome: 'cleared' }] } }, parts: [], reason: 'nothing was repaired, so nothing failed' },
    { entry: { kind: 'closed', data: { parts: [null, 'x', { outcome: 'needs-human' }] } }, parts: [], reason: 'an entry without sense fails nothing' },
    { entry: { kind: 'closed', data: {} }, parts: [], reason: 'an end without parts' },
    { entry: { kind: 'finalized', data: { part: 1 } }, parts: [], reason: 'a switch is no failure' },
  ])('$parts: $reason', ({ entry, parts }) => {
    expect(failedIn(entry)).toEqual(parts);
  });
});

describe('a breaker never fails an incident', () => {
  it('whatever rows there are, it opens or it waits, and what waits is told how it goes on: at a time, or by a command', () => {
    const row = fc.constantFrom(FAILING, BROKEN, probe(MINE), probe(OTHER), { ...FAILING, halfOpenAt: clock('23:00') });
    fc.assert(fc.property(fc.array(row, { maxLength: 4 }), fc.integer({ min: 0, max: 1_439 }), fc.boolean(), fc.constantFrom('stage' as const, 'finalize' as const), (rows, minute, automatic, action) => {
      const answer = ask(new Date(Date.parse('2026-11-02T00:00:00.000Z') + minute * 60_000).toISOString(), rows, { automatic, action });
      expect(answer.allowed || answer.gate === 'breaker').toBe(true);
      if (!answer.allowed) expect(answer.command).toContain('--gate breaker');
    }));
  });

  it('at the instant that it names it lets exactly one through', () => {
    fc.assert(fc.property(fc.uniqueArray(fc.constantFrom('prod/a#1/1', 'prod/b#1/1', 'prod/c#1/1', 'prod/d#1/1'), { minLength: 1 }), (holders) => {
      let rows: readonly GateRow[] = [FAILING];
      const passed = holders.filter((holder) => {
        const answer = ask(clock('10:00'), rows, { holder });
        // Who passes takes the place, as `takePlace` does atomically.
        if (answer.allowed && halfOpen({ at: clock('10:00'), rows }) !== undefined) rows = [...rows, probe(holder)];
        return answer.allowed;
      });
      expect(passed).toEqual(holders.slice(0, 1));
    }));
  });

  it('a gate that closes ends no part: from wherever it is heard, the part waits in the end', () => {
    for (const phase of Object.keys(TRANSITIONS) as Phase[]) {
      const next = nextPhase(phase, 'gate-closed');
      expect([phase, next]).not.toEqual([phase, phase === 'closed' ? 'none' : 'closed']);
      if (next === 'rolling-back') expect(nextPhase(next, 'gate-closed')).toBe('waiting');
    }
  });
});

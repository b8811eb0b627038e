import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { askGates } from '../../../src/domain/gates/ask.js';
import type { Asking, GateRow } from '../../../src/domain/gates/facts.js';

const BUDGET = { max: 2, withinMs: 3_600_000 };
const MINE = 'prod/storefront#7/1';

function clock(time: string): string {
  return `2026-11-02T${time}:00.000Z`;
}

const place = (time: string, holder = `prod/search#${time}/1`): GateRow => ({ scope: 'prod', gate: 'budget', by: 'holdfast', reason: 'it was let through', holder, at: clock(time) });

function ask(at: string, rows: readonly GateRow[], asking: Partial<Asking> = {}, budget = BUDGET): ReturnType<typeof askGates> {
  return askGates({ at: clock(at), rows, environment: 'prod', budget }, { action: 'stage', changes: [], automatic: true, holder: MINE, ...asking });
}

describe('the budget', () => {
  it.each<{ at: string; rows: readonly GateRow[]; asking?: Partial<Asking>; budget?: typeof BUDGET; opensAt?: string; reason: string }>([
    { at: '12:00', rows: [], reason: 'nothing was repaired yet' },
    { at: '12:00', rows: [place('11:30')], reason: 'one of two' },
    { at: '12:00', rows: [place('11:30'), place('11:45')], opensAt: clock('12:30'), reason: 'used up until the oldest leaves it' },
    { at: '12:00', rows: [place('11:45'), place('11:30')], opensAt: clock('12:30'), reason: 'the oldest, in whatever order they are told' },
    { at: '12:30', rows: [place('11:30'), place('11:45')], reason: 'at that moment one may begin' },
    { at: '12:00', rows: [place('11:00'), place('11:45')], reason: 'an hour old to the second has left it' },
    { at: '12:00', rows: [place('11:10'), place('11:20'), place('11:40')], opensAt: clock('12:20'), reason: 'lowered to two while three stand: two must leave' },
    { at: '12:00', rows: [place('11:30'), place('11:45')], asking: { automatic: false }, reason: 'what a person approved neither waits nor counts' },
    { at: '12:00', rows: [place('11:30'), place('11:45', MINE)], reason: 'what has its place goes on: it is staged again, or switches over' },
    { at: '12:00', rows: [place('11:30'), place('11:45', MINE)], asking: { action: 'finalize' }, reason: 'between stage and switch its own place is not in its way' },
    { at: '12:00', rows: [place('11:30'), place('11:45', 'prod/storefront#7/2')], opensAt: clock('12:30'), reason: 'another part is another repair' },
    { at: '12:00', rows: [place('11:30'), place('11:45')], budget: { max: 3, withinMs: 3_600_000 }, reason: 'raised to three' },
    { at: '12:00', rows: [place('11:30'), place('11:45')], budget: { max: 2, withinMs: 600_000 }, reason: 'counted over ten minutes only, as the configuration says now' },
    { at: '12:00', rows: [{ ...place('11:30'), gate: 'breaker' }, place('11:45')], reason: 'a place of another gate does not count' },
  ])('$at: $reason', ({ at, rows, asking, budget, opensAt }) => {
    const answer = ask(at, rows, asking, budget);
    expect(answer.allowed ? undefined : answer.opensAt).toBe(opensAt);
    if (!answer.allowed) expect(answer).toMatchObject({ gate: 'budget', command: 'holdfast release prod --gate budget --reason WHY' });
  });

  it('holds nobody where none is set', () => {
    expect(askGates({ at: clock('12:00'), rows: [place('11:30'), place('11:45')], environment: 'prod' }, { action: 'stage', changes: [], automatic: true }).allowed).toBe(true);
  });

  it('says how much is used up and when the next can begin', () => {
    expect(ask('12:00', [place('11:30'), place('11:45')])).toMatchObject({ reason: `budget of prod: 2 of 2 automatic repairs are used up, the next one can begin at ${clock('12:30')}` });
  });

  it('at the instant that it names, one place at least is free', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 90 }), { maxLength: 12 }), fc.integer({ min: 1, max: 5 }), (minutes, max) => {
      const rows = minutes.map((minute, index) => ({ ...place('11:00', `prod/s#${index}/1`), at: new Date(Date.parse(clock('11:00')) + minute * 60_000).toISOString() }));
      const facts = { rows, environment: 'prod', budget: { max, withinMs: 3_600_000 } };
      const asking = { action: 'stage' as const, changes: [], automatic: true };
      const answer = askGates({ ...facts, at: clock('12:30') }, asking);
      if (answer.allowed) return;
      expect(answer.opensAt).toBeDefined();
      expect(Date.parse(answer.opensAt ?? '')).toBeGreaterThan(Date.parse(clock('12:30')));
      expect(askGates({ ...facts, at: answer.opensAt ?? '' }, asking).allowed).toBe(true);
      expect(askGates({ ...facts, at: new Date(Date.parse(answer.opensAt ?? '') - 1).toISOString() }, asking).allowed).toBe(false);
    }));
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clockChanges } from '../../../src/config/occurrences.js';
import { neverOpens } from '../../../src/config/windows.js';
import { openingFor, type TimeWindow, type WindowAction, type WindowRule } from '../../../src/domain/gates/window.js';
import { allow, ask, rules } from './windows.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const ZONES = ['UTC', 'Europe/London', 'America/New_York', 'Asia/Tokyo', 'Australia/Lord_Howe', 'Asia/Kathmandu'] as const;
const STARTS = ['0 9 * * 1-5', '30 1 * * *', '0 0 * * *', '0 22 * * 5', '15 2 * * 0', '0 */6 * * *', '45 * * * *', '0 12 1 * *', '30 2 * * 6', '0 3 * * 1-5'] as const;

const windowOf = fc.record({
  kind: fc.constantFrom('allow' as const, 'deny' as const),
  start: fc.constantFrom(...STARTS),
  durationMs: fc.integer({ min: 1, max: 60 }).map((quarters) => quarters * HOUR_MS / 4),
  timezone: fc.constantFrom(...ZONES),
  actions: fc.constantFrom<readonly WindowAction[]>(['finalize'], ['stage'], ['stage', 'finalize']),
  overrun: fc.boolean(),
});
const someWindows = fc.array(windowOf, { minLength: 1, maxLength: 4 });
/** A year with every change of the clocks, to the minute; half of them near one. */
const instant = fc.oneof(
  fc.integer({ min: 0, max: 366 * 24 * 60 }).map((minutes) => Date.parse('2026-01-01T00:00Z') + minutes * 60_000),
  fc.tuple(fc.constantFrom('2026-03-08', '2026-03-29', '2026-04-04', '2026-10-03', '2026-10-25', '2026-11-01'), fc.integer({ min: -1440, max: 2880 })).map(([day, minutes]) => Date.parse(`${day}T00:00Z`) + minutes * 60_000),
);

function isoOf(at: number): string {
  return new Date(at).toISOString();
}

function isActive(rule: WindowRule, at: number): boolean {
  const start = rule.last(at);
  return start !== undefined && at < start + rule.durationMs;
}

/** The rule in one line, without any search. */
function isOpen(known: readonly WindowRule[], at: number): boolean {
  const own = known.filter((rule) => rule.actions.includes('finalize'));
  const allows = own.filter((rule) => rule.kind === 'allow');
  return !own.some((rule) => rule.kind === 'deny' && isActive(rule, at)) && (allows.length === 0 || allows.some((rule) => isActive(rule, at)));
}

/** The same for what was begun while it was open, as Argo CD has it: every deny that is active, or every allow, must let it finish. */
function mayFinish(known: readonly WindowRule[], at: number): boolean {
  const own = known.filter((rule) => rule.actions.includes('finalize'));
  const denies = own.filter((rule) => rule.kind === 'deny' && isActive(rule, at));
  if (denies.length > 0) return denies.every((rule) => rule.overrun);
  return isOpen(known, at) || own.every((rule) => rule.kind === 'deny' || rule.overrun);
}

/** Every instant at which something begins or ends, with the one before. */
function edges(windows: readonly TimeWindow[], from: number, to: number): readonly number[] {
  const found = new Set<number>();
  for (const rule of rules(...windows)) {
    let steps = 0;
    for (let start = rule.last(from) ?? rule.next(from); start !== undefined && start < to && steps < 40; start = rule.next(start), steps += 1) {
      for (const edge of [start - 1, start, start + rule.durationMs - 1, start + rule.durationMs]) if (edge >= from && edge < to) found.add(edge);
    }
  }
  return [...found];
}

describe('whatever windows there are', () => {
  it('the answer is that of the rule: a deny closes, an allow opens, none opens', () => {
    fc.assert(fc.property(someWindows, instant, (windows, at) => {
      expect(ask(windows, { at: isoOf(at) }).allowed).toBe(isOpen(rules(...windows), at));
    }), { numRuns: 60 });
  });

  it('a deny beats any allow, in whatever order they are written', () => {
    fc.assert(fc.property(someWindows, instant, fc.infiniteStream(fc.nat()), (windows, at, picks) => {
      const shuffled = [...windows].map((window) => ({ window, key: picks.next().value as number })).sort((one, other) => one.key - other.key).map((each) => each.window);
      const answer = ask(windows, { at: isoOf(at) });
      const other = ask(shuffled, { at: isoOf(at) });
      expect(other.allowed).toBe(answer.allowed);
      if (!answer.allowed && !other.allowed) expect(other.opensAt).toBe(answer.opensAt);
      const isDenied = rules(...windows).some((rule) => rule.kind === 'deny' && rule.actions.includes('finalize') && isActive(rule, at));
      if (isDenied) expect(answer.allowed).toBe(false);
    }), { numRuns: 60 });
  });

  it('what was begun while it was open may finish where every active deny, or else every allow, has overrun', () => {
    const begun = fc.tuple(someWindows, instant).filter(([windows, at]) => isOpen(rules(...windows), at));
    fc.assert(fc.property(begun, fc.integer({ min: 1, max: 600 }), ([windows, from], minutes) => {
      const at = from + minutes * 60_000;
      expect(ask(windows, { at: isoOf(at), begunAt: isoOf(from) }).allowed).toBe(mayFinish(rules(...windows), at));
    }), { numRuns: 100 });
  });

  it('when it is said to open it is open, and not at any edge before', () => {
    fc.assert(fc.property(someWindows, instant, (windows, at) => {
      const answer = ask(windows, { at: isoOf(at) });
      if (answer.allowed || answer.opensAt === undefined || /at least until/.test(answer.reason)) return;
      const opensAt = Date.parse(answer.opensAt);
      const known = rules(...windows);
      expect(opensAt).toBeGreaterThan(at);
      expect(isOpen(known, opensAt)).toBe(true);
      expect(isOpen(known, opensAt - 1)).toBe(false);
      for (const edge of edges(windows, at, opensAt)) expect(isOpen(known, edge), isoOf(edge)).toBe(false);
    }), { numRuns: 60 });
  });

  it('when it is said to close it is closed, and not before', () => {
    fc.assert(fc.property(someWindows, instant, (windows, at) => {
      const answer = ask(windows, { at: isoOf(at) });
      if (!answer.allowed || answer.closesAt === undefined) return;
      const closesAt = Date.parse(answer.closesAt);
      const known = rules(...windows);
      expect(isOpen(known, closesAt)).toBe(false);
      for (const edge of edges(windows, at, closesAt)) expect(isOpen(known, edge), isoOf(edge)).toBe(true);
    }), { numRuns: 60 });
  });

  it('where staging is open, its switch can follow while the stage is kept', () => {
    fc.assert(fc.property(someWindows, instant, (windows, at) => {
      const answer = ask(windows, { at: isoOf(at), action: 'stage' });
      const stagedAt = answer.allowed ? at : answer.opensAt === undefined || /at least until/.test(answer.reason) ? undefined : Date.parse(answer.opensAt);
      if (stagedAt === undefined) return;
      expect(ask(windows, { at: isoOf(stagedAt), action: 'stage' }).allowed).toBe(true);
      const switched = ask(windows, { at: isoOf(stagedAt) });
      expect(switched.allowed ? stagedAt : Date.parse(switched.opensAt ?? '')).toBeLessThanOrEqual(stagedAt + HOUR_MS / 2);
    }), { numRuns: 60 });
  });

  it('one more deny opens nothing, and overrun closes nothing', () => {
    fc.assert(fc.property(someWindows, windowOf, instant, fc.integer({ min: 1, max: 180 }), (windows, another, at, minutes) => {
      const asking = { at: isoOf(at), begunAt: isoOf(at - minutes * 60_000) };
      const answer = ask(windows, asking);
      if (!answer.allowed) expect(ask([...windows, { ...another, kind: 'deny', overrun: false }], asking).allowed).toBe(false);
      if (ask(windows, { at: asking.at }).allowed) expect(answer.allowed).toBe(true);
    }), { numRuns: 60 });
  });

  it('a zone is where it is: nine in Tokyo is midnight in UTC', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 1, max: 40 }), instant, (hour, hours, at) => {
      const tokyo = allow(`0 ${hour} * * *`, `${hours}h`, { timezone: 'Asia/Tokyo' });
      const utc = allow(`0 ${(hour + 15) % 24} * * *`, `${hours}h`, { timezone: 'UTC' });
      const [one, other] = [ask([tokyo], { at: isoOf(at) }), ask([utc], { at: isoOf(at) })];
      expect(one.allowed).toBe(other.allowed);
      if (!one.allowed && !other.allowed) expect(one.opensAt).toBe(other.opensAt);
    }), { numRuns: 40 });
  });

  it('what is valid at load opens within the next years, and what opens at no time is refused', () => {
    fc.assert(fc.property(someWindows, (windows) => {
      const answer = ask(windows, { at: '2024-01-01T00:00:00.000Z', action: 'stage' });
      const opens = answer.allowed || answer.opensAt !== undefined;
      if (neverOpens(windows) === undefined) expect(opens).toBe(true);
    }), { numRuns: 40 });
  });

  it('what is refused at load is closed at every time, but for the nights on which the clocks change', () => {
    const dense = fc.record({ kind: fc.constantFrom('deny' as const, 'deny' as const, 'allow' as const), start: fc.constantFrom('0 0 * * *', '0 8 * * *', '0 16 * * *', '0 0 * * 1-5', '0 0 * * 0,6', '0 */2 * * *'), durationMs: fc.constantFrom(8, 16, 24, 48).map((hours) => hours * HOUR_MS), timezone: fc.constantFrom('UTC', 'Europe/London', 'America/New_York'), actions: fc.constant<readonly WindowAction[]>(['finalize']), overrun: fc.constant(false) });
    let refused = 0;
    fc.assert(fc.property(fc.array(dense, { minLength: 1, maxLength: 5 }), fc.array(instant, { minLength: 10, maxLength: 10 }), (windows, instants) => {
      if (neverOpens(windows) !== 'finalize') return;
      refused += 1;
      const known = rules(...windows);
      for (const at of instants) {
        const isNearChange = windows.some(({ timezone }) => clockChanges(timezone, Math.floor((at - 4 * DAY_MS) / DAY_MS) * DAY_MS, at + DAY_MS).length > 0);
        if (!isNearChange) expect(isOpen(known, at), isoOf(at)).toBe(false);
      }
    }), { numRuns: 150 });
    expect(refused).toBeGreaterThan(10);
  });

  it('a search looks only so often, however many windows there are', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 120 }), fc.integer({ min: 1, max: 59 }), fc.constantFrom<WindowAction>('stage', 'finalize'), (count, minutes, action) => {
      let looks = 0;
      const every = Array.from({ length: count }, (_, index): WindowRule => {
        const startMs = index * 7 * 60_000;
        const last = (at: number): number => Math.floor((at - startMs) / HOUR_MS) * HOUR_MS + startMs;
        const counted = (answer: (at: number) => number) => (at: number): number => {
          looks += 1;
          return answer(at);
        };
        return { name: String(index), kind: 'deny', durationMs: minutes * 60_000, timezone: 'UTC', actions: ['stage', 'finalize'], overrun: false, last: counted(last), next: counted((at) => last(at) + HOUR_MS) };
      });
      openingFor(every, { action, from: Date.parse('2026-01-01T00:00Z') });
      expect(looks).toBeLessThanOrEqual(15_000);
    }), { numRuns: 60 });
  });
});

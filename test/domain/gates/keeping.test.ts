import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClosedAnswer, GateAnswer, GateName } from '../../../src/domain/gates/gate.js';
import { keptUntil, STAGE_KEPT_MS } from '../../../src/domain/gates/keeping.js';

const STAGED_AT = '2026-11-23T12:00:00.000Z';
const LIMIT = '2026-11-23T12:30:00.000Z';
const EVERY: Readonly<Record<GateName, true>> = { window: true, freeze: true, breaker: true, budget: true, quarantine: true, 'blast-radius': true, flapping: true, settling: true, busy: true, after: true, 'step-back': true };
const NEVER_KEPT: readonly GateName[] = ['freeze', 'quarantine', 'flapping', 'blast-radius', 'step-back'];

function at(minute: number): string {
  return new Date(Date.parse(STAGED_AT) + minute * 60_000).toISOString();
}

function closed(gate: GateName, opens?: number, also?: readonly ClosedAnswer[]): GateAnswer & { readonly allowed: false } {
  return { allowed: false, gate, reason: gate, ...(opens === undefined ? {} : { opensAt: at(opens) }), ...(also === undefined ? {} : { also }) };
}

describe('whether what was staged is kept for a gate that closed before the switch', () => {
  it.each<{ gate: GateAnswer; now: number; kept: boolean; reason: string }>([
    { gate: { allowed: true }, now: 5, kept: false, reason: 'nothing is closed: it is switched' },
    { gate: closed('window', 20), now: 5, kept: true, reason: 'a window that opens within the limit' },
    { gate: closed('window', 30), now: 5, kept: true, reason: 'at the limit' },
    { gate: closed('window', 31), now: 5, kept: false, reason: 'after the limit' },
    { gate: closed('window', 20), now: 29, kept: true, reason: 'the last minute' },
    { gate: closed('window', 45), now: 29, kept: false, reason: 'the limit counts from the staging, not from the closing' },
    { gate: closed('window'), now: 5, kept: false, reason: 'a window that opens at no known time' },
    { gate: closed('busy'), now: 30, kept: false, reason: 'the limit has passed' },
    { gate: closed('busy'), now: 5, kept: true, reason: 'the engine may be done soon' },
    { gate: closed('after'), now: 5, kept: true, reason: 'what comes first may be repaired soon' },
    { gate: closed('breaker'), now: 5, kept: true, reason: 'a person may release it' },
    { gate: closed('breaker', 90), now: 5, kept: false, reason: 'it is half open only after the limit' },
    { gate: closed('budget', 20), now: 5, kept: true, reason: 'a place in the budget is free soon' },
    { gate: closed('budget'), now: 5, kept: false, reason: 'nobody knows when one is' },
    { gate: closed('settling', 10), now: 5, kept: true, reason: 'it has settled soon' },
    { gate: closed('freeze'), now: 5, kept: false, reason: 'a person said stop' },
    { gate: closed('freeze', 10), now: 5, kept: false, reason: 'however soon it ends' },
    { gate: closed('quarantine'), now: 5, kept: false, reason: 'a repair of it was rolled back' },
    { gate: closed('flapping'), now: 5, kept: false, reason: 'somebody has another opinion' },
    { gate: closed('window', 10, [closed('freeze')]), now: 5, kept: false, reason: 'one of several that keeps nothing is enough' },
    { gate: closed('window', 10, [closed('busy')]), now: 5, kept: true, reason: 'several that may all open' },
    { gate: closed('breaker', undefined, [closed('window', 40)]), now: 5, kept: false, reason: 'the second opens too late' },
  ])('$kept: $reason', ({ gate, now, kept }) => {
    expect(keptUntil(gate, { at: at(now), stagedAt: STAGED_AT })).toBe(kept ? LIMIT : undefined);
  });

  it('is never kept beyond the limit, nor for what a person must allow', () => {
    const one = fc.tuple(fc.constantFrom(...(Object.keys(EVERY) as GateName[])), fc.option(fc.integer({ min: -10, max: 90 }), { nil: undefined })).map(([gate, opens]) => closed(gate, opens));
    fc.assert(fc.property(one, fc.array(one, { maxLength: 3 }), fc.integer({ min: 0, max: 90 }), (first, also, now) => {
      const until = keptUntil({ ...first, also }, { at: at(now), stagedAt: STAGED_AT });
      if (until === undefined) return;
      expect(now * 60_000).toBeLessThan(STAGE_KEPT_MS);
      for (const { gate, opensAt } of [first, ...also]) {
        expect(NEVER_KEPT).not.toContain(gate);
        if (opensAt !== undefined) expect(opensAt <= until).toBe(true);
      }
    }));
  });
});

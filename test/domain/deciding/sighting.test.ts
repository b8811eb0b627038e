import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLEAN, sightingAction, type SightingInput } from '../../../src/domain/deciding/sighting.js';

const NOW = '2026-11-02T12:00:00.000Z';
const ago = (minutes: number): string => new Date(Date.parse(NOW) - minutes * 60_000).toISOString();
const MINUTE = 60_000;

function seen(overrides: Partial<SightingInput> = {}): SightingInput {
  return { now: NOW, verdict: 'drifted', drift: 'v1:one', firstSeen: [NOW], settleMs: 0, blindAfterMs: 45 * MINUTE, since: NOW, ...overrides };
}

const UNKNOWN = { verdict: 'unknown', drift: CLEAN, firstSeen: [] } as const;

describe('sightingAction', () => {
  it.each<{ input: Partial<SightingInput>; action: string; reason: string }>([
    { input: { verdict: 'clean', drift: CLEAN, firstSeen: [] }, action: 'none', reason: 'nothing drifted' },
    { input: {}, action: 'open drift', reason: 'a drift that is new' },
    { input: { drift: CLEAN, firstSeen: [] }, action: 'none', reason: 'every change is settled or accepted' },
    { input: { open: { kind: 'drift', drift: 'v1:one' } }, action: 'none', reason: 'the same sight again costs nothing' },
    { input: { open: { kind: 'drift', drift: 'v1:two' } }, action: 'tell', reason: 'the changes moved' },
    { input: { verdict: 'clean', drift: CLEAN, firstSeen: [], open: { kind: 'drift', drift: 'v1:one' } }, action: 'tell', reason: 'the changes are gone' },
    { input: { verdict: 'clean', drift: CLEAN, firstSeen: [], open: { kind: 'drift', drift: CLEAN } }, action: 'none', reason: 'that they are gone was told' },
    { input: { drift: CLEAN, firstSeen: [], open: { kind: 'drift', drift: 'v1:one' } }, action: 'tell', reason: 'what is left was accepted: the incident must hear it' },
    { input: { settleMs: 10 * MINUTE }, action: 'none', reason: 'settling: seen for the first time' },
    { input: { settleMs: 10 * MINUTE, firstSeen: [ago(9)] }, action: 'none', reason: 'settling still' },
    { input: { settleMs: 10 * MINUTE, firstSeen: [ago(10)] }, action: 'open drift', reason: 'seen over the whole time' },
    { input: { settleMs: 10 * MINUTE, firstSeen: [NOW, ago(11)] }, action: 'open drift', reason: 'the oldest change has settled' },
    { input: { settleMs: 10 * MINUTE, open: { kind: 'drift', drift: 'v1:two' } }, action: 'tell', reason: 'an open incident need not settle again' },
    { input: { settleMs: 10 * MINUTE, firstSeen: [] }, action: 'none', reason: 'what nobody remembers seeing has not settled' },
    { input: { ...UNKNOWN, lastKnownAt: ago(44) }, action: 'none', reason: 'unknown for less than blindAfter' },
    { input: { ...UNKNOWN, lastKnownAt: ago(45) }, action: 'open blind', reason: 'unknown for as long as blindAfter' },
    { input: { ...UNKNOWN, since: ago(45) }, action: 'open blind', reason: 'never known: since the first look' },
    { input: { ...UNKNOWN, since: ago(200), lastKnownAt: ago(1) }, action: 'none', reason: 'known a minute ago' },
    { input: { ...UNKNOWN, lastKnownAt: ago(500), open: { kind: 'drift', drift: 'v1:one' } }, action: 'none', reason: 'unknown closes nothing' },
    { input: { ...UNKNOWN, lastKnownAt: ago(500), open: { kind: 'blind', drift: 'unknown' } }, action: 'none', reason: 'blind was told' },
    { input: { verdict: 'clean', drift: CLEAN, firstSeen: [], open: { kind: 'blind', drift: 'unknown' } }, action: 'tell', reason: 'it can be read again' },
    { input: { open: { kind: 'blind', drift: 'unknown' } }, action: 'tell', reason: 'it can be read again, and drifted' },
  ])('$action: $reason', ({ input, action }) => {
    const answer = sightingAction(seen(input));
    expect(answer.action === 'open' ? `open ${answer.kind}` : answer.action).toBe(action);
    expect(answer.reason).not.toBe('');
  });

  it('is level-triggered: once told, the same sight does nothing, whatever was missed in between', () => {
    const drift = fc.constantFrom('v1:one', 'v1:two', CLEAN);
    fc.assert(fc.property(drift, drift, (before, now) => {
      const input = seen({ drift: now, verdict: now === CLEAN ? 'clean' : 'drifted', open: { kind: 'drift', drift: before } });
      const first = sightingAction(input);
      expect(first.action).toBe(before === now ? 'none' : 'tell');
      expect(sightingAction({ ...input, open: { kind: 'drift', drift: now } }).action).toBe('none');
    }));
  });

  it('unknown never opens a drift and never tells an incident', () => {
    fc.assert(fc.property(fc.record({ minutes: fc.nat(10_000), open: fc.option(fc.constant({ kind: 'drift', drift: 'v1:one' }), { nil: undefined }) }), ({ minutes, open }) => {
      const answer = sightingAction(seen({ ...UNKNOWN, lastKnownAt: ago(minutes), ...(open === undefined ? {} : { open }) }));
      expect(answer.action === 'none' || (answer.action === 'open' && answer.kind === 'blind' && open === undefined)).toBe(true);
    }));
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { askGates } from '../../../src/domain/gates/ask.js';

function clock(time: string): string {
  return `2026-11-02T${time}:00.000Z`;
}

function ask(at: string, firstSeen: Readonly<Record<string, string | undefined>>, settleMs = 600_000, fingerprints: readonly string[] = Object.keys(firstSeen)): ReturnType<typeof askGates> {
  const changes = fingerprints.map((fingerprint) => ({ fingerprint, revision: 'r1', resource: 'etc/app.yaml', path: '/port' }));
  return askGates({ at, rows: [], settling: { settleMs, firstSeen } }, { action: 'stage', changes, automatic: true });
}

describe('the gate settling', () => {
  it.each<{ at: string; firstSeen: Readonly<Record<string, string | undefined>>; settleMs?: number; open: boolean; opensAt?: string; reason: string }>([
    { at: '09:00', firstSeen: { a: clock('08:50') }, open: true, reason: 'it has been there for ten minutes' },
    { at: '09:00', firstSeen: { a: clock('08:51') }, open: false, opensAt: clock('09:01'), reason: 'a minute is missing' },
    { at: '09:00', firstSeen: { a: clock('09:00') }, open: false, opensAt: clock('09:10'), reason: 'it is seen for the first time' },
    { at: '09:00', firstSeen: { a: clock('08:00'), b: clock('08:55') }, open: false, opensAt: clock('09:05'), reason: 'the youngest of the repair decides' },
    { at: '09:00', firstSeen: { a: clock('08:00'), b: clock('08:50') }, open: true, reason: 'all of them are old enough' },
    { at: '09:00', firstSeen: { a: undefined }, open: false, reason: 'no check has seen it: its time has not begun, and no time can be named' },
    { at: '09:00', firstSeen: { a: clock('08:00'), b: undefined }, open: false, reason: 'one of them was never seen by a check' },
    { at: '09:00', firstSeen: { a: clock('09:00') }, settleMs: 0, open: true, reason: 'without `settle` the first sight is enough' },
    { at: '09:00', firstSeen: {}, open: true, reason: 'nothing is repaired' },
    { at: '09:00', firstSeen: { a: clock('09:30') }, open: false, opensAt: clock('09:40'), reason: 'the clock of the worker that saw it is ahead' },
  ])('$at $open: $reason', ({ at, firstSeen, settleMs, open, opensAt }) => {
    const answer = ask(clock(at), firstSeen, settleMs);
    expect(answer.allowed).toBe(open);
    if (!answer.allowed) expect([answer.gate, answer.opensAt]).toEqual(['settling', opensAt]);
  });

  it('says how long, and when it opens', () => {
    expect(ask(clock('09:00'), { a: clock('08:51') })).toMatchObject({ reason: `settling: a change must have been there for 10 minutes, which is at ${clock('09:01')}` });
    expect(ask(clock('09:00'), { a: undefined })).toMatchObject({ reason: 'settling: a change that no check has seen yet must be there for 10 minutes, from the check that sees it' });
  });

  it('opens at the instant that it names, and not before', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 5 }), (minutes) => {
      const firstSeen = Object.fromEntries(minutes.map((minute, index) => [`v1:${index}`, new Date(Date.parse(clock('08:00')) + minute * 60_000).toISOString()]));
      const answer = ask(clock('08:30'), firstSeen);
      if (answer.allowed) return;
      expect(ask(answer.opensAt ?? '', firstSeen).allowed).toBe(true);
      expect(ask(new Date(Date.parse(answer.opensAt ?? '') - 1).toISOString(), firstSeen).allowed).toBe(false);
    }));
  });
});

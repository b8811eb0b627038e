import { describe, expect, it } from 'vitest';
import { READINESS, readinessOf, type ReadinessCase, type ReadinessInput, type ReadinessLine } from '../../../src/domain/deciding/readiness.js';
import type { Remediation } from '../../../src/domain/target.js';

const DAY = 86_400_000;
const START = Date.parse('2026-11-01T09:00:00.000Z');

function cases(count: number, overDays: number, of: Partial<ReadinessCase> = {}): readonly ReadinessCase[] {
  return Array.from({ length: count }, (_, index) => ({
    environment: 'prod', class: 'configuration', would: 'remediate', at: new Date(START + (count === 1 ? 0 : Math.floor((overDays * DAY * index) / (count - 1)))).toISOString(), ...of,
  }));
}

const APPROVED = { allowed: 'person', outcome: 'fixed' } as const;
const AUTOMATIC = { allowed: 'policy', outcome: 'fixed' } as const;

function line(given: readonly ReadinessCase[], { now = ['ask'], steppedBack, thresholds = READINESS }: { readonly now?: readonly Remediation[]; readonly steppedBack?: string; readonly thresholds?: ReadinessInput['thresholds'] } = {}): ReadinessLine | undefined {
  return readinessOf({ cases: given, environments: ['prod'], settings: () => now, steppedBack: () => steppedBack, thresholds })[0];
}

describe('readinessOf', () => {
  it.each<{ reason: string; given: readonly ReadinessCase[]; now?: readonly Remediation[]; steppedBack?: string; recommend: Remediation; because: RegExp }>([
    { reason: 'watched for long enough', given: cases(5, 7), now: ['observe'], recommend: 'ask', because: /5 repairs would have been made over 7 days/ },
    { reason: 'too few', given: cases(4, 7), now: ['observe'], recommend: 'observe', because: /4 of 5 repairs/ },
    { reason: 'too short', given: cases(50, 6), now: ['observe'], recommend: 'observe', because: /6 of 7 days/ },
    { reason: 'deletes teach nothing about automation', given: cases(50, 20, { would: 'ask' }), now: ['observe'], recommend: 'observe', because: /0 of 5 repairs/ },
    { reason: 'some are still only observed, so that they come first', given: cases(20, 20, APPROVED), now: ['ask', 'observe', 'ask'], recommend: 'ask', because: /let people judge/ },
    { reason: 'approved, healthy, for long enough', given: cases(10, 14, APPROVED), recommend: 'auto', because: /10 approvals over 14 days, 100% unchanged, 100% healthy/ },
    { reason: 'too few approvals', given: cases(9, 14, APPROVED), recommend: 'ask', because: /9 of 10 approvals/ },
    { reason: 'too short a time', given: cases(10, 13, APPROVED), recommend: 'ask', because: /13 of 14 days/ },
    { reason: 'one rejection in ten is too many', given: [...cases(10, 14, APPROVED), ...cases(1, 1, { outcome: 'rejected' })], recommend: 'ask', because: /90% approved unchanged, 95% wanted/ },
    { reason: 'one rejection in twenty-one is not', given: [...cases(20, 14, APPROVED), ...cases(1, 1, { outcome: 'rejected' })], recommend: 'auto', because: /95% unchanged/ },
    { reason: 'what nobody answered was not agreed to', given: [...cases(10, 14, APPROVED), ...cases(2, 1, { outcome: 'expired' })], recommend: 'ask', because: /83% approved unchanged/ },
    { reason: 'what was accepted was not agreed to', given: [...cases(10, 14, APPROVED), ...cases(2, 1, { outcome: 'accepted' })], recommend: 'ask', because: /83% approved unchanged/ },
    { reason: 'what went away by itself says nothing', given: [...cases(10, 14, APPROVED), ...cases(9, 1, { outcome: 'cleared' })], recommend: 'auto', because: /100% unchanged/ },
    { reason: 'what is open says nothing yet', given: [...cases(10, 14, APPROVED), ...cases(9, 1)], recommend: 'auto', because: /100% unchanged/ },
    { reason: 'one that was not healthy', given: [...cases(12, 14, APPROVED), ...cases(1, 1, { allowed: 'person', outcome: 'rolled-back' })], recommend: 'ask', because: /92% healthy afterwards, 100% wanted/ },
    { reason: 'one that a person had undone was not agreed to after all', given: [...cases(10, 14, APPROVED), ...cases(2, 1, { ...APPROVED, undone: true })], recommend: 'ask', because: /83% approved unchanged/ },
    { reason: 'it is automatic and well', given: cases(3, 2, AUTOMATIC), now: ['auto'], recommend: 'auto', because: /3 automatic repairs, 0 rolled back/ },
    { reason: 'it is automatic and one was rolled back', given: [...cases(3, 2, AUTOMATIC), ...cases(1, 1, { allowed: 'policy', outcome: 'rolled-back' })], now: ['auto'], recommend: 'ask', because: /75% healthy afterwards/ },
    { reason: 'it is automatic and people undo it', given: [...cases(3, 2, AUTOMATIC), ...cases(1, 1, { ...AUTOMATIC, undone: true })], now: ['auto'], recommend: 'ask', because: /75% left as they were/ },
    { reason: 'it went a step back, whatever else', given: cases(50, 20, APPROVED), steppedBack: 'rolled back in prod/a#1', recommend: 'ask', because: /rolled back in prod\/a#1/ },
    { reason: 'it has no targets any more', given: cases(50, 20, AUTOMATIC), now: [], recommend: 'auto', because: /50 automatic/ },
  ])('$recommend: $reason', ({ given, now, steppedBack, recommend, because }) => {
    expect(line(given, { ...(now === undefined ? {} : { now }), ...(steppedBack === undefined ? {} : { steppedBack }) })).toMatchObject({ recommend, because: expect.stringMatching(because) as string });
  });

  it('takes its thresholds from the configuration', () => {
    const thresholds = { ...READINESS, auto: { approved: 1, unchanged: 50, healthy: 50, overMs: 0 } };
    expect(line([...cases(1, 0, APPROVED), ...cases(1, 0, { outcome: 'rejected' })], { thresholds })?.recommend).toBe('auto');
  });

  it('has a line for each class and environment of which something was decided, in the order of the configuration', () => {
    const given = [...cases(1, 0, { environment: 'prod', class: 'data' }), ...cases(1, 0, { environment: 'dev' }), ...cases(1, 0, { environment: 'prod', class: 'exposure' })];
    const lines = readinessOf({ cases: given, environments: ['dev', 'prod'], settings: () => ['ask'], steppedBack: () => undefined, thresholds: READINESS });
    expect(lines.map((each) => `${each.environment} ${each.class}`)).toEqual(['dev configuration', 'prod exposure', 'prod data']);
  });

  it('counts each end once', () => {
    const given = [APPROVED, { ...APPROVED, undone: true }, { outcome: 'rejected' }, { outcome: 'expired' }, { outcome: 'accepted' }, { outcome: 'cleared' }, {}, { allowed: 'policy', outcome: 'needs-human' }] as const;
    expect(line(given.flatMap((each) => cases(1, 0, each)))?.counts).toEqual({ would: 8, approved: 2, automatic: 1, healthy: 1, rolledBack: 1, rejected: 1, undone: 1, accepted: 1, expired: 1, cleared: 1, open: 1 });
  });
});

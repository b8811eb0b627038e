import { describe, expect, it } from 'vitest';
import { judge, type Judgement, type Question } from '../../../src/domain/approving/judge.js';
import type { Poll } from '../../../src/domain/approving/quorum.js';

const PLAN = 'a'.repeat(64);
const NOW = '2026-11-06T22:00:00.000Z';
const START_BY = '2026-11-06T22:30:00.000Z';
const POLL: Poll = {
  people: { principals: ['alice', 'dave'].map((name) => ({ name, aliases: [], keys: [] })), groups: { sre: ['alice'], oncall: ['dave'] } },
  requirements: [], excluded: [], escalatedTo: [], votes: [], breakGlass: { group: 'oncall', expiresMs: 30 * 60_000 },
};
const ALLOWED: Question = { part: 1, phase: 'waiting', plan: PLAN, ask: 'ask-1', causedBy: [], decided: 'allowed by policy', approved: {} };
const APPROVED: Question = { ...ALLOWED, decided: 'approved by alice' };

interface Row {
  readonly reason: string;
  readonly question?: Partial<Question>;
  readonly poll?: Partial<Poll>;
  readonly by?: string;
  readonly at?: string;
  readonly plan?: string;
  readonly ordinary?: true;
  readonly result: Judgement['result'];
  readonly text?: RegExp;
}

describe('breaking the glass for what waits', () => {
  const rows: Row[] = [
    { reason: 'a member says so', result: 'accepted', text: /the glass is broken: .* must start by 2026-11-06T22:30:00\.000Z/ },
    { reason: 'it is staged, and kept for its window', question: { phase: 'kept' }, result: 'accepted' },
    { reason: 'it was broken before, and the repair could not start in time', question: { approved: { brokenBy: 'dave', startBy: '2026-11-06T21:59:59.999Z' } }, result: 'accepted' },
    { reason: 'the first one holds to its last instant', question: { approved: { brokenBy: 'dave', startBy: NOW } }, result: 'already-decided' },
    { reason: 'it is broken now', question: { approved: { brokenBy: 'dave', startBy: START_BY } }, result: 'already-decided' },
    { reason: 'whoever approved it broke it, and it is asked again when that lapses', question: { approved: { brokenBy: 'dave' } }, at: '2026-11-07T22:00:00.000Z', result: 'already-decided' },
    { reason: 'an ordinary approval adds nothing', ordinary: true, result: 'already-decided' },
    { reason: 'who has no such role', by: 'alice', result: 'refused', text: /alice may not break the glass: oncall may \(dave\)/ },
    { reason: 'who caused the change', question: { causedBy: ['dave'] }, result: 'refused', text: /dave caused this change/ },
    { reason: 'who last changed the desired state', poll: { excluded: [{ person: 'dave', why: 'last changed the desired state' }] }, result: 'refused', text: /not by breaking the glass either/ },
    { reason: 'the environment names nobody who may', poll: { breakGlass: undefined as unknown as { group: string; expiresMs: number } }, result: 'refused', text: /approvals\.breakGlass/ },
    { reason: 'another plan', plan: 'b'.repeat(12), result: 'stale-plan' },
    { reason: 'its writing has begun', question: { phase: 'staging' }, result: 'already-decided' },
    { reason: 'it is switched and watched', question: { phase: 'soaking' }, result: 'already-decided' },
    { reason: 'it has ended', question: { phase: 'closed', outcome: 'fixed' }, result: 'already-decided' },
  ];
  describe.each([{ before: 'allowed by the rules', base: ALLOWED }, { before: 'approved', base: APPROVED }])('$before', ({ base }) => {
    it.each(rows)('$result: $reason', ({ question = {}, poll = {}, by = 'dave', at = NOW, plan = PLAN.slice(0, 12), ordinary, result, text }) => {
      const answer = judge({
        message: { decision: 'approve', by, plan, reason: 'checkout is down', ...(ordinary === true ? {} : { breakGlass: true as const }) },
        at, trust: 'namespace', questions: [{ ...base, ...question }], polls: new Map([[1, { ...POLL, ...poll }]]),
      });
      expect(answer).toMatchObject({ result, parts: result === 'accepted' ? [1] : [] });
      if (result === 'accepted') expect(answer).toMatchObject({ afterwards: true, breakGlass: { startBy: new Date(Date.parse(at) + 30 * 60_000).toISOString() } });
      if (text !== undefined) expect(answer.message).toMatch(text);
    });
  });
});

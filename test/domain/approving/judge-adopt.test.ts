import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge, type JudgeInput, type Judgement, type Question } from '../../../src/domain/approving/judge.js';
import { parseDecision, type DecisionMessage } from '../../../src/domain/message.js';
import type { Phase } from '../../../src/domain/phase.js';
import type { Poll } from '../../../src/domain/approving/quorum.js';

const PLAN = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);
const NOW = '2026-11-02T10:00:00.000Z';
const LATER = '2026-11-02T14:00:00.000Z';
const BEFORE = '2026-11-02T09:59:59.999Z';

function question(overrides: Partial<Question> = {}): Question {
  return { part: 1, phase: 'awaiting-approval', plan: PLAN, ask: 'ask-1', expiresAt: LATER, causedBy: [], ...overrides };
}

/** Two of sre are needed for a repair. */
function poll(overrides: Partial<Poll> = {}): Poll {
  const principals = ['alice', 'bob', 'carol', 'dan'].map((name) => ({ name, aliases: [], keys: [] }));
  return { people: { principals, groups: { sre: ['alice', 'bob', 'carol'] } }, requirements: [{ any: [{ group: 'sre', count: 2 }], because: 'rules of prod' }], excluded: [], escalatedTo: [], votes: [], ...overrides };
}

function judged({ message = {}, questions = [question()], ...more }: Omit<Partial<JudgeInput>, 'message'> & { readonly message?: Partial<DecisionMessage> }): Judgement {
  return judge({ message: { decision: 'adopt', by: 'alice', reason: 'right as it is', ...message }, questions, at: NOW, trust: 'namespace', source: 'folder', ...more });
}

interface Row extends Omit<Partial<JudgeInput>, 'message'> {
  readonly reason: string;
  readonly message?: Partial<DecisionMessage>;
  readonly result: Judgement['result'];
  readonly parts?: readonly number[];
  readonly says?: RegExp;
  readonly unauthorised?: true;
}

const WRITE = { write: true } as const;
const OF_TWO = { polls: new Map([[1, poll()]]) };

describe('a word to adopt', () => {
  const rows: Row[] = [
    { reason: 'the part waits for a person', result: 'accepted', parts: [1], says: /as a patch/ },
    { reason: 'a part that is only observed', questions: [question({ phase: 'observed' })], result: 'accepted', parts: [1] },
    { reason: 'what cannot be repaired can be adopted', questions: [{ part: 1, phase: 'observed', causedBy: [], impossible: 'only reported' }], result: 'accepted', parts: [1] },
    { reason: 'into Git it is a branch', source: 'git', result: 'accepted', parts: [1], says: /commit on a new branch/ },
    { reason: 'into the folder', message: WRITE, result: 'accepted', parts: [1], says: /into the folder/ },
    { reason: 'without a plan it means every part that waits', questions: [question(), question({ part: 2, plan: OTHER })], result: 'accepted', parts: [1, 2] },
    { reason: 'with a plan that part alone', message: { plan: OTHER.slice(0, 8) }, questions: [question(), question({ part: 2, plan: OTHER })], result: 'accepted', parts: [2] },
    { reason: 'a plan that is none of this incident', message: { plan: 'dddddddd' }, result: 'stale-plan' },
    { reason: 'what waits to be written was decided', questions: [question({ phase: 'waiting', decided: 'approved by bob' })], result: 'already-decided' },
    { reason: 'a repair is under way', questions: [question({ phase: 'finalizing' })], result: 'already-decided' },
    { reason: 'it was rejected', questions: [question({ phase: 'closed', outcome: 'rejected' })], result: 'already-decided' },
    { reason: 'it is being made', questions: [question({ adopting: { by: 'bob' } })], result: 'already-decided', says: /adopted by bob already/ },
    { reason: 'a branch waits to be merged', source: 'git', questions: [question({ adopting: { by: 'bob', where: 'branch x' } })], result: 'already-decided', says: /branch x/ },
    { reason: 'a patch that nobody applied may be written', message: WRITE, questions: [question({ adopting: { by: 'bob', where: 'patch' } })], result: 'accepted', parts: [1] },
    { reason: 'but not while it is being made', message: WRITE, questions: [question({ adopting: { by: 'bob' } })], result: 'already-decided' },
    { reason: 'of two parts the one that nobody adopted', questions: [question({ adopting: { by: 'bob', where: 'patch' } }), question({ part: 2, plan: OTHER })], result: 'accepted', parts: [2] },
    { reason: 'in time by a millisecond', questions: [question({ expiresAt: NOW })], at: BEFORE, result: 'accepted', parts: [1] },
    { reason: 'too late', questions: [question({ expiresAt: BEFORE })], result: 'expired' },
    { reason: 'a Git source is not written to', source: 'git', message: WRITE, result: 'refused', says: /gets a branch/ },
    { reason: 'whoever made the change may have it reviewed', questions: [question({ causedBy: ['alice'] })], result: 'accepted', parts: [1] },
    { reason: 'whoever made the change may not write it there', message: WRITE, questions: [question({ causedBy: ['alice'] })], result: 'refused', unauthorised: true, says: /caused this change.*without --write/ },
    { reason: 'nor under another name of theirs', message: { ...WRITE, by: 'al' }, who: { person: 'alice', verified: false }, questions: [question({ causedBy: ['alice'] })], result: 'refused', unauthorised: true },
    { reason: 'one of several who decide may have it reviewed', ...OF_TWO, result: 'accepted', parts: [1] },
    { reason: 'who is not asked at all may not', ...OF_TWO, message: { by: 'dan' }, result: 'refused', unauthorised: true, says: /not among those who decide/ },
    { reason: 'a folder is not written at the word of one where two are needed', ...OF_TWO, message: WRITE, result: 'refused', unauthorised: true, says: /needs what a repair needs.*1 more/ },
    { reason: 'where the other has approved, it is', polls: new Map([[1, poll({ votes: ['bob'] })]]), message: WRITE, result: 'accepted', parts: [1] },
    { reason: 'not where the other was the same person', polls: new Map([[1, poll({ votes: ['alice'] })]]), message: WRITE, result: 'refused', unauthorised: true },
    { reason: 'who may not approve the repair may not write', polls: new Map([[1, poll({ votes: ['bob'], excluded: [{ person: 'alice', why: 'last changed the desired state' }] })]]), message: WRITE, result: 'refused', unauthorised: true, says: /last changed the desired state/ },
    { reason: 'one person is enough where one is', polls: new Map([[1, poll({ requirements: [] })]]), message: WRITE, result: 'accepted', parts: [1] },
    { reason: 'what nobody can be asked about is not written alone where there are rules', ruled: true, message: WRITE, questions: [{ part: 1, phase: 'observed', causedBy: [] }], result: 'refused', unauthorised: true, says: /alone/ },
    { reason: 'and may be reviewed', ruled: true, questions: [{ part: 1, phase: 'observed', causedBy: [] }], result: 'accepted', parts: [1] },
    { reason: 'unsigned where signatures are asked for', trust: 'signed', result: 'refused', unauthorised: true, says: /no signature/ },
    { reason: 'signed', trust: 'signed', who: { person: 'alice', verified: true, part: 1 }, result: 'accepted', parts: [1] },
    { reason: 'signed for another part', trust: 'signed', who: { person: 'alice', verified: true, part: 2 }, result: 'refused', unauthorised: true },
    { reason: 'with a signature that proves nothing', trust: 'signed', who: { person: 'alice', verified: false, problem: 'made for something else' }, result: 'refused', unauthorised: true },
  ];
  it.each(rows)('$result, because $reason', ({ reason: _reason, result, parts = [], says, unauthorised, ...input }) => {
    const answer = judged(input);
    expect(answer).toMatchObject({ result, parts });
    expect(answer.unauthorised).toBe(unauthorised);
    if (says !== undefined) expect(answer.message).toMatch(says);
  });

  it('never writes where a repair at the same word would not be made', () => {
    const phases: Phase[] = ['observed', 'awaiting-approval', 'waiting', 'staging', 'closed'];
    fc.assert(fc.property(
      fc.record({ by: fc.constantFrom('alice', 'bob', 'dan'), phase: fc.constantFrom(...phases), votes: fc.subarray(['alice', 'bob', 'carol']), causedBy: fc.subarray(['alice', 'bob']), count: fc.integer({ min: 1, max: 3 }), ruled: fc.boolean() }),
      ({ by, phase, votes, causedBy, count, ruled }) => {
        const asked = poll({ votes, requirements: [{ any: [{ group: 'sre', count }], because: 'x' }], excluded: causedBy.map((person) => ({ person, why: 'caused this change' })) });
        const more = { questions: [question({ phase, causedBy })], polls: new Map([[1, asked]]), ruled };
        const written = judged({ ...more, message: { by, write: true } });
        const repaired = judged({ ...more, message: { decision: 'approve', by, plan: PLAN } });
        if (written.result === 'accepted') expect(repaired).toMatchObject({ result: 'accepted', parts: [1] });
      },
    ));
  });
});

describe('reading a word to adopt', () => {
  it.each<{ reason: string; payload: unknown; value?: Partial<DecisionMessage> }>([
    { reason: 'who and why is enough', payload: { by: 'alice', reason: 'x' }, value: { decision: 'adopt', by: 'alice', reason: 'x' } },
    { reason: 'write is true or nothing', payload: { by: 'alice', reason: 'x', write: true }, value: { write: true } },
    { reason: 'a word is not true', payload: { by: 'alice', reason: 'x', write: 'true' }, value: {} },
    { reason: 'nor is a number', payload: { by: 'alice', reason: 'x', write: 1 }, value: {} },
    { reason: 'without a reason', payload: { by: 'alice' } },
    { reason: 'with an empty one', payload: { by: 'alice', reason: '  ' } },
    { reason: 'of nobody', payload: { reason: 'x' } },
    { reason: 'a plan that is none', payload: { by: 'alice', reason: 'x', plan: 'zz' } },
    { reason: 'no object', payload: 'adopt' },
  ])('$reason', ({ payload, value }) => {
    const parsed = parseDecision(payload, 'adopt');
    expect(parsed.ok).toBe(value !== undefined);
    if (!parsed.ok || value === undefined) return;
    expect(parsed.value).toMatchObject(value);
    expect(parsed.value.write).toBe(value.write);
  });

  it('no other decision writes', () => {
    const parsed = parseDecision({ by: 'alice', plan: PLAN, write: true }, 'approve');
    expect(parsed.ok && parsed.value.write).toBe(undefined);
  });
});

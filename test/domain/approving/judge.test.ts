import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge, type Judgement, type Question, type Who } from '../../../src/domain/approving/judge.js';
import type { DecisionMessage } from '../../../src/domain/message.js';
import type { Phase } from '../../../src/domain/phase.js';

const PLAN = 'a'.repeat(64);
const OTHER = `ab${'c'.repeat(62)}`;
const TWIN = `${'a'.repeat(12)}${'b'.repeat(52)}`;
const NOW = '2026-11-02T10:00:00.000Z';
const LATER = '2026-11-02T14:00:00.000Z';
const BEFORE = '2026-11-02T09:59:59.999Z';

function question(overrides: Partial<Question> = {}): Question {
  return { part: 1, phase: 'awaiting-approval', plan: PLAN, ask: 'ask-1', expiresAt: LATER, causedBy: [], ...overrides };
}

function said(overrides: Partial<DecisionMessage> = {}): DecisionMessage {
  return { decision: 'approve', by: 'alice', plan: PLAN.slice(0, 8), ...overrides };
}

function judged(message: DecisionMessage, questions: readonly Question[], more: { at?: string; trust?: 'namespace' | 'signed' } = {}): Judgement {
  return judge({ message, questions, at: more.at ?? NOW, trust: more.trust ?? 'namespace' });
}

interface Row {
  readonly reason: string;
  readonly message?: Partial<DecisionMessage>;
  readonly questions?: readonly Question[];
  readonly at?: string;
  readonly trust?: 'signed';
  readonly result: Judgement['result'];
  readonly parts?: readonly number[];
  readonly text?: RegExp;
}

const WITHOUT_PLAN = { plan: undefined } as unknown as Partial<DecisionMessage>;

describe('judge', () => {
  const approvals: Row[] = [
    { reason: 'the plan is asked about and named', result: 'accepted', parts: [1] },
    { reason: 'the whole hash names it too', message: { plan: PLAN }, result: 'accepted', parts: [1] },
    { reason: 'an observed part may be approved by a person', questions: [question({ phase: 'observed' })], result: 'accepted', parts: [1] },
    { reason: 'without an expiry, while its gates are closed, nothing runs out', questions: [{ part: 1, phase: 'awaiting-approval', plan: PLAN, causedBy: [] }], at: '2099-01-01T00:00:00Z', result: 'accepted', parts: [1] },
    { reason: 'in time by a millisecond, whenever it is handled', questions: [question({ expiresAt: NOW })], at: BEFORE, result: 'accepted', parts: [1] },
    { reason: 'sent at the very end', questions: [question({ expiresAt: NOW })], result: 'expired', text: /expired at .*; this decision came at/ },
    { reason: 'sent late', questions: [question({ expiresAt: BEFORE })], result: 'expired' },
    { reason: 'the question was closed by its expiry', questions: [question({ phase: 'closed', outcome: 'expired' })], result: 'expired', text: /a retry asks again/ },
    { reason: 'it names an older plan', message: { plan: 'dddddddd' }, result: 'stale-plan', text: /review the plan that stands now, aaaaaaaaaaaa/ },
    { reason: 'it names a plan of another incident, and none waits here', message: { plan: 'dddddddd' }, questions: [], result: 'stale-plan', text: /no plan of this incident is waiting/ },
    { reason: 'it was decided already', questions: [question({ decided: 'approve by bob' })], result: 'already-decided', text: /approve by bob already/ },
    { reason: 'its repair is under way', questions: [question({ phase: 'finalizing', decided: 'approve by bob' })], result: 'already-decided' },
    { reason: 'it has ended', questions: [question({ phase: 'closed', outcome: 'fixed' })], result: 'already-decided', text: /fixed already/ },
    { reason: 'what stands is decided before what came first is looked at', questions: [question({ phase: 'closed', outcome: 'rejected' }), question({ part: 2 })], result: 'accepted', parts: [2] },
    { reason: 'the prefix names two plans', questions: [question(), question({ part: 2, plan: TWIN })], result: 'refused', text: /more than one plan/ },
    { reason: 'more of the hash names one of the two', message: { plan: PLAN.slice(0, 16) }, questions: [question(), question({ part: 2, plan: TWIN })], result: 'accepted', parts: [1] },
    { reason: 'whoever caused the change cannot approve its repair', questions: [question({ causedBy: ['bob', 'alice'] })], result: 'refused', text: /alice caused this change/ },
    { reason: 'somebody else can', questions: [question({ causedBy: ['bob'] })], result: 'accepted', parts: [1] },
    { reason: 'there is no repair', questions: [question({ impossible: 'the file is protected' })], result: 'refused', text: /the file is protected/ },
  ];
  it.each(approvals)('approve: $result, because $reason', ({ message, questions, at, result, parts, text }) => {
    const answer = judged(said(message), questions ?? [question()], at === undefined ? {} : { at });
    expect(answer).toMatchObject({ result, parts: parts ?? [] });
    if (text !== undefined) expect(answer.message).toMatch(text);
  });

  it('approve: refused to whoever caused the change under another of their names', () => {
    const answer = judge({ message: said({ by: 'os:asmith' }), who: { person: 'alice', verified: false }, questions: [question({ causedBy: ['alice'] })], at: NOW, trust: 'namespace' });
    expect(answer).toMatchObject({ result: 'refused', parts: [], unauthorised: true, message: 'os:asmith caused this change and cannot approve its repair; somebody else must' });
  });

  const refusals: Row[] = [
    { reason: 'with no plan it means every part that waits', message: { decision: 'reject', reason: 'no', ...WITHOUT_PLAN }, questions: [question(), question({ part: 2, plan: OTHER }), question({ part: 3, phase: 'soaking' })], result: 'accepted', parts: [1, 2] },
    { reason: 'with a plan it means that part alone', message: { decision: 'reject', reason: 'no', plan: OTHER.slice(0, 8) }, questions: [question(), question({ part: 2, plan: OTHER })], result: 'accepted', parts: [2] },
    { reason: 'a part that cannot be repaired can be rejected', message: { decision: 'reject', reason: 'no', ...WITHOUT_PLAN }, questions: [{ part: 1, phase: 'observed', causedBy: [], impossible: 'protected' }], result: 'accepted', parts: [1] },
    { reason: 'whoever caused the change may say that it stays', message: { decision: 'accept', reason: 'mine', until: LATER }, questions: [question({ causedBy: ['alice'] })], result: 'accepted', parts: [1] },
    { reason: 'a date in the past accepts nothing', message: { decision: 'accept', reason: 'x', until: BEFORE }, result: 'refused', text: /must lie in the future/ },
    { reason: 'a date that is none accepts nothing', message: { decision: 'accept', reason: 'x', until: '2030-13-45T00:00Z' }, result: 'refused', text: /must lie in the future/ },
    { reason: 'a day that no calendar has accepts nothing', message: { decision: 'accept', reason: 'x', until: '2030-02-30T00:00Z' }, result: 'refused', text: /must lie in the future/ },
    { reason: 'a year beyond 9999 would sort before every other', message: { decision: 'accept', reason: 'x', until: '9999-12-31T23:59:59-23:59' }, result: 'refused', text: /must lie in the future/ },
    { reason: 'too late to reject', message: { decision: 'reject', reason: 'no' }, questions: [question({ expiresAt: BEFORE })], result: 'expired' },
    { reason: 'of two questions the one that is still open counts', message: { decision: 'reject', reason: 'no', ...WITHOUT_PLAN }, questions: [question({ expiresAt: BEFORE }), question({ part: 2, plan: OTHER })], result: 'accepted', parts: [2] },
    { reason: 'nothing is open any more', message: { decision: 'reject', reason: 'no', ...WITHOUT_PLAN }, questions: [question({ phase: 'staging' })], result: 'already-decided' },
    { reason: 'the incident has no part yet', message: { decision: 'reject', reason: 'no', ...WITHOUT_PLAN }, questions: [], result: 'stale-plan' },
  ];
  it.each(refusals)('reject or accept: $result, because $reason', ({ message, questions, result, parts, text }) => {
    const answer = judged(said(message), questions ?? [question()]);
    expect(answer).toMatchObject({ result, parts: parts ?? [] });
    if (text !== undefined) expect(answer.message).toMatch(text);
  });

  const rollbacks: { phase: Phase; result: Judgement['result']; text: RegExp }[] = [
    { phase: 'deciding', result: 'refused', text: /nothing has been changed yet/ },
    { phase: 'observed', result: 'refused', text: /reject the plan instead/ },
    { phase: 'awaiting-approval', result: 'refused', text: /reject the plan instead/ },
    { phase: 'waiting', result: 'accepted', text: /stopped before anything was changed/ },
    { phase: 'staging', result: 'accepted', text: /rolling back/ },
    { phase: 'validating', result: 'accepted', text: /rolling back/ },
    { phase: 'finalizing', result: 'accepted', text: /rolling back/ },
    { phase: 'verifying', result: 'accepted', text: /rolling back/ },
    { phase: 'soaking', result: 'accepted', text: /rolling back/ },
    { phase: 'rolling-back', result: 'already-decided', text: /under way already/ },
    { phase: 'closed', result: 'refused', text: /nothing has been changed yet/ },
  ];
  it.each(rollbacks)('rollback while $phase: $result', ({ phase, result, text }) => {
    const answer = judged(said({ decision: 'rollback', reason: 'slow' }), [question({ phase, decided: 'approve by bob' })]);
    expect(answer.result).toBe(result);
    expect(answer.message).toMatch(text);
    expect(answer.parts).toEqual(result === 'accepted' ? [1] : []);
  });

  it('rolls back what was changed and leaves what waits, because only that was asked', () => {
    const answer = judged(said({ decision: 'rollback', reason: 'slow' }), [question({ phase: 'waiting' }), question({ part: 2, phase: 'soaking' })]);
    expect(answer.parts).toEqual([2]);
  });

  const GOOD = { person: 'alice', verified: true, part: 1 } as const;
  const BAD = { person: 'alice', verified: false, problem: 'the key is not registered' } as const;
  const signed: (Row & { readonly who?: Who; readonly unauthorised?: true })[] = [
    { reason: 'an approval without a signature lets nothing be written', trust: 'signed', result: 'refused', unauthorised: true, text: /carries no signature/ },
    { reason: 'a rejection without one would keep the drift quiet', message: { decision: 'reject', reason: 'no' }, trust: 'signed', result: 'refused', unauthorised: true, text: /carries no signature/ },
    { reason: 'an acceptance without one would keep the drift quiet', message: { decision: 'accept', reason: 'x', until: LATER }, trust: 'signed', result: 'refused', unauthorised: true, text: /carries no signature/ },
    { reason: 'what stops a repair needs no key: cancelling the run does the same', message: { decision: 'rollback', reason: 'slow' }, questions: [question({ phase: 'soaking', decided: 'x' })], trust: 'signed', result: 'accepted', parts: [1] },
    { reason: 'a good signature is what is asked for', who: GOOD, trust: 'signed', result: 'accepted', parts: [1] },
    { reason: 'a wrong one is none', who: BAD, trust: 'signed', result: 'refused', unauthorised: true, text: /not registered/ },
    { reason: 'where none is needed, a wrong one still proves that something is wrong', who: BAD, result: 'refused', unauthorised: true, text: /not registered/ },
    { reason: 'where none is needed, a good one decides like any other', who: GOOD, result: 'accepted', parts: [1] },
    { reason: 'it was given for the question that was closed before', who: GOOD, questions: [question({ phase: 'closed', outcome: 'expired' }), question({ part: 2 })], trust: 'signed', result: 'refused', unauthorised: true, text: /a question of this incident that is closed/ },
    { reason: 'a good signature does not make it come in time', who: GOOD, questions: [question({ expiresAt: BEFORE })], trust: 'signed', result: 'expired' },
    { reason: 'a good signature of whoever caused the change', who: GOOD, questions: [question({ causedBy: ['alice'] })], trust: 'signed', result: 'refused', unauthorised: true, text: /alice caused/ },
    { reason: 'signed again after it was decided', who: GOOD, questions: [question({ decided: 'approved by bob' })], trust: 'signed', result: 'already-decided' },
    { reason: 'a signature is about one plan, and says which of two that begin alike', who: { ...GOOD, part: 2 }, questions: [question(), question({ part: 2, plan: TWIN })], trust: 'signed', result: 'accepted', parts: [2] },
    { reason: 'a rejection without a plan means the part that was signed, and no other', message: { decision: 'reject', reason: 'no', ...WITHOUT_PLAN }, who: { ...GOOD, part: 2 }, questions: [question(), question({ part: 2, plan: OTHER })], trust: 'signed', result: 'accepted', parts: [2] },
    { reason: 'the plan that was signed is not the one that stands', message: { plan: 'dddddddd' }, who: BAD, trust: 'signed', result: 'stale-plan' },
  ];
  it.each(signed)('signatures: $result, because $reason', ({ message, questions, trust, who, result, parts, text, unauthorised }) => {
    const answer = judge({ message: said(message), questions: questions ?? [question()], at: NOW, trust: trust ?? 'namespace', ...(who === undefined ? {} : { who }) });
    expect(answer).toMatchObject({ result, parts: parts ?? [] });
    expect(answer.unauthorised).toBe(unauthorised);
    if (text !== undefined) expect(answer.message).toMatch(text);
  });

  it('says which plan stands, so that a stale approval can be looked at and given again', () => {
    expect(judged(said({ plan: 'dddddddd' }), [question({ phase: 'closed', outcome: 'fixed' }), question({ part: 2, plan: OTHER })]).plan).toBe(OTHER);
    expect(judged(said(), [question({ phase: 'closed', outcome: 'fixed' })]).plan).toBeUndefined();
  });
});

describe('judge, for any questions', () => {
  const phase = fc.constantFrom<Phase[]>('deciding', 'observed', 'awaiting-approval', 'waiting', 'staging', 'validating', 'finalizing', 'verifying', 'soaking', 'rolling-back', 'closed');
  const questions = fc.array(fc.record({ phase, plan: fc.constantFrom(PLAN, OTHER, TWIN), decided: fc.option(fc.constant('approve by bob'), { nil: undefined }), expiresAt: fc.option(fc.constantFrom(BEFORE, LATER), { nil: undefined }), causedBy: fc.subarray(['alice', 'bob']) }), { maxLength: 5 })
    .map((all) => all.map((each, index) => ({ ...each, part: index + 1 })));
  const message = fc.record({ decision: fc.constantFrom<DecisionMessage['decision'][]>('approve', 'reject', 'accept', 'rollback'), by: fc.constantFrom('alice', 'carol'), plan: fc.option(fc.constantFrom(PLAN.slice(0, 8), OTHER.slice(0, 8), 'dddddddd'), { nil: undefined }), reason: fc.constant('x'), until: fc.constantFrom(BEFORE, LATER) })
    .map((each) => each as unknown as DecisionMessage).filter((each) => each.decision !== 'approve' || each.plan !== undefined);

  it('only what is accepted applies to parts, and never to one that is decided, late or not named', () => {
    fc.assert(fc.property(message, questions, (given, standing) => {
      const answer = judged(given, standing);
      expect(answer.parts.length > 0).toBe(answer.result === 'accepted');
      for (const part of answer.parts) {
        const about = standing.find((each) => each.part === part);
        if (given.decision === 'rollback') continue;
        expect(about?.decided).toBeUndefined();
        expect(about?.expiresAt).not.toBe(BEFORE);
        if (given.plan !== undefined) expect(about?.plan.startsWith(given.plan)).toBe(true);
        if (given.decision === 'approve') expect(about?.causedBy).not.toContain(given.by);
      }
    }));
  });

  it('gives the second of two equal decisions "already-decided"', () => {
    fc.assert(fc.property(message, questions, (given, standing) => {
      const first = judged(given, standing);
      if (first.result !== 'accepted' || given.decision === 'rollback') return;
      const after = standing.map((each) => (first.parts.includes(each.part) ? { ...each, decided: 'by the first' } : each));
      expect(judged(given, after).result).not.toBe('accepted');
    }));
  });
});

import { describe, expect, it, vi } from 'vitest';
import type { AssessedPart, InboxMessage, JudgeBatch, Judged } from '../../src/activities/types.js';
import type { DecisionMessage } from '../../src/domain/message.js';
import { FIRST, only, openBench, openIncident, OTHER_RUN, RUN, type Bench, type BenchOptions } from './bench.js';
import type { Message } from './fake-temporal.js';

async function asked(options: BenchOptions = {}): Promise<{ on: Bench; part: AssessedPart }> {
  const on = await openBench({ target: { remediation: 'ask' }, ...options });
  return { on, part: await openIncident(on) };
}

const IN_TIME = '2026-11-02T12:59:59.000Z';
const TOO_LATE = '2026-11-02T13:00:00.000Z';

function signalled(message: DecisionMessage, ordinal = 1): InboxMessage {
  return { message, via: { signal: message.decision, ordinal } };
}

function judge(on: Bench, part: AssessedPart, messages: readonly InboxMessage[], more: Partial<JudgeBatch> = {}): Promise<readonly Judged[]> {
  const { plan, ask, expiresAt } = part;
  const question = { part: 1, phase: 'awaiting-approval' as const, causedBy: [], ...(plan === undefined ? {} : { plan }), ...(ask === undefined ? {} : { ask }), ...(expiresAt === undefined ? {} : { expiresAt }) };
  return on.run('judge', { incident: FIRST, run: RUN, messages, questions: [question], malformed: 0, ...more });
}

function approve(part: AssessedPart, by = 'alice'): DecisionMessage {
  return { decision: 'approve', by, plan: (part.plan ?? '').slice(0, 12) };
}

describe('judge', () => {
  it.each<{ sent: Message[]; result: Judged['result']; at: string; reason: string }>([
    { sent: [{ at: IN_TIME, signal: 'approve' }], result: 'accepted', at: IN_TIME, reason: 'it was sent in time, though it is handled long after' },
    { sent: [{ at: TOO_LATE, signal: 'approve' }], result: 'expired', at: TOO_LATE, reason: 'it was sent late' },
    { sent: [{ at: IN_TIME, signal: 'reject' }, { at: TOO_LATE, signal: 'approve' }], result: 'expired', at: TOO_LATE, reason: 'the time is that of the signal of this name' },
  ])('an approval is $result: $reason', async ({ sent, result, at }) => {
    const { on, part } = await asked();
    on.later(30 * 86_400_000);
    on.temporal.histories.set(RUN, sent);
    expect(only(await judge(on, part, [signalled(approve(part))]))).toMatchObject({ result, at, by: 'alice' });
  });

  it('finds the time of an update by its id', async () => {
    const { on, part } = await asked();
    on.temporal.histories.set(RUN, [{ at: TOO_LATE, update: 'u-1' }, { at: IN_TIME, update: 'u-2' }]);
    const item = (update: string): InboxMessage => ({ message: approve(part), via: { update } });
    expect((await judge(on, part, [item('u-1'), item('u-2')])).map((answer) => answer.result)).toEqual(['expired', 'accepted']);
  });

  it('puts the decision on record with who, when and for which plan, and lets the repair be staged', async () => {
    const { on, part } = await asked();
    on.temporal.histories.set(RUN, [{ at: IN_TIME, signal: 'approve' }]);
    await judge(on, part, [signalled(approve(part))]);
    expect(await on.ledger.decisionOf(part.ask ?? '')).toMatchObject({ decision: 'approve', by: 'alice', verified: false, plan: part.plan, at: IN_TIME, run: RUN });
    expect(await on.run('stage', { incident: FIRST, part: 1, plan: part.plan ?? '', ask: part.ask ?? '', run: RUN, round: 1 })).toMatchObject({ result: 'staged' });
  });

  it('a hundred approvals and a rejection in one batch: the first wins, the rest are told so', async () => {
    const { on, part } = await asked();
    const messages = [...Array.from({ length: 100 }, (_, index) => signalled(approve(part), index + 1)), signalled({ decision: 'reject', by: 'bob', reason: 'no' })];
    const sightings = vi.spyOn(on.ledger, 'sightings');
    const answers = await judge(on, part, messages);
    // Whose approval it needs is the same for all of them.
    expect(sightings).toHaveBeenCalledTimes(1);
    expect(answers[0]?.result).toBe('accepted');
    expect(new Set(answers.slice(1).map((answer) => answer.result))).toEqual(new Set(['already-decided']));
    expect(await on.ledger.decisions(FIRST)).toHaveLength(1);
  });

  it('retried after a crash, gives the same answers and leaves one decision', async () => {
    const { on, part } = await asked();
    on.temporal.histories.set(RUN, [{ at: IN_TIME, signal: 'approve' }]);
    const messages = [signalled(approve(part)), signalled({ decision: 'reject', by: 'bob', reason: 'no' })];
    const first = await judge(on, part, messages);
    expect(await judge(on, part, messages)).toEqual(first);
    expect(await on.ledger.decisions(FIRST)).toHaveLength(1);
  });

  it('an approval that a reset replays is refused and says that it is a replay', async () => {
    const { on, part } = await asked();
    on.temporal.histories.set(RUN, [{ at: IN_TIME, signal: 'approve' }]);
    on.temporal.histories.set(OTHER_RUN, [{ at: IN_TIME, signal: 'approve' }]);
    await judge(on, part, [signalled(approve(part))]);
    const again = only(await judge(on, part, [signalled(approve(part))], { run: OTHER_RUN }));
    expect(again).toMatchObject({ result: 'refused', parts: [], replayed: true, message: expect.stringContaining('used before') as string });
    expect((await on.ledger.decisionOf(part.ask ?? ''))?.run).toBe(RUN);
    expect((await on.entries('refused')).map((entry) => entry.data['reason'])).toEqual([expect.stringContaining('replayed') as string]);
  });

  it('a rejection of what the rules allowed is answered as decided already: a rollback stops it', async () => {
    const { on, part } = await asked({ target: { remediation: 'auto' } });
    const answer = only(await judge(on, part, [signalled({ decision: 'reject', by: 'alice', reason: 'no' })]));
    expect(answer).toMatchObject({ result: 'already-decided', parts: [], message: expect.stringContaining('by policy') as string });
  });

  it('records how many messages made no sense, once for the batch', async () => {
    const { on, part } = await asked();
    expect(await judge(on, part, [], { malformed: 1_000, lastProblem: '"by" must name who decides' })).toEqual([]);
    expect(only(await on.entries('refused')).data['reason']).toBe('1000 messages made no sense: "by" must name who decides');
  });

  it('a text that has no canonical form decides like any other, and does not stop the judge for ever', async () => {
    const { on, part } = await asked();
    expect(only(await judge(on, part, [signalled({ decision: 'reject', by: 'alice', reason: 'half \ufffd' })]))).toMatchObject({ result: 'accepted' });
  });
});

describe('askGates', () => {
  it('a gate that opens begins the time of the question', async () => {
    const { on, part } = await asked();
    const ref = { incident: FIRST, part: 1, plan: part.plan ?? '', ask: part.ask ?? '', run: RUN, round: 1 };
    await on.ledger.closeGate({ scope: 'prod', gate: 'freeze', by: 'alice', reason: 'launch', at: on.at() });
    expect(await on.run('askGates', ref)).toEqual({ gate: expect.objectContaining({ allowed: false, gate: 'freeze' }) as unknown });
    on.later(86_400_000);
    await on.ledger.openGate({ scope: 'prod', gate: 'freeze', by: 'alice', reason: 'done', at: on.at() });
    expect(await on.run('askGates', ref)).toEqual({ gate: { allowed: true }, expiresAt: '2026-11-03T13:00:00.000Z' });
  });
});

describe('remind', () => {
  it('tells the same people again, under a name of its own for each reminder', async () => {
    const { on, part } = await asked();
    for (const ordinal of [1, 1, 2]) await on.run('remind', { incident: FIRST, part: 1, plan: part.plan ?? '', ordinal });
    const reminders = on.told.filter((notice) => notice.event === 'approval-reminder');
    expect(new Set(reminders.map((notice) => notice.sequence)).size).toBe(2);
    expect(reminders[0]?.commands.join('\n')).toContain('holdfast approve prod/storefront#1');
  });
});

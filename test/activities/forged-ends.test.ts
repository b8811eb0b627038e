import { describe, expect, it } from 'vitest';
import { replaceStuckGuards } from '../../src/activities/incidents/renewal.js';
import type { AssessedPart, CloseInput, InboxMessage, Judged } from '../../src/activities/types.js';
import type { Approvals, Config } from '../../src/config/config.js';
import type { DecisionMessage } from '../../src/domain/message.js';
import { decisionStatement } from '../../src/trust/statement.js';
import { signer } from '../support/ssh-signer.js';
import { FIRST, only, openBench, openIncident, refOf, RUN, SHOP, type Bench } from './bench.js';

/*
 * Whoever reaches the namespace can end an incident's run and start one of the same type by hand, with
 * any state. Its steps look like the incident's own; what they say of people and of time is not believed.
 */

const APPROVALS: Approvals = { trust: 'signed', expiresMs: 4 * 3_600_000, remindMs: [], onExpiry: 'leave', settledMs: 7 * 86_400_000 };
const ONE_WEEK_ON = '2026-11-09T09:00:00.000Z';
const UNTIL = '2026-12-01T02:00:00+02:00';
const UNTIL_UTC = '2026-12-01T00:00:00.000Z';
const alice = signer();

interface Trial {
  readonly on: Bench;
  readonly part: AssessedPart;
  readonly configure: (change: (config: Config) => Config) => void;
}

async function trial(approvals: Approvals = APPROVALS): Promise<Trial> {
  let config: Config | undefined;
  const on = await openBench({ target: { remediation: 'ask' }, environment: { approvals }, deps: { config: () => Promise.resolve(config as Config) } });
  config = { ...on.config, people: { principals: [{ name: 'alice', aliases: [], keys: [{ key: alice.line, fingerprint: alice.fingerprint }] }], groups: {} } };
  const part = await openIncident(on);
  return { on, part, configure: (change) => { config = change(config as Config); } };
}

async function say({ on, part: { plan = '', ask = '' } }: Trial, message: DecisionMessage, phase: 'awaiting-approval' | 'waiting' = 'awaiting-approval'): Promise<Judged> {
  const signature = alice.sign(decisionStatement({ project: 'shop', incident: FIRST, question: { plan, ask } }, message));
  on.temporal.histories.set(RUN, [{ at: on.at(), signal: message.decision }]);
  const item: InboxMessage = { message: { ...message, signature }, via: { signal: message.decision, ordinal: 1 } };
  return only(await on.run('judge', { incident: FIRST, run: RUN, messages: [item], questions: [{ part: 1, phase, causedBy: [], plan, ask }], malformed: 0 }));
}

type End = Partial<CloseInput['parts'][number]> & Pick<CloseInput['parts'][number], 'outcome'>;

function close({ on, part: { plan = '', ask = '' } }: Trial, end: End): Promise<void> {
  return on.run('close', { incident: FIRST, run: RUN, outcome: end.outcome, parts: [{ part: 1, decision: 'ask', reason: 'forged', plan, ask, ...end }], malformed: 0 });
}

async function settledUntil({ on, part }: Trial): Promise<readonly (string | undefined)[]> {
  const { changes = [] } = (await on.ledger.plan(part.plan ?? '')) ?? {};
  return (await on.ledger.settled(SHOP, changes, on.at())).map((row) => row.until);
}

describe('an end that a person gives', () => {
  const FORGED: readonly { readonly reason: string; readonly end: End }[] = [
    { reason: 'nobody has accepted it', end: { outcome: 'accepted', by: 'alice', until: UNTIL } },
    { reason: 'nobody has rejected it', end: { outcome: 'rejected', by: 'alice' } },
    { reason: 'nobody is named', end: { outcome: 'rejected' } },
  ];

  it.each(FORGED)('is refused where words are signed: $reason', async ({ end }) => {
    const it = await trial();
    await expect(close(it, end)).rejects.toMatchObject({ type: 'Refused', nonRetryable: true, message: expect.stringContaining('no such decision of') as string });
    expect((await it.on.ledger.incident(SHOP, 1))?.closedAt).toBeUndefined();
    expect(await settledUntil(it)).toEqual([]);
  });

  it.each([
    { reason: 'until another date than was signed', end: { until: '2999-01-01T00:00:00Z' } },
    { reason: 'in the name of another', end: { by: 'bob' } },
    { reason: 'for another plan', end: { plan: 'f'.repeat(64) } },
    { reason: 'as a rejection', end: { outcome: 'rejected' as const } },
  ])('is none other than the one on record: $reason', async ({ end }) => {
    const it = await trial();
    expect(await say(it, { decision: 'accept', by: 'alice', reason: 'a test', until: UNTIL })).toMatchObject({ result: 'accepted' });
    await expect(close(it, { outcome: 'accepted', by: 'alice', until: UNTIL, ...end })).rejects.toMatchObject({ type: 'Refused' });
    await close(it, { outcome: 'accepted', by: 'alice', until: UNTIL });
    expect(await settledUntil(it)).toEqual([UNTIL_UTC]);
  });

  it('is taken as given where anybody may give it under any name', async () => {
    const it = await trial({ ...APPROVALS, trust: 'namespace' });
    await close(it, { outcome: 'accepted', by: 'alice', until: UNTIL });
    expect(await settledUntil(it)).toEqual([UNTIL_UTC]);
  });
});

describe('an end that time or a failure gives', () => {
  it('is quiet for as long as is configured, whatever date it says', async () => {
    const it = await trial();
    await close(it, { outcome: 'cancelled', until: '2999-01-01T00:00:00Z' });
    expect(await settledUntil(it)).toEqual([ONE_WEEK_ON]);
  });

  it('is left for good only after it was asked for its whole time', async () => {
    const early = await trial();
    await close(early, { outcome: 'expired' });
    expect(await settledUntil(early)).toEqual([ONE_WEEK_ON]);
    const due = await trial();
    due.on.later(4 * 3_600_000);
    await close(due, { outcome: 'expired' });
    expect(await settledUntil(due)).toEqual([undefined]);
  });
});

describe('before the write', () => {
  it('what somebody stopped is begun no more, however good its approval is', async () => {
    const it = await trial();
    expect(await say(it, { decision: 'approve', by: 'alice', plan: it.part.plan ?? '' })).toMatchObject({ result: 'accepted' });
    expect(await say(it, { decision: 'rollback', by: 'alice', reason: 'not now' }, 'waiting')).toMatchObject({ result: 'accepted' });
    await expect(it.on.run('stage', refOf(it.part))).rejects.toMatchObject({ type: 'Refused', message: expect.stringContaining('has ended on record') as string });
    expect(await it.on.entries('staged')).toEqual([]);
  });

  it.each(['stage', 'finalize'] as const)('%s: what was approved is decided again where it is only observed by now', async (step) => {
    const it = await trial();
    await say(it, { decision: 'approve', by: 'alice', plan: it.part.plan ?? '' });
    if (step === 'finalize') expect(await it.on.run('stage', refOf(it.part))).toMatchObject({ result: 'staged' });
    it.configure((config) => ({ ...config, targets: config.targets.map((target) => ({ ...target, remediation: 'observe' as const })) }));
    expect(await it.on.run(step, refOf(it.part))).toMatchObject({ result: 'moved', reason: expect.stringContaining('approved under other rules: they now say hold') as string });
    expect(it.on.read('etc/app.yaml')).not.toBe('port: 1\nhost: a\n');
  });

  it('what was only observed and is approved by a person is repaired, as long as it is still so', async () => {
    const on = await openBench({ target: { remediation: 'observe' } });
    const part = await openIncident(on);
    expect(part.decision).toBe('hold');
    on.temporal.histories.set(RUN, [{ at: on.at(), signal: 'approve' }]);
    const item: InboxMessage = { message: { decision: 'approve', by: 'alice', plan: part.plan ?? '' }, via: { signal: 'approve', ordinal: 1 } };
    expect(only(await on.run('judge', { incident: FIRST, run: RUN, messages: [item], questions: [{ part: 1, phase: 'observed', causedBy: [], plan: part.plan ?? '', ask: part.ask ?? '' }], malformed: 0 }))).toMatchObject({ result: 'accepted' });
    expect(await on.run('stage', refOf(part))).toMatchObject({ result: 'staged' });
  });
});

describe('the id of a guard', () => {
  const GUARD = 'environment/prod';

  it.each([
    { reason: 'of another type', run: { type: 'mine' } },
    { reason: 'on the queue of somebody else', run: { type: 'environment', queue: 'attacker' } },
  ])('is taken back from a workflow $reason, which hears no freeze', async ({ run }) => {
    const { on } = await trial();
    on.temporal.started.length = 0;
    on.temporal.runs.set(GUARD, { status: 'RUNNING', runId: RUN, ...run });
    await replaceStuckGuards(on.deps);
    expect(on.temporal.terminated).toEqual([GUARD]);
    expect(on.temporal.started.filter((each) => each.workflowId === GUARD)).toHaveLength(1);
  });

  it('is left to the guard that runs', async () => {
    const { on } = await trial();
    on.temporal.runs.set(GUARD, { status: 'RUNNING', runId: RUN, type: 'environment' });
    await replaceStuckGuards(on.deps);
    expect(on.temporal.terminated).toEqual([]);
  });
});

describe('the id of an incident', () => {
  it.each([
    { reason: 'of another type', run: { type: 'mine' } },
    { reason: 'on the queue of somebody else', run: { queue: 'attacker' } },
  ])('is held by a workflow $reason: people are told, and the incident stays open', async ({ run }) => {
    const it = await trial();
    await it.on.ledger.updateIncident(FIRST, { runId: RUN });
    it.on.temporal.runs.set('incident/prod/storefront', { status: 'RUNNING', runId: RUN, ...run });
    await it.on.check();
    const told = it.on.told.filter((notice) => notice.title.includes('another workflow runs under its id'));
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ event: 'needs-human', subject: 'prod/storefront#1' });
    expect((await it.on.ledger.incident(SHOP, 1))?.closedAt).toBeUndefined();
  });

  it.each([
    { endedBy: 'history-service', reason: 'the server itself, for a history that somebody made too large: asked again', settled: 0, says: 'look for who sends it so much' },
    { endedBy: 'tctl@laptop', reason: 'a person: quiet for as long as is configured', settled: 1, says: 'Its run was ended from outside' },
  ])('is free since its run was terminated by $reason', async ({ endedBy, settled, says }) => {
    const it = await trial();
    await it.on.ledger.updateIncident(FIRST, { runId: RUN });
    it.on.temporal.runs.set('incident/prod/storefront', { status: 'TERMINATED', runId: RUN, endedBy });
    await it.on.check();
    expect(await it.on.ledger.incident(SHOP, 1)).toMatchObject({ outcome: 'terminated', narrative: expect.stringContaining(says) as string });
    expect(await settledUntil(it)).toHaveLength(settled);
    expect(it.on.told.some((notice) => notice.event === 'needs-human' && notice.text.includes(says))).toBe(true);
  });

  it('is held by a run that a reset made of an incident which is closed: it is cancelled, and the next one starts', async () => {
    const it = await trial();
    expect(await say(it, { decision: 'reject', by: 'alice', reason: 'no' })).toMatchObject({ result: 'accepted' });
    await close(it, { outcome: 'rejected', by: 'alice' });
    it.on.temporal.runs.set('incident/prod/storefront', { status: 'RUNNING', runId: RUN, memo: { incident: 1 } });
    it.on.write('etc/app.yaml', 'port: 10\nhost: a\n');
    await it.on.check();
    expect(it.on.temporal.cancelled).toEqual([]);
    it.on.later(6 * 60_000);
    await it.on.check();
    expect(it.on.temporal.cancelled).toEqual(['incident/prod/storefront']);
    it.on.temporal.runs.delete('incident/prod/storefront');
    await it.on.check();
    expect(await it.on.ledger.incident(SHOP)).toMatchObject({ number: 2, runId: expect.any(String) as string });
  });
});

import { describe, expect, it, vi } from 'vitest';
import { FIRST, only, openBench, openIncident, OTHER_RUN, RUN, SHOP, standing, type Bench } from './bench.js';

const ASKS = { target: { remediation: 'ask' } } as const;
const HOUR = 3_600_000;

describe('assess', () => {
  it('allows what the rules allow, and puts the decision on record before anything is written', async () => {
    const on = await openBench();
    const part = await openIncident(on);
    expect(part).toMatchObject({ part: 1, decision: 'remediate', changes: 1, gate: { allowed: true }, staging: 'dry-run', rollback: 'exact', soakMs: 60_000 });
    expect(await on.ledger.decisionOf(part.ask ?? '')).toMatchObject({ decision: 'policy', plan: part.plan, run: RUN, by: 'policy' });
    expect(on.told).toEqual([]);
    expect(on.read('etc/app.yaml')).toBe('port: 9\nhost: a\n');
  });

  it('asks where the target asks: the question is told once with the command to answer it, and nobody has decided', async () => {
    const on = await openBench(ASKS);
    const part = await openIncident(on);
    expect(part).toMatchObject({ decision: 'ask', expiresAt: '2026-11-02T13:00:00.000Z', remindMs: [HOUR] });
    expect(await on.ledger.decisionOf(part.ask ?? '')).toBeUndefined();
    expect(only(on.told)).toMatchObject({ event: 'approval-needed', subject: 'prod/storefront#1', owner: 'team-web', commands: expect.arrayContaining([`holdfast approve prod/storefront#1 --plan ${part.plan?.slice(0, 12) ?? ''}`]) as string[] });
  });

  it('an incident is as risky as the riskiest part that goes on, whichever came last', async () => {
    const on = await openBench(ASKS);
    const part = await openIncident(on, (each) => { each.write('etc/app.yaml', 'port: 1\nhost: 0.0.0.0\n'); });
    const before = (await on.ledger.incident(SHOP))?.risk;
    on.write('etc/motd', 'hacked\n');
    await on.check();
    const later = only((await on.assess({ ordinal: 2, nextPart: 2, parts: [standing(part)] })).parts);
    expect(later.risk).not.toBe(before);
    expect((await on.ledger.incident(SHOP))?.risk).toBe(before);
  });

  it('retried after a crash, gives the same answer and leaves one question and one decision', async () => {
    const on = await openBench();
    const part = await openIncident(on);
    expect(only((await on.assess()).parts)).toEqual(part);
    expect((await on.entries('decided')).filter((entry) => entry.incident === 1)).toHaveLength(2);
  });

  it('reads once what rules, gates and the question look at', async () => {
    const on = await openBench({ target: { remediation: 'ask', settleMs: 60_000 }, environment: { limits: { concurrent: 2, reads: 4, budget: { max: 1, withinMs: HOUR } } } });
    on.write('etc/app.yaml', 'port: 9\nhost: a\n');
    await on.check();
    on.later(120_000);
    await on.check();
    on.write('etc/motd', 'hacked\n');
    const reads = (['closedGates', 'sightings', 'lastObservation'] as const).map((name) => vi.spyOn(on.ledger, name));
    expect((await on.assess()).parts).toMatchObject([{ decision: 'ask', gate: { allowed: true } }, { decision: 'ask', gate: { gate: 'settling' } }]);
    // What the engine does is compared with the closed gates first, and may change them.
    expect(reads.map((each) => each.mock.calls.length)).toEqual([2, 1, 1]);
  });

  it('keeps what its changes have in common with others elsewhere in the row, where lists find it', async () => {
    const on = await openBench({ target: { remediation: 'ask', intent: { purpose: 'the shop', runbook: 'https://example.com/shop' } }, environment: { vars: { greeting: 'hello prod' } } });
    on.write('etc/app.yaml', 'port: 9\nhost: a\n');
    await on.check();
    const { details } = await on.assess();
    const row = await on.ledger.incident(SHOP);
    expect(row?.parts).toMatchObject([{ part: 1, causes: [{ key: expect.stringMatching(/^[0-9a-f]{64}$/) as string, changes: 1, place: 'etc/app.yaml /port', change: '1 -> 9', at: on.at() }] }]);
    expect(details).toContain('Purpose: the shop  \nRunbook: https://example.com/shop');
  });

  it('measures health once, as a baseline, and asks when it was not healthy before', async () => {
    const on = await openBench();
    on.healthy('unhealthy');
    const part = await openIncident(on);
    expect(part).toMatchObject({ decision: 'ask', rules: expect.arrayContaining(['unhealthy-before']) as string[] });
    expect(on.probes).toEqual([{ single: true }]);
  });

  it('splits by decision, most restrictive first, and plans each part alone', async () => {
    const on = await openBench();
    on.write('left-behind.bak', 'old\n');
    on.write('etc/app.yaml', 'port: 9\nhost: a\n');
    await on.check();
    const { parts } = await on.assess();
    expect(parts.map((part) => [part.part, part.decision])).toEqual([[1, 'ask'], [2, 'remediate']]);
    const [first, second] = await Promise.all(parts.map((part) => on.ledger.plan(part.plan ?? '')));
    expect(first?.changes.map((change) => change.resource)).toEqual(['left-behind.bak']);
    expect(second?.changes.map((change) => change.resource)).toEqual(['etc/app.yaml']);
  });

  it.each(['awaiting-approval', 'waiting'] as const)('an unrelated change lapses no approval: the part that is %s stays as it is, and the change is asked about beside it', async (phase) => {
    const on = await openBench(ASKS);
    const first = await openIncident(on);
    on.write('etc/motd', 'hacked\n');
    const again = await on.assess({ ordinal: 2, nextPart: 2, parts: [standing(first, phase)] });
    expect(again.gone).toEqual([]);
    expect(only(again.parts)).toMatchObject({ part: 2, decision: 'ask', changes: 1 });
    expect(only(again.parts).plan).not.toBe(first.plan);
    expect(on.told.map((notice) => notice.event)).toEqual(['approval-needed', 'approval-needed']);
  });

  it('an edit of the same desired file moves the plan: what was reviewed is not what would be written', async () => {
    const on = await openBench(ASKS);
    const first = await openIncident(on);
    on.desire('etc/app.yaml', 'port: 1\nhost: a\nlevel: info\n');
    on.write('etc/app.yaml', 'port: 9\nhost: a\nlevel: info\n');
    const again = await on.assess({ ordinal: 2, nextPart: 2, parts: [standing(first)] });
    expect(again.gone).toMatchObject([{ part: 1, event: 'moved' }]);
    expect(only(again.parts).plan).not.toBe(first.plan);
  });

  it('what a person approved stays approved when the rules would now allow it by themselves', async () => {
    const on = await openBench();
    on.healthy('unhealthy');
    const first = await openIncident(on);
    on.healthy('healthy');
    expect(await on.assess({ ordinal: 2, nextPart: 2, parts: [standing(first, 'waiting')] })).toMatchObject({ gone: [], parts: [] });
    expect(only((await on.assess({ ordinal: 3, nextPart: 2, parts: [standing(first)] })).parts)).toMatchObject({ decision: 'remediate' });
  });

  it('a part that would be decided otherwise now is decided again', async () => {
    const on = await openBench();
    const first = await openIncident(on);
    on.healthy('unhealthy');
    const again = await on.assess({ ordinal: 2, nextPart: 2, parts: [standing(first)] });
    expect(again.gone).toMatchObject([{ part: 1, event: 'moved' }]);
    expect(only(again.parts)).toMatchObject({ decision: 'ask', plan: first.plan });
  });

  it('an unrelated edit of the desired state leaves the plan hash and the question as they are', async () => {
    const on = await openBench(ASKS);
    const first = await openIncident(on);
    on.desire('etc/motd', 'welcome\n');
    on.write('etc/motd', 'welcome\n');
    expect(await on.assess({ ordinal: 2, nextPart: 2, parts: [standing(first)] })).toMatchObject({ gone: [], parts: [] });
    expect(on.told).toHaveLength(1);
  });

  it('says that changes moved, and asks about the new plan', async () => {
    const on = await openBench(ASKS);
    const first = await openIncident(on);
    on.write('etc/app.yaml', 'port: 10\nhost: a\n');
    const again = await on.assess({ ordinal: 2, nextPart: 2, parts: [standing(first)] });
    expect(again.gone).toEqual([{ part: 1, event: 'moved', reason: expect.stringContaining('0 of 1 are as they were') as string }]);
    expect(only(again.parts)).toMatchObject({ part: 2, decision: 'ask' });
    expect(only(again.parts).plan).not.toBe(first.plan);
    expect(on.told).toHaveLength(2);
  });

  it('says that changes are gone', async () => {
    const on = await openBench(ASKS);
    const first = await openIncident(on);
    on.write('etc/app.yaml', 'port: 1\nhost: a\n');
    expect(await on.assess({ ordinal: 2, nextPart: 2, parts: [standing(first)] })).toMatchObject({ verdict: 'clean', gone: [{ part: 1, event: 'cleared' }], parts: [] });
  });

  it('leaves alone what a part is at work on', async () => {
    const on = await openBench();
    const first = await openIncident(on);
    expect(await on.assess({ ordinal: 2, nextPart: 2, parts: [standing(first, 'soaking')] })).toMatchObject({ gone: [], parts: [] });
  });

  it('leaves out what ended and stays ended, and what was accepted', async () => {
    const on = await openBench(ASKS);
    await openIncident(on, (each) => { each.write('etc/app.yaml', 'port: 9\nhost: b\n'); each.write('etc/motd', 'hacked\n'); });
    const row = await on.ledger.lastObservation(SHOP);
    const changes = (await on.ledger.report(row?.digest ?? ''))?.changes ?? [];
    const settled = changes.find((change) => change.path === '/host');
    if (settled === undefined) throw new Error('the host drifted');
    await on.ledger.settle([{ ...SHOP, fingerprint: settled.fingerprint, revision: settled.revision, resource: settled.resource, path: settled.path, outcome: 'rejected', incident: 1, at: on.at() }]);
    await on.ledger.accept({ ...SHOP, resource: 'etc/motd', until: '2030-01-01T00:00:00.000Z', by: 'alice', reason: 'party', at: on.at() });
    const { parts } = await on.assess({ ordinal: 2, nextPart: 2 });
    const plan = await on.ledger.plan(only(parts).plan ?? '');
    expect(plan?.changes.map((change) => `${change.resource} ${change.path}`)).toEqual(['etc/app.yaml /port']);
  });

  it('asks again once the time given with the decision has passed', async () => {
    const on = await openBench(ASKS);
    await openIncident(on);
    await on.ledger.accept({ ...SHOP, resource: 'etc/app.yaml', until: '2026-11-02T10:00:00.000Z', by: 'alice', reason: 'an hour', at: on.at() });
    expect((await on.assess({ ordinal: 2 })).parts).toEqual([]);
    on.later(HOUR);
    expect((await on.assess({ ordinal: 3 })).parts).toHaveLength(1);
  });

  it('holds a part that cannot be repaired, says why, and repairs what can be without it', async () => {
    const on = await openBench({ spec: { protect: ['etc/motd'] } });
    on.write('etc/motd', 'hacked\n');
    on.write('etc/app.yaml', 'port: 9\nhost: a\n');
    await on.check();
    const { parts } = await on.assess();
    expect(parts.map((part) => part.decision).sort()).toEqual(['hold', 'remediate']);
    const held = parts.find((part) => part.decision === 'hold');
    expect(held).toMatchObject({ rules: expect.arrayContaining(['not-repairable']) as string[], impossible: expect.stringContaining('etc/motd') as string });
    expect(held?.plan).toBeUndefined();
    expect(held?.ask).toBeUndefined();
  });

  it('keeps a part that cannot be repaired as it is, however often it is looked at', async () => {
    const on = await openBench({ spec: { protect: ['etc/motd'] } });
    const held = await openIncident(on, (each) => { each.write('etc/motd', 'hacked\n'); });
    expect(held).toMatchObject({ decision: 'hold' });
    expect(await on.assess({ ordinal: 2, nextPart: 2, parts: [standing(held)] })).toMatchObject({ gone: [], parts: [] });
    on.write('etc/motd', 'hello\n');
    expect(await on.assess({ ordinal: 3, nextPart: 2, parts: [standing(held)] })).toMatchObject({ gone: [{ part: 1, event: 'cleared' }], parts: [] });
  });

  it('unknown decides nothing: no part, no plan, no question', async () => {
    const on = await openBench();
    await openIncident(on);
    on.remove('.');
    expect(await on.assess({ ordinal: 2, nextPart: 2 })).toMatchObject({ verdict: 'unknown', parts: [], gone: [] });
    expect(await on.ledger.incident(SHOP)).toMatchObject({ drift: 'unknown' });
  });

  it('a blind incident tells people that nothing is known', async () => {
    const on = await openBench();
    await openIncident(on);
    on.remove('.');
    await on.assess({ ordinal: 2, nextPart: 2, kind: 'blind' });
    expect(only(on.told)).toMatchObject({ event: 'blind', text: expect.stringContaining('nothing is repaired and nothing is closed') as string });
  });

  it('a closed gate is said, and the question does not run out while it is closed', async () => {
    const on = await openBench(ASKS);
    await on.ledger.closeGate({ scope: 'prod', gate: 'freeze', by: 'alice', reason: 'launch', at: on.at() });
    const part = await openIncident(on);
    expect(part.gate).toMatchObject({ allowed: false, gate: 'freeze', reason: expect.stringContaining('launch') as string });
    expect(part.expiresAt).toBeUndefined();
    expect(only(on.told).text).not.toContain('expires');
  });

  it('never shows a secret: not in a plan, a question, the details or the record', async () => {
    const on = await openBench(ASKS);
    on.desire('etc/service.env', 'API_TOKEN=correct-horse-desired\n');
    on.write('etc/service.env', 'API_TOKEN=canary-live-value\n');
    await on.check();
    const assessment = await on.assess();
    const seen = JSON.stringify([assessment, on.told, await on.entries(), await on.ledger.plan(only(assessment.parts).plan ?? '')]);
    expect(seen).not.toContain('correct-horse-desired');
    expect(seen).not.toContain('canary-live-value');
  });
});

describe('a second writer', () => {
  async function repairedTimes(on: Bench, count: number): Promise<void> {
    for (let repair = 0; repair < count; repair += 1) {
      on.later(60_000);
      await on.ledger.append({ at: on.at(), kind: 'finalized', ...SHOP, incident: 1, data: { part: 1, plan: 'p', fields: ['etc/app.yaml /port'] } });
    }
  }

  it.each([
    { count: 2, closed: false, reason: 'twice may be chance' },
    { count: 3, closed: true, reason: 'three repairs within the hour that did not last' },
  ])('after $count repairs the gate is closed: $closed, because $reason', async ({ count, closed }) => {
    const on = await openBench();
    await repairedTimes(on, count);
    const part = await openIncident(on);
    expect(part.gate.allowed).toBe(!closed);
    if (!closed) return;
    expect(part.gate).toMatchObject({ gate: 'flapping', reason: expect.stringContaining('another writer keeps putting it there') as string });
    expect((await on.ledger.closedGates(SHOP, on.at())).filter((row) => row.gate === 'flapping')).toHaveLength(1);
  });

  it('is nobody where it was Holdfast that put it back: three repairs that were rolled back are no flapping', async () => {
    const on = await openBench();
    for (const incident of [1, 2, 3]) {
      on.later(60_000);
      await on.ledger.append({ at: on.at(), kind: 'finalized', ...SHOP, incident, data: { part: 1, plan: 'p', round: 1, fields: ['etc/app.yaml /port'] } });
      await on.ledger.append({ at: on.at(), kind: 'rolled-back', ...SHOP, incident, data: { part: 1, plan: 'p', round: 1, result: 'restored', cause: 'unhealthy', message: 'status 503' } });
    }
    await openIncident(on);
    expect((await on.ledger.closedGates(SHOP, on.at())).filter((row) => row.gate === 'flapping')).toEqual([]);
  });

  it('is told once, and another field of the file goes on', async () => {
    const on = await openBench();
    await repairedTimes(on, 3);
    await openIncident(on, (each) => { each.write('etc/app.yaml', 'port: 9\nhost: a\n'); });
    await on.assess({ ordinal: 2 });
    expect(on.told.filter((notice) => notice.title.includes('flapping'))).toHaveLength(1);
    on.write('etc/app.yaml', 'port: 1\nhost: b\n');
    expect(only((await on.assess({ ordinal: 3 })).parts).gate).toEqual({ allowed: true });
  });

  it('counts anew once a person has released it', async () => {
    const on = await openBench();
    await repairedTimes(on, 3);
    await openIncident(on);
    on.later(1_000);
    await on.run('command', { environment: 'prod', run: RUN, message: { command: 'release', scope: 'prod/storefront', gate: 'flapping', by: 'alice', reason: 'found it' } }, { workflowId: 'environment/prod', workflowType: 'environment' });
    expect(only((await on.assess({ ordinal: 2 })).parts).gate).toEqual({ allowed: true });
  });
});

describe('a question that another run has used up', () => {
  it('is asked anew, because its answer can be given only once', async () => {
    const on = await openBench(ASKS);
    const first = await openIncident(on);
    await on.ledger.decide({ ...FIRST, ask: first.ask ?? '', decision: 'approve', plan: first.plan ?? '', by: 'alice', verified: false, at: on.at(), run: RUN, message: 'm' });
    // A reset run replays the question, not the answer.
    const again = await on.assess({ run: OTHER_RUN, ordinal: 2, nextPart: 2, parts: [standing(first)] });
    expect(again.gone).toMatchObject([{ part: 1, event: 'moved' }]);
    expect(only(again.parts)).toMatchObject({ plan: first.plan, decision: 'ask' });
    expect(only(again.parts).ask).not.toBe(first.ask);
  });

  it('is kept when its run has gone on as a new one after it was answered', async () => {
    const on = await openBench(ASKS);
    const first = await openIncident(on);
    await on.ledger.decide({ ...FIRST, ask: first.ask ?? '', decision: 'approve', plan: first.plan ?? '', by: 'alice', verified: false, at: on.at(), run: RUN, message: 'm' });
    expect(await on.assess({ run: OTHER_RUN, ordinal: 2, nextPart: 2, parts: [standing(first, 'waiting')] })).toMatchObject({ gone: [], parts: [] });
  });
});

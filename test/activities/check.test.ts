import { describe, expect, it } from 'vitest';
import { FIRST, only, openBench, openIncident, RUN, SHOP, standing, type Bench } from './bench.js';

const MINUTE = 60_000;
const INCIDENT = 'incident/prod/storefront';

function incidents(on: Bench): number {
  return on.temporal.started.filter((each) => each.type === 'incident').length;
}

describe('a check', () => {
  it('that finds nothing opens nothing and tells nobody', async () => {
    const on = await openBench();
    expect(await on.check()).toEqual({ clean: 1, drifted: 0, unknown: 0 });
    expect(on.temporal.started).toEqual([]);
  });

  it('that finds a drift starts the guard and the incident, numbered and on record', async () => {
    const on = await openBench();
    on.write('etc/app.yaml', 'port: 9\nhost: a\n');
    expect(await on.check()).toEqual({ clean: 0, drifted: 1, unknown: 0, opened: ['storefront'] });
    expect(on.temporal.started.map((each) => [each.type, each.workflowId])).toEqual([['environment', 'environment/prod'], ['incident', INCIDENT]]);
    expect(only(on.temporal.started.slice(1)).args).toEqual([{ incident: FIRST, kind: 'drift', pool: 'prod' }]);
    expect(await on.ledger.incident(SHOP)).toMatchObject({ number: 1, kind: 'drift', runId: on.temporal.runs.get(INCIDENT)?.runId });
  });

  it('that finds the same again costs nothing, ten times over', async () => {
    const on = await openBench();
    await openIncident(on);
    const entries = (await on.entries()).length;
    for (let check = 0; check < 10; check += 1) {
      on.later(15 * MINUTE);
      await on.check();
    }
    expect(incidents(on)).toBe(1);
    expect(on.temporal.signals).toEqual([]);
    expect(await on.entries()).toHaveLength(entries);
  });

  it('tells the open incident once that its changes moved, and once that they are gone', async () => {
    const on = await openBench();
    await openIncident(on);
    for (const content of ['port: 10\nhost: a\n', 'port: 10\nhost: a\n', 'port: 1\nhost: a\n', 'port: 1\nhost: a\n']) {
      on.write('etc/app.yaml', content);
      await on.check();
    }
    expect(on.temporal.signals.map((each) => [each.workflowId, each.signal])).toEqual([[INCIDENT, 'observed'], [INCIDENT, 'observed']]);
    expect(on.temporal.signals.at(-1)?.payload).toEqual({ drift: 'clean' });
  });

  it('waits until a change was seen over the settling time', async () => {
    const on = await openBench({ target: { settleMs: 10 * MINUTE } });
    on.write('etc/app.yaml', 'port: 9\nhost: a\n');
    await on.check();
    on.later(9 * MINUTE);
    await on.check();
    expect(incidents(on)).toBe(0);
    on.later(MINUTE);
    await on.check();
    expect(incidents(on)).toBe(1);
  });

  it('of what cannot be read is unknown: it opens nothing, closes nothing, and after blindAfter says so', async () => {
    const on = await openBench({ target: { blindAfterMs: 45 * MINUTE } });
    await on.check();
    on.remove('.');
    expect(await on.check()).toEqual({ clean: 0, drifted: 0, unknown: 1, unknownTargets: ['storefront'] });
    expect(incidents(on)).toBe(0);
    on.later(45 * MINUTE);
    await on.check();
    await on.check();
    expect(incidents(on)).toBe(1);
    expect(await on.ledger.incident(SHOP)).toMatchObject({ kind: 'blind', drift: 'unknown' });
  });

  it('lists targets by pool, in batches, with a limit for each', async () => {
    const on = await openBench();
    const listed = await on.run('listTargets', { environment: 'prod' });
    expect(listed).toEqual({ batches: [{ pool: 'prod', targets: ['storefront'], timeoutMs: 60_000 + 30_000 }], commits: {} });
    expect((await on.run('listTargets', { environment: 'prod', target: 'no-such' })).batches).toEqual([]);
  });

  it('records what nobody read as unknown, never as clean', async () => {
    const on = await openBench();
    expect(await on.run('recordUnread', { environment: 'prod', targets: ['storefront', 'vanished'], reason: 'no worker of pool prod' })).toEqual({ clean: 0, drifted: 0, unknown: 1, unknownTargets: ['storefront'] });
    expect(await on.ledger.lastObservation(SHOP)).toMatchObject({ verdict: 'unknown', reason: 'no worker of pool prod' });
  });

  it('of a target that hangs is unknown alone, and holds nobody', async () => {
    const on = await openBench({ target: { observeTimeoutMs: 30 } });
    const files = on.deps.providers['files'];
    const worker = { providers: { files: { ...files, observe: () => new Promise(() => undefined) } as never } };
    expect(await on.run('observe', { environment: 'prod', targets: ['storefront'], commits: {} }, { worker })).toMatchObject({ unknown: 1 });
    expect((await on.ledger.lastObservation(SHOP))?.reason).toContain('no answer within 30 ms');
  });
});

describe('what ended stays ended', () => {
  it.each(['rejected', 'expired', 'rolled-back', 'needs-human', 'cancelled', 'accepted'] as const)('%s: ten more checks open nothing and tell nobody', async (outcome) => {
    const on = await openBench({ target: { remediation: 'ask' } });
    const part = await openIncident(on);
    await on.run('close', { incident: FIRST, run: RUN, outcome, malformed: 0, parts: [{ part: 1, outcome, decision: 'ask', plan: part.plan ?? '', reason: 'so', ...(outcome === 'accepted' ? { until: '2027-01-01T00:00:00Z' } : {}) }] });
    on.temporal.runs.delete(INCIDENT);
    const told = on.told.length;
    for (let check = 0; check < 10; check += 1) {
      on.later(15 * MINUTE);
      expect(await on.check()).toMatchObject({ drifted: 1 });
    }
    expect(incidents(on)).toBe(1);
    expect(on.told).toHaveLength(told);
  });

  it('a part that could not be repaired stays ended too', async () => {
    const on = await openBench({ spec: { protect: ['etc/motd'] } });
    await openIncident(on, (each) => { each.write('etc/motd', 'hacked\n'); });
    await on.run('close', { incident: FIRST, run: RUN, outcome: 'rejected', malformed: 0, parts: [{ part: 1, outcome: 'rejected', decision: 'hold', reason: 'known' }] });
    on.temporal.runs.delete(INCIDENT);
    await on.check();
    expect(incidents(on)).toBe(1);
  });

  it.each([
    { reason: 'the change moves', act: (on: Bench) => { on.write('etc/app.yaml', 'port: 10\nhost: a\n'); } },
    { reason: 'the desired state of its resource moves', act: (on: Bench) => { on.desire('etc/app.yaml', 'port: 1\nhost: a\nlevel: info\n'); } },
    { reason: 'the time given with the decision passes', act: (on: Bench) => { on.later(8 * 24 * 60 * MINUTE); } },
  ])('until $reason', async ({ act }) => {
    const on = await openBench({ target: { remediation: 'ask' } });
    const part = await openIncident(on);
    await on.run('close', { incident: FIRST, run: RUN, outcome: 'rejected', malformed: 0, parts: [{ part: 1, outcome: 'rejected', decision: 'ask', plan: part.plan ?? '', reason: 'known' }] });
    on.temporal.runs.delete(INCIDENT);
    act(on);
    await on.check();
    expect(incidents(on)).toBe(2);
    expect(await on.ledger.incident(SHOP)).toMatchObject({ number: 2 });
  });

  it('an unrelated change opens an incident about itself alone', async () => {
    const on = await openBench({ target: { remediation: 'ask' } });
    const part = await openIncident(on);
    await on.run('close', { incident: FIRST, run: RUN, outcome: 'rejected', malformed: 0, parts: [{ part: 1, outcome: 'rejected', decision: 'ask', plan: part.plan ?? '', reason: 'known' }] });
    on.temporal.runs.delete(INCIDENT);
    on.write('etc/motd', 'hacked\n');
    await on.check();
    const { parts } = await on.assess({ incident: { ...SHOP, number: 2 } });
    const plan = await on.ledger.plan(only(parts).plan ?? '');
    expect(plan?.changes.map((change) => change.resource)).toEqual(['etc/motd']);
  });
});

describe('a run that ended behind the incident’s back', () => {
  const FINAL = '99999999-9999-4999-8999-999999999999';

  async function terminated(on: Bench, more: { closeTime?: Date } = {}): Promise<void> {
    on.temporal.runs.set(INCIDENT, { status: 'TERMINATED', runId: FINAL, closeTime: new Date(on.at()), ...more });
    on.temporal.runs.set('environment/prod', { status: 'RUNNING', runId: RUN });
  }

  it('is closed in the record as terminated, told, and does not open again', async () => {
    const on = await openBench();
    await openIncident(on);
    await terminated(on);
    await on.check();
    await on.check();
    expect(await on.ledger.incident(SHOP)).toMatchObject({ number: 1, outcome: 'terminated', narrative: expect.stringContaining('Nothing was being written') as string });
    expect(on.told.filter((notice) => notice.title.includes('was terminated'))).toHaveLength(1);
    expect(incidents(on)).toBe(1);
  });

  it('gives back the slot of the run that held it, which is the last of a chain of runs', async () => {
    const on = await openBench();
    await openIncident(on);
    await terminated(on);
    await on.check();
    const returned = on.temporal.signals.filter((each) => each.signal === 'returnSlot');
    expect(returned.map((each) => each.payload)).toContainEqual({ workflowId: INCIDENT, runId: FINAL });
  });

  it('that was writing is waited for as long as its step may run, and then what it left half done is named', async () => {
    const on = await openBench();
    const part = await openIncident(on);
    const fence = await on.ledger.takeFence({ address: SHOP, step: 'finalize', attempt: 1, run: RUN, at: on.at() });
    await on.ledger.intend({ ...FIRST, key: 'finalize/write', step: 'finalize', write: 'write etc/app.yaml', resource: 'etc/app.yaml', plan: part.plan ?? '', fence, at: on.at() });
    await terminated(on);
    on.later(9 * MINUTE);
    await on.check();
    expect((await on.ledger.incident(SHOP))?.closedAt).toBeUndefined();
    on.later(MINUTE);
    await on.check();
    expect(await on.ledger.incident(SHOP)).toMatchObject({ outcome: 'terminated', narrative: expect.stringContaining('Left half done, look at: etc/app.yaml') as string });
  });

  it('whose workflow task keeps failing is told, and stays open', async () => {
    const on = await openBench();
    await openIncident(on);
    on.temporal.runs.set(INCIDENT, { status: 'RUNNING', runId: FINAL, attempt: 4, said: 'no such phase' });
    await on.check();
    expect((await on.ledger.incident(SHOP))?.closedAt).toBeUndefined();
    expect(on.told.at(-1)).toMatchObject({ event: 'needs-human', title: expect.stringContaining('keeps failing') as string, text: expect.stringContaining('no such phase') as string });
  });
});

describe('an incident that was recorded and whose start was lost', () => {
  it('is started by the next check', async () => {
    const on = await openBench();
    on.write('etc/app.yaml', 'port: 9\nhost: a\n');
    await on.ledger.openIncident({ address: SHOP, at: on.at(), drift: 'v1:lost', kind: 'drift' });
    await on.check();
    expect(incidents(on)).toBe(1);
    expect((await on.ledger.incident(SHOP))?.runId).toBeDefined();
    const part = only((await on.assess()).parts);
    expect(standing(part).plan).toBe(part.plan);
  });
});

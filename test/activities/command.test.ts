import { describe, expect, it } from 'vitest';
import type { CommandMessage } from '../../src/domain/message.js';
import type { CommandAnswer } from '../../src/workflows/messages.js';
import { rule } from '../policy/rules.js';
import { FIRST, only, openBench, openIncident, RUN, SHOP, staged, type Bench, type BenchOptions } from './bench.js';

const INCIDENT = 'incident/prod/storefront';
const UNTIL = '2030-01-01T00:00:00.000Z';

function say(on: Bench, message: Partial<CommandMessage> & Pick<CommandMessage, 'command' | 'scope'>): Promise<CommandAnswer> {
  return on.run('command', { environment: 'prod', run: RUN, message: { by: 'alice', reason: 'launch', ...message } }, { workflowId: 'environment/prod', workflowType: 'environment' });
}

async function gates(on: Bench): Promise<string[]> {
  return (await on.ledger.allClosedGates(on.at())).map((row) => `${row.gate} ${row.scope}`);
}

async function rejected(on: Bench): Promise<void> {
  const part = await openIncident(on);
  await on.run('close', { incident: FIRST, run: RUN, outcome: 'rejected', malformed: 0, parts: [{ part: 1, outcome: 'rejected', decision: part.decision, plan: part.plan ?? '', reason: 'known' }] });
  on.temporal.runs.delete(INCIDENT);
}

async function fixed(on: Bench): Promise<void> {
  const part = await openIncident(on);
  if (part.decision === 'ask') await on.ledger.decide({ ...FIRST, ask: part.ask ?? '', decision: 'approve', plan: part.plan ?? '', by: 'alice', verified: false, at: on.at(), run: RUN, message: 'm' });
  const ref = await staged(on, part);
  await on.run('finalize', ref);
  await on.run('verify', { ...ref, final: true });
  await on.run('close', { incident: FIRST, run: RUN, outcome: 'fixed', malformed: 0, parts: [{ part: 1, outcome: 'fixed', decision: part.decision, plan: part.plan ?? '', reason: 'proved' }] });
  on.temporal.runs.delete(INCIDENT);
}

describe('freeze and unfreeze', () => {
  it('close and open a gate, on record, told, and the open incidents are asked to look at their gates again', async () => {
    const on = await openBench();
    await openIncident(on);
    expect(await say(on, { command: 'freeze', scope: 'prod' })).toMatchObject({ ok: true, message: expect.stringContaining('prod is frozen until it is unfrozen') as string });
    expect(await gates(on)).toEqual(['freeze prod']);
    expect(on.temporal.signals).toEqual([{ workflowId: INCIDENT, signal: 'gates', payload: {} }]);
    expect(only(on.told)).toMatchObject({ event: 'frozen', subject: 'prod' });
    expect(await say(on, { command: 'unfreeze', scope: 'prod' })).toMatchObject({ ok: true });
    expect(await gates(on)).toEqual([]);
    expect(on.temporal.signals).toHaveLength(2);
    expect((await on.entries('gate')).map((entry) => entry.by)).toEqual(['alice', 'alice']);
  });

  it('with more incidents open than a person waits for, it answers first and leaves them to be told', async () => {
    const on = await openBench();
    for (let each = 0; each < 51; each += 1) {
      await on.ledger.openIncident({ address: { environment: 'prod', target: `t${each}` }, at: on.at(), drift: 'v1:x', kind: 'drift' });
      on.temporal.runs.set(`incident/prod/t${each}`, { status: 'RUNNING', runId: `run-${each}` });
    }
    expect(await say(on, { command: 'freeze', scope: 'prod' })).toMatchObject({ ok: true, wake: 'prod' });
    expect(on.temporal.signals).toEqual([]);
    await on.run('wakeIncidents', { environment: 'prod', scope: 'prod' }, { workflowId: 'environment/prod', workflowType: 'environment' });
    expect(on.temporal.signals).toHaveLength(51);
  });

  it('everything can be frozen at once', async () => {
    const on = await openBench();
    expect(await say(on, { command: 'freeze', scope: '*' })).toMatchObject({ ok: true });
    expect(await gates(on)).toEqual(['freeze *']);
  });

  it('a freeze with an end opens by itself', async () => {
    const on = await openBench();
    await say(on, { command: 'freeze', scope: 'prod', until: '2026-11-02T10:00:00Z' });
    on.later(3_600_000);
    expect(await gates(on)).toEqual([]);
  });

  it('to lift what is not frozen says so', async () => {
    const on = await openBench();
    expect(await say(on, { command: 'unfreeze', scope: 'prod' })).toEqual({ ok: false, message: 'prod is not frozen' });
  });
});

describe('scopes', () => {
  it.each<{ message: Partial<CommandMessage> & Pick<CommandMessage, 'command' | 'scope'>; says: RegExp; reason: string }>([
    { message: { command: 'freeze', scope: 'staging' }, says: /send it to environment\/staging/, reason: 'another environment has a guard of its own' },
    { message: { command: 'freeze', scope: 'prod/no-such' }, says: /prod\/no-such is not in the configuration/, reason: 'a freeze of nothing would look like one' },
    { message: { command: 'freeze', scope: '../prod' }, says: /neither an environment nor environment\/target/, reason: 'not a name' },
    { message: { command: 'freeze', scope: 'prod/a/b' }, says: /neither an environment nor environment\/target/, reason: 'not an address' },
    { message: { command: 'release', scope: '*', gate: 'breaker' }, says: /needs an environment or a target/, reason: 'only a freeze is for everything' },
    { message: { command: 'accept', scope: '*', resource: 'etc/app.yaml', until: UNTIL }, says: /needs an environment or a target/, reason: 'an exception for everything' },
    { message: { command: 'accept', scope: 'prod', resource: 'etc/app.yaml', until: UNTIL }, says: /names no target/, reason: 'an exception for every target' },
    { message: { command: 'retry', scope: 'prod', incident: 1 }, says: /names no target/, reason: 'an incident belongs to a target' },
    { message: { command: 'freeze', scope: 'prod', until: '2026-13-45T00:00Z' }, says: /not a time/, reason: 'an end that is no time must not freeze for ever' },
    { message: { command: 'freeze', scope: 'prod', until: '2031-02-30T00:00:00Z' }, says: /not a time/, reason: 'a day that no calendar has ends another day' },
    { message: { command: 'freeze', scope: 'prod', until: '9999-12-31T23:59:59-23:59' }, says: /not a time/, reason: 'a year beyond 9999 sorts before every other, so that the freeze would be none' },
    { message: { command: 'freeze', gate: 'busy', scope: 'prod', until: '9999-12-31T23:59:59-23:59' }, says: /needs an end to come/, reason: 'the same of work under way' },
    { message: { command: 'accept', scope: 'prod/storefront', resource: 'etc/app.yaml', until: '9999-12-31T23:59:59-23:59' }, says: /must lie in the future/, reason: 'the same of an acceptance' },
  ])('$message.command $message.scope is answered, not thrown: $reason', async ({ message, says }) => {
    const on = await openBench();
    const answer = await say(on, message);
    expect(answer.ok).toBe(false);
    expect(answer.message).toMatch(says);
    expect(await gates(on)).toEqual([]);
  });
});

describe('release', () => {
  it('of a quarantine asks about the change again', async () => {
    const on = await openBench();
    const part = await openIncident(on);
    const ref = await staged(on, part);
    await on.run('rollback', { incident: FIRST, part: 1, plan: ref.plan, round: 1, cause: 'unhealthy', reason: 'status 503' });
    await on.run('close', { incident: FIRST, run: RUN, outcome: 'rolled-back', malformed: 0, parts: [{ part: 1, outcome: 'rolled-back', decision: 'remediate', plan: ref.plan, reason: 'status 503', cause: 'unhealthy' }] });
    on.temporal.runs.delete(INCIDENT);
    await on.check();
    expect((await on.ledger.incident(SHOP))?.number).toBe(1);
    expect(await say(on, { command: 'retry', scope: 'prod/storefront', incident: 1 })).toMatchObject({ ok: false, message: expect.stringContaining('--gate quarantine') as string });
    expect(await say(on, { command: 'release', scope: 'prod/storefront', gate: 'quarantine' })).toMatchObject({ ok: true });
    await on.check();
    expect((await on.ledger.incident(SHOP))?.number).toBe(2);
  });

  it('of a quarantine is heard by the incident that is still open, and by its end', async () => {
    const on = await openBench();
    const part = await openIncident(on);
    const ref = await staged(on, part);
    await on.run('rollback', { incident: FIRST, part: 1, plan: ref.plan, round: 1, cause: 'unhealthy', reason: 'status 503' });
    const looked = (ordinal: number): ReturnType<typeof on.assess> => on.assess({ ordinal, nextPart: 2, parts: [], settled: [ref.plan] });
    expect((await looked(2)).parts, 'quarantined, it stays ended').toEqual([]);
    await on.ledger.updateIncident(FIRST, { drift: (await on.ledger.incident(SHOP))?.drift ?? '', runId: RUN });
    expect(await say(on, { command: 'release', scope: 'prod/storefront', gate: 'quarantine' })).toMatchObject({ ok: true, message: 'released 1 quarantine in prod/storefront; the next check decides again' });
    expect((await on.ledger.incident(SHOP))?.drift, 'so that the next check tells it').toBe('released');
    expect((await looked(3)).parts).toMatchObject([{ part: 2, plan: ref.plan }]);
    await on.run('close', { incident: FIRST, run: RUN, outcome: 'rolled-back', malformed: 0, parts: [{ part: 1, outcome: 'rolled-back', decision: 'remediate', plan: ref.plan, reason: 'status 503', cause: 'unhealthy' }] });
    on.temporal.runs.delete(INCIDENT);
    await on.check();
    expect((await on.ledger.incident(SHOP))?.number, 'what was released is not kept quiet by the end').toBe(2);
  });

  it.each(['window', 'freeze', 'toString', ''])('"%s" is no gate that can be released, and the answer names those that can', async (gate) => {
    const on = await openBench();
    expect(await say(on, { command: 'release', scope: 'prod', gate })).toMatchObject({ ok: false, message: expect.stringContaining('quarantine, flapping, breaker, needs-human') as string });
  });

  it('of what is not closed says so', async () => {
    const on = await openBench();
    expect(await say(on, { command: 'release', scope: 'prod', gate: 'breaker' })).toMatchObject({ ok: false, message: expect.stringContaining('no breaker is closed') as string });
  });
});

describe('retry', () => {
  it('asks again about what was settled', async () => {
    const on = await openBench({ target: { remediation: 'ask' } });
    await rejected(on);
    await on.check();
    expect((await on.ledger.incident(SHOP))?.number).toBe(1);
    expect(await say(on, { command: 'retry', scope: 'prod/storefront', incident: 1 })).toEqual({ ok: true, message: '1 change is asked about again at the next check' });
    await on.check();
    expect((await on.ledger.incident(SHOP))?.number).toBe(2);
  });

  it.each([
    { reason: 'it is open', prepare: async (on: Bench): Promise<unknown> => openIncident(on), incident: 1, says: /still open/ },
    { reason: 'there is none', prepare: async (): Promise<unknown> => undefined, incident: 7, says: /prod\/storefront#7 is not in the record/ },
    { reason: 'it left nothing quiet', prepare: async (on: Bench): Promise<unknown> => fixed(on), incident: 1, says: /nothing that is kept quiet/ },
  ])('says why not: $reason', async ({ prepare, incident, says }) => {
    const on = await openBench();
    await prepare(on);
    const answer = await say(on, { command: 'retry', scope: 'prod/storefront', incident });
    expect(answer).toMatchObject({ ok: false, message: expect.stringMatching(says) as string });
  });
});

describe('undo', () => {
  it('opens an incident of its own that puts back what was live before', async () => {
    const on = await openBench();
    await fixed(on);
    expect(await say(on, { command: 'undo', scope: 'prod/storefront', incident: 1 })).toMatchObject({ ok: true, message: 'prod/storefront#2 puts back what was live before prod/storefront#1' });
    const started = on.temporal.started.at(-1);
    expect(started?.args).toMatchObject([{ incident: { ...SHOP, number: 2 }, kind: 'undo', undoes: { number: 1, part: 1, by: 'alice' } }]);
    const { plan = '' } = ((await on.ledger.incident(SHOP, 1))?.parts[0] ?? {}) as { plan?: string };
    expect(await on.run('rollback', { incident: { ...SHOP, number: 2 }, part: 1, plan, round: 1, cause: 'asked', reason: 'undo', undoes: { number: 1 } })).toMatchObject({ result: 'restored' });
    expect(on.read('etc/app.yaml')).toBe('port: 9\nhost: a\n');
  });

  describe('takes somebody who is asked about the repair', () => {
    const people = { principals: ['alice', 'zoe'].map((name) => ({ name, keys: [], aliases: name === 'zoe' ? ['os:zsmith'] : [] })), groups: { sre: ['alice'] } };
    const approvals = { trust: 'namespace', expiresMs: 3_600_000, remindMs: [], onExpiry: 'hold', settledMs: 1 } as const;
    const rules = [{ any: [{ group: 'sre', count: 1 }] }];
    const policies = [{ name: 'rules.yaml', tests: [], rules: [rule({ name: 'ports', on: { path: ['/port'] }, decision: 'ask', requires: rules[0] ?? {} })] }];

    it.each<{ reason: string; options: BenchOptions }>([
      { reason: 'approvals.rules ask sre', options: { target: { remediation: 'ask' }, environment: { approvals: { ...approvals, rules } } } },
      { reason: 'a rule asks sre', options: { policies } },
    ])('of zoe and alice only alice may: $reason', async ({ options }) => {
      const on = await openBench({ ...options, people });
      await fixed(on);
      const undo = { command: 'undo', scope: 'prod/storefront', incident: 1 } as const;
      expect(await say(on, { ...undo, by: 'zoe' })).toMatchObject({ ok: false, unauthorised: true, message: expect.stringContaining('zoe is not among those who may undo this: 1 of sre') as string });
      expect(on.temporal.started.filter((each) => each.type === 'incident')).toHaveLength(1);
      expect(await say(on, { ...undo, by: 'alice' })).toMatchObject({ ok: true });
    });

    it('and nobody who caused what was repaired', async () => {
      const on = await openBench({ target: { remediation: 'ask' }, people });
      await fixed(on);
      const ask = (await on.ledger.incident(SHOP, 1))?.parts[0]?.['ask'] as string;
      const askOf: typeof on.ledger.askOf = async (id) => ({ ...(await on.ledger.askOf(id)), causedBy: ['os:zsmith'] }) as Awaited<ReturnType<typeof on.ledger.askOf>>;
      expect(ask).toMatch(/^[0-9a-f]{32}$/);
      const worker = { ledger: { ...on.ledger, askOf } };
      const message = { command: 'undo', scope: 'prod/storefront', incident: 1, by: 'zoe', reason: 'mine' } as const;
      expect(await on.run('command', { environment: 'prod', run: RUN, message }, { workflowId: 'environment/prod', workflowType: 'environment', worker })).toMatchObject({ ok: false, unauthorised: true, message: expect.stringContaining('zoe caused what was repaired') as string });
    });
  });

  it('asked for again once it is done says so and does nothing: the snapshot is used up', async () => {
    const on = await openBench();
    await fixed(on);
    const asked = { command: 'undo', scope: 'prod/storefront', incident: 1 } as const;
    await say(on, asked);
    await on.ledger.closeIncident({ ...SHOP, number: 2 }, { at: on.at(), outcome: 'rolled-back', parts: [], narrative: 'x', settled: [] });
    expect(await say(on, asked)).toMatchObject({ ok: true, message: 'prod/storefront#2 has put back already what was live before prod/storefront#1' });
    expect(await on.ledger.incidents(SHOP)).toHaveLength(2);
  });

  it.each([
    { reason: 'it was rejected', prepare: rejected, says: /is rejected; only a fixed incident can be undone/ },
    { reason: 'it is open', prepare: openIncident, says: /is open; only a fixed incident/ },
  ])('says why not: $reason', async ({ prepare, says }) => {
    const on = await openBench({ target: { remediation: 'ask' } });
    await prepare(on);
    expect(await say(on, { command: 'undo', scope: 'prod/storefront', incident: 1 })).toMatchObject({ ok: false, message: expect.stringMatching(says) as string });
  });
});

describe('accept', () => {
  it('announces a change before it is made: it opens nothing until the date', async () => {
    const on = await openBench();
    expect(await say(on, { command: 'accept', scope: 'prod/storefront', resource: 'etc/app.yaml', path: '/port', until: '2026-11-02T10:00:00Z' })).toMatchObject({ ok: true });
    on.write('etc/app.yaml', 'port: 9\nhost: a\n');
    await on.check();
    expect(on.temporal.started).toEqual([]);
    on.later(3_600_000);
    await on.check();
    expect(on.temporal.started.map((each) => each.type)).toContain('incident');
  });

  it('covers what was announced and nothing else', async () => {
    const on = await openBench();
    await say(on, { command: 'accept', scope: 'prod/storefront', resource: 'etc/app.yaml', path: '/port', until: UNTIL });
    on.write('etc/app.yaml', 'port: 9\nhost: b\n');
    await on.check();
    const plan = await on.ledger.plan(only((await on.assess()).parts).plan ?? '');
    expect(plan?.changes.map((change) => change.path)).toEqual(['/host']);
  });

  it('of the past is refused', async () => {
    const on = await openBench();
    expect(await say(on, { command: 'accept', scope: 'prod/storefront', resource: 'etc/app.yaml', until: '2020-01-01T00:00:00Z' })).toMatchObject({ ok: false, message: expect.stringContaining('must lie in the future') as string });
  });
});

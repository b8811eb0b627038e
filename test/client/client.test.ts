import type { Client } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { connectClient, holdfastClient, type EnvironmentSchedule } from '../../src/client.js';

interface Call {
  readonly what: string;
  readonly id: string;
  readonly value?: unknown;
}

interface FakeOptions {
  readonly answer?: (id: string, name: string) => unknown;
  readonly schedules?: Readonly<Record<string, { memo?: unknown; paused?: boolean }>>;
}

/** The little of Temporal's client that the façade uses; every call is kept. */
function fake({ answer = () => undefined, schedules = {} }: FakeOptions = {}): { client: ReturnType<typeof holdfastClient>; calls: Call[] } {
  const calls: Call[] = [];
  const reply = async (what: string, id: string, value?: unknown): Promise<unknown> => {
    calls.push({ what, id, ...(value === undefined ? {} : { value }) });
    const given = answer(id, what);
    if (given instanceof Error) throw given;
    return given;
  };
  const present = new Map(Object.entries(schedules));
  const temporal = {
    options: { namespace: 'default', loadedDataConverter: { payloadCodecs: [] } },
    connection: { withDeadline: (_deadline: number, work: () => Promise<unknown>) => work(), close: async () => undefined },
    workflow: {
      start: async (type: string, options: { workflowId: string; args: unknown[] }) => { await reply(`start ${type}`, options.workflowId, options.args); return { workflowId: options.workflowId, firstExecutionRunId: 'run-1' }; },
      getHandle: (id: string) => ({
        executeUpdate: (name: string, { args }: { args: unknown[] }) => reply(`update ${name}`, id, args[0]),
        query: (name: string) => reply(`query ${name}`, id),
        cancel: () => reply('cancel', id),
      }),
    },
    schedule: {
      async *list() { for (const scheduleId of present.keys()) yield { scheduleId }; },
      create: async ({ scheduleId, action }: { scheduleId: string; action: { memo: unknown } }) => { await reply('create', scheduleId); present.set(scheduleId, { memo: action.memo }); },
      getHandle: (id: string) => ({
        describe: async () => ({ action: { memo: present.get(id)?.memo }, state: { paused: present.get(id)?.paused ?? false }, spec: {}, info: { recentActions: [], nextActionTimes: [] } }),
        update: async (change: (previous: unknown) => { state: unknown }) => { await reply('update', id, change({ state: { paused: present.get(id)?.paused ?? false } }).state); },
        delete: async () => { await reply('delete', id); present.delete(id); },
      }),
    },
  };
  return { client: holdfastClient(temporal as unknown as Client), calls };
}

const SHOP = { environment: 'prod', target: 'storefront' };

function schedule(overrides: Partial<EnvironmentSchedule> = {}): EnvironmentSchedule {
  return { environment: 'prod', cron: ['*/15 * * * *'], timezone: 'UTC', jitterMs: 0, intervalMs: 900_000, ...overrides };
}

describe('the façade', () => {
  it('sends a decision to the incident of the target, and gives back its answer', async () => {
    const { client, calls } = fake({ answer: () => ({ result: 'accepted', message: 'approved' }) });
    expect(await client.decide(SHOP, { decision: 'approve', by: 'alice', plan: 'aaaaaaaa' })).toEqual({ result: 'accepted', message: 'approved' });
    expect(calls).toEqual([{ what: 'update decide', id: 'incident/prod/storefront', value: { decision: 'approve', by: 'alice', plan: 'aaaaaaaa' } }]);
  });

  it('starts the guard of an environment before it sends it a command, because nobody may have used it yet', async () => {
    const { client, calls } = fake({ answer: (_id, what) => (what === 'update command' ? { ok: true, message: 'frozen' } : undefined) });
    expect(await client.command('prod', { command: 'freeze', scope: 'prod', by: 'alice', reason: 'launch' })).toEqual({ ok: true, message: 'frozen' });
    expect(calls.map((call) => [call.what, call.id])).toEqual([['start environment', 'environment/prod'], ['update command', 'environment/prod']]);
  });

  it.each([
    { target: undefined, id: 'check/prod-now', args: [{ environment: 'prod' }] },
    { target: 'storefront', id: 'check/prod-now-storefront', args: [{ environment: 'prod', target: 'storefront' }] },
  ])('starts a check as $id, apart from the scheduled one', async ({ target, id, args }) => {
    const { client, calls } = fake();
    expect(await client.startCheck('prod', target)).toEqual({ workflowId: id, runId: 'run-1' });
    expect(calls).toEqual([{ what: 'start checkEnvironment', id, value: args }]);
  });

  it('says what cannot be reached, and the remedy', async () => {
    await expect(connectClient({ address: '127.0.0.1:1', namespace: 'default', timeoutMs: 200 })).rejects.toMatchObject({ failure: 'Unreachable', message: 'Temporal at 127.0.0.1:1 does not answer', remedy: expect.stringContaining('holdfast up') as string });
  });

  it('an incident that does not answer in time is unreachable, with the remedy, and not a failure of the decision', async () => {
    const late = Object.assign(new Error('deadline exceeded'), { code: 4 });
    const { client } = fake({ answer: () => late });
    await expect(client.decide(SHOP, { decision: 'approve', by: 'alice', plan: 'aaaaaaaa' })).rejects.toMatchObject({ failure: 'Unreachable', remedy: expect.stringContaining('holdfast doctor') as string });
  });
});

const { environment: _, ...DEFINITION } = schedule();

describe('schedules', () => {
  it('creates what is new, removes what is gone, and leaves alone what is not ours', async () => {
    const { client, calls } = fake({ schedules: { 'check/old': {}, 'backup/nightly': {} } });
    expect(await client.syncSchedules([schedule()])).toEqual({ created: ['prod'], updated: [], removed: ['old'] });
    expect(calls.map((call) => [call.what, call.id])).toEqual([['create', 'check/prod'], ['delete', 'check/old']]);
  });

  it('writes nothing when nothing differs', async () => {
    const { client, calls } = fake({ schedules: { 'check/prod': { memo: { schedule: DEFINITION } } } });
    expect(await client.syncSchedules([schedule()])).toEqual({ created: [], updated: [], removed: [] });
    expect(calls).toEqual([]);
  });

  it('a changed one is changed by one update and stays paused if a person paused it, so that no crash in between loses the pause', async () => {
    const { client, calls } = fake({ schedules: { 'check/prod': { memo: { schedule: DEFINITION }, paused: true } } });
    expect(await client.syncSchedules([schedule({ cron: ['0 * * * *'] })])).toEqual({ created: [], updated: ['prod'], removed: [] });
    expect(calls).toEqual([{ what: 'update', id: 'check/prod', value: { paused: true } }]);
  });

  it('an environment without a cron expression is checked on demand only', async () => {
    const { client } = fake({ schedules: { 'check/prod': {} } });
    expect(await client.syncSchedules([schedule({ cron: [] })])).toEqual({ created: [], updated: [], removed: ['prod'] });
  });
});

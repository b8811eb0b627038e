import { Client, Connection, ScheduleOverlapPolicy } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { holdfastClient, type EnvironmentSchedule, type HoldfastClient } from '../../src/client.js';
import { devServer, type DevServer } from '../support/dev-server.js';

let server: DevServer;
let connection: Connection;
let temporal: Client;
let client: HoldfastClient;

beforeAll(async () => {
  server = await devServer();
  connection = await Connection.connect({ address: server.address });
  temporal = new Client({ connection, namespace: server.namespace });
  client = holdfastClient(temporal);
}, 60_000);

afterAll(async () => {
  await connection.close();
  await server.stop();
});

function yearly(environment: string, cron: string, jitterMs = 0): EnvironmentSchedule {
  return { environment, cron: [cron], timezone: 'Europe/London', jitterMs, intervalMs: 3_600_000 };
}

test('a schedule that a person paused is changed in one update on the server, and stays paused with the note', async () => {
  expect(await client.syncSchedules([yearly('prod', '0 0 1 1 *')])).toEqual({ created: ['prod'], updated: [], removed: [] });
  await client.pauseSchedule('prod', 'release 4.2');
  const before = await temporal.schedule.getHandle('check/prod').describe();
  expect(await client.syncSchedules([yearly('prod', '30 6 2 2 *', 5_000)])).toEqual({ created: [], updated: ['prod'], removed: [] });
  const after = await temporal.schedule.getHandle('check/prod').describe();
  expect(after.info.createdAt).toEqual(before.info.createdAt);
  expect(after.spec).toMatchObject({ timezone: 'Europe/London', jitter: 5_000, calendars: [{ hour: [{ start: 6 }], minute: [{ start: 30 }] }] });
  expect(await client.schedules()).toMatchObject([{ environment: 'prod', cron: ['30 6 2 2 *'], paused: true, note: 'release 4.2' }]);
  expect(await client.syncSchedules([yearly('prod', '30 6 2 2 *', 5_000)])).toEqual({ created: [], updated: [], removed: [] });
  await client.syncSchedules([]);
}, 60_000);

test('a schedule of 0.1.0, which kept its definition elsewhere, is listed, and brought up to date with its pause', async () => {
  const { environment, ...definition } = yearly('dev', '0 0 1 1 *');
  await temporal.schedule.create({
    scheduleId: 'check/dev',
    spec: { cronExpressions: [...definition.cron], timezone: definition.timezone },
    policies: { overlap: ScheduleOverlapPolicy.SKIP },
    memo: { schedule: { environment, ...definition } },
    state: { paused: true, note: 'by alice' },
    action: { type: 'startWorkflow', workflowType: 'checkEnvironment', workflowId: 'check/dev', taskQueue: 'holdfast', args: [{ environment }] },
  });
  expect(await client.schedules()).toMatchObject([{ environment: 'dev', cron: ['0 0 1 1 *'] }]);
  expect(await client.syncSchedules([yearly('dev', '0 0 2 1 *')])).toMatchObject({ updated: ['dev'] });
  expect(await client.schedules()).toMatchObject([{ environment: 'dev', cron: ['0 0 2 1 *'], paused: true, note: 'by alice' }]);
}, 60_000);

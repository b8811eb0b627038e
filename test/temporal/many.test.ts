import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CheckCounts } from '../../src/client.js';
import { WORKFLOW_QUEUE } from '../../src/workflows/messages.js';
import { devServer, type DevServer } from '../support/dev-server.js';
import { newNamespace } from '../support/laboratory.js';
import { openMany, type Many } from '../support/many.js';
import { eventually } from '../support/waiting.js';

let server: DevServer;
const opened: Many[] = [];

beforeAll(async () => {
  server = await devServer();
}, 600_000);

afterAll(async () => {
  await Promise.all(opened.map((each) => each.close()));
  await server.stop();
}, 300_000);

async function many(...[options]: Parameters<typeof openMany> extends [unknown, infer Options] ? [Options] : never): Promise<Many> {
  const one = await openMany(await newNamespace(server.address), options);
  opened.push(one);
  return one;
}

function named(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${String(index).padStart(4, '0')}`);
}

/** One firing of the environment's schedule, to its end. */
async function scheduled({ temporal }: Many, environment: string): Promise<CheckCounts> {
  const handle = temporal.schedule.getHandle(`check/${environment}`);
  const before = await eventually('the schedule is there', () => handle.describe());
  await handle.trigger();
  const id = await eventually('the schedule has fired', async () => {
    const { recentActions } = (await handle.describe()).info;
    const last = recentActions.at(-1)?.action.workflow.workflowId;
    return recentActions.length > before.info.recentActions.length ? last : undefined;
  });
  return (await temporal.workflow.getHandle(id).result()) as CheckCounts;
}

test('two thousand targets: each is counted once, in one run or in several, and history keeps little of each', async () => {
  const targets = named('t', 2000);
  const site = await many({ environments: { prod: { schedule: '0 0 1 1 *', remediation: 'observe' } }, targets });
  await site.worker();
  for (const target of targets.slice(0, 7)) await site.live(target, 2);
  const started = await site.client.startCheck('prod');
  expect(await site.client.waitForCheck(started)).toMatchObject({ clean: 1993, drifted: 7, unknown: 0 });
  expect(await site.ledger.targets('prod')).toHaveLength(2000);
  const run = await site.temporal.workflow.getHandle(started.workflowId, started.runId).describe();
  expect((run.historySize ?? 0) / 2000).toBeLessThan(100);

  // More batches than one run takes: 250 of 8.
  const batches = Array.from({ length: 250 }, (_, index) => ({ pool: 'prod', targets: targets.slice(index * 8, index * 8 + 8), timeoutMs: 60_000 }));
  const handle = await site.temporal.workflow.start('checkEnvironment', { taskQueue: WORKFLOW_QUEUE, workflowId: 'check/prod-in-parts', args: [{ environment: 'prod', left: { batches, commits: {} } }] });
  expect(await handle.result()).toMatchObject({ clean: 1993, drifted: 7, unknown: 0 });
  const first = await site.temporal.workflow.getHandle('check/prod-in-parts', handle.firstExecutionRunId).describe();
  expect(first.status.name).toBe('CONTINUED_AS_NEW');
  expect(first.historyLength).toBeLessThan(1500);
}, 240_000);

test('one that hangs and one that throws among a thousand: the others are seen as ever, and only those two are unknown', async () => {
  const targets = named('t', 1000);
  const site = await many({ environments: { prod: { schedule: '0 0 1 1 *', remediation: 'ask', limits: { reads: 2 } } }, targets, more: { observeTimeout: '10s' } });
  await site.worker();
  const [hung = '', ill = ''] = [targets[500], targets[501]];
  await site.live(hung, 'hang');
  await site.live(ill, 'throw');
  expect(await scheduled(site, 'prod')).toMatchObject({ clean: 998, drifted: 0, unknown: 2 });
  const rows = new Map((await site.ledger.targets('prod')).map((row) => [row.target, row]));
  expect(rows.size).toBe(1000);
  expect([rows.get(hung)?.reason, rows.get(ill)?.reason]).toEqual(['no answer within 10000 ms', 'this one always fails']);
  // Its own batch and every other went on while it hung.
  expect(targets.filter((target) => (rows.get(target)?.at ?? '') > (rows.get(hung)?.at ?? ''))).toEqual([]);

  // From then on it keeps nobody waiting at all: the schedule leaves it to a run of its own.
  expect(await scheduled(site, 'prod')).toMatchObject({ clean: 998, unknown: 1 });
  const late = site.temporal.workflow.getHandle('check/prod-late');
  expect((await late.describe()).status.name).toBe('RUNNING');
  expect(await late.result()).toMatchObject({ clean: 0, unknown: 1, unknownTargets: [hung] });

  await site.live(hung, 1);
  await scheduled(site, 'prod');
  expect(await late.result()).toMatchObject({ clean: 1, unknown: 0 });
  expect(await scheduled(site, 'prod')).toMatchObject({ clean: 999, unknown: 1 });
}, 240_000);

test('a hundred drift at once: a hundred incidents wait, and once approved no more than the limit write at a time', async () => {
  const targets = named('t', 100);
  const site = await many({ environments: { prod: { schedule: '0 0 1 1 *', remediation: 'ask', limits: { concurrent: 3 } } }, targets, more: { soak: '1s' } });
  await site.worker();
  for (const target of targets) await site.live(target, 2);
  expect((await site.client.waitForCheck(await site.client.startCheck('prod'))).drifted).toBe(100);
  const waiting = await eventually('all wait for an approval', async () => {
    const rows = await site.ledger.incidents({ open: true });
    return rows.length === 100 && rows.every((row) => row.phase === 'awaiting-approval') ? rows : undefined;
  });
  const approved = waiting.slice(0, 12);
  await Promise.all(approved.map(async (row) => {
    const plan = row.parts.map((part) => part['plan']).find((each) => typeof each === 'string') ?? '';
    expect((await site.client.decide(row, { decision: 'approve', by: 'alice', plan })).result).toBe('accepted');
  }));
  for (const target of waiting.slice(12).map((row) => row.target)) await site.live(target, 1);
  await site.client.waitForCheck(await site.client.startCheck('prod'));
  const ended = await eventually('all have ended', async () => {
    const rows = await site.ledger.incidents({ limit: 1000 });
    return rows.every((row) => row.closedAt !== undefined) ? rows : undefined;
  }, { timeoutMs: 150_000, last: async () => (await site.ledger.incidents({ open: true })).length });
  expect(Object.entries(Object.groupBy(ended, (row) => row.outcome ?? 'open')).map(([outcome, rows]) => [outcome, rows.length]).sort()).toEqual([['cleared', 88], ['fixed', 12]]);
  expect(mostAtOnce(await site.calls())).toBeLessThanOrEqual(3);
  for (const row of ended) {
    const run = await site.temporal.workflow.getHandle(`incident/prod/${row.target}`).describe();
    expect(run.historySize ?? 0, row.target).toBeLessThan(30_000);
  }
}, 300_000);

/** Between the beginning of a stage and the end of its switch, a target holds a slot. */
function mostAtOnce(calls: readonly string[]): number {
  const writing = new Set<string>();
  let most = 0;
  for (const call of calls) {
    const [when, name, target = ''] = call.split(' ');
    if (when === 'before' && name === 'stage') writing.add(target);
    if (when === 'after' && name === 'finalize') writing.delete(target);
    most = Math.max(most, writing.size);
  }
  return most;
}

import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { expect, test } from 'vitest';
import type { BatchResult, TargetBatches } from '../../src/activities/types.js';
import type { CheckResult } from '../../src/workflows/check-environment.js';
import { WORKFLOW_QUEUE } from '../../src/workflows/messages.js';
import { shareEnvironment } from '../support/time-skipping.js';
import { inWorld, type World } from './world.js';

let env: TestWorkflowEnvironment;

shareEnvironment((made) => { env = made; });

const NOTHING: BatchResult = { clean: 0, drifted: 0, unknown: 0 };

/** Runs one check of the world's environment, of one target or of all. */
async function check(world: World, target?: string): Promise<CheckResult> {
  const args = [{ environment: world.environment, ...(target === undefined ? {} : { target }) }];
  const handle = await env.client.workflow.start('checkEnvironment', { taskQueue: WORKFLOW_QUEUE, workflowId: `check/${world.environment}`, args });
  return (await handle.result()) as CheckResult;
}

/** The server skips no time while a step is under way, so those that nobody answers have short limits. */
function batches(world: World, count: number, { size = 1, timeoutMs = 30_000 } = {}): TargetBatches {
  const targets = (batch: number): string[] => Array.from({ length: size }, (_, index) => `t${batch}-${index}`);
  return { batches: Array.from({ length: count }, (_, batch) => ({ pool: world.environment, targets: targets(batch), timeoutMs })), commits: { 'https://git.example/infra#main': 'c1' } };
}

test('a check reads every batch once, with the commits that were resolved for it, and adds up what was found', async () => {
  const read: { targets: readonly string[]; commits: Readonly<Record<string, string>> }[] = [];
  await inWorld(env, (world) => ({
    listTargets: () => Promise.resolve(batches(world, 3, { size: 2 })),
    observe: ({ targets, commits }) => {
      read.push({ targets, commits });
      return Promise.resolve(targets[0] === 't1-0' ? { clean: 0, drifted: 1, unknown: 1, unknownTargets: ['t1-1'], opened: ['t1-0'] } : { ...NOTHING, clean: 2 });
    },
  }), async (world) => {
    expect(await check(world)).toEqual({ clean: 4, drifted: 1, unknown: 1, unknownTargets: ['t1-1'], opened: ['t1-0'] });
    expect(read.flatMap((each) => each.targets).sort()).toEqual(['t0-0', 't0-1', 't1-0', 't1-1', 't2-0', 't2-1']);
    for (const each of read) expect(each.commits).toEqual({ 'https://git.example/infra#main': 'c1' });
    expect(world.calls.filter((call) => call === 'listTargets')).toHaveLength(1);
  });
});

test('a check of one target asks for that target alone', async () => {
  const asked: unknown[] = [];
  await inWorld(env, () => ({ listTargets: (input) => { asked.push(input); return Promise.resolve({ batches: [], commits: {} }); } }), async (world) => {
    expect(await check(world, 'storefront')).toEqual({ ...NOTHING, unknownTargets: [], opened: [] });
    expect(asked).toEqual([{ environment: world.environment, target: 'storefront' }]);
  });
});

test('a check without targets ends at once', async () => {
  await inWorld(env, () => ({}), async (world) => {
    expect(await check(world)).toEqual({ ...NOTHING, unknownTargets: [], opened: [] });
    expect(world.calls).toEqual(['listTargets']);
  });
});

test('a pool that nobody serves: its targets are recorded as unread, the others are read, and the check ends', async () => {
  const unread: { targets: readonly string[]; reason: string }[] = [];
  await inWorld(env, (world) => ({
    listTargets: () => Promise.resolve({ batches: [{ pool: `${world.environment}-nobody`, targets: ['far'], timeoutMs: 500 }, { pool: world.environment, targets: ['near'], timeoutMs: 60_000 }], commits: {} }),
    observe: ({ targets }) => Promise.resolve({ ...NOTHING, clean: targets.length }),
    recordUnread: ({ targets, reason }) => { unread.push({ targets, reason }); return Promise.resolve({ ...NOTHING, unknown: targets.length, unknownTargets: targets }); },
  }), async (world) => {
    expect(await check(world)).toEqual({ clean: 1, drifted: 0, unknown: 1, unknownTargets: ['far'], opened: [] });
    expect(unread).toEqual([{ targets: ['far'], reason: expect.stringContaining(`no worker of pool ${world.environment}-nobody read it in time`) as string }]);
  });
});

test('a read that fails for good: that batch is recorded as unread, and never taken for clean', async () => {
  await inWorld(env, (world) => ({
    listTargets: () => Promise.resolve(batches(world, 2, { timeoutMs: 1_500 })),
    observe: ({ targets }) => (targets[0] === 't0-0' ? Promise.reject(new Error('the ledger does not answer')) : Promise.resolve({ ...NOTHING, clean: 1 })),
    recordUnread: ({ targets }) => Promise.resolve({ ...NOTHING, unknown: targets.length, unknownTargets: targets }),
  }), async (world) => {
    expect(await check(world)).toMatchObject({ clean: 1, unknown: 1, unknownTargets: ['t0-0'] });
    expect(world.calls.filter((call) => call === 'observe').length).toBeGreaterThan(2);
  });
});

test('at most ten batches are read at once', async () => {
  let now = 0;
  let most = 0;
  await inWorld(env, (world) => ({
    listTargets: () => Promise.resolve(batches(world, 35)),
    async observe() {
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setTimeout(resolve, 20));
      now -= 1;
      return { ...NOTHING, clean: 1 };
    },
  }), async (world) => {
    expect((await check(world)).clean).toBe(35);
    expect(most).toBeLessThanOrEqual(10);
  });
});

test('thousands of targets: the check continues as new, lists them once, and keeps count', async () => {
  await inWorld(env, (world) => ({
    listTargets: () => Promise.resolve(batches(world, 201, { size: 25 })),
    observe: ({ targets }) => Promise.resolve({ ...NOTHING, clean: targets.length - 1, unknown: 1, unknownTargets: targets.slice(0, 1), opened: targets.slice(1, 2) }),
  }), async (world) => {
    const result = await check(world);
    expect(result).toMatchObject({ clean: 201 * 24, unknown: 201 });
    // A summary stays small: the record has every name.
    expect(result.unknownTargets).toHaveLength(20);
    expect(result.opened).toHaveLength(20);
    expect(world.calls.filter((call) => call === 'observe')).toHaveLength(201);
    expect(world.calls.filter((call) => call === 'listTargets')).toHaveLength(1);
    const first = await env.client.workflow.getHandle(`check/${world.environment}`).describe();
    expect(first.historyLength).toBeLessThan(100);
  });
});

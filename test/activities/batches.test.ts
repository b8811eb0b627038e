import { describe, expect, it } from 'vitest';
import type { Dependencies } from '../../src/activities/deps.js';
import type { TargetBatches } from '../../src/activities/types.js';
import type { Config } from '../../src/config/config.js';
import type { Observation } from '../../src/domain/change.js';
import { HoldfastError } from '../../src/domain/errors.js';
import type { Target } from '../../src/domain/target.js';
import { openBench, type Bench } from './bench.js';

const SCHEDULED = 'check/prod-2026-11-02T09:00:00Z';
const BY_HAND = 'check/prod-now';

interface Listing {
  readonly on: Bench;
  readonly list: (workflowId: string, target?: string, worker?: Partial<Dependencies>) => Promise<TargetBatches>;
  /** What the last look at it said. */
  readonly looked: (target: string, reason?: string) => Promise<void>;
}

/** As many targets as named by pool, `near: 3` gives near-0 to near-2. */
async function listing(pools: Readonly<Record<string, number>>): Promise<Listing> {
  const on = await openBench();
  const [one] = (await on.deps.config()).targets as readonly [Target];
  const targets = Object.entries(pools).flatMap(([pool, count]) => Array.from({ length: count }, (_, index): Target => ({ ...one, pool, target: `${pool}-${index}` })));
  const config: Config = { ...(await on.deps.config()), targets };
  return {
    on,
    list: (workflowId, target, worker = {}) => on.run('listTargets', { environment: 'prod', ...(target === undefined ? {} : { target }) }, { workflowId, workflowType: 'checkEnvironment', worker: { config: () => Promise.resolve(config), ...worker } }),
    async looked(target, reason) {
      const known = { revision: 'r', identity: {}, changes: [], resources: 0, skipped: [] };
      const observation: Observation = reason === undefined ? { verdict: 'clean', ...known } : { verdict: 'unknown', reason, ...known };
      await on.ledger.observed({ address: { environment: 'prod', target }, at: on.later(1000), observation });
    },
  };
}

function names({ batches }: TargetBatches): readonly string[] {
  return batches.flatMap((each) => each.targets);
}

describe('the targets of a check', () => {
  it('come in batches of at most 25 of one pool, each with time for all of its looks', async () => {
    const { list } = await listing({ near: 60, far: 3 });
    const { batches } = await list(SCHEDULED);
    expect(batches.map(({ pool, targets }) => [pool, targets.length])).toEqual([['near', 25], ['near', 25], ['near', 10], ['far', 3]]);
    // Four at once: 25 looks of a minute take seven minutes at most.
    expect(batches[0]?.timeoutMs).toBe(7 * 60_000 + 30_000);
  });

  it('are listed where there are ten thousand of long names: a step that keeps little otherwise keeps these', async () => {
    const { list } = await listing({ ['pool-with-a-name-of-some-length-as-teams-give-them']: 10_000 });
    expect(names(await list(BY_HAND))).toHaveLength(10_000);
  });

  it.each([
    ['hung until its limit', 'no answer within 60000 ms'],
    ['was not read by anybody', 'no worker of pool near read it in time (check check/prod-late)'],
  ])('that %s at its last look: the schedule leaves it to a run of its own, which is there once', async (_, reason) => {
    const { on, list, looked } = await listing({ near: 30 });
    await looked('near-3', reason);
    await looked('near-4');
    const listed = await list(SCHEDULED);
    expect(names(listed)).toHaveLength(29);
    expect(names(listed)).not.toContain('near-3');
    await list(SCHEDULED);
    const left = { batches: [{ pool: 'near', targets: ['near-3'], timeoutMs: 90_000 }], commits: {} };
    expect(on.temporal.started).toEqual([{ type: 'checkEnvironment', workflowId: 'check/prod-late', args: [{ environment: 'prod', left }] }]);
  });

  it('that answers again is read with the others again', async () => {
    const { on, list, looked } = await listing({ near: 2 });
    await looked('near-0', 'no answer within 60000 ms');
    await looked('near-0');
    expect(names(await list(SCHEDULED))).toEqual(['near-0', 'near-1']);
    expect(on.temporal.started).toEqual([]);
  });

  it('that failed at once delays nobody, and is read with the others', async () => {
    const { list, looked } = await listing({ near: 2 });
    await looked('near-0', 'no such folder');
    expect(names(await list(SCHEDULED))).toEqual(['near-0', 'near-1']);
  });

  it('asked for by hand are all in one answer, and what was late comes last', async () => {
    const { on, list, looked } = await listing({ near: 26 });
    await looked('near-0', 'no answer within 60000 ms');
    const { batches } = await list(BY_HAND);
    expect(batches.map((each) => each.targets.length)).toEqual([25, 1]);
    expect(batches[1]?.targets).toEqual(['near-0']);
    expect(on.temporal.started).toEqual([]);
    expect(names(await list(BY_HAND, 'near-0'))).toEqual(['near-0']);
  });

  it('are all listed while the record is away: detection goes on', async () => {
    const { on, list } = await listing({ near: 3 });
    const ledger = { ...on.ledger, targets: () => Promise.reject(new HoldfastError('Unreachable', 'the ledger does not answer')) };
    expect(names(await list(SCHEDULED, undefined, { ledger }))).toHaveLength(3);
  });

  it.each([
    [2_500, 25, 100],
    [5_000, 50, 100],
    [10_000, 100, 100],
    [20_000, 100, 200],
  ])('%i of one pool come %i at a time in %i steps: what a check costs grows slower than its targets', async (count, size, steps) => {
    const { batches } = await (await listing({ near: count })).list(SCHEDULED);
    expect([batches.length, Math.max(...batches.map((each) => each.targets.length))]).toEqual([steps, size]);
    expect(new Set(names({ batches, commits: {} })).size).toBe(count);
  });

  it('stay small: ten thousand names are far below what a step may return', async () => {
    const { list } = await listing({ near: 10_000 });
    expect(JSON.stringify(await list(SCHEDULED)).length).toBeLessThan(400_000);
  });
});

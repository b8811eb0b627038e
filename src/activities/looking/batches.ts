import { activityInfo } from '@temporalio/activity';
import { holdfastClient, startCheck } from '../../client.js';
import { environmentOf } from '../../config/config.js';
import { isHoldfastError } from '../../domain/errors.js';
import type { Target } from '../../domain/target.js';
import { NO_WORKER, poolQueue } from '../../workflows/messages.js';
import { inStep } from '../context.js';
import type { Dependencies } from '../deps.js';
import type { ControlActivities, TargetBatches } from '../types.js';

/** A step costs the same for one target as for many; more than a hundred of them would be much to look at again after a crash. */
const BATCH = { least: 25, most: 100, perPool: 100 } as const;
/** On top of what the reads of a batch may take: fetching a source, and the ledger. */
const BATCH_GRACE_MS = 30_000;
/** The names of a large environment are all that a check keeps of it; the server takes 2 MB in one result. */
const MOST_NAMES_BYTES = 2_000_000;
/** How the reason of a look begins that ran into its limit. */
export const NO_ANSWER = 'no answer within';
const LATE = new RegExp(`^(?:${NO_ANSWER}|${NO_WORKER}) `);

type Batches = TargetBatches['batches'];

/**
 * Lists the targets of a check in batches by pool. What did not answer in time at its last look would
 * hold the others up again: it comes last, and a scheduled check leaves it to a run of its own, so that
 * the schedule goes on at its pace. That run skips itself while the one before it still waits.
 */
export function batchActivities(deps: Dependencies): Pick<ControlActivities, 'listTargets'> {
  return {
    listTargets: ({ environment, target, targets: some }) => inStep(deps, async (ctx): Promise<TargetBatches> => {
      const config = await deps.config();
      const targets = config.targets.filter((each) => each.environment === environment && (target === undefined || each.target === target) && (some === undefined || some.includes(each.target)));
      const reads = environmentOf(config, environment)?.limits.reads ?? 1;
      const commits = await deps.sources.refs(targets.map((each) => each.source), ctx);
      const isLate = targets.length > 1 ? await lateness(deps, environment, targets) : () => false;
      const prompt = batchesOf(targets.filter((each) => !isLate(each)), reads);
      const late = batchesOf(targets.filter(isLate), reads);
      if (late.length === 0 || !isScheduled(environment)) return { batches: [...prompt, ...late], commits };
      await readApart(deps, environment, { batches: late, commits });
      return { batches: prompt, commits };
    }, { mostBytes: MOST_NAMES_BYTES }),
  };
}

function batchesOf(targets: readonly Target[], reads: number): Batches {
  const pools = [...new Set(targets.map((each) => each.pool))];
  return pools.flatMap((pool) => {
    const own = targets.filter((each) => each.pool === pool);
    const size = Math.min(BATCH.most, Math.max(BATCH.least, Math.ceil(own.length / BATCH.perPool)));
    return Array.from({ length: Math.ceil(own.length / size) }, (_, index) => {
      const members = own.slice(index * size, (index + 1) * size);
      const rounds = Math.ceil(members.length / reads);
      return { pool, targets: members.map((each) => each.target), timeoutMs: rounds * Math.max(...members.map((each) => each.observeTimeoutMs)) + BATCH_GRACE_MS };
    });
  });
}

/** Late is what the record says was not answered in time, and every target of a pool that nobody polls beside one that is polled. */
async function lateness(deps: Dependencies, environment: string, targets: readonly Target[]): Promise<(target: Target) => boolean> {
  const [names, silent] = await Promise.all([lateNames(deps, environment), silentPools(deps, targets)]);
  return ({ target, pool }) => names.has(target) || silent.has(pool);
}

/** Without a ledger nobody is known to be late, and detection goes on. */
async function lateNames(deps: Dependencies, environment: string): Promise<ReadonlySet<string>> {
  try {
    const rows = await deps.ledger.targets(environment);
    return new Set(rows.filter(({ verdict, reason = '' }) => verdict === 'unknown' && LATE.test(reason)).map((row) => row.target));
  } catch (error) {
    if (isHoldfastError(error, 'Unreachable')) return new Set();
    throw error;
  }
}

async function silentPools(deps: Dependencies, targets: readonly Target[]): Promise<ReadonlySet<string>> {
  const pools = [...new Set(targets.map((each) => each.pool))];
  if (pools.length === 1) return new Set();
  const seen: Readonly<Record<string, number>> = await holdfastClient(deps.client).pollers(pools.map((pool) => poolQueue(pool, 'read'))).catch(() => ({}));
  return new Set(pools.filter((pool) => seen[poolQueue(pool, 'read')] === 0));
}

/** The schedule's runs are named by their time; whoever asks for a check by hand gets everything in one answer. */
function isScheduled(environment: string): boolean {
  const id = activityInfo().workflowExecution?.workflowId ?? '';
  return id.startsWith(`check/${environment}-`) && /^\d{4}-\d\d-\d\dT/.test(id.slice(`check/${environment}-`.length));
}

async function readApart(deps: Dependencies, environment: string, left: TargetBatches): Promise<void> {
  const count = left.batches.reduce((sum, each) => sum + each.targets.length, 0);
  await startCheck(deps.client, { id: 'late', input: { environment, left }, summary: `check of ${count} of ${environment} that did not answer in time before` });
}

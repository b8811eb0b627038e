import { ActivityFailure, continueAsNew, workflowInfo } from '@temporalio/workflow';
import type { BatchResult, TargetBatches } from '../activities/types.js';
import { expectUnlocked } from './locked.js';
import { NO_WORKER } from './messages.js';
import { stepsOf, told } from './steps.js';

export interface CheckInput {
  readonly environment: string;
  /** Absent: every target. */
  readonly target?: string;
  /** Only these. */
  readonly targets?: readonly string[];
  /** Present after continue-as-new: what is left to read, and the counts so far. */
  readonly left?: TargetBatches;
  readonly counts?: CheckResult;
}

export interface CheckResult {
  readonly clean: number;
  readonly drifted: number;
  readonly unknown: number;
  /** Of these, looked at while the record was away; absent when all were recorded. */
  readonly unrecorded?: number;
  readonly unknownTargets: readonly string[];
  readonly opened: readonly string[];
}

/** Batches under way at once, and how many one run takes before it continues as new. */
const FAN_OUT = 10;
const BATCHES_PER_RUN = 200;
/** The result is a summary: the ledger has every name. */
const NAMED = 20;

/** Reads every target of an environment once, in batches by pool, and starts or tells their incidents. */
export async function checkEnvironment(input: CheckInput): Promise<CheckResult> {
  expectUnlocked(input);
  const { environment, target, targets } = input;
  const { listTargets } = stepsOf(environment).control;
  const todo = input.left ?? (await listTargets.executeWithOptions(told(`list the targets of ${environment}`), [{ environment, ...(target === undefined ? {} : { target }), ...(targets === undefined ? {} : { targets }) }]));
  const now = todo.batches.slice(0, BATCHES_PER_RUN);
  const results = await inParallel(now, FAN_OUT, (batch) => readBatch(environment, batch, todo.commits));
  const counts = results.reduce(add, input.counts ?? { clean: 0, drifted: 0, unknown: 0, unknownTargets: [], opened: [] });
  if (todo.batches.length > now.length) {
    await continueAsNew<typeof checkEnvironment>({ ...input, left: { ...todo, batches: todo.batches.slice(now.length) }, counts });
  }
  return counts;
}

/** A batch has a limit of its own, so that a pool without workers never silences a schedule. */
async function readBatch(environment: string, batch: TargetBatches['batches'][number], commits: TargetBatches['commits']): Promise<BatchResult> {
  const { read, control } = stepsOf(batch.pool);
  const summary = `read ${batch.targets.length} ${batch.targets.length === 1 ? 'target' : 'targets'} of ${environment} in pool ${batch.pool}`;
  try {
    return await read.observe.executeWithOptions({ ...told(summary), startToCloseTimeout: batch.timeoutMs, scheduleToCloseTimeout: batch.timeoutMs * 2 }, [
      { environment, targets: batch.targets, commits },
    ]);
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    const reason = `${NO_WORKER} ${batch.pool} read it in time (check ${workflowInfo().workflowId})`;
    return control.recordUnread.executeWithOptions(told('record that nobody read them'), [{ environment, targets: batch.targets, reason }]);
  }
}

async function inParallel<T, R>(items: readonly T[], limit: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lanes = Array.from({ length: Math.min(limit, items.length) }, async () => {
    for (let item = items[next]; item !== undefined; item = items[next]) {
      next += 1;
      results.push(await work(item));
    }
  });
  await Promise.all(lanes);
  return results;
}

function add(sum: CheckResult, batch: BatchResult): CheckResult {
  const unrecorded = (sum.unrecorded ?? 0) + (batch.unrecorded ?? 0);
  return {
    clean: sum.clean + batch.clean,
    drifted: sum.drifted + batch.drifted,
    unknown: sum.unknown + batch.unknown,
    ...(unrecorded === 0 ? {} : { unrecorded }),
    unknownTargets: [...sum.unknownTargets, ...(batch.unknownTargets ?? [])].slice(0, NAMED),
    opened: [...sum.opened, ...(batch.opened ?? [])].slice(0, NAMED),
  };
}

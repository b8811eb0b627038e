import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { ActivityInterfaceFor, ActivityOptions } from '@temporalio/workflow';
import type { ControlActivities, ReadActivities, WriteActivities } from '../activities/types.js';
import { poolQueue, WORKFLOW_QUEUE } from './messages.js';

/**
 * A step that cannot reach its worker or the ledger waits for it; what cannot help is thrown as
 * non-retryable by the activity itself. A cancelled step is waited for, because a rollback must
 * not start beside a finalize that still runs.
 */
const COMMON: ActivityOptions = {
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '12 seconds',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
};

/** How long a write step is tried before it counts as failed; worker outages are shorter than this. */
const WRITE_LIMIT = '12 hours';

/** What cannot be proved for this long counts as not proved, and is rolled back. */
export const PROOF_LIMIT = '2 hours';

export interface Steps {
  readonly control: ActivityInterfaceFor<ControlActivities>;
  readonly read: ActivityInterfaceFor<ReadActivities>;
  readonly write: ActivityInterfaceFor<WriteActivities>;
}

export function stepsOf(pool: string): Steps {
  return {
    control: proxyActivities<ControlActivities>({ ...COMMON, taskQueue: WORKFLOW_QUEUE }),
    read: proxyActivities<ReadActivities>({ ...COMMON, taskQueue: poolQueue(pool, 'read') }),
    write: proxyActivities<WriteActivities>({ ...COMMON, taskQueue: poolQueue(pool, 'write'), scheduleToCloseTimeout: WRITE_LIMIT }),
  };
}

/** The options of a call that the Temporal UI shows with a line of its own. */
export function told(summary: string): ActivityOptions {
  return { summary: summary.slice(0, 200) };
}

/** The clock of a worker may be behind the server's, so that what should have opened is still closed there: then it is asked again after a second, and not at once. */
const LEAST_WAIT_MS = 1_000;

export function untilOpen(at: string): number {
  return Math.max(LEAST_WAIT_MS, untilInstant(at));
}

/** Only the length of a timer comes from this clock, which replays the same; who was in time is judged by event times. */
export function untilInstant(at: string): number {
  return Math.max(1, Date.parse(at) - Date.now());
}

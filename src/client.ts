import { WorkflowNotFoundError, WorkflowUpdateFailedError, type Client, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/common';
import { decodeOptionalFailureToOptionalError } from '@temporalio/common/lib/internal-non-workflow/index.js';
import proto from '@temporalio/proto';
import { connectTemporal, type ConnectOptions } from './client/connect.js';
import { type ScheduleCalls, scheduleCalls } from './client/schedules.js';
import type { TargetAddress } from './domain/address.js';
import { HoldfastError } from './domain/errors.js';
import {
  COMMAND_UPDATE, DECIDE_UPDATE, environmentWorkflowId, incidentWorkflowId, searchAttributes, STATUS_QUERY, WORKFLOW_QUEUE,
} from './workflows/messages.js';
import type { CommandAnswer, DecideAnswer, EnvironmentStatus, IncidentStatus } from './workflows/messages.js';

export type { EnvironmentSchedule, ScheduleInfo } from './client/schedules.js';

/** What a person decides about an open incident. `plan` is at least 8 characters of the hash that was reviewed. */
export interface DecideInput {
  readonly decision: 'approve' | 'reject' | 'adopt' | 'accept' | 'rollback';
  readonly by: string;
  readonly plan?: string;
  readonly reason?: string;
  /** ISO, UTC; for `accept`. */
  readonly until?: string;
  /** For `adopt` of a folder: write there, rather than hand out a patch. */
  readonly write?: true;
  /** Armoured, over `decisionStatement`. */
  readonly signature?: string;
  /** For `accept`: where it is followed up. */
  readonly ticket?: string;
  /** For `approve`: on this word alone, and through a closed window. */
  readonly breakGlass?: true;
}

/** What a person says to an environment. `scope` is `prod`, `prod/storefront` or `*`. */
export type EnvironmentCommand = UnsignedCommand & { readonly signature?: string; readonly signedAt?: string };

type UnsignedCommand =
  | { readonly command: 'freeze'; readonly scope: string; readonly by: string; readonly reason: string; readonly until?: string; /** Work of one's own: it ends at `until`. */ readonly gate?: 'busy' }
  | { readonly command: 'unfreeze'; readonly scope: string; readonly by: string; readonly reason: string }
  | { readonly command: 'release'; readonly scope: string; readonly gate: string; readonly by: string; readonly reason: string }
  /** Forgets how the incident's changes ended, so that the next check asks again. */
  | { readonly command: 'retry'; readonly scope: string; readonly incident: number; readonly by: string; readonly reason: string; /** Asked again though it is quarantined: no repair is made, and it may be adopted. */ readonly gate?: 'quarantine' }
  /** Undoes a closed `fixed` incident from its snapshot. */
  | { readonly command: 'undo'; readonly scope: string; readonly incident: number; readonly by: string; readonly reason: string }
  /** Announces a change before it is made. */
  | { readonly command: 'accept'; readonly scope: string; readonly resource: string; readonly path?: string; readonly until: string; readonly by: string; readonly reason: string; readonly ticket?: string }
  /** Ends acceptances before their date: of a resource or a field of it, or all that an incident gave. */
  | { readonly command: 'accept'; readonly end: true; readonly scope: string; readonly resource?: string; readonly path?: string; readonly incident?: number; readonly by: string; readonly reason: string };

export interface PendingStep {
  /** `stage`, `verify`, …. */
  readonly step: string;
  /** From 1; more: it has failed and is tried again. */
  readonly attempt: number;
  /** ISO, UTC: when the step was asked for. */
  readonly since?: string;
  /** True while no worker has taken it. */
  readonly waiting: boolean;
  /** Why the last attempt failed, in a line. */
  readonly failure?: string;
}

export interface CheckStarted {
  readonly workflowId: string;
  readonly runId: string;
}

export interface CheckCounts {
  readonly clean: number;
  readonly drifted: number;
  readonly unknown: number;
  /** Of these, looked at while the record was away: recorded and opened nowhere. */
  readonly unrecorded?: number;
  /** Addresses that could not be read, at most 20. */
  readonly unknownTargets: readonly string[];
  readonly opened: readonly string[];
}

/** The typed façade over Temporal: everything that the server, the CLI and activities say to it. */
export interface HoldfastClient extends ScheduleCalls {
  /** Answers when the incident has judged; throws `Unreachable` when nothing answers within the limit. */
  decide(address: TargetAddress, input: DecideInput): Promise<DecideAnswer>;
  command(environment: string, command: EnvironmentCommand): Promise<CommandAnswer>;
  incidentStatus(address: TargetAddress): Promise<IncidentStatus | undefined>;
  environmentStatus(environment: string): Promise<EnvironmentStatus | undefined>;
  /** The steps of an open incident that are not done yet, with why their last attempt failed. Asks the server alone: no worker need run. */
  pendingSteps(address: TargetAddress): Promise<readonly PendingStep[]>;
  /** Starts a check of an environment, or of one target, now; a check already under way is returned. */
  startCheck(environment: string, target?: string): Promise<CheckStarted>;
  waitForCheck(started: CheckStarted): Promise<CheckCounts>;
  /** Cancels an open incident: it rolls back, then ends. */
  cancelIncident(address: TargetAddress): Promise<void>;
  /** Polls seen on each task queue lately, so that a pool without workers can be named. */
  pollers(queues: readonly string[]): Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}

const { TaskQueueType } = proto.temporal.api.enums.v1;

/** Connects and wraps; throws as `connectTemporal` does. */
export async function connectClient(options: ConnectOptions): Promise<HoldfastClient> {
  return holdfastClient(await connectTemporal(options), options.timeoutMs);
}

/** The façade over a connected client. */
export function holdfastClient(temporal: Client, timeoutMs = 10_000): HoldfastClient {
  const { workflow, connection } = temporal;
  const within = <T>(work: () => Promise<T>): Promise<T> => connection.withDeadline(Date.now() + timeoutMs, work);

  async function update<T>(workflowId: string, name: string, payload: unknown): Promise<T> {
    try {
      return await within(() => workflow.getHandle(workflowId).executeUpdate<T, [unknown]>(name, { args: [payload] }));
    } catch (error) {
      throw understood(error, workflowId);
    }
  }

  return {
    decide: ({ environment, target }, input) => update<DecideAnswer>(incidentWorkflowId(environment, target), DECIDE_UPDATE, input),

    async command(environment, command) {
      await within(() => startEnvironment(temporal, environment));
      return update<CommandAnswer>(environmentWorkflowId(environment), COMMAND_UPDATE, command);
    },

    incidentStatus: ({ environment, target }) => status<IncidentStatus>(incidentWorkflowId(environment, target)),
    environmentStatus: (environment) => status<EnvironmentStatus>(environmentWorkflowId(environment)),

    async pendingSteps({ environment, target }) {
      const { raw } = await within(() => workflow.getHandle(incidentWorkflowId(environment, target)).describe());
      return Promise.all((raw.pendingActivities ?? []).map(async (info) => pendingStep(info, await decodeOptionalFailureToOptionalError(temporal.options.loadedDataConverter, info.lastFailure))));
    },

    ...scheduleCalls(temporal, within),

    async startCheck(environment, target) {
      const at = target === undefined ? '' : `-${target}`;
      const handle = await startCheck(temporal, {
        id: `now${at}`, input: { environment, ...(target === undefined ? {} : { target }) },
        summary: `check of ${environment}${target === undefined ? '' : `/${target}`}, asked for by hand`,
      });
      return { workflowId: handle.workflowId, runId: handle.firstExecutionRunId };
    },

    async waitForCheck({ workflowId, runId }) {
      return (await workflow.getHandle(workflowId, runId).result()) as CheckCounts;
    },

    async cancelIncident({ environment, target }) {
      await within(() => workflow.getHandle(incidentWorkflowId(environment, target)).cancel());
    },

    async pollers(queues) {
      const counts = await Promise.all(queues.map(async (queue): Promise<[string, number]> => {
        const answer = await temporal.workflowService.describeTaskQueue({ namespace: temporal.options.namespace, taskQueue: { name: queue }, taskQueueType: queue === WORKFLOW_QUEUE ? TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW : TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY });
        return [queue, answer.pollers.length];
      }));
      return Object.fromEntries(counts);
    },

    close: () => connection.close(),
  };

  async function status<T>(workflowId: string): Promise<T | undefined> {
    try {
      return await within(() => workflow.getHandle(workflowId).query<T>(STATUS_QUERY));
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw understood(error, workflowId);
    }
  }

}

/** The guard of an environment runs from its first use on; a start of one that runs costs nothing. */
export async function startEnvironment({ workflow }: Client, environment: string): Promise<void> {
  await workflow.start('environment', {
    taskQueue: WORKFLOW_QUEUE,
    workflowId: environmentWorkflowId(environment),
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    args: [{ environment }],
    staticSummary: `${environment}: who may write, and what is frozen`,
    typedSearchAttributes: searchAttributes({ HoldfastEnvironment: environment }),
  });
}

export interface CheckStart {
  /** What follows `check/<environment>-`; one that runs under it already is that check. */
  readonly id: string;
  readonly input: { readonly environment: string; readonly [key: string]: unknown };
  readonly summary: string;
}

/** Starts a check beside the schedule's own. */
export function startCheck({ workflow }: Client, { id, input, summary }: CheckStart): Promise<WorkflowHandleWithFirstExecutionRunId> {
  return workflow.start('checkEnvironment', {
    taskQueue: WORKFLOW_QUEUE,
    workflowId: `check/${input.environment}-${id}`,
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    args: [input],
    staticSummary: summary,
    typedSearchAttributes: searchAttributes({ HoldfastEnvironment: input.environment }),
  });
}

const { PendingActivityState } = proto.temporal.api.enums.v1;

function pendingStep({ activityType, attempt, state, scheduledTime }: proto.temporal.api.workflow.v1.IPendingActivityInfo, failure: Error | undefined): PendingStep {
  const seconds = scheduledTime?.seconds;
  return {
    step: activityType?.name ?? 'step',
    attempt: attempt ?? 1,
    waiting: state === PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED,
    ...(seconds == null ? {} : { since: new Date(Number(seconds) * 1000).toISOString() }),
    ...(failure === undefined || failure.message === '' ? {} : { failure: failure.message.split('\n', 1)[0] ?? '' }),
  };
}

function understood(error: unknown, workflowId: string): unknown {
  if (error instanceof WorkflowNotFoundError) return new HoldfastError('Refused', `${workflowId} is not running`, { cause: error });
  if (error instanceof WorkflowUpdateFailedError) return new HoldfastError('Invalid', error.cause?.message ?? error.message, { cause: error });
  const code = (error as { code?: unknown }).code;
  const late = code === 4 || code === 1 || (error instanceof Error && error.name === 'WorkflowUpdateRPCTimeoutOrCancelledError');
  if (late) return new HoldfastError('Unreachable', `${workflowId} did not answer in time`, { cause: error, remedy: 'a worker must be running; holdfast doctor says which queues are polled' });
  return error;
}

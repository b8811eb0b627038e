import type { Client } from '@temporalio/client';

export interface Started {
  readonly type: string;
  readonly workflowId: string;
  readonly args: readonly unknown[];
}

export interface Signalled {
  readonly workflowId: string;
  readonly signal: string;
  readonly payload: unknown;
}

/** What a history says of a message: the server's time, which is the only one that counts. */
export interface Message {
  readonly at: string;
  readonly signal?: string;
  readonly update?: string;
}

/** The little of the client that steps use; runs are what the test says they are. */
export interface FakeTemporal {
  readonly client: Client;
  readonly started: Started[];
  readonly signals: Signalled[];
  /** Ids of workflows that somebody asked to cancel. */
  readonly cancelled: string[];
  /** Ids of workflows that were terminated. */
  readonly terminated: string[];
  /** By run id. */
  readonly histories: Map<string, readonly Message[]>;
  /** By workflow id; one that was started runs, any other is not found. */
  readonly runs: Map<string, { status: string; runId: string; closeTime?: Date; attempt?: number; said?: string; memo?: Record<string, unknown>; type?: string; queue?: string; endedBy?: string }>;
}

export function fakeTemporal(): FakeTemporal {
  const started: Started[] = [];
  const signals: Signalled[] = [];
  const cancelled: string[] = [];
  const terminated: string[] = [];
  const histories: FakeTemporal['histories'] = new Map();
  const runs: FakeTemporal['runs'] = new Map();

  const handle = (workflowId: string, runId?: string): object => ({
    workflowId,
    async signal(signal: string, payload: unknown) {
      if (!runs.has(workflowId)) throw notFound(workflowId);
      signals.push({ workflowId, signal, payload });
    },
    async cancel() {
      cancelled.push(workflowId);
    },
    async terminate() {
      terminated.push(workflowId);
      runs.delete(workflowId);
    },
    async describe() {
      const run = runs.get(workflowId);
      if (run === undefined) throw notFound(workflowId);
      return { workflowId, type: run.type ?? 'incident', taskQueue: run.queue ?? 'holdfast', status: { name: run.status }, runId: run.runId, closeTime: run.closeTime, memo: run.memo, raw: { pendingWorkflowTask: { attempt: run.attempt ?? 1 } } };
    },
    async fetchHistory() {
      return { events: (histories.get(runId ?? '') ?? []).map(eventOf) };
    },
  });

  const workflow = {
    async start(type: string, { workflowId, args, memo }: { workflowId: string; args: readonly unknown[]; memo?: Record<string, unknown> }) {
      const runId = `${String(started.length + 1).padStart(8, '0')}-0000-4000-8000-000000000000`;
      const standing = runs.get(workflowId);
      if (standing?.status !== 'RUNNING') {
        started.push({ type, workflowId, args });
        runs.set(workflowId, { status: 'RUNNING', runId, ...(memo === undefined ? {} : { memo }) });
      }
      return { ...handle(workflowId), firstExecutionRunId: runs.get(workflowId)?.runId };
    },
    getHandle: handle,
  };
  const workflowService = {
    async getWorkflowExecutionHistoryReverse({ execution }: { execution: { workflowId: string } }) {
      const { said: message, endedBy } = runs.get(execution.workflowId) ?? {};
      if (endedBy !== undefined) return { history: { events: [{ workflowExecutionTerminatedEventAttributes: { identity: endedBy } }] } };
      return { history: { events: message === undefined ? [] : [{ workflowTaskFailedEventAttributes: { failure: { message } } }] } };
    },
  };
  return { client: { workflow, workflowService, options: { namespace: 'default', loadedDataConverter: { payloadCodecs: [] } } } as unknown as Client, started, signals, cancelled, terminated, histories, runs };
}

function eventOf({ at, signal, update }: Message): object {
  const ms = Date.parse(at);
  return {
    eventTime: { seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * 1e6 },
    ...(signal === undefined ? {} : { workflowExecutionSignaledEventAttributes: { signalName: signal } }),
    ...(update === undefined ? {} : { workflowExecutionUpdateAcceptedEventAttributes: { protocolInstanceId: update } }),
  };
}

function notFound(workflowId: string): Error {
  return Object.assign(new Error(`${workflowId} is not found`), { name: 'WorkflowNotFoundError' });
}

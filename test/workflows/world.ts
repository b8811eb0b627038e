import { randomUUID } from 'node:crypto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import type { WorkflowHandle } from '@temporalio/client';
import type { AssessedPart, Assessment, AssessInput, CloseInput, ControlActivities, JudgeBatch, ReadActivities, WriteActivities } from '../../src/activities/types.js';
import { judge } from '../../src/domain/approving/judge.js';
import { environmentWorkflowId, incidentWorkflowId, poolQueue, WORKFLOW_QUEUE, type IncidentStatus } from '../../src/workflows/messages.js';
import type { IncidentInput } from '../../src/workflows/state.js';
import { payloadConverterPath, workflowBundle } from '../support/workflow-bundle.js';

/** Each test has an environment of its own by name, so that ids and queues never meet. */
export interface World {
  readonly environment: string;
  readonly calls: string[];
  readonly closed: CloseInput[];
  readonly assessments: AssessInput[];
  /** `more` is added to what the incident is started with; without `guard` its environment has none. */
  start(more?: Partial<IncidentInput>, options?: { readonly guard: boolean }): Promise<WorkflowHandle>;
  status(): Promise<IncidentStatus>;
  details(): Promise<string>;
  until(phase: string): Promise<IncidentStatus>;
  guard(): WorkflowHandle;
}

export type Script = Partial<ControlActivities & ReadActivities & WriteActivities>;

export const PLAN = 'a'.repeat(64);
export const OTHER = 'b'.repeat(64);

export function part(overrides: Partial<AssessedPart> = {}): AssessedPart {
  return {
    part: 1, decision: 'ask', risk: 'low', reason: 'this target asks', rules: ['remediation: ask'], changes: 1, plan: PLAN, ask: 'ask-1',
    expiresMs: 4 * 3_600_000, remindMs: [], gate: { allowed: true }, causedBy: [], soakMs: 60_000, staging: 'shadow', rollback: 'exact', details: 'Plan `aaaaaaaaaaaa`',
    ...overrides,
  };
}

export function assessed(parts: readonly AssessedPart[], more: Partial<Assessment> = {}): Assessment {
  return { verdict: parts.length === 0 ? 'clean' : 'drifted', concurrent: 1, build: 'build-1', gone: [], parts, details: '- `etc/app.yaml` `/port` is 1, should be 2', ...more };
}

/** Workers with scripted steps around the real workflows; a step that is not scripted succeeds. */
export async function inWorld(env: TestWorkflowEnvironment, script: (world: World) => Script, test: (world: World) => Promise<void>): Promise<void> {
  const environment = `e${randomUUID().slice(0, 8)}`;
  const incident = { environment, target: 'storefront', number: 1 };
  const id = incidentWorkflowId(environment, 'storefront');
  const handle = (): WorkflowHandle => env.client.workflow.getHandle(id);
  const world: World = {
    environment,
    calls: [],
    closed: [],
    assessments: [],
    async start(more = {}, { guard } = { guard: true }) {
      if (guard) await env.client.workflow.start('environment', { taskQueue: WORKFLOW_QUEUE, workflowId: environmentWorkflowId(environment), args: [{ environment }] });
      return env.client.workflow.start('incident', { taskQueue: WORKFLOW_QUEUE, workflowId: id, args: [{ incident, kind: 'drift', pool: environment, ...more }] });
    },
    status: () => handle().query<IncidentStatus>('status'),
    async details() {
      const metadata = await handle().query<{ currentDetails?: string }>('__temporal_workflow_metadata');
      return metadata.currentDetails ?? '';
    },
    async until(phase) {
      for (let tries = 0; tries < 1_200; tries += 1) {
        // Between two runs of an incident there may be nobody to answer.
        const status = await world.status().catch(() => undefined);
        if (status?.phase === phase) return status;
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
      throw new Error(`never ${phase}: ${JSON.stringify(await world.status())}`);
    },
    guard: () => env.client.workflow.getHandle(environmentWorkflowId(environment)),
  };
  const steps = recorded({ ...defaults(env, world), ...script(world) }, world);
  const bundle = await workflowBundle();
  const common = { connection: env.nativeConnection, namespace: env.namespace ?? 'default', dataConverter: { payloadConverterPath }, activities: steps };
  const workers = await Promise.all([
    Worker.create({ ...common, taskQueue: WORKFLOW_QUEUE, workflowBundle: bundle }),
    Worker.create({ ...common, taskQueue: poolQueue(environment, 'read') }),
    Worker.create({ ...common, taskQueue: poolQueue(environment, 'write') }),
  ]);
  const runs = workers.map((worker) => worker.run());
  try {
    await test(world);
  } finally {
    for (const each of [handle(), world.guard()]) await each.terminate('the test is over').catch(() => undefined);
    for (const worker of workers) worker.shutdown();
    await Promise.allSettled(runs);
  }
}

function defaults(env: TestWorkflowEnvironment, world: World): ControlActivities & ReadActivities & WriteActivities {
  return {
    assess: () => Promise.resolve(assessed([part()])),
    judge: (batch) => judgeAsTheServerTells(env, batch),
    askGates: () => Promise.resolve({ gate: { allowed: true } }),
    remind: () => Promise.resolve(),
    escalate: () => Promise.resolve({}),
    close: (input) => { world.closed.push(input); return Promise.resolve(); },
    command: () => Promise.resolve({ ok: true, message: 'done' }),
    startGuard: () => Promise.resolve(),
    wakeIncidents: () => Promise.resolve(),
    listTargets: () => Promise.resolve({ batches: [], commits: {} }),
    recordUnread: () => Promise.resolve({ clean: 0, drifted: 0, unknown: 1 }),
    observe: () => Promise.resolve({ clean: 1, drifted: 0, unknown: 0 }),
    validate: () => Promise.resolve({ verdict: 'healthy', checks: [] }),
    verify: ({ end }) => {
      if (end === undefined) return Promise.resolve({ result: 'healthy', message: 'healthy' });
      world.closed.push(end);
      return Promise.resolve({ result: 'healthy', message: 'healthy', ended: true });
    },
    stage: () => Promise.resolve({ result: 'staged', staged: { artifacts: [], data: {}, shadow: { health: [] } } }),
    finalize: () => Promise.resolve({ result: 'finalized' }),
    rollback: () => Promise.resolve({ result: 'restored', message: 'put back' }),
    adopt: () => Promise.resolve({ result: 'made', where: 'branch holdfast/adopt/x', message: 'branch holdfast/adopt/x waits to be merged' }),
  };
}

/** The real rule, with the real event times of the history. */
async function judgeAsTheServerTells(env: TestWorkflowEnvironment, batch: JudgeBatch): ReturnType<ControlActivities['judge']> {
  const { events } = await env.client.workflow.getHandle(incidentWorkflowId(batch.incident.environment, batch.incident.target)).fetchHistory();
  const time = (seconds: unknown): string => new Date(Number(seconds) * 1000).toISOString();
  return batch.messages.map(({ message, via }) => {
    const signals = (events ?? []).filter((event) => 'signal' in via && event.workflowExecutionSignaledEventAttributes?.signalName === via.signal);
    const event = 'signal' in via ? signals[via.ordinal - 1] : (events ?? []).at(-1);
    const at = time(event?.eventTime?.seconds ?? 0);
    const judgement = judge({ message, at, trust: 'namespace', questions: batch.questions, source: message.write === true ? 'folder' : 'git' });
    return { ...judgement, by: message.by, at, ...(message.decision === 'adopt' && judgement.result === 'accepted' ? { adoption: 'adoption-1' } : {}) };
  });
}

function recorded(steps: ControlActivities & ReadActivities & WriteActivities, world: World): object {
  return Object.fromEntries(Object.entries(steps).map(([name, step]) => [name, async (input: never) => {
    // The guard of the environment asks once, at its own start.
    if (name !== 'wakeIncidents') world.calls.push(name);
    if (name === 'assess') world.assessments.push(input);
    return (step as (input: never) => Promise<unknown>)(input);
  }]));
}

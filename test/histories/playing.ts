import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { GateAnswer } from '../../src/domain/gates/gate.js';
import { assessed, part, PLAN, type Script, type World } from '../workflows/world.js';

/** One kind of history: the steps it is given, and what people and checks do to it. */
export interface Scenario {
  readonly name: string;
  readonly script?: (world: World) => Script;
  /** Returns the runs whose histories are kept, once they are what the name says. */
  play(world: World, env: TestWorkflowEnvironment): Promise<readonly WorkflowHandle[]>;
}

export const APPROVE = { by: 'alice', plan: PLAN.slice(0, 12) };
const QUICK = { soakMs: 300 } as const;
export const YEAR_MS = 365 * 24 * 3_600_000;
export const FROZEN: GateAnswer & { readonly allowed: false } = { allowed: false, gate: 'freeze', reason: 'freeze of prod by alice, until it is unfrozen: launch' };

export const auto = (overrides: Parameters<typeof part>[0] = {}): ReturnType<typeof part> => part({ decision: 'remediate', rules: ['remediation: auto'], ...QUICK, ...overrides });
export const asks = (overrides: Parameters<typeof part>[0] = {}): ReturnType<typeof part> => part({ ...QUICK, ...overrides });
export const soon = (ms: number): string => new Date(Date.now() + ms).toISOString();

export function repairs(more: Script = {}): () => Script {
  return () => ({ assess: () => Promise.resolve(assessed([auto()])), ...more });
}

/** The first look finds the first of these, the next one the next. */
export function looks(...answers: (() => ReturnType<typeof assessed>)[]): Script {
  let count = 0;
  return {
    assess: () => {
      const answer = answers[Math.min(count, answers.length - 1)];
      count += 1;
      return answer === undefined ? Promise.reject(new Error('no look was scripted')) : Promise.resolve(answer());
    },
  };
}

export async function ended(incident: WorkflowHandle): Promise<readonly WorkflowHandle[]> {
  await incident.result().catch(() => undefined);
  return [incident];
}

export async function toItsEnd(world: World): Promise<readonly WorkflowHandle[]> {
  return ended(await world.start());
}

export async function whileWaiting(world: World, act: (incident: WorkflowHandle) => Promise<unknown>): Promise<readonly WorkflowHandle[]> {
  const incident = await world.start();
  await world.until('awaiting-approval');
  await act(incident);
  return ended(incident);
}

/** A new build is seen at rest: the run goes on as a new one, and what was asked stays asked. */
export async function whileWaitingAcross(world: World, env: TestWorkflowEnvironment): Promise<readonly WorkflowHandle[]> {
  const first = await world.start();
  await world.until('awaiting-approval');
  await first.signal('observed', {});
  const run = (await env.client.workflow.getHandle(first.workflowId).describe()).runId;
  for (let latest = run; latest === run;) {
    await pause();
    latest = (await env.client.workflow.getHandle(first.workflowId).describe()).runId;
  }
  await world.until('awaiting-approval');
  await first.signal('approve', APPROVE).catch(() => undefined);
  const latest = env.client.workflow.getHandle(first.workflowId, (await env.client.workflow.getHandle(first.workflowId).describe()).runId);
  await latest.signal('approve', APPROVE);
  await latest.result();
  return [env.client.workflow.getHandle(first.workflowId, run), latest];
}

/** As often as people freeze and unfreeze: each makes the incident ask its gates again. */
export async function stir(world: World, incident: WorkflowHandle, holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 40 && !holds(); tries += 1) {
    await incident.signal('gates', {});
    for (let waited = 0; waited < 20 && !holds(); waited += 1) await pause();
  }
  if (!holds()) throw new Error(`the gates were not asked: ${JSON.stringify(await world.status())}`);
}

export async function until(world: World, holds: (status: Awaited<ReturnType<World['status']>>) => boolean): Promise<void> {
  for (let tries = 0; tries < 1_200; tries += 1) {
    if (holds(await world.status())) return;
    await pause();
  }
  throw new Error(`it never came to that: ${JSON.stringify(await world.status())}`);
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 25));
}

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { devServer } from '../support/dev-server.js';
import { workflowBundle } from '../support/workflow-bundle.js';
import { inWorld } from '../workflows/world.js';
import { historyText } from './format.js';
import type { Scenario } from './playing.js';
import { SCENARIOS } from './scenarios.js';

export interface RecordOptions {
  /** As in package.json; the folder's name. */
  readonly version: string;
  readonly log: (line: string) => void;
}

export interface Played {
  readonly name: string;
  readonly history: Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;
}

const LIMIT_MS = 60_000;

/** Plays every scenario against a real development server and writes what the server recorded, one file a run. */
export async function recordHistories({ version, log }: RecordOptions): Promise<number> {
  const folder = new URL(`./${version}/`, import.meta.url).pathname;
  // First, since it also quiets the log of every worker.
  await workflowBundle();
  const server = await devServer();
  const env = await TestWorkflowEnvironment.createFromExistingServer({ address: server.address, namespace: server.namespace });
  try {
    const files = new Map<string, string>();
    for (const scenario of SCENARIOS) {
      for (const { name, history } of await playScenario(env, scenario)) {
        files.set(name, historyText(history));
        log(name);
      }
    }
    // Only once all of them were played: a recording that failed leaves the one before.
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    for (const [name, text] of files) await writeFile(join(folder, `${name}.json`), text);
    return files.size;
  } finally {
    await env.teardown();
    await server.stop();
  }
}

/** What the server recorded of one scenario, a history for each of its runs. */
export async function playScenario(env: TestWorkflowEnvironment, scenario: Scenario): Promise<readonly Played[]> {
  const { name, script = () => ({}) } = scenario;
  const played: Played[] = [];
  await inWorld(env, script, async (world) => {
    const runs = await inTime(name, scenario.play(world, env));
    for (const [index, run] of runs.entries()) played.push({ name: runs.length === 1 ? name : `${name}-${index + 1}`, history: await run.fetchHistory() });
  });
  return played;
}

/** One that never comes to what it is named after must not hold the others for ever. */
async function inTime<T>(name: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => { reject(new Error(`${name} did not end within ${LIMIT_MS / 1000} s`)); }, LIMIT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

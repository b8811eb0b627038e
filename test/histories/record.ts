import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { devServer } from '../support/dev-server.js';
import { workflowBundle } from '../support/workflow-bundle.js';
import { inWorld } from '../workflows/world.js';
import { historyText } from './format.js';
import { SCENARIOS } from './scenarios.js';

export interface RecordOptions {
  /** As in package.json; the folder's name. */
  readonly version: string;
  readonly log: (line: string) => void;
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
      await inWorld(env, scenario.script ?? (() => ({})), async (world) => {
        const runs = await inTime(scenario.name, scenario.play(world, env));
        for (const [index, run] of runs.entries()) {
          const name = runs.length === 1 ? scenario.name : `${scenario.name}-${index + 1}`;
          files.set(name, historyText(await run.fetchHistory()));
          log(name);
        }
      });
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

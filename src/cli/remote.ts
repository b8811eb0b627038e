import type { CheckCounts } from '../client.js';
import type { Context } from './context.js';
import { EXIT, worstExit } from './exit.js';
import { count } from './render/changes.js';
import { plain } from './render/escape.js';

export interface RemoteCheck {
  readonly environments: readonly string[];
  readonly target?: string;
  readonly wait: boolean;
  readonly driftExit: number;
}

interface Row {
  readonly environment: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly counts?: CheckCounts;
  readonly exitCode: number;
}

const STILL_RUNNING = Symbol('still running');

/** Lets the workers look, as a schedule does; with `wait`, says what they found. */
export async function remoteCheck(context: Context, check: RemoteCheck): Promise<number> {
  const { client } = await context.connect();
  try {
    const deadline = context.options.timeout === undefined ? undefined : context.io.now().getTime() + context.options.timeout;
    const rows: Row[] = [];
    for (const environment of check.environments) {
      const started = await client.startCheck(environment, check.target);
      const base = { environment, ...started };
      if (!check.wait) {
        rows.push({ ...base, exitCode: EXIT.done });
        continue;
      }
      const left = deadline === undefined ? undefined : Math.max(0, deadline - context.io.now().getTime());
      const counts = await within(client.waitForCheck(started), left);
      rows.push(counts === STILL_RUNNING ? { ...base, exitCode: EXIT.waiting } : { ...base, counts, exitCode: exitOfCounts(counts, check.driftExit) });
    }
    await print(context, rows);
    return worstExit(rows.map((row) => row.exitCode));
  } finally {
    await client.close();
  }
}

async function print(context: Context, rows: readonly Row[]): Promise<void> {
  if (context.json) return context.printJson('remote-check', { checks: rows });
  for (const { environment, workflowId, counts, exitCode } of rows) {
    if (counts === undefined) {
      const state = exitCode === EXIT.waiting ? 'is still under way' : 'started';
      await context.say(`${environment}: ${workflowId} ${state}; see what it found with: holdfast status ${environment}`);
      continue;
    }
    await context.say(`${environment}: ${counts.clean} clean, ${counts.drifted} drifted, ${counts.unknown} unknown`);
    if (counts.unrecorded !== undefined) await context.say(`  not recorded: ${count(counts.unrecorded, 'target')}, since the record is away; no incident was opened, and the next check looks again (holdfast doctor)`);
    for (const address of counts.unknownTargets) await context.say(`  unknown: ${plain(address)}`);
    for (const incident of counts.opened) await context.say(`  opened: ${plain(incident.includes('/') ? incident : `${environment}/${incident}`)}`);
    if (counts.opened.length > 0) context.note(`${count(counts.opened.length, 'incident')} opened; see: holdfast incidents ${environment} --open`);
  }
}

function exitOfCounts(counts: CheckCounts, driftExit: number): number {
  if (counts.unrecorded !== undefined) return EXIT.error;
  if (counts.unknown > 0) return EXIT.unknown;
  return counts.drifted > 0 ? driftExit : EXIT.done;
}

async function within<T>(work: Promise<T>, ms: number | undefined): Promise<T | typeof STILL_RUNNING> {
  if (ms === undefined) return work;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof STILL_RUNNING>((resolve) => {
    timer = setTimeout(() => resolve(STILL_RUNNING), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

import { formatAddress } from '../domain/address.js';
import type { Observation } from '../domain/change.js';
import type { Target } from '../domain/target.js';
import type { Context } from './context.js';
import { oneLine } from './errors.js';
import { EXIT } from './exit.js';
import { forEachBounded, startProgress } from './progress.js';

/** One target as it was found, or why looking at it failed outright. */
export interface Looked {
  readonly target: Target;
  readonly observation?: Observation;
  readonly error?: string;
  readonly ms: number;
}

/** So many targets are read at once, unless an environment allows fewer. */
const WIDTH = 8;

/** Looks at targets from here, each within its own time; one that fails holds nobody. */
export async function lookAt(context: Context, targets: readonly Target[]): Promise<readonly Looked[]> {
  const config = await context.config();
  const reads = config.environments.filter((each) => targets.some((target) => target.environment === each.name)).map((each) => each.limits.reads);
  const progress = startProgress(context);
  const deadline = context.options.timeout === undefined ? undefined : AbortSignal.timeout(context.options.timeout);
  let done = 0;
  try {
    return await forEachBounded(targets, Math.min(WIDTH, ...reads), async (target) => {
      if (targets.length > 1) progress.update(`looked at ${done} of ${targets.length}: ${formatAddress(target)}`);
      const looked = await lookAtOne(context, target, deadline);
      done += 1;
      return looked;
    });
  } finally {
    progress.end();
  }
}

export function exitOf(looked: Looked, driftExit: number): number {
  switch (looked.observation?.verdict) {
    case undefined:
      return EXIT.error;
    case 'clean':
      return EXIT.done;
    case 'drifted':
      return driftExit;
    case 'unknown':
      return EXIT.unknown;
  }
}

async function lookAtOne(context: Context, target: Target, deadline: AbortSignal | undefined): Promise<Looked> {
  const started = performance.now();
  const own = AbortSignal.timeout(target.observeTimeoutMs);
  const signal = AbortSignal.any([context.io.signal, own, ...(deadline === undefined ? [] : [deadline])]);
  const ms = () => Math.round(performance.now() - started);
  try {
    const config = await context.config();
    const observation = await orAborted(context.deps.look({ config, target, signal }), signal);
    return { target, observation, ms: ms() };
  } catch (error) {
    if (context.io.signal.aborted) throw error;
    const late = own.aborted || deadline?.aborted === true;
    if (late) return { target, observation: unread(`nothing was read within ${own.aborted ? target.observeTimeoutMs : (context.options.timeout ?? 0)} ms`), ms: ms() };
    return { target, error: oneLine(error), ms: ms() };
  }
}

/** A provider that hangs in spite of its signal must not hold the others. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return new Promise<T>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('it was asked to end')), { once: true });
    work.then(resolve, reject);
  });
}

function unread(reason: string): Observation {
  return { verdict: 'unknown', reason, revision: '', identity: {}, changes: [], resources: 0, skipped: [] };
}

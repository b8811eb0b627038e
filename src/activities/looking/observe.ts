import type { Observation } from '../../domain/change.js';
import type { Revision, Target } from '../../domain/target.js';
import { look } from '../../providers/look.js';
import type { ReadContext } from '../../providers/provider.js';
import { NO_ANSWER } from './batches.js';
import { type Dependencies, providerOf } from '../deps.js';
import { heeding, pausedUntil } from './throttle.js';

/** One look at one target, with a limit of its own: a target that hangs is unknown alone and holds nobody. */
export async function observeTarget(deps: Dependencies, target: Target, ctx: ReadContext, commits: Readonly<Record<string, string>> = {}): Promise<Observation> {
  const limit = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<Observation>((resolve) => {
    timer = setTimeout(() => {
      limit.abort();
      resolve(unread(`${NO_ANSWER} ${target.observeTimeoutMs} ms`));
    }, target.observeTimeoutMs);
  });
  const signal = AbortSignal.any([ctx.signal, limit.signal]);
  try {
    return await Promise.race([tooLate, readTarget(deps, target, { ...ctx, signal }, commits)]);
  } catch (error) {
    if (ctx.signal.aborted) throw error;
    return unread(error instanceof Error ? error.message.split('\n')[0] ?? '' : 'the look failed');
  } finally {
    clearTimeout(timer);
  }
}

async function readTarget(deps: Dependencies, target: Target, ctx: ReadContext, commits: Readonly<Record<string, string>>): Promise<Observation> {
  const until = pausedUntil(deps, target);
  if (until !== undefined) return unread(`throttled: its engine asked to be left alone; it is asked again after ${until}`);
  return look(heeding(deps, target, providerOf(deps, target)), target, await revisionOf(deps, target, ctx, commits), ctx);
}

export async function revisionOf(deps: Dependencies, target: Target, ctx: ReadContext, commits: Readonly<Record<string, string>> = {}): Promise<Revision> {
  return deps.sources.resolve(target.source, ctx, commits);
}

/** What is said of a target that nobody could look at. */
export function unread(reason: string): Observation {
  return { verdict: 'unknown', reason, revision: '', identity: {}, changes: [], resources: 0, skipped: [] };
}

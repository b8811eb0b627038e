import { linkSync, lstatSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError } from '../../domain/errors.js';
import { errorCode } from '../../system/error-code.js';
import type { ChildProcessIdentity, ReadContext } from '../provider.js';
import { explain, shown } from './errors.js';
import { isRunning, ownProcess } from './process.js';

const WAIT_MS = 30_000;

/**
 * Runs `work` with the root to itself: a file beside it names the process that writes. Whoever finds
 * one whose process has ended takes it over. Throws `Unreachable` when another holds it for too long.
 */
export async function withLock<T>(root: string, ctx: Pick<ReadContext, 'signal'>, work: () => Promise<T>): Promise<T> {
  const path = `${root}.holdfast-lock`;
  const mine = JSON.stringify(ownProcess());
  const until = Date.now() + WAIT_MS;
  while (!take(path, mine)) {
    ctx.signal.throwIfAborted();
    const holder = read(path);
    if (holder !== undefined && isStale(holder)) breakLock(path, holder);
    else if (Date.now() > until) throw busy(root, holder);
    else await sleep(50);
  }
  try {
    return await work();
  } finally {
    release(path, mine);
  }
}

interface Held {
  readonly text: string;
  readonly process: ChildProcessIdentity | undefined;
}

/** A link appears whole or not at all, so that nobody reads a lock half written. */
function take(path: string, mine: string): boolean {
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    writeFileSync(draft, mine, { mode: 0o644, flag: 'wx' });
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw explain(error, `locking ${shown(path)}`);
  } finally {
    removeQuietly(draft);
  }
}

function read(path: string): Held | undefined {
  try {
    if (!lstatSync(path).isFile()) throw new HoldfastError('Refused', `${shown(path)} is not a lock file`, { remedy: 'remove it' });
    const text = readFileSync(path, 'utf8');
    return { text, process: parse(text) };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function isStale({ process: holder }: Held): boolean {
  // What another machine holds cannot be judged from here.
  return holder === undefined || (holder.host === hostname() && !isRunning(holder));
}

/** Two may find the same stale lock: only what was judged is removed, and a fresh one is put back. */
function breakLock(path: string, judged: Held): void {
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw explain(error, `taking over ${shown(path)}`);
  }
  if (readFileSync(aside, 'utf8') !== judged.text) {
    try {
      linkSync(aside, path);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    }
  }
  removeQuietly(aside);
}

function release(path: string, mine: string): void {
  if (read(path)?.text === mine) removeQuietly(path);
}

function busy(root: string, holder: Held | undefined): HoldfastError {
  const who = holder?.process === undefined ? 'another process' : `process ${holder.process.pid} on ${shown(holder.process.host)}`;
  return new HoldfastError('Unreachable', `${who} is writing ${shown(root)}`, { remedy: `if that machine is gone for good, remove ${shown(root)}.holdfast-lock` });
}

function parse(text: string): ChildProcessIdentity | undefined {
  try {
    const value = JSON.parse(text) as Partial<ChildProcessIdentity>;
    if (typeof value.host !== 'string' || typeof value.pid !== 'number' || typeof value.startTime !== 'string') return undefined;
    return { host: value.host, pid: value.pid, startTime: value.startTime };
  } catch {
    return undefined;
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

import { join } from 'node:path';
import { linkSync, lstatSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError } from '../../domain/errors.js';
import { errorCode } from '../../system/error-code.js';
import { isRunning, ownIdentity, parseIdentity, type ProcessIdentity } from '../../system/process.js';
import type { ReadContext } from '../provider.js';
import { explain, shown } from './errors.js';
import type { Live } from './setup.js';

const WAIT_MS = 30_000;
const UNNAMED_MS = 2000;

/**
 * Runs `work` with the root to itself: a file names the process that writes. It lies beside a root
 * that is a link, and in one that is a folder, where the worker may write in any case. Whoever finds
 * one whose process has ended takes it over. Throws `Unreachable` when another holds it for too long.
 */
export async function withLock<T>(live: Pick<Live, 'mode' | 'root' | 'real'>, ctx: Pick<ReadContext, 'signal'>, work: () => Promise<T>): Promise<T> {
  const path = live.mode === 'link' ? `${live.root}.holdfast-lock` : join(live.real, '.holdfast-lock');
  const mine = JSON.stringify(ownIdentity());
  const until = Date.now() + WAIT_MS;
  while (!take(path, mine)) {
    ctx.signal.throwIfAborted();
    const holder = read(path);
    if (holder !== undefined && isStale(holder)) breakLock(path, holder);
    else if (Date.now() > until) throw busy(path, holder);
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
  readonly process: ProcessIdentity | undefined;
  readonly ageMs: number;
}

function take(path: string, mine: string): boolean {
  try {
    writeFileSync(path, mine, { mode: 0o644, flag: 'wx' });
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw explain(error, `locking ${shown(path)}`);
  }
  removeQuietly(asideOf(path));
  return true;
}

function read(path: string): Held | undefined {
  try {
    const stats = lstatSync(path);
    if (!stats.isFile()) throw new HoldfastError('Refused', `${shown(path)} is not a lock file`, { remedy: 'remove it' });
    const text = readFileSync(path, 'utf8');
    return { text, process: parse(text), ageMs: Date.now() - stats.mtimeMs };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function isStale({ process: holder, ageMs }: Held): boolean {
  // Whoever made it may not have written its name yet.
  if (holder === undefined) return ageMs > UNNAMED_MS;
  // What another machine holds cannot be judged from here.
  return holder.host === hostname() && !isRunning(holder);
}

/** Two may find the same stale lock: only what was judged is removed, and a fresh one is put back. */
function breakLock(path: string, judged: Held): void {
  const aside = asideOf(path);
  try {
    renameSync(path, aside);
    if (readFileSync(aside, 'utf8') !== judged.text) linkSync(aside, path);
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes(errorCode(error))) throw explain(error, `taking over ${shown(path)}`);
  }
  removeQuietly(aside);
}

function asideOf(path: string): string {
  return `${path}.stale`;
}

function release(path: string, mine: string): void {
  if (read(path)?.text === mine) removeQuietly(path);
}

function busy(path: string, holder: Held | undefined): HoldfastError {
  const who = holder?.process === undefined ? 'another process' : `process ${holder.process.pid} on ${shown(holder.process.host)}`;
  return new HoldfastError('Unreachable', `${who} holds ${shown(path)} and writes there`, { remedy: 'if that machine is gone for good, remove the file' });
}

function parse(text: string): ProcessIdentity | undefined {
  try {
    return parseIdentity(JSON.parse(text));
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

import { randomUUID } from 'node:crypto';
import { link, readFile, stat, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, ownIdentity, parseIdentity, type ProcessIdentity } from '../system/process.js';

/** Held by one living process; one left behind by a process that has ended is taken over. */
export interface Lock {
  release(): Promise<void>;
}

export type LockResult =
  | { readonly held: true; readonly lock: Lock }
  /** `holder` is absent when the lock file cannot be read as one of ours. */
  | { readonly held: false; readonly holder?: ProcessIdentity };

const ATTEMPTS = 50;
const GUARD_MS = 10_000;

/** Tries once; the folder must exist. */
export async function tryLock(file: string): Promise<LockResult> {
  const me = ownIdentity();
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(me), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      if (await linkNew(draft, file)) return { held: true, lock: { release: () => release(file, me) } };
      const text = await readFile(file, 'utf8').catch(() => undefined);
      if (text === undefined) continue;
      const holder = parseLock(text);
      if (holder === undefined || !isStale(holder)) return holder === undefined ? { held: false } : { held: false, holder };
      await clearStale(file, draft);
    }
    return { held: false };
  } finally {
    await unlink(draft).catch(() => undefined);
  }
}

/** Who holds it and lives; undefined when nobody does, or it cannot be told. */
export async function holderOf(file: string): Promise<ProcessIdentity | undefined> {
  const holder = parseLock(await readFile(file, 'utf8').catch(() => ''));
  return holder === undefined || isStale(holder) ? undefined : holder;
}

/** A holder on another machine (a shared folder) cannot be looked at, so it counts as living. */
function isStale(holder: ProcessIdentity): boolean {
  return holder.host === hostname() && !isRunning(holder);
}

/**
 * Removes a stale lock, one process at a time: looked at again under the guard, it cannot be the new lock
 * of another that was quicker.
 */
async function clearStale(file: string, draft: string): Promise<void> {
  const guard = `${file}.guard`;
  if (!(await linkNew(draft, guard))) {
    const since = await stat(guard).then((found) => found.ctimeMs, () => Date.now());
    // Held for moments only; an old one is of a process killed at just that point.
    if (Date.now() - since > GUARD_MS) await unlink(guard).catch(() => undefined);
    await sleep(20);
    return;
  }
  try {
    const holder = parseLock(await readFile(file, 'utf8').catch(() => ''));
    if (holder !== undefined && isStale(holder)) await unlink(file).catch(() => undefined);
  } finally {
    await unlink(guard).catch(() => undefined);
  }
}

/** A hard link fails when the name exists: creation and content in one step. */
async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function release(file: string, me: ProcessIdentity): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const holder = parseLock(text);
  if (holder?.pid === me.pid && holder.startTime === me.startTime) await unlink(file).catch(() => undefined);
}

function parseLock(text: string): ProcessIdentity | undefined {
  try {
    return parseIdentity(JSON.parse(text));
  } catch {
    return undefined;
  }
}

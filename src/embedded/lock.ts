import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { isAlive, ownIdentity, parseIdentity, type ProcessIdentity } from './process.js';

/** Held by one living process; one left behind by a process that has ended is taken over. */
export interface Lock {
  release(): Promise<void>;
}

export type LockResult =
  | { readonly held: true; readonly lock: Lock }
  /** `holder` is absent when the lock file cannot be read as one of ours. */
  | { readonly held: false; readonly holder?: ProcessIdentity };

/** Tries once; the folder must exist. */
export async function tryLock(file: string): Promise<LockResult> {
  const me = await ownIdentity();
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(me), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      if (await linkNew(draft, file)) return { held: true, lock: { release: () => release(file, me) } };
      const text = await readFile(file, 'utf8').catch(() => undefined);
      if (text === undefined) continue;
      const holder = parseLock(text);
      if (holder === undefined || !(await isStale(holder))) return holder === undefined ? { held: false } : { held: false, holder };
      await clearStale(file, text);
    }
    return { held: false };
  } finally {
    await unlink(draft).catch(() => undefined);
  }
}

/** A holder on another machine (a shared folder) cannot be looked at, so it counts as living. */
async function isStale(holder: ProcessIdentity): Promise<boolean> {
  return holder.host === hostname() && !(await isAlive(holder));
}

/** Moves the stale lock aside by name, so that of two who saw it only one removes it, and a new one is put back. */
async function clearStale(file: string, seen: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch {
    return;
  }
  const text = await readFile(aside, 'utf8').catch(() => '');
  if (text !== seen) await linkNew(aside, file);
  await unlink(aside).catch(() => undefined);
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

import { chmodSync, closeSync, constants, copyFileSync, existsSync, fstatSync, fsyncSync, lstatSync, mkdirSync, openSync, readlinkSync, rmSync, symlinkSync, utimesSync, type Stats } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { HoldfastError } from '../../domain/errors.js';
import { runCommand } from '../../system/run-command.js';
import { errorCode } from '../../system/error-code.js';
import type { ReadContext } from '../provider.js';
import { READ } from './entry.js';
import { explain, shown } from './errors.js';
import { giveTo } from './owners.js';
import { syncFolder } from './write.js';
import { walk, type WalkEntry } from './walk.js';

const BATCH = 64;

export type Turns = Pick<ReadContext, 'signal' | 'heartbeat'>;

/**
 * Copies a live tree: no file of the copy shares its content with a live one, whether by a hard
 * link or otherwise, so that writing to one never shows in the other. `complete` refuses what
 * cannot be copied; without it, it is left out, and owners are the worker's.
 */
export async function copyTree(from: string, to: string, options: { readonly complete: boolean }, turns: Turns): Promise<void> {
  try {
    mkdirSync(to, { recursive: true, mode: 0o700 });
    let copied = 0;
    const folders: string[] = [''];
    for (const entry of walk(from, true)) {
      copyEntry(entry, { from, to, ...options });
      if (entry.type === 'folder') folders.push(entry.path);
      copied += 1;
      if (copied % BATCH === 0) await turn(turns, `${copied} files copied`);
    }
    // Last, and deepest first: a folder may be read-only.
    for (const path of folders.reverse()) attributes(join(to, path), lstatSync(join(from, path)), options.complete);
  } catch (error) {
    throw explain(error, `copying ${shown(from)}`);
  }
}

/** A digest of what stands in a tree and when it was last touched: equal as long as nobody has changed anything in it, or in `only` these paths. */
export async function manifestOf(root: string, turns: Turns, only?: ReadonlySet<string>): Promise<string> {
  const digest = createHash('sha256');
  let seen = 0;
  for (const entry of walk(root, true)) {
    if (only?.has(entry.path) === false) continue;
    seen += 1;
    if (seen % BATCH === 0) await turn(turns, `${seen} files looked at`);
    const stats = statQuietly(join(root, entry.path));
    if (stats === undefined) continue;
    const { mode, uid, gid, size, mtimeMs, ctimeMs, ino } = stats;
    digest.update(entry.type === 'folder' ? `${entry.path}\0folder\0${mode}\0${uid}\0${gid}\0` : `${entry.path}\0${entry.type}\0${[mode, uid, gid, size, mtimeMs, ctimeMs, ino].join('\0')}\0`);
  }
  return digest.digest('hex');
}

/** Removes what validation or a second instance left in a release. Returns how much that was. */
export function tidy(release: string, expected: ReadonlySet<string>): number {
  const extra = [...walk(release, true)].filter((entry) => !expected.has(entry.path)).map((entry) => entry.path);
  for (const path of extra) rmSync(join(release, path), { recursive: true, force: true });
  return extra.length;
}

export function pathsOf(root: string): Set<string> {
  return new Set([...walk(root, true)].map((entry) => entry.path));
}

/** On disk, also through a loss of power: a whole file system at once where the machine can, else file by file. */
export async function syncTree(root: string, signal: AbortSignal): Promise<void> {
  const { end, ...result } = await runCommand({ command: ['sync', '-f', '--', root], env: {}, timeoutMs: 120_000, signal });
  if (end === 'exited' && 'code' in result && result.code === 0) return;
  let synced = 0;
  for (const entry of walk(root, true)) {
    if (entry.type === 'folder') syncFolder(join(root, entry.path));
    if (entry.type === 'file') syncFile(join(root, entry.path));
    synced += 1;
    if (synced % BATCH === 0) await breathe();
    signal.throwIfAborted();
  }
  syncFolder(root);
  syncFolder(dirname(root));
}

const MADE = /^holdfast-[0-9a-f]{24}(?:\.building)?$/;

/** Removes a release that Holdfast made; never anything else. */
export async function removeRelease(path: string): Promise<void> {
  if (!MADE.test(basename(path))) return;
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    throw explain(error, `removing the release ${shown(path)}`);
  }
}

function copyEntry(entry: WalkEntry, { from, to, complete }: { from: string; to: string; complete: boolean }): void {
  const [source, target] = [join(from, entry.path), join(to, entry.path)];
  switch (entry.type) {
    case 'folder':
      mkdirSync(target, { mode: 0o700 });
      return;
    case 'symlink':
      symlinkSync(readlinkSync(source), target);
      if (complete) own(target, lstatSync(source));
      return;
    case 'file':
      copyFile(source, target, complete);
      return;
    case 'special':
    case 'unnameable':
      if (!complete) return;
      throw new HoldfastError('Refused', `${shown(entry.path)} in the live release ${entry.type === 'special' ? 'is a pipe, a socket or a device' : 'has a name that is not valid UTF-8'}, so no complete release can be made`, {
        remedy: 'keep it outside of the release, or use mode: in-place',
      });
  }
}

function copyFile(source: string, target: string, complete: boolean): void {
  let fd: number;
  try {
    fd = openSync(source, READ);
  } catch (error) {
    if (!complete && ['EACCES', 'EPERM', 'ENOENT', 'ELOOP'].includes(errorCode(error))) return;
    throw explain(error, `reading ${shown(source)}`);
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new HoldfastError('Moved', `${shown(source)} was replaced while it was copied`);
    const held = `/proc/self/fd/${fd}`;
    copyFileSync(existsSync(held) ? held : source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    attributes(target, stats, complete);
    utimesSync(target, stats.atimeMs / 1000, stats.mtimeMs / 1000);
  } finally {
    closeSync(fd);
  }
}

function attributes(path: string, stats: Stats, owners: boolean): void {
  if (owners) own(path, stats);
  chmodSync(path, owners ? stats.mode & 0o7777 : stats.mode & 0o777);
}

function own(path: string, wanted: Stats): void {
  const now = lstatSync(path);
  if (now.uid !== wanted.uid || now.gid !== wanted.gid) giveTo(wanted, path);
}

function syncFile(path: string): void {
  const fd = openSync(path, READ);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function statQuietly(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function turn(turns: Turns, detail: string): Promise<void> {
  await breathe();
  turns.signal.throwIfAborted();
  turns.heartbeat(detail);
}

import { closeSync, constants, existsSync, fstatSync, lstatSync, mkdirSync, openSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError } from '../../domain/errors.js';
import { errorCode } from '../../system/error-code.js';
import { shown } from './errors.js';

/** What Holdfast itself keeps in or beside a root; never compared, never copied into a desired state. */
export const OWN_PREFIX = '.holdfast-';

/** Why a path inside a root cannot be reached: one of its folders is a link, a file, or absent. */
export interface Blocked {
  readonly blocked: 'absent' | 'symbolic link' | 'not a folder';
  readonly at: string;
}

/**
 * The folder of a file, held open. `path` stands for exactly this folder even when somebody moves
 * it or puts a link in its place meanwhile, so that no write leaves the root by a race.
 */
export interface HeldFolder {
  readonly path: string;
  readonly fd: number;
}

const DESCRIPTORS = '/proc/self/fd';
const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Refuses names that could lead out of a root or to what Holdfast keeps there. */
export function assertResource(resource: string): void {
  const parts = resource.split('/');
  const bad = resource.length > 4096 || resource.includes('\0') || parts.some((part) => part === '' || part === '.' || part === '..' || part.startsWith(OWN_PREFIX) || part === '.git');
  if (bad) throw new HoldfastError('Refused', `${shown(resource)} is not the name of a file inside the root`);
}

/** Runs `use` with the folder of `resource` held open, or says why that folder cannot be reached. `make` creates folders that are absent. */
export function withFolder<T>(root: string, resource: string, use: (folder: HeldFolder, name: string) => T, make?: (folder: HeldFolder, name: string, path: string) => void): T | Blocked {
  assertResource(resource);
  const parts = resource.split('/');
  const name = parts.pop() ?? '';
  const held: number[] = [];
  try {
    let folder = hold(held, root, undefined);
    for (const [index, part] of parts.entries()) {
      const at = parts.slice(0, index + 1).join('/');
      const next = descend(held, folder, part, () => make?.(folder, part, at));
      if ('blocked' in next) return { ...next, at };
      folder = next;
    }
    return use(folder, name);
  } finally {
    for (const fd of held) closeSync(fd);
  }
}

export function isBlocked(value: unknown): value is Blocked {
  return typeof value === 'object' && value !== null && 'blocked' in value;
}

function hold(held: number[], path: string, within: HeldFolder | undefined): HeldFolder {
  const fd = openSync(path, FOLDER);
  held.push(fd);
  if (existsSync(DESCRIPTORS)) return { path: `${DESCRIPTORS}/${fd}`, fd };
  // Without descriptors in the file system: the path as it is, checked not to have been turned elsewhere.
  const now = realpathSync(path);
  if (within !== undefined && now !== path) throw new HoldfastError('Refused', `${shown(path)} leads elsewhere`);
  const opened = fstatSync(fd);
  const seen = lstatSync(now);
  if (opened.ino !== seen.ino || opened.dev !== seen.dev) throw new HoldfastError('Moved', `${shown(path)} was replaced while it was opened`);
  return { path: now, fd };
}

function descend(held: number[], folder: HeldFolder, part: string, make: () => void): HeldFolder | { readonly blocked: Blocked['blocked'] } {
  const path = join(folder.path, part);
  for (let attempt = 0; ; attempt += 1) {
    try {
      return hold(held, path, folder);
    } catch (error) {
      const code = errorCode(error);
      if (code === 'ELOOP' || code === 'ENOTDIR') return { blocked: lstatSync(path).isSymbolicLink() ? 'symbolic link' : 'not a folder' };
      if (code !== 'ENOENT') throw error;
      if (attempt > 0) return { blocked: 'absent' };
      make();
    }
  }
}

export function makeFolder(folder: HeldFolder, name: string, mode: number): void {
  try {
    mkdirSync(join(folder.path, name), { mode });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}

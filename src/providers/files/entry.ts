import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../../system/error-code.js';
import { isBlocked, withFolder, type Blocked } from './place.js';

export interface Attributes {
  /** Permission bits, set-id and sticky bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** What stands at one path of a tree. */
export type Entry =
  | ({ readonly type: 'file'; readonly content: Buffer; readonly links: number } & Attributes)
  | ({ readonly type: 'large'; readonly bytes: number } & Attributes)
  | ({ readonly type: 'unreadable'; readonly code: string } & Attributes)
  | { readonly type: 'symlink'; readonly target: string }
  | { readonly type: 'folder' }
  | { readonly type: 'special'; readonly what: 'pipe' | 'socket' | 'device' }
  | { readonly type: 'absent'; readonly blocked?: Blocked };

/** Does not wait for the writer of a pipe, and follows no link. */
export const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Reads one path without following a link at any of its parts. */
export function readEntry(root: string, resource: string, maxBytes: number): Entry {
  const entry = withFolder(root, resource, (folder, name) => readAt(join(folder.path, name), maxBytes));
  if (!isBlocked(entry)) return entry;
  return entry.blocked === 'absent' ? { type: 'absent' } : { type: 'absent', blocked: entry };
}

export function readAt(path: string, maxBytes: number): Entry {
  let stats: Stats;
  try {
    stats = lstatSync(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { type: 'absent' };
    throw error;
  }
  if (stats.isSymbolicLink()) return { type: 'symlink', target: readlinkSync(path) };
  if (!stats.isFile()) return otherOf(stats);
  let fd: number;
  try {
    fd = openSync(path, READ);
  } catch (error) {
    const code = errorCode(error);
    // Gone or replaced between the two calls: look again.
    if (code === 'ENOENT' || code === 'ELOOP') return readAt(path, maxBytes);
    if (code === 'EACCES' || code === 'EPERM') return { type: 'unreadable', code, ...attributesOf(stats) };
    throw error;
  }
  try {
    const opened = fstatSync(fd);
    if (!opened.isFile()) return otherOf(opened);
    if (opened.size > maxBytes) return { type: 'large', bytes: opened.size, ...attributesOf(opened) };
    return { type: 'file', content: readFileSync(fd), links: opened.nlink, ...attributesOf(opened) };
  } finally {
    closeSync(fd);
  }
}

function attributesOf(stats: Stats): Attributes {
  return { mode: stats.mode & 0o7777, uid: stats.uid, gid: stats.gid };
}

function otherOf(stats: Stats): Entry {
  if (stats.isDirectory()) return { type: 'folder' };
  return { type: 'special', what: stats.isFIFO() ? 'pipe' : stats.isSocket() ? 'socket' : 'device' };
}

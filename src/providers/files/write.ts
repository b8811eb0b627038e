import { closeSync, constants, fchmodSync, fchownSync, fstatSync, fsyncSync, lchownSync, lstatSync, openSync, renameSync, rmdirSync, symlinkSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { hash } from 'node:crypto';
import { HoldfastError } from '../../domain/errors.js';
import { errorCode } from '../../system/error-code.js';
import { explain, shown } from './errors.js';
import { readEntry, type Attributes } from './entry.js';
import { giveTo } from './owners.js';
import { isBlocked, makeFolder, OWN_PREFIX, withFolder, type HeldFolder } from './place.js';
import type { State } from './seal.js';

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

export interface WriteOptions {
  /** On disk before it returns, also through a loss of power. */
  readonly durable: boolean;
  /** Permissions of folders that must be made, by their path. */
  readonly folderMode?: (path: string) => number;
}

/**
 * Makes one path what it must be: the new file is written beside it and renamed over it, so that a
 * reader sees the old or the new one whole. No link is followed, and nothing outside the root is reached.
 */
export function writeState(root: string, resource: string, state: State, options: WriteOptions): void {
  try {
    const made = withFolder(root, resource, (folder, name) => put(folder, name, state, options), (folder, name, path) => {
      if (state.type === 'absent') return;
      makeFolder(folder, name, options.folderMode?.(path) ?? 0o755);
      inheritOwner(folder, name);
      if (options.durable) fsyncSync(folder.fd);
    });
    if (!isBlocked(made)) return;
    // Where its folder is gone, a file is absent already.
    if (state.type === 'absent' && made.blocked === 'absent') return;
    throw new HoldfastError('Rejected', `${shown(made.at)} is a ${made.blocked}, so ${shown(resource)} was not written`, { remedy: 'put the folder back' });
  } catch (error) {
    throw explain(error, `writing ${shown(resource)}`);
  }
}

/** What stands at a path now, as a state to put back; what is neither a file nor a link nor absent is refused. */
export function readState(root: string, resource: string, maxBytes: number): State {
  const entry = readEntry(root, resource, maxBytes);
  switch (entry.type) {
    case 'absent':
      return { type: 'absent' };
    case 'symlink':
      return entry;
    case 'file': {
      const { content, mode, uid, gid } = entry;
      return { type: 'file', content, mode, uid, gid };
    }
    case 'unreadable':
      throw new HoldfastError('Refused', `the live file ${shown(resource)} cannot be read, so it could not be put back`, { remedy: 'run the write worker as a user that may read it' });
    case 'large':
      throw new HoldfastError('Refused', `the live file ${shown(resource)} is larger than maxFileBytes, so it could not be put back`, { remedy: 'raise maxFileBytes' });
    case 'folder':
    case 'special':
      throw new HoldfastError('Refused', `a ${entry.type === 'folder' ? 'folder' : entry.what} stands where the file ${shown(resource)} belongs`, { remedy: 'move it away' });
  }
}

/** Removes folders that a repair made, deepest first, as far as they are empty. */
export function removeEmptyFolders(root: string, folders: readonly string[]): void {
  for (const path of [...folders].sort().reverse()) {
    withFolder(root, path, (folder, name) => {
      try {
        rmdirSync(join(folder.path, name));
      } catch (error) {
        if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(errorCode(error))) throw explain(error, `removing the folder ${shown(path)}`);
      }
    });
  }
}

/** The folders above a path that are not there yet, outermost first. */
export function absentFolders(root: string, resource: string): string[] {
  const parts = resource.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/')).filter((path) => readEntry(root, path, 0).type === 'absent');
}

/** Puts a new link in place of another in one step. */
export function switchLink(link: string, to: string, tag: string): void {
  const draft = linkDraft(link, tag);
  try {
    removeQuietly(draft);
    symlinkSync(to, draft);
    renameSync(draft, link);
    syncFolder(join(link, '..'));
  } catch (error) {
    throw explain(error, `switching ${shown(link)}`);
  }
}

/** Removes what a switch that was cut short left beside the link. */
export function removeLinkDraft(link: string, tag: string): void {
  removeQuietly(linkDraft(link, tag));
}

function linkDraft(link: string, tag: string): string {
  return `${link}${OWN_PREFIX}${tag}`;
}

export function syncFolder(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Removes what an attempt that was cut short left beside a path. */
export function removeDraft(root: string, resource: string): void {
  withFolder(root, resource, (folder, name) => { removeQuietly(draftOf(folder, name)); });
}

function put(folder: HeldFolder, name: string, state: State, { durable }: WriteOptions): void {
  const path = join(folder.path, name);
  const draft = draftOf(folder, name);
  removeQuietly(draft);
  if (state.type === 'absent') removeQuietly(path);
  else {
    if (state.type === 'symlink') symlinkSync(state.target, draft);
    else writeFile(draft, name, state, durable);
    renameOver(draft, path);
  }
  if (durable) fsyncSync(folder.fd);
}

/** The same on every attempt, so that the next one finds what the last one left. */
function draftOf(folder: HeldFolder, name: string): string {
  return join(folder.path, `${OWN_PREFIX}${hash('sha256', name, 'hex').slice(0, 16)}.draft`);
}

function writeFile(path: string, name: string, state: Extract<State, { type: 'file' }>, durable: boolean): void {
  const fd = openSync(path, CREATE, 0o600);
  try {
    for (let at = 0; at < state.content.length; ) at += writeSync(fd, state.content, at);
    setAttributes(fd, name, state);
    if (durable) fsyncSync(fd);
  } catch (error) {
    removeQuietly(path);
    throw error;
  } finally {
    closeSync(fd);
  }
}

function setAttributes(fd: number, path: string, wanted: Attributes): void {
  const now = fstatSync(fd);
  if (now.uid !== wanted.uid || now.gid !== wanted.gid) giveTo(wanted, path, (uid, gid) => { fchownSync(fd, uid, gid); });
  // After the owner: changing it clears set-id bits.
  fchmodSync(fd, wanted.mode);
}

function renameOver(draft: string, path: string): void {
  try {
    renameSync(draft, path);
  } catch (error) {
    removeQuietly(draft);
    throw error;
  }
}

function inheritOwner(folder: HeldFolder, name: string): void {
  const parent = fstatSync(folder.fd);
  if (process.geteuid?.() === 0) lchownSync(join(folder.path, name), parent.uid, parent.gid);
}

function removeQuietly(path: string): void {
  try {
    if (lstatSync(path).isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
    unlinkSync(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

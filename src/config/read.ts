import { constants } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { sha256 } from '../digest.js';
import { HoldfastError } from '../domain/errors.js';

/** What a file or folder looked like when it was read; a later look that differs means: load again. */
export interface Stamp {
  /** Absolute. */
  readonly path: string;
  /** Modification time, size and inode in one text; `absent` when there is none. */
  readonly state: string;
}

export interface FolderEntry {
  readonly name: string;
  readonly folder: boolean;
}

/** Reads each file and folder once, and remembers what it saw. */
export interface Reader {
  /** Throws an `Invalid` error that says why the file cannot be a configuration. */
  text(path: string): Promise<string>;
  /** Entries by name; empty when there is no such folder. Symbolic links are not followed. */
  folder(path: string): Promise<readonly FolderEntry[]>;
  readonly stamps: readonly Stamp[];
  /** Path and SHA-256 of each file read. */
  readonly digests: ReadonlyMap<string, string>;
}

const MOST_BYTES = 1024 * 1024;

export function createReader(): Reader {
  const stamps = new Map<string, string>();
  const digests = new Map<string, string>();
  const folders = new Map<string, Promise<readonly FolderEntry[]>>();

  async function listFolder(path: string): Promise<readonly FolderEntry[]> {
    stamps.set(path, await stampOf(path));
    try {
      const entries = await readdir(path, { withFileTypes: true });
      return entries
        .map((entry) => ({ name: entry.name, folder: entry.isDirectory() }))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch {
      return [];
    }
  }

  return {
    async text(path) {
      stamps.set(path, await stampOf(path));
      const bytes = await readBounded(path, MOST_BYTES);
      digests.set(path, sha256(bytes));
      return decode(bytes);
    },
    folder(path) {
      const known = folders.get(path) ?? listFolder(path);
      folders.set(path, known);
      return known;
    },
    get stamps() {
      return [...stamps].map(([path, state]) => ({ path, state }));
    },
    digests,
  };
}

export async function stampOf(path: string): Promise<string> {
  try {
    const found = await stat(path, { bigint: true });
    return `${found.mtimeNs}-${found.size}-${found.ino}`;
  } catch {
    return 'absent';
  }
}

/**
 * Reads a regular file of bounded size. A pipe or device is refused without being waited for: it is
 * looked at before it is opened, and opened without blocking in case it was exchanged in between.
 */
export async function readBounded(path: string, most: number): Promise<Buffer> {
  refuseUnlessFile(await statOrRefuse(path), most);
  let handle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw unreadable(cause);
  }
  try {
    const now = await handle.stat();
    refuseUnlessFile(now, most);
    return await readAll(handle, now.size, most);
  } finally {
    await handle.close();
  }
}

/** What is read may be longer than what was looked at: a file that grows is read on, up to the limit. */
async function readAll(handle: FileHandle, expected: number, most: number): Promise<Buffer> {
  let buffer = Buffer.alloc(expected + 1);
  let filled = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, filled);
    if (bytesRead === 0) return buffer.subarray(0, filled);
    filled += bytesRead;
    if (filled > most) throw tooLarge(filled, most);
    if (filled === buffer.length) buffer = Buffer.concat([buffer, Buffer.alloc(Math.min(buffer.length, most + 1 - filled))]);
  }
}

async function statOrRefuse(path: string) {
  try {
    return await stat(path);
  } catch (cause) {
    throw unreadable(cause);
  }
}

function refuseUnlessFile(found: { isFile(): boolean; isDirectory(): boolean; size: number }, most: number): void {
  if (found.isDirectory()) throw new HoldfastError('Invalid', 'this is a folder', { remedy: 'name the file in it, such as holdfast.yaml' });
  if (!found.isFile()) throw new HoldfastError('Invalid', 'this is a pipe, socket or device', { remedy: 'name a regular file' });
  if (found.size > most) throw tooLarge(found.size, most);
}

function tooLarge(size: number, most: number): HoldfastError {
  const remedy = 'split it with include, or check that this is the right file';
  return new HoldfastError('Invalid', `the file has ${size} bytes; at most ${most} are read`, { remedy });
}

function unreadable(cause: unknown): HoldfastError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new HoldfastError('Invalid', 'there is no such file', { cause, remedy: 'run `holdfast init` to write one, or name another with --config' });
  }
  return new HoldfastError('Invalid', `the file cannot be read (${code})`, { cause, remedy: 'check its permissions and those of its folder' });
}

/** UTF-8, with or without a byte order mark. */
function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new HoldfastError('Invalid', 'the file is not UTF-8 text', { cause, remedy: 'save it as UTF-8' });
  }
}

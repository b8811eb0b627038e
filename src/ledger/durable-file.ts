import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { HoldfastError } from '../domain/errors.js';

/** Writes a file so that after a crash it is the old one or the new one, whole, and survives a power cut. */
export function replaceFile(path: string, content: string | Uint8Array, mode: number): void {
  const temporary = writeBeside(path, content, mode);
  try {
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(dirname(path));
}

/**
 * Makes a key's file (mode 0600) unless it is there already, and returns what is there: of several
 * processes one wins and all agree. Throws `Unreachable` when it cannot be made or read.
 */
export function keyOnce(path: string, make: () => Buffer): Buffer {
  try {
    if (!existsSync(path)) createOnce(path, make());
    return readFileSync(path);
  } catch (cause) {
    throw new HoldfastError('Unreachable', `the key ${path} cannot be made or read`, { cause, remedy: 'check the owner and mode of the file and its folder, and that the disk is not full' });
  }
}

function createOnce(path: string, content: Buffer): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = writeBeside(path, content, 0o600);
  try {
    linkSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function writeBeside(path: string, content: string | Uint8Array, mode: number): string {
  const temporary = `${path}.tmp-${randomBytes(6).toString('hex')}`;
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const file = openSync(temporary, 'wx', mode);
  try {
    for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
    fsyncSync(file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  return temporary;
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

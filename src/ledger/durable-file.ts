import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

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

/** Writes a file unless it is there already, and returns what is there: of several processes one wins and all agree. */
export function createOnce(path: string, content: Uint8Array, mode: number): Buffer {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = writeBeside(path, content, mode);
  try {
    linkSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  return readFileSync(path);
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

import { closeSync, constants, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isJsonObject } from '../../domain/json.js';
import type { ChildProcessIdentity } from '../provider.js';
import { explain, shown } from './errors.js';
import { syncFolder } from './write.js';

/** What is known of a staged release at the place where it lies, beside it. Lost, it is only slower: everything in it can be found again. */
export interface ReleaseRecord {
  readonly plan: string;
  /** Digest of the live state that it was made from. */
  readonly base: string;
  /** Digest of the release as it was made. */
  readonly made: string;
  readonly shadow?: { readonly process: ChildProcessIdentity; readonly port: number };
  /** True once finalize may have written: a rollback that finds false has nobody to tell. */
  readonly begun: boolean;
}

export function readRecord(releases: string, name: string): ReleaseRecord | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(join(releases, `${name}.json`), 'utf8'));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function writeRecord(releases: string, name: string, record: ReleaseRecord): void {
  const path = join(releases, `${name}.json`);
  const draft = `${path}.draft`;
  try {
    const fd = openSync(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW, 0o600);
    try {
      writeSync(fd, JSON.stringify(record));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(draft, path);
    syncFolder(releases);
  } catch (error) {
    throw explain(error, `writing beside the release ${shown(name)}`);
  }
}

export function removeRecord(releases: string, name: string): void {
  rmSync(join(releases, `${name}.json`), { force: true });
  rmSync(join(releases, `${name}.json.draft`), { force: true });
}

/** Makes the folder of releases if need be; it is nobody else's business what lies staged in it. */
export function makeReleases(releases: string): void {
  try {
    if (!existsSync(releases)) mkdirSync(releases, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw explain(error, `making the folder of releases ${shown(releases)}`);
  }
}

export function namesIn(releases: string): string[] {
  try {
    return readdirSync(releases);
  } catch {
    return [];
  }
}

function isRecord(value: unknown): value is ReleaseRecord {
  return isJsonObject(value) && typeof value['plan'] === 'string' && typeof value['base'] === 'string' && typeof value['made'] === 'string' && typeof value['begun'] === 'boolean';
}

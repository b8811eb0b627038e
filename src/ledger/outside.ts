import { existsSync, readFileSync } from 'node:fs';
import { canonicalJson } from '../digest.js';
import type { Json } from '../domain/json.js';
import { replaceFile } from './durable-file.js';
import type { Checkpoint } from './ledger.js';

/** The newest checkpoint, once more, in a file outside the database. A copy that cannot be read as one is one that nobody signed. */
export function readOutside(path: string): Checkpoint | undefined {
  if (!existsSync(path)) return undefined;
  const unreadable: Checkpoint = { seq: 0, head: '', at: '', signature: '', key: '' };
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<Checkpoint> | null;
    return typeof value?.seq === 'number' && typeof value.key === 'string' && typeof value.signature === 'string' ? { ...unreadable, ...value } : unreadable;
  } catch {
    return unreadable;
  }
}

export function writeOutside(path: string, checkpoint: Checkpoint): void {
  replaceFile(path, `${canonicalJson(checkpoint as unknown as Json)}\n`, 0o644);
}

import { realpathSync } from 'node:fs';
import { sha256 } from '../../digest.js';
import { HoldfastError, moved, refused } from '../../domain/errors.js';
import { oneLine } from '../../domain/plain-text.js';
import { readEntry } from '../../providers/files/entry.js';
import { writeState } from '../../providers/files/write.js';
import type { WriteContext } from '../../providers/provider.js';

const MOST_BYTES = 64 * 1024 ** 2;

/** A file of a source as it stands, or as it is to be; `undefined`: it is not there. */
export type SourceFile = { readonly content: Buffer; readonly mode: number } | undefined;

/** What a file of a source is, in short: equal for equal files, `absent` when there is none. */
export function stateOf(file: SourceFile): string {
  return file === undefined ? 'absent' : `${sha256(file.content)}:${(file.mode & 0o777).toString(8)}`;
}

/** Reads one file of a source, following no link. What is there and is no file is refused. */
export function readSource(folder: string, path: string): SourceFile {
  const entry = readEntry(realpathSync(folder), path, MOST_BYTES);
  if (entry.type === 'absent' && entry.blocked === undefined) return undefined;
  if (entry.type === 'file') return { content: entry.content, mode: entry.mode };
  throw refused(`${oneLine(path, 200)} in the desired state is not a file that can be read`, 'change the desired state there by hand');
}

export interface FolderWrite {
  readonly path: string;
  /** As `stateOf` says it, when the change was decided. */
  readonly before: string;
  readonly after: SourceFile;
}

/**
 * Writes files into the folder of a source, each whole and at once, through no link. One that is
 * neither as it was nor as it is to be was changed meanwhile: `Moved`, and it stays.
 */
export async function writeSource(folder: string, writes: readonly FolderWrite[], ctx: WriteContext): Promise<void> {
  const root = realpathSync(folder);
  for (const { path, before, after } of writes) {
    const intent = await ctx.intend({ name: `adopt ${path}`, resource: path });
    try {
      const now = readSource(root, path);
      if (stateOf(now) !== stateOf(after)) {
        if (stateOf(now) !== before) throw moved(`${oneLine(path, 200)} was changed in the desired state meanwhile`);
        const own = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0, ...ownerIn(root, path) };
        writeState(root, path, after === undefined ? { type: 'absent' } : { type: 'file', content: after.content, mode: after.mode, ...own }, { durable: true });
        if (stateOf(readSource(root, path)) !== stateOf(after)) throw new HoldfastError('Unreachable', `${oneLine(path, 200)} was written and does not read so`);
      }
    } catch (error) {
      await intent.close({ ok: false, error: error instanceof Error ? error.message : String(error) });
      throw error;
    }
    await intent.close({ ok: true });
  }
}

/** A file keeps its owner, as far as the worker may give it. */
function ownerIn(root: string, path: string): { readonly uid?: number; readonly gid?: number } {
  const entry = readEntry(root, path, MOST_BYTES);
  return entry.type === 'file' && process.geteuid?.() === 0 ? { uid: entry.uid, gid: entry.gid } : {};
}

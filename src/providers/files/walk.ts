import { lstatSync, readdirSync, type Dirent } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../../system/error-code.js';
import { OWN_PREFIX } from './place.js';

/** Drafts and locks come and go. */
const PASSING = /\.draft$|^\.holdfast-lock/;

export interface WalkEntry {
  /** Relative to the root, with `/`. */
  readonly path: string;
  readonly type: 'file' | 'folder' | 'symlink' | 'special' | 'unnameable';
}

/**
 * Everything below a root, folders before what they hold, in the order of code units. Follows no
 * link. Leaves out what Holdfast and Git keep for themselves, which is no configuration; `all`
 * leaves out only what comes and goes.
 */
export function* walk(root: string, all = false, within = ''): Generator<WalkEntry> {
  const entries = readdirSync(join(root, within), { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const own = entry.name.startsWith(OWN_PREFIX);
    if (all ? own && PASSING.test(entry.name) : own || entry.name === '.git') continue;
    const path = within === '' ? entry.name : `${within}/${entry.name}`;
    const type = entry.name.includes('\uFFFD') ? 'unnameable' : typeOf(entry, root, path);
    if (type === undefined) continue;
    yield { path, type };
    if (type === 'folder') yield* walk(root, all, path);
  }
}

function typeOf(entry: Dirent, root: string, path: string): WalkEntry['type'] | undefined {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'folder';
  if (entry.isSymbolicLink()) return 'symlink';
  if (entry.isFIFO() || entry.isSocket() || entry.isBlockDevice() || entry.isCharacterDevice()) return 'special';
  // Some file systems do not say the type with the name.
  try {
    const stats = lstatSync(join(root, path));
    return stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : stats.isSymbolicLink() ? 'symlink' : 'special';
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

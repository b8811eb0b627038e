import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join, relative } from 'node:path';

/** What stands in a folder: for each path its mode and a digest of its content. */
export type Tree = Readonly<Record<string, string>>;

/** Reads a folder, following the link that the folder itself may be. What Holdfast keeps for itself is left out. */
export async function readTree(folder: string): Promise<Tree> {
  const tree: Record<string, string> = {};
  for (const path of await filesBelow(folder)) {
    const name = relative(folder, path);
    if (name.split('/').some((part) => part.startsWith('.holdfast-'))) continue;
    const stats = await lstat(path);
    if (stats.isSymbolicLink()) tree[name] = `link ${await readlink(path)}`;
    else tree[name] = `${(stats.mode & 0o7777).toString(8)} ${createHash('sha256').update(await readFile(path)).digest('hex')}`;
  }
  return tree;
}

/** Paths that differ between two trees, sorted. */
export function differingPaths(one: Tree, other: Tree): readonly string[] {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].filter((path) => one[path] !== other[path]).sort();
}

/** Every file below a folder that holds one of the texts, as `file: text`. */
export async function filesHolding(folder: string, texts: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const path of await filesBelow(folder)) {
    const content = await readFile(path).catch(() => Buffer.alloc(0));
    for (const text of texts) if (content.includes(text)) found.push(`${path}: ${text}`);
  }
  return found;
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(`${folder}/`, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name)).sort();
}

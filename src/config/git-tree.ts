import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, readdir, rename, rm, stat, symlink, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HoldfastError } from '../domain/errors.js';
import { git } from './git.js';
import type { Repository } from './git-repository.js';
import { quote } from './text.js';

interface Entry {
  readonly mode: string;
  readonly oid: string;
  readonly path: string;
}

const MOST_BYTES = 2 * 1024 ** 3;
const FILE_MODES: Readonly<Record<string, number>> = { '100644': 0o644, '100664': 0o644, '100755': 0o755 };

/**
 * Writes a tree of a repository into `folder/OID` and returns that path; a tree that is there is
 * used again. The files are written by us and not by a checkout: no filter, hook or attribute of the
 * repository runs, and no link leaves the folder. A half-written tree is never seen under its name.
 */
export async function materialise(repository: Repository, oid: string, folder: string): Promise<string> {
  const at = join(folder, oid);
  if (await touched(at)) return at;
  const entries = parseTree(await git({ ...repository, args: [`--git-dir=${repository.gitDir}`, 'ls-tree', '-r', '-z', '--full-tree', oid] }));
  await fetchMissing(repository, oid);
  const draft = join(folder, `.draft-${randomUUID()}`);
  try {
    await mkdir(draft, { recursive: true, mode: 0o700 });
    await writeEntries(repository, entries, draft);
    await chmod(draft, 0o755);
    await rename(draft, at);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Another process was faster: its tree is the same by its name.
    if (!(await touched(at))) throw error;
  }
  return at;
}

/** Removes trees that were not used since, and drafts that nobody finished; returns how many. */
export async function pruneTrees(folder: string, before: Date): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  let removed = 0;
  for (const name of names) {
    const path = join(folder, name);
    const used = await stat(path).catch(() => undefined);
    if (used === undefined || used.mtime >= before) continue;
    await rm(path, { recursive: true, force: true });
    removed += 1;
  }
  return removed;
}

async function touched(path: string): Promise<boolean> {
  const now = new Date();
  return utimes(path, now, now).then(() => true, () => false);
}

function parseTree(output: Buffer): readonly Entry[] {
  return output.toString('utf8').split('\0').filter((line) => line !== '').map((line) => {
    const [meta = '', ...rest] = line.split('\t');
    const [mode = '', type = '', oid = ''] = meta.split(' ');
    const path = rest.join('\t');
    if (type !== 'blob') throw unusable(path, 'is a submodule', 'name a path without submodules');
    if (path.split('/').some((part) => part === '' || part === '.' || part === '..' || /^\.git$/i.test(part)) || path.includes('\ufffd')) {
      throw unusable(path, 'has a name that cannot be written', 'rename it in the repository');
    }
    return { mode, oid, path };
  });
}

/** A partial clone lacks file contents: what this tree needs is fetched in one go. */
async function fetchMissing(repository: Repository, oid: string): Promise<void> {
  const listed = await git({ ...repository, args: [`--git-dir=${repository.gitDir}`, 'rev-list', '--objects', '--missing=print', '--end-of-options', oid] });
  const missing = listed.toString('utf8').split('\n').filter((line) => line.startsWith('?')).map((line) => line.slice(1));
  if (missing.length === 0) return;
  const args = [`--git-dir=${repository.gitDir}`, '-c', 'fetch.negotiationAlgorithm=noop', 'fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--filter=blob:none', '--stdin', '--end-of-options', 'origin'];
  await git({ ...repository, args, input: `${missing.join('\n')}\n` });
}

/** Files first and links last, so that nothing is ever written through a link. */
async function writeEntries(repository: Repository, entries: readonly Entry[], draft: string): Promise<void> {
  for (const folder of new Set(entries.map((entry) => dirname(entry.path)))) await mkdir(join(draft, folder), { recursive: true, mode: 0o755 });
  const links: { readonly path: string; readonly to: string }[] = [];
  const write = async (entry: Entry, content: Buffer): Promise<void> => {
    if (entry.mode === '120000') {
      links.push({ path: entry.path, to: content.toString('utf8') });
      return;
    }
    const handle = await open(join(draft, entry.path), 'wx');
    try {
      await handle.writeFile(content);
      await handle.chmod(FILE_MODES[entry.mode] ?? 0o644);
    } finally {
      await handle.close();
    }
  };
  await git({
    ...repository,
    args: [`--git-dir=${repository.gitDir}`, 'cat-file', '--batch'],
    input: entries.map((entry) => `${entry.oid}\n`).join(''),
    onOutput: (output) => readBatch(output, entries, write),
  });
  for (const link of links) {
    refuseEscape(link);
    await symlink(link.to, join(draft, link.path));
  }
}

/** `OID blob SIZE`, a line break, the content and another line break, for each entry in order. */
async function readBatch(output: AsyncIterable<Buffer>, entries: readonly Entry[], write: (entry: Entry, content: Buffer) => Promise<void>): Promise<void> {
  let held: Buffer[] = [];
  let bytes = 0;
  let total = 0;
  let wanted: number | undefined;
  let index = 0;
  for await (const chunk of output) {
    held.push(chunk);
    bytes += chunk.length;
    while (bytes > 0 && (wanted === undefined || bytes > wanted)) {
      let buffer: Buffer = Buffer.concat(held);
      if (wanted === undefined) {
        const end = buffer.indexOf(10);
        if (end === -1) break;
        wanted = sizeOf(buffer.toString('utf8', 0, end), entries[index]);
        buffer = buffer.subarray(end + 1);
        total += wanted;
        if (total > MOST_BYTES) throw new HoldfastError('Invalid', 'the path of the repository holds more than 2 GiB', { remedy: 'name a smaller path' });
      } else {
        const entry = entries[index];
        if (entry !== undefined) await write(entry, buffer.subarray(0, wanted));
        buffer = buffer.subarray(wanted + 1);
        index += 1;
        wanted = undefined;
      }
      held = [buffer];
      bytes = buffer.length;
    }
  }
  if (index !== entries.length) throw new HoldfastError('Unreachable', `git returned ${index} of ${entries.length} files`, { remedy: 'try again' });
}

function sizeOf(header: string, entry: Entry | undefined): number {
  const [, , size] = header.split(' ');
  if (size === undefined || entry === undefined) throw new HoldfastError('Unreachable', `the repository lacks the content of ${quote(entry?.path ?? '')}`, { remedy: 'try again; the cache may be removed' });
  return Number(size);
}

/**
 * A link may only lead to a place inside. Its own folder is a real one, so leading `..` count from
 * there; a `..` after a name could climb through another link and is refused.
 */
function refuseEscape({ path, to }: { readonly path: string; readonly to: string }): void {
  const parts = to.split('/').filter((part) => part !== '' && part !== '.');
  const firstName = parts.findIndex((part) => part !== '..');
  const climbs = firstName === -1 ? parts.length : firstName;
  const depth = path.split('/').length - 1;
  const climbsLater = parts.slice(climbs).includes('..');
  if (to === '' || to.startsWith('/') || to.includes('\0') || climbs > depth || climbsLater) {
    throw unusable(path, 'is a link that leads out of the source', 'replace the link by the file it means');
  }
}

function unusable(path: string, fact: string, remedy: string): HoldfastError {
  return new HoldfastError('Invalid', `${quote(path, 120)} in the repository ${fact}`, { remedy });
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isHoldfastError } from '../domain/errors.js';
import { git } from './git.js';
import type { Repository } from './git-repository.js';

/** How far back it is looked, step by step: a path that nobody has touched for longer has no known author. */
const DEPTHS = [50, 1_000] as const;
const LONGEST_NAME = 200;

/**
 * Who last changed a path as of a commit: author and committer, `Alice Smith <alice@example.com>`, each
 * once. Only the history that answers it is fetched, without contents. `undefined` when it cannot be told.
 */
export async function authorsOf(repository: Repository, commit: string, path: string): Promise<readonly string[] | undefined> {
  for (const depth of DEPTHS) {
    if (!(await deepen(repository, commit, depth))) return undefined;
    const found = await lastCommit(repository, commit, path);
    if (found === undefined) return undefined;
    // At the edge of what was fetched every path looks new.
    if (!(await edges(repository)).has(found.commit)) return found.by;
  }
  return undefined;
}

async function deepen(repository: Repository, commit: string, depth: number): Promise<boolean> {
  const args = (...more: string[]): string[] => [`--git-dir=${repository.gitDir}`, 'fetch', '--quiet', '--no-tags', '--no-write-fetch-head', `--depth=${depth}`, ...more, '--end-of-options', 'origin', `+${commit}:refs/holdfast/${commit}`];
  try {
    await git({ ...repository, args: args('--filter=blob:none') });
    return true;
  } catch (error) {
    repository.signal.throwIfAborted();
    if (!isHoldfastError(error, 'Unreachable') || !/filter/i.test(error.message)) return false;
    // A server without partial clones would give the contents of all of it: as much as was fetched must do.
    return true;
  }
}

async function lastCommit(repository: Repository, commit: string, path: string): Promise<{ readonly commit: string; readonly by: readonly string[] } | undefined> {
  const format = '--format=%H%x00%an <%ae>%x00%cn <%ce>';
  const output = await git({ ...repository, args: [`--git-dir=${repository.gitDir}`, '--no-replace-objects', 'log', '-1', '--no-show-signature', '--no-mailmap', format, '--end-of-options', commit, '--', ...(path === '' ? [] : [`:(top,literal)${path}`])] });
  const [hash = '', author = '', committer = ''] = output.toString('utf8').trim().split('\0');
  if (hash === '') return undefined;
  return { commit: hash, by: [...new Set([author, committer].map((name) => name.replace(/[\p{Cc}\p{Cf}]/gu, ' ').slice(0, LONGEST_NAME)))] };
}

/** Commits whose parents were not fetched. */
async function edges(repository: Repository): Promise<ReadonlySet<string>> {
  const shallow = await readFile(join(repository.gitDir, 'shallow'), 'utf8').catch(() => '');
  return new Set(shallow.split('\n').filter((line) => line !== ''));
}

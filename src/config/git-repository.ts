import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../digest.js';
import { HoldfastError, isHoldfastError } from '../domain/errors.js';
import { git } from './git.js';
import { quote } from './text.js';

/** A commit's full name. */
export const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

/** A bare, partial copy of a repository, kept between checks. */
export interface Repository {
  readonly gitDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** A bare repository per address, made whole before it has its name. */
export async function openRepository(folder: string, url: string, env: Readonly<Record<string, string>>, signal: AbortSignal): Promise<string> {
  const gitDir = join(folder, `${sha256(url).slice(0, 40)}.git`);
  if (await stat(join(gitDir, 'HEAD')).then(() => true, () => false)) return gitDir;
  if (url.startsWith('-')) throw new HoldfastError('Invalid', `${quote(url)} is not the address of a repository`);
  const draft = join(folder, `.draft-${randomUUID()}`);
  await mkdir(draft, { recursive: true, mode: 0o700 });
  try {
    await git({ args: ['init', '--quiet', '--bare', '--', draft], env, signal });
    for (const [key, value] of [['remote.origin.url', url], ['remote.origin.promisor', 'true'], ['remote.origin.partialclonefilter', 'blob:none'], ['extensions.partialClone', 'origin'], ['core.repositoryFormatVersion', '1']] as const) {
      await git({ args: [`--git-dir=${draft}`, 'config', key, value], env, signal });
    }
    await rename(draft, gitDir);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    const there = await readdir(gitDir).then((names) => names.includes('HEAD'), () => false);
    if (!there) throw error;
  }
  return gitDir;
}

/** What the other side has under these names. */
export async function listRemote(repository: Repository, patterns: readonly string[]): Promise<Map<string, string>> {
  const output = await git({ ...repository, args: [`--git-dir=${repository.gitDir}`, 'ls-remote', '--quiet', '--end-of-options', 'origin', ...patterns] });
  const lines = output.toString('utf8').split('\n').map((line) => line.split('\t'));
  return new Map(lines.flatMap(([commit, name]) => (commit !== undefined && name !== undefined && COMMIT.test(commit) ? [[name, commit] as const] : [])));
}

/** Our own name for a commit keeps it from being collected, and says that it is here without asking the other side. */
export async function ensureCommit(repository: Repository, commit: string): Promise<void> {
  const name = `refs/holdfast/${commit}`;
  const base = `--git-dir=${repository.gitDir}`;
  const here = await git({ ...repository, args: [base, 'for-each-ref', '--format=%(refname)', name] });
  if (here.length > 0) return;
  const fetch = (...more: string[]) => git({ ...repository, args: [base, 'fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--depth=1', ...more, '--end-of-options', 'origin', `+${commit}:${name}`] });
  try {
    await fetch('--filter=blob:none');
  } catch (error) {
    repository.signal.throwIfAborted();
    if (!isHoldfastError(error, 'Unreachable') || !/filter/i.test(error.message)) throw error;
    // A server without partial clones gives everything.
    await fetch();
  }
}

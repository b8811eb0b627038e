import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { State } from './cloud.js';

/** Where in its repository a target has its desired state: a file for each resource. */
export const STATE = 'state';

const AUTHOR = 'dev <dev@example.com> 1700000000 +0000';
const BRANCHES = 'refs/heads/holdfast/';

/** A bare repository, which everybody pushes to and nobody works in. */
export function remoteOf(folder: string, target: string): string {
  return join(folder, 'remotes', `${target}.git`);
}

/** Whose desired state it holds. */
export function targetOfUrl(url: string): string | undefined {
  return /\/([^/]+)\.git$/.exec(url)?.[1];
}

/** One commit on `main` with this desired state. */
export function createRemote(folder: string, target: string, desired: State): void {
  const remote = remoteOf(folder, target);
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', remote]);
  const files = Object.entries(desired).map(([name, value]) => `M 100644 inline ${STATE}/${name}\n${data(value)}`);
  execFileSync('git', ['-C', remote, 'fast-import', '--quiet'], { input: `commit refs/heads/main\ncommitter ${AUTHOR}\n${data('first')}${files.join('')}` });
}

/** A person merges the branch. Answers what is desired from now on. */
export function mergeBranch(folder: string, target: string, branch: string): State {
  const remote = remoteOf(folder, target);
  git(remote, 'update-ref', 'refs/heads/main', `refs/heads/${branch}`);
  const names = git(remote, 'ls-tree', '--name-only', '-z', `main:${STATE}`).split('\0').filter((name) => name !== '');
  return Object.fromEntries(names.map((name) => [name, git(remote, 'cat-file', 'blob', `main:${STATE}/${name}`)]));
}

/** What was proposed there: each branch with how many commits it has that the first state has not. */
export function proposedIn(folder: string, target: string): readonly { readonly branch: string; readonly commits: number }[] {
  const remote = remoteOf(folder, target);
  const root = git(remote, 'rev-list', '--max-parents=0', 'main').trim();
  const branches = git(remote, 'for-each-ref', '--format=%(refname:short)', BRANCHES).split('\n').filter((line) => line !== '');
  return branches.map((branch) => ({ branch, commits: Number(git(remote, 'rev-list', '--count', `${root}..${branch}`)) }));
}

/** The desired state in a folder that a worker has of it. */
export function stateIn(folder: string): State {
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

function git(remote: string, ...args: string[]): string {
  return execFileSync('git', ['-C', remote, ...args], { encoding: 'utf8' });
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}\n`;
}

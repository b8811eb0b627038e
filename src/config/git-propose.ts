import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HoldfastError, refused } from '../domain/errors.js';
import { git, shownLine } from './git.js';
import { COMMIT, ensureCommit, listRemote, type Repository } from './git-repository.js';
import { quote } from './text.js';

/** A change of a source as one commit on a branch of its own. */
export interface BranchProposal {
  /** The commit that was looked at: the parent of the new one. */
  readonly base: string;
  readonly branch: string;
  readonly message: string;
  /** ISO, UTC. Part of the commit, so that the same proposal is the same commit. */
  readonly at: string;
  /** Paths relative to the source's. Without `content` the file goes; without `mode` it keeps its own. */
  readonly files: readonly { readonly path: string; readonly content?: Uint8Array; readonly mode?: number }[];
}

export interface Proposed {
  /** The commit on the branch, which is somebody else's where the branch held the same content already. */
  readonly commit: string;
  /** The branch was there already. */
  readonly existed: boolean;
}

interface Place {
  readonly path: string;
  readonly ref: string;
}

/** How a file stands in a tree; `undefined`: not at all. */
type Blob = { readonly mode: string; readonly oid: string } | undefined;

/** Looks, acts where the branch is not there, and looks again: a push may have taken effect though it failed. */
export async function proposeBranch(repository: Repository, source: Place, proposal: BranchProposal): Promise<Proposed> {
  const { branch, base } = proposal;
  if (!/^holdfast\/[A-Za-z0-9._/-]{1,200}$/.test(branch) || /\.\.|\/\/|\/\.|\.lock(?:\/|$)|[./]$/.test(branch) || branch === source.ref) throw refused(`${quote(branch)} is not the name of a branch that Holdfast makes`);
  if (!COMMIT.test(base)) throw refused(`${quote(base)} is not a commit`);
  await ensureCommit(repository, base);
  const wanted = await writeBlobs(repository, source, proposal);
  const commit = await makeCommit(repository, proposal, wanted);
  const there = await branchNow(repository, branch);
  if (there !== undefined) return sameOrRefuse(repository, { there, commit, branch, wanted });
  try {
    await push(repository, commit, branch);
  } catch (error) {
    repository.signal.throwIfAborted();
    const now = await branchNow(repository, branch);
    if (now === undefined) throw error;
    return sameOrRefuse(repository, { there: now, commit, branch, wanted });
  }
  const now = await branchNow(repository, branch);
  if (now !== commit) throw new HoldfastError('Unreachable', `the branch ${branch} was pushed and is not there`, { remedy: 'look whether something removes branches; it is tried again' });
  return { commit, existed: false };
}

async function branchNow(repository: Repository, branch: string): Promise<string | undefined> {
  const ref = `refs/heads/${branch}`;
  return (await listRemote(repository, [ref])).get(ref);
}

async function sameOrRefuse(repository: Repository, found: { readonly there: string; readonly commit: string; readonly branch: string; readonly wanted: ReadonlyMap<string, Blob> }): Promise<Proposed> {
  const { there, commit, branch, wanted } = found;
  if (there === commit) return { commit, existed: true };
  await ensureCommit(repository, there);
  const held = await readBlobs(repository, there, [...wanted.keys()]);
  const same = [...wanted].every(([path, blob]) => held.get(path)?.oid === blob?.oid && held.get(path)?.mode === blob?.mode);
  if (same) return { commit: there, existed: true };
  throw refused(`the branch ${branch} exists and holds something else (${there.slice(0, 12)})`, 'merge or delete that branch, and adopt again');
}

/** The files as they become, put into the repository as they are: no filter or attribute of it changes them. */
async function writeBlobs(repository: Repository, { path: within }: Place, { base, files }: BranchProposal): Promise<ReadonlyMap<string, Blob>> {
  const paths = files.map((file) => (within === '' ? file.path : `${within}/${file.path}`));
  const before = await readBlobs(repository, base, paths);
  const wanted = new Map<string, Blob>();
  for (const [index, { content, mode }] of files.entries()) {
    const path = paths[index] ?? '';
    if (path.split('/').some((part) => part === '' || part === '.' || part === '..' || /^\.git$/i.test(part)) || path.includes('\0')) throw refused(`${quote(path, 120)} is not the name of a file in a repository`);
    const old = before.get(path);
    if (old !== undefined && !old.mode.startsWith('100')) throw refused(`${quote(path, 120)} is no plain file in the repository`, 'change it there by hand');
    if (content === undefined) {
      wanted.set(path, undefined);
      continue;
    }
    const oid = await git({ ...repository, args: [`--git-dir=${repository.gitDir}`, 'hash-object', '-w', '--no-filters', '--stdin'], input: Buffer.from(content) });
    wanted.set(path, { oid: oid.toString('utf8').trim(), mode: mode === undefined ? (old?.mode ?? '100644') : (mode & 0o100) === 0 ? '100644' : '100755' });
  }
  return wanted;
}

async function readBlobs(repository: Repository, commit: string, paths: readonly string[]): Promise<Map<string, { mode: string; oid: string }>> {
  const found = new Map<string, { mode: string; oid: string }>();
  const listed = await git({ ...repository, args: [`--git-dir=${repository.gitDir}`, '--literal-pathspecs', 'ls-tree', '-z', '--full-tree', commit, '--', ...paths] });
  for (const line of listed.toString('utf8').split('\0')) {
    const [, mode, oid, path] = /^(\d+) \w+ ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
    if (mode !== undefined && oid !== undefined && path !== undefined) found.set(path, { mode, oid });
  }
  return found;
}

/** The tree of the base with these files, in an index of its own: nothing is checked out. */
async function makeCommit(repository: Repository, { base, message, at }: BranchProposal, wanted: ReadonlyMap<string, Blob>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-index-'));
  try {
    const who = { NAME: 'Holdfast', EMAIL: 'holdfast@localhost', DATE: at };
    const identity = Object.fromEntries(['AUTHOR', 'COMMITTER'].flatMap((role) => Object.entries(who).map(([key, value]) => [`GIT_${role}_${key}`, value])));
    const run = { ...repository, env: { ...repository.env, ...identity, GIT_INDEX_FILE: join(folder, 'index') } };
    const own = [`--git-dir=${repository.gitDir}`];
    await git({ ...run, args: [...own, 'read-tree', base] });
    // What goes first makes room for a folder of the same name.
    const lines = [...wanted].sort(([, a], [, b]) => Number(a !== undefined) - Number(b !== undefined)).map(([path, blob]) => (blob === undefined ? `0 ${'0'.repeat(base.length)}\t${path}\0` : `${blob.mode} ${blob.oid}\t${path}\0`));
    await git({ ...run, args: [...own, 'update-index', '-z', '--index-info'], input: lines.join('') });
    const tree = (await git({ ...run, args: [...own, 'write-tree', '--missing-ok'] })).toString('utf8').trim();
    const commit = await git({ ...run, args: [...own, 'commit-tree', '--no-gpg-sign', '-p', base, '-F', '-', tree], input: message });
    return commit.toString('utf8').trim();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One ref, which is new: nothing else goes along, whatever the settings of the machine say. */
async function push(repository: Repository, commit: string, branch: string): Promise<void> {
  await git({
    ...repository,
    args: [`--git-dir=${repository.gitDir}`, '-c', 'push.followTags=false', '-c', 'push.gpgSign=false', 'push', '--no-verify', '--no-force', '--recurse-submodules=no', '--end-of-options', 'origin', `${commit}:refs/heads/${branch}`],
    onFailure: (stderr) => pushFailure(stderr, branch),
  });
}

/** Words by which the other side says that it will not, rather than that it could not. */
const REFUSED = /remote rejected|\[rejected\]|denied|not allowed|forbidden|unauthori[sz]ed|declined|protected|read[- ]only|\b40[13]\b|authentication|could not read (?:username|password)/i;

function pushFailure(stderr: string, branch: string): HoldfastError {
  const lines = stderr.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !/^(?:To |hint:)/.test(line));
  const told = lines.filter((line) => REFUSED.test(line) || line.startsWith('remote:')).slice(0, 3);
  const said = (told.length === 0 ? lines.slice(-1) : told).map((line) => shownLine(line.replace(/^(?:remote|error|fatal): ?/, ''))).join('; ');
  if (!told.some((line) => REFUSED.test(line))) return new HoldfastError('Unreachable', `pushing ${branch} failed: ${said}`, { remedy: 'check the address, the network and the access of source.auth' });
  return refused(`the repository takes no ${branch}: ${said}`, 'give source.auth of the write worker the right to push branches under holdfast/, and adopt again');
}

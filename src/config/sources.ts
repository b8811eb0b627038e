import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { sha256 } from '../digest.js';
import { HoldfastError, isHoldfastError } from '../domain/errors.js';
import type { Revision, Source } from '../domain/target.js';
import { git, type GitContext, withAccess } from './git.js';
import { materialise, pruneTrees } from './git-tree.js';
import { quote } from './text.js';

type GitSource = Extract<Source, { type: 'git' }>;

/** Brings desired states to this machine. Repositories and trees are kept in one folder, which may be removed at any time. */
export interface Sources {
  /**
   * Resolves the ref of every Git source, asking each repository once. What cannot be resolved is left out:
   * `resolve` says why for the targets it concerns. Keys are `refKey`.
   */
  refs(sources: readonly Source[], ctx: GitContext): Promise<Readonly<Record<string, string>>>;
  /** A readable folder with the source's state, at the commit that `refs` found or at the ref now. */
  resolve(source: Source, ctx: GitContext, commits?: Readonly<Record<string, string>>): Promise<Revision>;
  /** The path of a Git source at a commit. */
  at(source: GitSource, commit: string, ctx: GitContext): Promise<Revision>;
  /** Removes trees that no check used since; returns how many. */
  prune(before: Date): Promise<number>;
}

export function refKey(source: GitSource): string {
  return `${source.url}#${source.ref}`;
}

export function openSources({ folder }: { readonly folder: string }): Sources {
  const repositories = join(folder, 'repositories');
  const trees = join(folder, 'trees');
  const queues = new Map<string, Promise<unknown>>();
  const listings = new Map<string, Promise<ReadonlyMap<string, string>>>();

  /** One command at a time in a repository: git's own locks make others fail rather than wait. */
  function inTurn<T>(url: string, work: () => Promise<T>): Promise<T> {
    const before = queues.get(url) ?? Promise.resolve();
    const mine = before.then(work, work);
    queues.set(url, mine.catch(() => undefined));
    return mine;
  }

  async function resolveRefs(sources: readonly GitSource[], ctx: GitContext): Promise<Record<string, string>> {
    const [first] = sources;
    if (first === undefined) return {};
    return inTurn(first.url, () =>
      withAccess(first, ctx, async (env) => {
        const repository = { gitDir: await openRepository(repositories, first.url, env, ctx.signal), env, signal: ctx.signal };
        return askForRefs(repository, sources);
      }),
    );
  }

  /** The folders of a commit, found out once however many targets read it. */
  function treesAt(source: GitSource, commit: string, ctx: GitContext): Promise<ReadonlyMap<string, string>> {
    const key = `${source.url} ${commit}`;
    const known = listings.get(key);
    if (known !== undefined) return known;
    const listing = inTurn(source.url, () =>
      withAccess(source, ctx, async (env) => {
        const repository = { gitDir: await openRepository(repositories, source.url, env, ctx.signal), env, signal: ctx.signal };
        await ensureCommit(repository, commit);
        return listTrees(repository, commit);
      }),
    );
    listings.set(key, listing);
    // What failed may succeed the next time, and old commits are not asked for again.
    listing.catch(() => listings.delete(key));
    for (const old of [...listings.keys()].slice(0, -MOST_LISTINGS)) listings.delete(old);
    return listing;
  }

  async function at(source: GitSource, commit: string, ctx: GitContext): Promise<Revision> {
    if (!COMMIT.test(commit)) throw new HoldfastError('Invalid', `${quote(commit)} is not a commit`, { remedy: 'name a branch, a tag or a full commit' });
    ctx.signal.throwIfAborted();
    const listing = await treesAt(source, commit, ctx).catch((error: unknown) => {
      ctx.signal.throwIfAborted();
      if (isHoldfastError(error)) throw error;
      // Whoever asked first gave up; that is not our reason to.
      return treesAt(source, commit, ctx);
    });
    const oid = listing.get(source.path);
    if (oid === undefined) {
      throw new HoldfastError('Invalid', `${quote(source.path, 200)} is not a folder in the commit ${commit.slice(0, 12)} of ${quote(source.url, 200)}`, { remedy: 'correct source.path or source.ref' });
    }
    try {
      return await withAccess(source, ctx, async (env) => {
        const gitDir = await openRepository(repositories, source.url, env, ctx.signal);
        return { folder: await materialise({ gitDir, env, signal: ctx.signal }, oid, trees), commit };
      });
    } catch (error) {
      // The cache may have been removed under us: ask again from the start the next time.
      listings.delete(`${source.url} ${commit}`);
      throw error;
    }
  }

  return {
    async refs(sources, ctx) {
      const wanted = sources.filter((source) => source.type === 'git');
      const urls = [...new Set(wanted.map((source) => source.url))];
      const groups = urls.map((url) => wanted.filter((source) => source.url === url));
      const found = await Promise.all(groups.map((group) => resolveRefs(group, ctx).catch((error: unknown) => {
        if (!isHoldfastError(error)) throw error;
        return {};
      })));
      return Object.assign({}, ...found) as Record<string, string>;
    },
    async resolve(source, ctx, commits = {}) {
      if (source.type === 'folder') return folderRevision(source.folder);
      const commit = commits[refKey(source)] ?? (await resolveRefs([source], ctx))[refKey(source)];
      if (commit === undefined) throw new HoldfastError('Invalid', `${quote(source.ref)} is neither a branch, a tag nor a commit of ${quote(source.url, 200)}`, { remedy: 'correct source.ref' });
      return at(source, commit, ctx);
    },
    at,
    prune: (before) => pruneTrees(trees, before),
  };
}

const MOST_LISTINGS = 16;
const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

interface Repository {
  readonly gitDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

async function folderRevision(folder: string): Promise<Revision> {
  const found = await stat(folder).catch((cause: unknown) => {
    throw new HoldfastError('Invalid', `the source ${quote(folder, 300)} is not there or cannot be read`, { cause, remedy: 'create the folder, or correct source.path' });
  });
  if (!found.isDirectory()) throw new HoldfastError('Invalid', `the source ${quote(folder, 300)} is not a folder`, { remedy: 'name the folder that holds the desired state' });
  return { folder };
}

/** A bare repository per address, made whole before it has its name. */
async function openRepository(folder: string, url: string, env: Readonly<Record<string, string>>, signal: AbortSignal): Promise<string> {
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

/** Asks what the refs are, and fetches only what moved. */
async function askForRefs(repository: Repository, sources: readonly GitSource[]): Promise<Record<string, string>> {
  const named = sources.filter((source) => !COMMIT.test(source.ref));
  const patterns = [...new Set(named.flatMap(({ ref }) => (ref === 'HEAD' ? ['HEAD'] : [`refs/heads/${ref}`, `refs/tags/${ref}`, `refs/tags/${ref}^{}`])))];
  const remote = patterns.length === 0 ? new Map<string, string>() : await listRemote(repository, patterns);
  const found: Record<string, string> = {};
  for (const source of sources) {
    const { ref } = source;
    if (COMMIT.test(ref)) {
      await ensureCommit(repository, ref);
      found[refKey(source)] = ref;
      continue;
    }
    const full = ref === 'HEAD' ? 'HEAD' : [`refs/heads/${ref}`, `refs/tags/${ref}`].find((name) => remote.has(name));
    const commit = full === undefined ? undefined : (remote.get(`${full}^{}`) ?? remote.get(full));
    if (commit === undefined) continue;
    await ensureCommit(repository, commit);
    found[refKey(source)] = commit;
  }
  return found;
}

async function listRemote(repository: Repository, patterns: readonly string[]): Promise<Map<string, string>> {
  const output = await git({ ...repository, args: [`--git-dir=${repository.gitDir}`, 'ls-remote', '--quiet', '--end-of-options', 'origin', ...patterns] });
  const lines = output.toString('utf8').split('\n').map((line) => line.split('\t'));
  return new Map(lines.flatMap(([commit, name]) => (commit !== undefined && name !== undefined && COMMIT.test(commit) ? [[name, commit] as const] : [])));
}

/** Our own name for a commit keeps it from being collected, and says that it is here without asking the other side. */
async function ensureCommit(repository: Repository, commit: string): Promise<void> {
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

/** Every folder of a commit with its tree; the top is `''`. */
async function listTrees(repository: Repository, commit: string): Promise<ReadonlyMap<string, string>> {
  const base = `--git-dir=${repository.gitDir}`;
  const top = await git({ ...repository, args: [base, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${commit}^{tree}`] });
  const listed = await git({ ...repository, args: [base, 'ls-tree', '-r', '-d', '-z', '--full-tree', commit] });
  const trees = new Map([['', top.toString('utf8').trim()]]);
  for (const line of listed.toString('utf8').split('\0')) {
    const [, oid, path] = /^\d+ tree ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
    if (oid !== undefined && path !== undefined) trees.set(path, oid);
  }
  return trees;
}

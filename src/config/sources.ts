import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError, isHoldfastError } from '../domain/errors.js';
import type { Revision, Source } from '../domain/target.js';
import { authorsOf } from './git-authors.js';
import { git, type GitContext, withAccess } from './git.js';
import { type BranchProposal, type Proposed, proposeBranch } from './git-propose.js';
import { COMMIT, ensureCommit, listRemote, openRepository, type Repository } from './git-repository.js';
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
  /**
   * Makes one commit on a new branch of the repository and pushes it; the same proposal again finds it
   * there. Nothing is forced, and no other ref is touched. Throws `Refused` where the other side takes it
   * from nobody who may not, or the branch holds something else.
   */
  propose(source: GitSource, proposal: BranchProposal, ctx: GitContext): Promise<Proposed>;
  /** The commit of a branch as the other side has it now; `undefined` when there is none. */
  branch(source: GitSource, branch: string, ctx: GitContext): Promise<string | undefined>;
  /**
   * Who last changed what the source holds, as of a commit: `Alice Smith <alice@example.com>`, author and
   * committer. `undefined` where nobody can tell, as with a folder. It may fetch, so it is asked for questions alone.
   */
  authors(source: Source, commit: string | undefined, ctx: GitContext): Promise<readonly string[] | undefined>;
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

  /** The kept copy of a source's repository, with access to the other side, to itself. */
  function withRepository<T>(source: GitSource, ctx: GitContext, work: (repository: Repository) => Promise<T>): Promise<T> {
    return inTurn(source.url, () =>
      withAccess(source, ctx, async (env) => work({ gitDir: await openRepository(repositories, source.url, env, ctx.signal), env, signal: ctx.signal })),
    );
  }

  async function resolveRefs(sources: readonly GitSource[], ctx: GitContext): Promise<Record<string, string>> {
    const [first] = sources;
    return first === undefined ? {} : withRepository(first, ctx, (repository) => askForRefs(repository, sources));
  }

  /** The folders of a commit, found out once however many targets read it. */
  function treesAt(source: GitSource, commit: string, ctx: GitContext): Promise<ReadonlyMap<string, string>> {
    const key = `${source.url} ${commit}`;
    const known = listings.get(key);
    if (known !== undefined) return known;
    const listing = withRepository(source, ctx, async (repository) => {
      await ensureCommit(repository, commit);
      return listTrees(repository, commit);
    });
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
    propose: (source, proposal, ctx) => withRepository(source, ctx, (repository) => proposeBranch(repository, source, proposal)),
    async authors(source, commit, ctx) {
      if (source.type === 'folder' || commit === undefined) return undefined;
      try {
        return await withRepository(source, ctx, (repository) => authorsOf(repository, commit, source.path));
      } catch (error) {
        ctx.signal.throwIfAborted();
        if (!isHoldfastError(error)) throw error;
        return undefined;
      }
    },
    branch: (source, branch, ctx) => withRepository(source, ctx, async (repository) => (await listRemote(repository, [`refs/heads/${branch}`])).get(`refs/heads/${branch}`)),
    prune: (before) => pruneTrees(trees, before),
  };
}

const MOST_LISTINGS = 16;

async function folderRevision(folder: string): Promise<Revision> {
  const found = await stat(folder).catch((cause: unknown) => {
    throw new HoldfastError('Invalid', `the source ${quote(folder, 300)} is not there or cannot be read`, { cause, remedy: 'create the folder, or correct source.path' });
  });
  if (!found.isDirectory()) throw new HoldfastError('Invalid', `the source ${quote(folder, 300)} is not a folder`, { remedy: 'name the folder that holds the desired state' });
  return { folder };
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

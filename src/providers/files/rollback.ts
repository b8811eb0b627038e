import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError, moved } from '../../domain/errors.js';
import type { Plan, Staged } from '../../domain/plan.js';
import type { Restored, WriteContext } from '../provider.js';
import { reload } from './commands.js';
import { briefly, shown } from './errors.js';
import { isLive } from './finalize.js';
import { withLock } from './lock.js';
import { readRecord } from './record.js';
import { copyTree, manifestOf, removeRelease, syncTree } from './release.js';
import { resolveRoot } from './setup.js';
import { stopShadows } from './shadow.js';
import { standingOf, type Snapshot, type Touched } from './snapshot.js';
import { assertMayWrite, openStaged, perform, releaseName, snapshotOf, type StagedRelease } from './staged.js';
import { readState, removeDraft, removeEmptyFolders, switchLink, writeState } from './write.js';

/** Puts back what was live, from any point. What somebody else has changed since is left alone and said. */
export async function rollback(plan: Plan, staged: Staged, ctx: WriteContext): Promise<Restored> {
  assertMayWrite();
  const release = openStaged(plan, staged);
  const resources = [...new Set(plan.changes.map((change) => change.resource))].sort();
  return withLock(release.live, ctx, async () => {
    const record = readRecord(release.live.releases, release.name);
    await stopShadows(release.live, record);
    // Nothing was written yet, so that nothing can be put back and nobody need be told.
    if (record?.begun === false && !isLive(release)) return { restored: resources, failed: [] };
    const failed = (await switchBack(release, ctx)) ? [] : await restore(release, plan, ctx);
    const unfit = new Set(failed.map((each) => each.resource));
    const restored = resources.filter((resource) => !unfit.has(resource));
    return { restored, failed: [...failed, ...(await tellService(release, ctx))] };
  });
}

/** The quick and exact way: the previous release as it is, where it and the new one are as finalize left them. */
async function switchBack(release: StagedRelease, ctx: WriteContext): Promise<boolean> {
  const { previous, live } = release;
  if (previous === undefined) return false;
  const isDone = (): boolean => resolveRoot(live.root).link === previous.link;
  const intact = isLive(release) && existsSync(previous.real) && (await manifestOf(live.real, ctx)) === release.made && (await manifestOf(previous.real, ctx)) === release.base;
  if (!intact) return false;
  await perform(ctx, { name: 'switch back' }, { isDone, act: () => { switchLink(live.root, previous.link, release.name); } });
  return true;
}

type Failed = Restored['failed'][number];

/** File by file: what finalize wrote becomes what it was; what is neither is left alone. */
async function restore(release: StagedRelease, plan: Plan, ctx: WriteContext): Promise<Failed[]> {
  const snapshot = await snapshotOf(release, ctx.artifacts);
  const judged = snapshot.touched.map((touched) => ({ touched, judgement: judge(release, touched) }));
  const failed = judged.flatMap(({ touched, judgement }) => (judgement.stands === 'other' ? [{ resource: touched.resource, reason: judgement.reason }] : []));
  const todo = judged.filter(({ judgement }) => judgement.stands === 'after').map(({ touched }) => touched);
  if (release.mode === 'in-place') return [...failed, ...(await restoreInPlace(release, snapshot, todo, ctx))];
  if (todo.length > 0) await switchToRestored(release, { plan, snapshot, todo }, ctx);
  return failed;
}

type Judgement = { readonly stands: 'before' | 'after' } | { readonly stands: 'other'; readonly reason: string };

function judge(release: StagedRelease, touched: Touched): Judgement {
  try {
    const stands = standingOf(release.live.address, touched, readState(release.live.real, touched.resource, release.live.spec.maxFileBytes));
    return stands === 'other' ? { stands, reason: 'somebody else has changed it since, so it was left as it is' } : { stands };
  } catch (error) {
    return { stands: 'other', reason: briefly(error) };
  }
}

async function restoreInPlace(release: StagedRelease, snapshot: Snapshot, todo: readonly Touched[], ctx: WriteContext): Promise<Failed[]> {
  const failed: Failed[] = [];
  for (const [index, touched] of todo.entries()) {
    try {
      await perform(ctx, { name: `restore ${touched.resource}`, resource: touched.resource }, {
        isDone: () => judge(release, touched).stands === 'before',
        act: () => { putBack(release, touched); },
      });
    } catch (error) {
      // One that cannot be put back must not keep the others from it.
      if (!(error instanceof HoldfastError) || error.retryable || error.failure === 'Fenced') throw error;
      failed.push({ resource: touched.resource, reason: error.message });
    }
    ctx.heartbeat(`${index + 1} of ${todo.length} files put back`);
  }
  for (const touched of snapshot.touched) removeDraft(release.live.real, touched.resource);
  removeEmptyFolders(release.live.real, snapshot.folders);
  return failed;
}

function putBack(release: StagedRelease, touched: Touched): void {
  const now = judge(release, touched);
  if (now.stands === 'other') throw moved(`${shown(touched.resource)}: ${now.reason}`);
  writeState(release.live.real, touched.resource, touched.before, { durable: true });
}

interface Restoring {
  readonly plan: Plan;
  readonly snapshot: Snapshot;
  readonly todo: readonly Touched[];
}

/** A release made of what is live now, with these files as they were: nothing that others wrote since is lost. */
async function switchToRestored(release: StagedRelease, { plan, snapshot, todo }: Restoring, ctx: WriteContext): Promise<void> {
  const { live } = release;
  const path = join(live.releases, releaseName(live, plan, ctx));
  const building = `${path}.building`;
  const isDone = (): boolean => todo.every((touched) => judge({ ...release, live: { ...live, real: resolveRoot(live.root).real } }, touched).stands === 'before');
  await perform(ctx, { name: 'switch back' }, {
    isDone,
    act: async () => {
      const base = await manifestOf(live.real, ctx);
      if (path !== live.real) await removeRelease(path);
      await removeRelease(building);
      await copyTree(live.real, building, { complete: true }, ctx);
      for (const touched of todo) writeState(building, touched.resource, touched.before, { durable: false });
      removeEmptyFolders(building, snapshot.folders);
      await syncTree(building, ctx.signal);
      if ((await manifestOf(live.real, ctx)) !== base) throw new HoldfastError('Unreachable', `${shown(live.root)} is being changed while it is put back`, { remedy: 'stop what writes there; it is tried again' });
      renameSync(building, path);
      switchLink(live.root, linkLike(release, path), release.name);
    },
  });
}

function linkLike(release: StagedRelease, path: string): string {
  return release.link.slice(0, release.link.length - release.name.length) + path.slice(path.lastIndexOf('/') + 1);
}

/** The files are back; a service that was not told still runs with the others, so that must be said. */
async function tellService(release: StagedRelease, ctx: WriteContext): Promise<Failed[]> {
  if (release.live.spec.reload === undefined) return [];
  try {
    await perform(ctx, { name: 'reload' }, { act: (intent) => reload(release.live, intent, ctx) });
    return [];
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.failure !== 'Rejected') throw error;
    return [{ resource: 'reload', reason: error.message }];
  }
}

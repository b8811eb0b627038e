import { existsSync } from 'node:fs';
import { HoldfastError, isHoldfastError, moved } from '../../domain/errors.js';
import type { Plan, Staged } from '../../domain/plan.js';
import type { WriteContext } from '../provider.js';
import { reload } from './commands.js';
import { shown } from './errors.js';
import { withLock } from './lock.js';
import { readRecord, writeRecord } from './record.js';
import { manifestOf, tidy } from './release.js';
import { stateDigest, type State } from './seal.js';
import { compileGlobs } from '../glob.js';
import { resolveRoot } from './setup.js';
import { stopShadows } from './shadow.js';
import { standingOf, type Snapshot, type Standing, type Touched } from './snapshot.js';
import { assertMayWrite, openStaged, perform, snapshotOf, type StagedRelease } from './staged.js';
import { readState, switchLink, writeState } from './write.js';
import { pathsAfter } from './expected.js';

/** Switches over to what was staged, if what is live is still what it was staged against. */
export async function finalize(plan: Plan, staged: Staged, ctx: WriteContext): Promise<void> {
  assertMayWrite();
  const release = openStaged(plan, staged);
  await withLock(release.live, ctx, async () => {
    const snapshot = await snapshotOf(release, ctx.artifacts);
    assertUnprotected(release, snapshot);
    await stopShadows(release.live, readRecord(release.live.releases, release.name));
    if (release.mode === 'link') await switchOver(release, snapshot, ctx);
    else await writeInPlace(release, snapshot, ctx);
    if (release.live.spec.reload !== undefined) await perform(ctx, { name: 'reload' }, { act: (intent) => reload(release.live, intent, ctx) });
  });
}

/** Where each touched file stands; throws `Moved` when one is neither as it was found nor as it must become. */
function standings(release: StagedRelease, snapshot: Snapshot): ReadonlyMap<string, Standing> {
  return new Map(snapshot.touched.map((touched) => [touched.resource, standingOf(release.live.address, touched, readNow(release, touched))]));
}

/** Says durably that from here on something may have been written. */
function markBegun(release: StagedRelease): void {
  const record = readRecord(release.live.releases, release.name);
  if (record !== undefined && !record.begun) writeRecord(release.live.releases, release.name, { ...record, begun: true });
}

async function switchOver(release: StagedRelease, snapshot: Snapshot, ctx: WriteContext): Promise<void> {
  const { root } = release.live;
  const isDone = (): boolean => isLive(release);
  if (isDone()) return perform(ctx, { name: 'switch' }, { act: () => undefined, isDone });
  if (release.live.link !== release.previous?.link || (await manifestOf(release.live.real, ctx)) !== release.base) {
    throw moved(`${shown(root)} was changed after the new release was made from it`);
  }
  await assertWhole(release, snapshot, ctx);
  markBegun(release);
  await perform(ctx, { name: 'switch' }, {
    isDone,
    act: async () => {
      // The last look, right before the switch: what changed since would be lost with it.
      const same = resolveRoot(root).link === release.previous?.link && (await manifestOf(release.live.real, ctx)) === release.base;
      if (!same) throw moved(`${shown(root)} was changed after the new release was made from it`);
      switchLink(root, release.link, release.name);
    },
  });
}

async function writeInPlace(release: StagedRelease, snapshot: Snapshot, ctx: WriteContext): Promise<void> {
  const found = standings(release, snapshot);
  const strange = [...found].filter(([, standing]) => standing === 'other').map(([resource]) => shown(resource));
  if (strange.length > 0) throw moved(`${strange.slice(0, 5).join(', ')} ${strange.length === 1 ? 'is' : 'are'} no longer as staged against`);
  const wanted = new Map(snapshot.touched.map((touched) => [touched.resource, wantedState(release, touched)]));
  markBegun(release);
  const written: string[] = [];
  for (const touched of snapshot.touched) {
    ctx.signal.throwIfAborted();
    try {
      await writeOne(release, touched, wanted.get(touched.resource) ?? { type: 'absent' }, ctx);
    } catch (error) {
      throw partly(error, touched.resource, written, snapshot.touched.length);
    }
    written.push(touched.resource);
    ctx.heartbeat(`${written.length} of ${snapshot.touched.length} files written`);
  }
}

async function writeOne(release: StagedRelease, touched: Touched, wanted: State, ctx: WriteContext): Promise<void> {
  const { address, real } = release.live;
  const standing = (): Standing => standingOf(address, touched, readNow(release, touched));
  await perform(ctx, { name: `write ${touched.resource}`, resource: touched.resource }, {
    isDone: () => standing() === 'after',
    act: () => {
      if (standing() === 'other') throw moved(`${shown(touched.resource)} is no longer as staged against`);
      writeState(real, touched.resource, wanted, { durable: true });
    },
  });
}

/** The staged release holds what must become of each file; what was changed in it since is not what was validated. */
function wantedState(release: StagedRelease, touched: Touched): State {
  const state = existsSync(release.release) ? readState(release.release, touched.resource, release.live.spec.maxFileBytes) : undefined;
  if (state !== undefined && stateDigest(release.live.address, state) === touched.after) return state;
  throw new HoldfastError('ArtifactLost', `the staged release has lost ${shown(touched.resource)}`, { remedy: 'it is staged again' });
}

async function assertWhole(release: StagedRelease, snapshot: Snapshot, ctx: WriteContext): Promise<void> {
  if (!existsSync(release.release)) throw new HoldfastError('ArtifactLost', `the staged release ${shown(release.release)} is gone`, { remedy: 'it is staged again' });
  tidy(release.release, pathsAfter(release.live.real, snapshot, (touched) => wantedState(release, touched).type));
  if ((await manifestOf(release.release, ctx)) !== release.made) throw new HoldfastError('ArtifactLost', `the staged release ${shown(release.release)} was changed after it was validated`, { remedy: 'it is staged again' });
}

function assertUnprotected(release: StagedRelease, snapshot: Snapshot): void {
  const isProtected = compileGlobs(release.live.spec.protect);
  const hit = snapshot.touched.find((touched) => isProtected(touched.resource));
  if (hit !== undefined) throw new HoldfastError('Refused', `${shown(hit.resource)} is protected: it is never written and never removed`);
}

export function isLive(release: StagedRelease): boolean {
  return resolveRoot(release.live.root).link === release.link;
}

function readNow(release: StagedRelease, touched: Touched): State {
  return readState(release.live.real, touched.resource, release.live.spec.maxFileBytes);
}

/** Names what was written and what was not, so that nobody has to guess. */
function partly(error: unknown, failed: string, written: readonly string[], total: number): unknown {
  if (!isHoldfastError(error) || written.length === 0) return error;
  const done = written.slice(0, 5).map(shown).join(', ') + (written.length > 5 ? ` and ${written.length - 5} more` : '');
  return new HoldfastError(error.failure, `${error.message} (${written.length} of ${total} written: ${done}; not written: ${shown(failed)}${total - written.length > 1 ? ' and those after it' : ''})`, {
    cause: error, ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
  });
}

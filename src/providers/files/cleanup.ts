import { lstatSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Plan, Staged } from '../../domain/plan.js';
import type { WriteContext } from '../provider.js';
import { withLock } from './lock.js';
import { namesIn, removeRecord, readRecord } from './record.js';
import { removeRelease } from './release.js';
import { removeShadowLog, stopShadows } from './shadow.js';
import { removeLinkDraft } from './write.js';
import { assertMayWrite, namePrefix, openStaged, type StagedRelease } from './staged.js';

/** Removes what staging left. What is live is never removed, nor a release that Holdfast did not make. */
export async function cleanup(plan: Plan, staged: Staged, ctx: WriteContext, options: { readonly keepSnapshot: boolean }): Promise<void> {
  assertMayWrite();
  const release = openStaged(plan, staged);
  const { live } = release;
  await withLock(live, ctx, async () => {
    await stopShadows(live, readRecord(live.releases, release.name));
    const kept = new Set([live.real, ...(options.keepSnapshot && release.previous !== undefined ? [release.previous.real] : [])]);
    if (!kept.has(release.release)) await removeRelease(release.release);
    removeRecord(live.releases, release.name);
    removeShadowLog(release.release);
    removeLinkDraft(live.root, release.name);
    await prune(release, kept);
    removeIfEmpty(live.releases);
  });
  if (!options.keepSnapshot) await ctx.artifacts.remove(release.artifact);
}

/** Keeps the newest releases besides the live one, so that a person can look back without the disk filling up. */
async function prune({ live }: StagedRelease, kept: ReadonlySet<string>): Promise<void> {
  const made = namesIn(live.releases)
    .filter((name) => name.startsWith(namePrefix(live)) && /^holdfast-[0-9a-f]{24}$/.test(name))
    .map((name) => join(live.releases, name))
    .filter((path) => !kept.has(path))
    .map((path) => ({ path, made: lstatSync(path, { throwIfNoEntry: false })?.birthtimeMs ?? 0 }))
    .sort((a, b) => b.made - a.made);
  for (const { path } of made.slice(live.spec.keepReleases)) {
    await removeRelease(path);
    removeRecord(live.releases, path.slice(path.lastIndexOf('/') + 1));
  }
}

/** A folder of releases that holds none has nothing to say. */
function removeIfEmpty(releases: string): void {
  try {
    rmdirSync(releases);
  } catch {
    // It holds something, and stays.
  }
}

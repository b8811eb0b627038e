import { basename, dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { HoldfastError } from '../../domain/errors.js';
import { isReadOnly } from '../../domain/read-only.js';
import type { JsonObject } from '../../domain/json.js';
import type { ArtifactRef, Plan, Staged } from '../../domain/plan.js';
import { hash } from 'node:crypto';
import type { ArtifactAccess, OpenIntent, WriteContext } from '../provider.js';
import { shown } from './errors.js';
import { identityOf } from './identity.js';
import { openLive, type Live } from './setup.js';
import { decodeSnapshot, type Snapshot } from './snapshot.js';

const stagedData = z.object({
  version: z.literal(1),
  mode: z.enum(['link', 'in-place']),
  /** The folder name of the staged release. */
  name: z.string().regex(/^holdfast-[0-9a-f]{24}$/),
  host: z.string(),
  /** Digest of the live state that the release was made from. */
  base: z.string(),
  /** Digest of the release as it was made. */
  made: z.string(),
  /** In link mode: what the link of the root said, and where that leads. */
  previous: z.object({ link: z.string(), real: z.string() }).optional(),
});

export type StagedData = z.output<typeof stagedData>;

/** What staging left, read back in a later step. */
export interface StagedRelease extends StagedData {
  readonly live: Live;
  readonly release: string;
  /** What the link of the root says once the release is live. */
  readonly link: string;
  readonly artifact: ArtifactRef;
}

/** The beginning of the names of all releases of one root, since several roots may share a folder of releases. */
export function namePrefix(live: Pick<Live, 'root'>): string {
  return `holdfast-${hash('sha256', live.root, 'hex').slice(0, 8)}`;
}

/** The same on every retry of a step. */
export function releaseName(live: Pick<Live, 'root'>, plan: Plan, ctx: Pick<WriteContext, 'idempotencyKey'>): string {
  return `${namePrefix(live)}${hash('sha256', `${ctx.idempotencyKey}\n${plan.hash}`, 'hex').slice(0, 16)}`;
}

export function dataOf(data: StagedData): JsonObject {
  return data;
}

/** Reads what staging returned. Throws `Refused` on another machine than the one that staged: the release lies there. */
export function openStaged(plan: Plan, staged: Staged): StagedRelease {
  const parsed = stagedData.safeParse(staged.data);
  const [artifact] = staged.artifacts;
  if (!parsed.success || artifact === undefined) throw new HoldfastError('ArtifactLost', 'what staging left cannot be read', { remedy: 'stage again with this version' });
  const data = parsed.data;
  const live = openLive(plan, plan.spec);
  const { host } = identityOf(live);
  if (host !== data.host) throw new HoldfastError('Refused', `${shown(live.root)} was staged on ${shown(data.host)}, and this is ${shown(host ?? '')}`, { remedy: 'let the workers of one pool run on one machine, or put a marker .holdfast-identity into the root' });
  if (live.mode !== data.mode) throw new HoldfastError('Moved', `${shown(live.root)} is no longer the kind of root that was staged for`);
  const release = join(live.releases, data.name);
  return { ...data, live, release, link: linkTo(live, data.previous?.link ?? '', release), artifact };
}

/** A link keeps its manner: relative where it was relative. */
function linkTo(live: Live, before: string, release: string): string {
  if (before.startsWith('/')) return release;
  const path = relative(dirname(live.root), release);
  return path === '' ? basename(release) : path;
}

export async function snapshotOf(staged: StagedRelease, artifacts: ArtifactAccess): Promise<Snapshot> {
  return decodeSnapshot(await artifacts.get(staged.artifact));
}

/** Refuses every external write of a process that may only read. */
export function assertMayWrite(): void {
  if (isReadOnly(process.env.HOLDFAST_READ_ONLY)) throw new HoldfastError('ReadOnly', 'HOLDFAST_READ_ONLY is set for this process, so nothing was written', { remedy: 'unset it to allow repairs' });
}

export interface Performed {
  readonly act: (intent: OpenIntent) => Promise<void> | void;
  /** Looks whether it is done, before and after; absent for what leaves nothing to see. */
  readonly isDone?: () => boolean;
}

/**
 * One external write: records the intent, looks, acts only where it is not done, looks again,
 * records the outcome. What leaves nothing to see is done when an earlier attempt recorded so.
 */
export async function perform(ctx: WriteContext, write: { readonly name: string; readonly resource?: string }, { act, isDone }: Performed): Promise<void> {
  const intent = await ctx.intend(write);
  if (isDone === undefined && intent.done) return;
  try {
    if (isDone?.() !== true) {
      await act(intent);
      if (isDone?.() === false) throw new HoldfastError('Rejected', `${shown(write.name)} was done and cannot be seen`, { remedy: 'look for another process that writes there' });
    }
  } catch (error) {
    await intent.close({ ok: false, error: error instanceof HoldfastError ? error.message : 'it failed' });
    throw error;
  }
  await intent.close({ ok: true });
}

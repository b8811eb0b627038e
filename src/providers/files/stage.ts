import { existsSync, lstatSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { hashJson } from '../../digest.js';
import { HoldfastError, moved } from '../../domain/errors.js';
import type { Plan, Staged } from '../../domain/plan.js';
import type { Revision } from '../../domain/target.js';
import type { WriteContext } from '../provider.js';
import { validateRelease } from './commands.js';
import { explain, shown } from './errors.js';
import { pathsAfter } from './expected.js';
import { secretsIn } from './fields.js';
import { formatOf, parseFields } from './formats.js';
import { identityOf } from './identity.js';
import { withLock } from './lock.js';
import { assertCurrent } from './plan.js';
import { makeReleases, namesIn, readRecord, removeRecord, writeRecord, type ReleaseRecord } from './record.js';
import { copyTree, manifestOf, pathsOf, removeRelease, syncTree, tidy } from './release.js';
import { repairsOf, resultOf, type Repair } from './repair.js';
import { stateDigest, type State } from './seal.js';
import { redactText } from './secrets.js';
import { openSetup, type Live, type Setup } from './setup.js';
import { isShadowRunning, removeShadowLog, shadowHealthOf, startShadow, stopShadows, type Shadow } from './shadow.js';
import { encodeSnapshot, type Snapshot } from './snapshot.js';
import { assertMayWrite, dataOf, namePrefix, perform, releaseName, type StagedData } from './staged.js';
import { absentFolders, writeState } from './write.js';
import { walk } from './walk.js';

interface Result {
  readonly repair: Repair;
  readonly before: State;
  readonly after: State;
}

/**
 * Makes a complete release beside the live files: a copy of what is live with exactly the plan's
 * changes, validated, and with a second instance running on it where the spec says so.
 */
export async function stage(plan: Plan, revision: Revision, ctx: WriteContext): Promise<Staged> {
  assertMayWrite();
  const setup = openSetup(plan, plan.spec, revision);
  return withLock(setup, ctx, async () => {
    const repairs = repairsOf(plan.changes);
    await assertCurrent(setup, plan, repairs, ctx);
    const results = await resultsOf(setup, repairs, ctx);
    const snapshot = snapshotOfResults(setup, results);
    const artifact = await ctx.artifacts.put('snapshot', encodeSnapshot(snapshot));
    const name = releaseName(setup, plan, ctx);
    const release = join(setup.releases, name);
    makeReleases(setup.releases);
    await clearLeftovers(setup, name);
    const base = await baseOf(setup, results, ctx);
    try {
      const record = (await reusable(setup, { plan, name, base, results }, ctx)) ?? (await build(setup, { plan, name, base, results }, ctx));
      const shadow = await shadowFor(setup, { name, record }, ctx);
      return stagedOf(setup, { name, base, made: record.made, artifact, shadow });
    } catch (error) {
      await stopShadows(setup, readRecord(setup.releases, name));
      await removeRelease(release);
      removeRecord(setup.releases, name);
      removeShadowLog(release);
      throw explain(error, `staging ${shown(setup.root)}`);
    }
  });
}

async function resultsOf(setup: Setup, repairs: readonly Repair[], ctx: WriteContext): Promise<Result[]> {
  const results: Result[] = [];
  for (const repair of repairs) {
    if (results.length % 32 === 0) await breathe();
    ctx.signal.throwIfAborted();
    results.push({ repair, ...(await resultOf(setup, repair)) });
    ctx.heartbeat(`${results.length} of ${repairs.length} files prepared`);
  }
  return results;
}

function snapshotOfResults(setup: Setup, results: readonly Result[]): Snapshot {
  const folders = results.flatMap(({ repair, after }) => (after.type === 'absent' ? [] : absentFolders(setup.real, repair.resource)));
  return {
    touched: results.map(({ repair, before, after }) => ({ resource: repair.resource, before, after: stateDigest(setup.address, after) })),
    folders: [...new Set(folders)].sort(),
  };
}

/** In link mode all that is live belongs to the base: a new release must lose none of it. In place only the touched files do. */
async function baseOf(setup: Setup, results: readonly Result[], ctx: WriteContext): Promise<string> {
  if (setup.mode === 'link') return manifestOf(setup.real, ctx);
  return hashJson(results.map(({ repair, before }) => [repair.resource, stateDigest(setup.address, before)]));
}

interface Building {
  readonly plan: Plan;
  readonly name: string;
  readonly base: string;
  readonly results: readonly Result[];
}

/** The release of an earlier attempt at this very step, if it is whole and made from what is live now. */
async function reusable(setup: Setup, { plan, name, base, results }: Building, ctx: WriteContext): Promise<ReleaseRecord | undefined> {
  const record = readRecord(setup.releases, name);
  const release = join(setup.releases, name);
  if (record === undefined || record.plan !== plan.hash || record.base !== base || record.begun || !existsSync(release)) return undefined;
  // A second instance may write beside what was made; that is tidied away before the switch.
  const after = new Map(results.map((each) => [each.repair.resource, each.after.type]));
  const expected = pathsAfter(setup.real, snapshotOfResults(setup, results), (touched) => after.get(touched.resource) ?? 'file');
  return record.made === (await manifestOf(release, ctx, expected)) ? record : undefined;
}

async function build(setup: Setup, { plan, name, base, results }: Building, ctx: WriteContext): Promise<ReleaseRecord> {
  const release = join(setup.releases, name);
  await stopShadows(setup, readRecord(setup.releases, name));
  removeRecord(setup.releases, name);
  let record: ReleaseRecord | undefined;
  await perform(ctx, { name: 'stage release' }, { isDone: () => record !== undefined, act: async (intent) => {
    const building = `${release}.building`;
    await removeRelease(release);
    await removeRelease(building);
    await copyTree(setup.real, building, { complete: setup.mode === 'link' }, ctx);
    for (const { repair, after } of results) writeState(building, repair.resource, after, { durable: false, folderMode: (path) => folderMode(setup, path) });
    const now = setup.mode === 'link' ? [] : await resultsOf(setup, results.map((each) => each.repair), ctx);
    if ((await baseOf(setup, now, ctx)) !== base) throw moved(`${shown(setup.root)} was changed while it was copied`);
    if (setup.mode === 'link') await syncTree(building, ctx.signal);
    renameSync(building, release);
    const expected = pathsOf(release);
    const made = await manifestOf(release, ctx);
    await validateRelease({ live: setup, release, secrets: () => secretsOf(setup, release) }, intent, ctx);
    tidy(release, expected);
    if ((await manifestOf(release, ctx)) !== made) throw new HoldfastError('Refused', 'the validate command changed files of the staged release', { remedy: 'let it only read' });
    record = { plan: plan.hash, base, made, begun: false };
    writeRecord(setup.releases, name, record);
  } });
  if (record === undefined) throw new HoldfastError('Rejected', 'the staged release was not made');
  return record;
}

async function shadowFor(setup: Setup, { name, record }: { readonly name: string; readonly record: ReleaseRecord }, ctx: WriteContext): Promise<Shadow | undefined> {
  if (setup.spec.shadow === undefined || isShadowRunning(record.shadow)) return record.shadow;
  await stopShadows(setup, record);
  const release = join(setup.releases, name);
  let shadow: Shadow | undefined;
  await perform(ctx, { name: 'start shadow' }, { isDone: () => isShadowRunning(shadow), act: async (intent) => {
    shadow = await startShadow({ live: setup, release, secrets: () => secretsOf(setup, release) }, intent, ctx);
    if (shadow !== undefined) writeRecord(setup.releases, name, { ...record, shadow });
  } });
  return shadow;
}

function stagedOf(setup: Setup, made: { readonly name: string; readonly base: string; readonly made: string; readonly artifact: Staged['artifacts'][number]; readonly shadow: Shadow | undefined }): Staged {
  const data: StagedData = {
    version: 1,
    mode: setup.mode,
    name: made.name,
    host: identityOf(setup)['host'] ?? '',
    base: made.base,
    made: made.made,
    ...(setup.link === undefined ? {} : { previous: { link: setup.link, real: setup.real } }),
  };
  const shadow = made.shadow === undefined ? {} : { shadow: { health: shadowHealthOf(setup, join(setup.releases, made.name), made.shadow.port) } };
  return { artifacts: [made.artifact], data: dataOf(data), ...shadow };
}

/** What an attempt that was cut short left: half-built releases, and second instances of other stagings. One target is staged once at a time. */
async function clearLeftovers(setup: Setup, name: string): Promise<void> {
  for (const entry of namesIn(setup.releases)) {
    if (!entry.startsWith(namePrefix(setup))) continue;
    if (entry.endsWith('.building')) await removeRelease(join(setup.releases, entry));
    const other = entry.endsWith('.json') ? entry.slice(0, -'.json'.length) : name;
    const record = other === name ? undefined : readRecord(setup.releases, other);
    if (record?.begun !== false) continue;
    await stopShadows(setup, record);
    const release = join(setup.releases, other);
    if (release !== setup.real) await removeRelease(release);
    removeRecord(setup.releases, other);
    removeShadowLog(release);
  }
}

/** Folders get the permissions of the desired ones. */
function folderMode(setup: Setup, path: string): number {
  const stats = lstatSync(join(setup.desired, path), { throwIfNoEntry: false });
  return setup.git || stats?.isDirectory() !== true ? 0o755 : stats.mode & 0o777;
}

const MAX_SEARCHED = 32 * 1024 ** 2;

/** Every value of a release that is a secret: what a command says about it must not show them. */
async function secretsOf(setup: Live & Pick<Setup, 'rulesOf' | 'isSensitive'>, release: string): Promise<readonly string[]> {
  const found = new Set<string>();
  let searched = 0;
  for (const entry of walk(release)) {
    if (entry.type !== 'file' || searched > MAX_SEARCHED) continue;
    const content = readFileSync(join(release, entry.path));
    searched += content.length;
    const text = content.toString('utf8');
    const format = formatOf(entry.path);
    const fields = format === undefined ? undefined : await parseFields(format, content);
    const secrets = setup.isSensitive(entry.path) ? text.split('\n') : [...redactText(text).secrets, ...(fields === undefined ? [] : secretsIn(fields, setup.rulesOf(entry.path)))];
    for (const secret of secrets) found.add(secret.trim());
  }
  return [...found];
}

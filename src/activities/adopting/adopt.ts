import { refKey } from '../../config/sources.js';
import { hashJson } from '../../digest.js';
import { formatAddress, formatIncident } from '../../domain/address.js';
import { adoptionBranch, adoptionMessage } from '../../domain/adoption.js';
import { fieldKey, type Change, type Observation } from '../../domain/change.js';
import { changesInBrief } from '../../domain/describe.js';
import { HoldfastError, isHoldfastError } from '../../domain/errors.js';
import type { Json, JsonObject } from '../../domain/json.js';
import type { ArtifactRef } from '../../domain/plan.js';
import type { Revision, Target } from '../../domain/target.js';
import type { AdoptedFile, ReadContext, WriteContext } from '../../providers/provider.js';
import { type AdoptionAsked, authoriseAdoption } from './adoption.js';
import { readSource, stateOf, writeSource, type SourceFile } from './adopt-folder.js';
import { patchOf, type Patch, type PatchedFile } from '../../providers/files/patch.js';
import { inStep, stepName, writeContext } from '../context.js';
import { configured, type Dependencies } from '../deps.js';
import { expectOwnStep, refuseReadOnly } from '../repairing/guard.js';
import { observeTarget, revisionOf } from '../looking/observe.js';
import { heard, tellCheck } from '../repairing/noting.js';
import { knownChanges, type Known } from '../deciding/standing.js';
import { planOption, signable, tellAbout } from '../telling.js';
import type { AdoptInput, AdoptResult, WriteActivities } from '../types.js';

/** A source that so much would change in is changed by hand. */
const MOST_FILES = 2000;
/** So many files are remembered, to tell later whether what was adopted was taken in. */
const REMEMBERED = 200;

/** What is adopted, worked out once: a later attempt finds the source half changed. */
interface Prepared {
  readonly base?: string;
  readonly artifact: ArtifactRef;
  readonly files: readonly { readonly path: string; readonly before: string; readonly after: string }[];
  readonly fingerprints: readonly string[];
  readonly brief: string;
  readonly message: string;
}

/** The content of the artifact. */
interface Content {
  readonly files: readonly { readonly path: string; readonly mode?: number; readonly content?: string }[];
  readonly patch: Patch;
}

/** Writes what drifted into the source of the desired state. Nothing live changes, so that no gate and no slot is asked. */
export function adoptActivities(deps: Dependencies): Pick<WriteActivities, 'adopt'> {
  return { adopt: (input) => inStep(deps, async (ctx) => heard(deps, input, await adopt(deps, input, ctx))) };
}

async function adopt(deps: Dependencies, input: AdoptInput, ctx: ReadContext): Promise<AdoptResult> {
  refuseReadOnly(deps);
  expectOwnStep(input.incident);
  const ref = { incident: input.incident, part: input.part, plan: input.plan ?? '', round: input.round };
  const key = stepName(ref, 'adopt');
  const done = (await deps.ledger.stepDone(key)) as unknown as AdoptResult | undefined;
  if (done !== undefined) return done;
  try {
    const asked = await authoriseAdoption(deps, input);
    const { target } = await configured(deps, input.incident);
    const context = await writeContext(deps, ctx, { ref, step: 'adopt' });
    const before = (await deps.ledger.stepDone(`${key}/prepared`)) as unknown as Prepared | undefined;
    const prepared = before ?? (await prepare(deps, { input, asked, target }, context));
    if ('result' in prepared) return prepared;
    if (before === undefined) await deps.ledger.stepDone(`${key}/prepared`, prepared as unknown as Json);
    const content = JSON.parse(Buffer.from(await context.artifacts.get(prepared.artifact)).toString('utf8')) as Content;
    const result = await make(deps, { input, asked, target, prepared, content }, context);
    await deps.ledger.stepDone(key, result);
    await context.artifacts.remove(prepared.artifact).catch(() => undefined);
    return result;
  } catch (error) {
    if (isHoldfastError(error, 'Moved') || isHoldfastError(error, 'ArtifactLost')) return { result: 'moved', reason: error.message };
    if (!isHoldfastError(error) || error.retryable) throw error;
    const reason = error.remedy === undefined ? error.message : `${error.message}; ${error.remedy}`;
    await tellRefused(deps, input, reason);
    return { result: 'refused', reason };
  }
}

interface Preparing {
  readonly input: AdoptInput;
  readonly asked: AdoptionAsked;
  readonly target: Target;
}

/** Looks once more, and asks the provider what the desired state becomes. */
async function prepare(deps: Dependencies, { input, asked, target }: Preparing, ctx: WriteContext): Promise<Prepared | AdoptResult> {
  const { provider } = await configured(deps, target);
  if (provider.adopt === undefined) return refuse(`the ${provider.name} provider cannot write changes into a desired state: change it there by hand`);
  const revision = await revisionOf(deps, target, ctx);
  const commits = target.source.type === 'git' && revision.commit !== undefined ? { [refKey(target.source)]: revision.commit } : {};
  const observation = await observeTarget(deps, target, ctx, commits);
  if (observation.verdict === 'unknown') throw new HoldfastError('Unreachable', `${formatAddress(target)} cannot be read before it is adopted: ${observation.reason ?? ''}`);
  const found = stillThere(await knownChanges(deps, input, input), observation);
  if ('result' in found) return found;
  const adoption = await provider.adopt(target, revision, found.changes, ctx);
  if (!adoption.possible) return refuse(adoption.reason);
  if (adoption.files.length > MOST_FILES) return refuse(`${adoption.files.length} files of the desired state would change, more than ${MOST_FILES}: change it by hand, from what holdfast init --capture writes`);
  return keep({ input, asked, target }, { revision, files: adoption.files, changes: found.changes }, ctx);
}

function stillThere(known: readonly Known[], observation: Observation): { readonly changes: readonly Change[] } | AdoptResult {
  const changes = observation.changes.filter((change) => known.some((each) => each.fingerprint === change.fingerprint && (each.revision === undefined || each.revision === change.revision)));
  if (changes.length === known.length && changes.length > 0) return { changes };
  const fields = new Set(observation.changes.map(fieldKey));
  const isGone = changes.length === 0 && known.every((each) => each.field !== undefined && !fields.has(each.field));
  return { result: isGone ? 'cleared' : 'moved', reason: isGone ? 'the changes are gone' : `${known.length - changes.length} of ${known.length} changes are not as they were when they were to be adopted; decided again` };
}

interface Keeping {
  readonly revision: Revision;
  readonly files: readonly AdoptedFile[];
  readonly changes: readonly Change[];
}

async function keep({ input, asked, target }: Preparing, { revision, files, changes }: Keeping, ctx: WriteContext): Promise<Prepared> {
  const both = files.map((file) => {
    const before = readSource(revision.folder, file.path);
    const after: SourceFile = file.content === undefined ? undefined : { content: Buffer.from(file.content), mode: file.mode ?? before?.mode ?? 0o644 };
    return { path: file.path, secrets: file.secrets, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) } satisfies PatchedFile;
  });
  const content: Content = {
    files: files.map((file) => ({ path: file.path, ...(file.mode === undefined ? {} : { mode: file.mode }), ...(file.content === undefined ? {} : { content: Buffer.from(file.content).toString('base64') }) })),
    patch: await patchOf(both),
  };
  return {
    ...(revision.commit === undefined ? {} : { base: revision.commit }),
    artifact: await ctx.artifacts.put('adoption', Buffer.from(JSON.stringify(content))),
    files: both.map(({ path, before, after }) => ({ path, before: stateOf(before), after: stateOf(after) })),
    fingerprints: changes.map((change) => change.fingerprint),
    brief: changesInBrief(changes),
    message: adoptionMessage({ incident: input.incident, changes, by: asked.by, verified: asked.verified, reason: asked.reason, ...(input.plan === undefined ? {} : { plan: input.plan }), ...(target.source.type === 'git' ? { ref: target.source.ref } : {}) }),
  };
}

interface Making extends Preparing {
  readonly prepared: Prepared;
  readonly content: Content;
}

async function make(deps: Dependencies, making: Making, ctx: WriteContext): Promise<AdoptResult> {
  const { input, asked, target, prepared, content } = making;
  const { source } = target;
  if (source.type === 'git') {
    const branch = adoptionBranch(input.incident, input.plan ?? hashJson([...prepared.fingerprints]));
    const { base = '' } = prepared;
    const intent = await ctx.intend({ name: 'push', resource: branch });
    const files = content.files.map((file) => ({ path: file.path, ...(file.mode === undefined ? {} : { mode: file.mode }), ...(file.content === undefined ? {} : { content: Buffer.from(file.content, 'base64') }) }));
    const proposed = deps.sources.propose(source, { base, branch, message: prepared.message, at: asked.at, files }, ctx);
    const { commit } = await proposed.catch(async (error: unknown) => {
      // What may have taken effect unseen stays open, and is looked at by the next attempt.
      if (isHoldfastError(error) && !error.retryable) await intent.close({ ok: false, error: error.message });
      throw error;
    });
    await intent.close({ ok: true });
    const message = `branch ${branch} of ${source.url} waits to be merged into ${source.ref}; closes as adopted when a check is clean: holdfast schedules trigger ${formatAddress(target)} looks at once`;
    await record(deps, making, { to: 'branch', branch, commit, base, url: source.url });
    await tellMade(deps, making, message);
    return { result: 'made', where: `branch ${branch}`, message };
  }
  const { text, unusable } = content.patch;
  const patch = { patch: text, ...(unusable === undefined ? {} : { unusable }) };
  const count = `${content.files.length} ${content.files.length === 1 ? 'file' : 'files'}`;
  if (!asked.write) {
    await record(deps, making, { to: 'patch', folder: source.folder, ...patch });
    const name = formatIncident(input.incident);
    const [write = ''] = signable(await deps.config(), input.incident.environment, [`holdfast adopt ${name}${planOption(input.plan)} --write --reason WHY`]);
    const message = `a patch of ${count} waits to be applied to the desired state (holdfast incident ${name} shows it; ${write} applies it); closes as adopted when a check is clean: holdfast schedules trigger ${formatAddress(target)} looks at once`;
    return { result: 'made', where: 'patch', message };
  }
  const writes = content.files.map((file, index) => ({ path: file.path, before: prepared.files[index]?.before ?? '', after: afterOf(file, source.folder) }));
  await writeSource(source.folder, writes, ctx);
  await record(deps, making, { to: 'folder', folder: source.folder, ...patch });
  // What the next check would find: until then it would be told as drifted, though nothing is any more.
  await tellCheck(deps, input, await observeTarget(deps, target, ctx));
  return { result: 'made', where: 'folder', message: `${count} of the desired state in its folder ${content.files.length === 1 ? 'is' : 'are'} changed; closes as adopted when a check is clean`, lookNow: true };
}

function afterOf({ path, content, mode }: Content['files'][number], folder: string): SourceFile {
  return content === undefined ? undefined : { content: Buffer.from(content, 'base64'), mode: mode ?? readSource(folder, path)?.mode ?? 0o644 };
}

/** Into the record, and into the incident's row, where later looks find what was adopted. */
async function record(deps: Dependencies, { input, asked, prepared }: Making, to: JsonObject & { readonly to: string }): Promise<void> {
  const { incident, part, phase, plan } = input;
  const at = deps.now().toISOString();
  const { environment, target, number } = incident;
  let known = false;
  for await (const { data } of deps.ledger.entries({ environment, target, incident: number, kinds: ['adopted'] })) known ||= data['id'] === asked.id && data['part'] === part;
  if (!known) {
    await deps.ledger.append({
      at, kind: 'adopted', environment, target, incident: number, by: asked.by,
      data: { part, ...(plan === undefined ? {} : { plan }), id: asked.id, reason: asked.reason, verified: asked.verified, what: prepared.brief, files: prepared.files.slice(0, REMEMBERED).map((file) => ({ ...file })), ...to },
    });
  }
  const { patch: _, ...place } = to;
  await deps.ledger.updateIncident(incident, { part: { part, phase, adoption: { by: asked.by, at, ...place, files: prepared.files.slice(0, REMEMBERED).map((file) => ({ ...file })) } } });
}

function refuse(reason: string): AdoptResult {
  return { result: 'refused', reason };
}

async function tellMade(deps: Dependencies, { input, asked, target, prepared }: Making, message: string): Promise<void> {
  const name = formatIncident(input.incident);
  await tellAbout(deps, target, {
    event: 'approval-needed',
    subject: name,
    at: deps.now().toISOString(),
    title: `${name}: a branch waits to be merged: ${prepared.brief}`,
    text: `${asked.by} asked to make it the desired state: ${asked.reason}. ${message}.`,
    commands: [`holdfast incident ${name}`],
    key: `adopted-${asked.id}-${input.part}`,
  });
}

async function tellRefused(deps: Dependencies, input: AdoptInput, reason: string): Promise<void> {
  const { target } = await configured(deps, input.incident);
  const name = formatIncident(input.incident);
  await tellAbout(deps, target, {
    event: 'needs-human',
    subject: name,
    at: deps.now().toISOString(),
    title: `${name} was not adopted`,
    text: `${reason}. Nothing was changed, and the question stands as it stood.`,
    commands: [`holdfast incident ${name}`, `holdfast adopt ${name}${planOption(input.plan)} --reason WHY`],
    key: `not-adopted-${input.id}-${input.part}`,
  });
}

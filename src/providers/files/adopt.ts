import { setImmediate as breathe } from 'node:timers/promises';
import type { Change } from '../../domain/change.js';
import { isHoldfastError, moved } from '../../domain/errors.js';
import type { Revision, Target } from '../../domain/target.js';
import type { AdoptedFile, Adoption, ReadContext } from '../provider.js';
import { compareResource, desiredMode, type Compared } from './differences.js';
import { shown } from './errors.js';
import { compareFields, secretsIn } from './fields.js';
import { formatOf, parseFields, textOf } from './formats.js';
import { mergeFields } from './merge.js';
import { repairsOf, type Repair } from './repair.js';
import { redactText } from './secrets.js';
import { lastMatch, openSetup, type Setup } from './setup.js';
import { walk } from './walk.js';

type FileEntry = Extract<Compared['live'], { type: 'file' }>;

/** A desired state is read by people: what is larger is put there by hand. */
const MOST_BYTES = 4 * 1024 ** 2;

/** Why a change cannot be taken over, and what to do instead. */
class Objection extends Error {}

/** Takes over exactly these changes: whole files, fields, permissions, what is missing and what is unmanaged. */
export async function adopt(target: Target, revision: Revision, changes: readonly Change[], ctx: ReadContext): Promise<Adoption> {
  try {
    const setup = openSetup(target, target.spec, revision);
    const files: AdoptedFile[] = [];
    for (const [index, repair] of repairsOf(changes).entries()) {
      if (index % 16 === 0) await breathe();
      ctx.signal.throwIfAborted();
      files.push(await adoptFile(setup, repair));
    }
    refuseEmpty(setup, files);
    return { possible: true, files };
  } catch (error) {
    if (error instanceof Objection) return { possible: false, reason: error.message };
    if (!isHoldfastError(error) || error.retryable || error.failure === 'Moved') throw error;
    return { possible: false, reason: error.remedy === undefined ? error.message : `${error.message}. ${error.remedy}` };
  }
}

async function adoptFile(setup: Setup, repair: Repair): Promise<AdoptedFile> {
  const { resource, changes } = repair;
  const secret = changes.find((change) => change.sensitive);
  if (secret !== undefined) throw new Objection(`${place(secret)} is sensitive, and a secret is never written into a desired state: change it there by hand, by the way secrets take`);
  const compared = await compareResource(setup, resource);
  if (!changes.every((change) => compared.differences.some((each) => each.kind === change.kind && each.path === change.path))) throw moved(`${shown(resource)} is not as it was when this was decided`);
  if (repair.action === 'create') return { path: resource, secrets: await secretsOf(setup, resource, compared.desired) };
  if (repair.owner) throw new Objection(`the owner of ${shown(resource)} is set by spec.owners: change it in the configuration`);
  const live = regular(resource, compared.live);
  if (repair.action === 'delete') return { path: resource, content: await withoutNewSecrets(setup, resource, live.content), mode: newMode(setup, resource, live), secrets: [] };
  if (compared.desired.type !== 'file') throw moved(`${shown(resource)} is no longer in the desired state`);
  const { desired } = compared;
  const content = repair.content === 'keep' ? desired.content : await withoutNewSecrets(setup, resource, await contentOf(setup, repair, { desired, live }), desired.content);
  return {
    path: resource,
    content,
    ...(repair.mode ? { mode: changedMode(setup, resource, { desired, live }) } : {}),
    secrets: [...await secretsOf(setup, resource, desired), ...await secretsOf(setup, resource, live)],
  };
}

/** Fields go into the desired text, so that its comments and its other fields stay. */
async function contentOf(setup: Setup, repair: Repair, { desired, live }: { readonly desired: FileEntry; readonly live: FileEntry }): Promise<Buffer> {
  if (repair.content === 'desired') return live.content;
  const format = formatOf(repair.resource);
  const rules = setup.rulesOf(repair.resource);
  const merged = format === undefined ? undefined : await mergeFields({ format, desired: live.content, live: desired.content, paths: repair.fields, rules });
  if (merged !== undefined) return merged;
  const [wanted, found] = format === undefined ? [] : [await parseFields(format, desired.content), await parseFields(format, live.content)];
  const others = wanted === undefined || found === undefined ? undefined : compareFields(wanted, found, rules)?.filter((field) => !repair.fields.includes(field.path));
  if (others?.length === 0) return live.content;
  throw new Objection(`${repair.fields.slice(0, 3).map(shown).join(', ')} of ${shown(repair.resource)} cannot be written into the desired file alone, as its layout is: change it there by hand`);
}

function regular(resource: string, live: Compared['live']): FileEntry {
  if (live.type === 'file' && live.links > 1) throw new Objection(`${shown(resource)} is a hard link, and what else bears its name may be anywhere: put a file of its own there first`);
  if (live.type === 'file' && live.content.length <= MOST_BYTES) return live;
  if (live.type === 'file' || live.type === 'large') throw new Objection(`${shown(resource)} is larger than ${MOST_BYTES / 1024 ** 2} MiB: put it into the desired state by hand`);
  if (live.type === 'absent') throw moved(`${shown(resource)} is not there any more`);
  const what = live.type === 'symlink' ? 'symbolic link' : live.type === 'special' ? live.what : live.type === 'folder' ? 'folder' : 'file that cannot be read';
  throw new Objection(`${shown(resource)} is a ${what}, which a desired state cannot hold: put a file there, or remove it`);
}

/** What a file holds of secrets, by a rule, by name or by look; nobody is shown these. */
async function secretsOf(setup: Setup, resource: string, entry: Compared['live']): Promise<string[]> {
  if (entry.type !== 'file') return [];
  const text = textOf(entry.content);
  if (text === undefined) return [];
  if (setup.isSensitive(resource)) return text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
  const format = formatOf(resource);
  const fields = format === undefined ? undefined : await parseFields(format, entry.content);
  return [...(fields === undefined ? [] : secretsIn(fields, setup.rulesOf(resource))), ...redactText(text).secrets];
}

/** What would come into the desired state and is a secret is refused; one that stands there already is the desired state's own. */
async function withoutNewSecrets(setup: Setup, resource: string, content: Buffer, before?: Buffer): Promise<Buffer> {
  const entry = (of: Buffer): FileEntry => ({ type: 'file', content: of, links: 1, mode: 0, uid: 0, gid: 0 });
  const known = new Set(before === undefined ? [] : await secretsOf(setup, resource, entry(before)));
  const isNew = (await secretsOf(setup, resource, entry(content))).some((each) => !known.has(each));
  const isHidden = setup.isSensitive(resource) && before === undefined;
  if (isNew || isHidden) throw new Objection(`${shown(resource)} holds what looks like a secret, and a secret is never written into a desired state: put it there by hand, by the way secrets take`);
  return content;
}

/** Permissions that the desired state can say: a folder keeps them all, Git only whether a file is executable. */
function changedMode(setup: Setup, resource: string, { desired, live }: { readonly desired: FileEntry; readonly live: FileEntry }): number {
  if (lastMatch(setup.modes, resource) !== undefined) throw new Objection(`the permissions of ${shown(resource)} are set by spec.modes: change them in the configuration`);
  if ((live.mode & 0o7000) !== 0) throw new Objection(`${shown(resource)} has set-id or sticky bits, which are not adopted: a person sets them in spec.modes`);
  const mode = setup.git ? ((live.mode & 0o100) === 0 ? 0o644 : 0o755) : live.mode;
  if (desiredMode(setup, resource, mode, live.mode) !== live.mode || mode === desired.mode) throw new Objection(`Git cannot say the permissions of ${shown(resource)}: set them in spec.modes`);
  return mode;
}

function newMode(setup: Setup, resource: string, live: FileEntry): number {
  const mode = setup.git ? ((live.mode & 0o100) === 0 ? 0o644 : 0o755) : live.mode;
  if ((live.mode & 0o7000) !== 0 || (setup.spec.compareMode && desiredMode(setup, resource, mode, live.mode) !== live.mode)) {
    throw new Objection(`the permissions of ${shown(resource)} (${live.mode.toString(8)}) cannot stand in the desired state: change them, or set them in spec.modes`);
  }
  return mode;
}

/** An empty desired state is read as one that was lost. */
function refuseEmpty(setup: Setup, files: readonly AdoptedFile[]): void {
  const gone = new Set(files.flatMap((file) => (file.content === undefined ? [file.path] : [])));
  if (gone.size === 0 || gone.size < files.length) return;
  for (const entry of walk(setup.desired)) if (entry.type === 'file' && !gone.has(entry.path)) return;
  throw new Objection('the desired state would hold no file any more: remove the target from the configuration instead');
}

function place({ resource, path }: Change): string {
  return path === '' || path === '@content' ? shown(resource) : `${shown(path)} of ${shown(resource)}`;
}

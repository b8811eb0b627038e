import type { Difference } from '../../domain/change.js';
import { HoldfastError } from '../../domain/errors.js';
import { readEntry, type Attributes, type Entry } from './entry.js';
import { briefly, shown } from './errors.js';
import { compareFields, shownValue, type FieldDifference } from './fields.js';
import { formatOf, parseFields } from './formats.js';
import { isOwnedBy, ownerText } from './owners.js';
import { keyed, sha256 } from './seal.js';
import { lastMatch, type Setup } from './setup.js';
import { diffText } from './text-diff.js';

type Base = Pick<Difference, 'resource' | 'revision'>;
type FileEntry = Extract<Entry, { type: 'file' }>;

/** Everything about one resource: how it differs, what could not be compared, and what was read. */
export interface Compared {
  readonly differences: readonly Difference[];
  readonly skipped: readonly { readonly resource: string; readonly path: string; readonly reason: string }[];
  readonly desired: Entry;
  readonly live: Entry;
  /** The fields that differ, with their values, when the file was compared by fields. */
  readonly fields?: readonly FieldDifference[];
}

/** Compares one resource, following no link. Reads both sides anew, so that stage and observe say the same of the same files. */
export async function compareResource(setup: Setup, resource: string): Promise<Compared> {
  const desired = readEntry(setup.desired, resource, setup.spec.maxFileBytes);
  const live = readEntry(setup.real, resource, setup.spec.maxFileBytes);
  const skip = (path: string, reason: string): Compared => ({ differences: [], skipped: [{ resource, path, reason }], desired, live });
  switch (desired.type) {
    case 'absent':
      return unmanaged(setup, resource, live);
    case 'symlink':
    case 'special':
      return skip('', `the desired state holds a ${kindOf(desired)} here, which is not compared`);
    case 'folder':
      return { differences: [], skipped: [], desired, live };
    case 'large':
      return skip('', `the desired file is larger than maxFileBytes (${setup.spec.maxFileBytes})`);
    case 'unreadable':
      throw new HoldfastError('Unreachable', `the desired file ${shown(resource)} cannot be read: ${briefly(desired)}`);
    case 'file':
      return compareFile(setup, resource, desired, live);
  }
}

/** Digest of everything desired of one resource. */
function resourceRevision(setup: Setup, resource: string, desired: Entry): string {
  if (desired.type !== 'file') return keyed(setup.address, resource, 'absent');
  const owner = lastMatch(setup.owners, resource)?.text ?? '';
  return keyed(setup.address, resource, sha256(desired.content), modeClass(setup, resource, desired.mode), owner);
}

/** What the desired state says about permissions, as text for a digest. */
export function modeClass(setup: Setup, resource: string, desiredMode: number): string {
  if (!setup.spec.compareMode) return '';
  const fixed = lastMatch(setup.modes, resource);
  if (fixed !== undefined) return fixed.toString(8);
  return setup.git ? String((desiredMode & 0o100) !== 0) : desiredMode.toString(8);
}

/** The permissions that a live file must have, given those it has now (`undefined` when it is new). */
export function desiredMode(setup: Setup, resource: string, desired: number, live: number | undefined): number {
  const fixed = lastMatch(setup.modes, resource);
  if (fixed !== undefined) return fixed;
  const executable = (desired & 0o100) !== 0;
  if (!setup.git) return desired;
  if (live === undefined) return executable ? 0o755 : 0o644;
  if (executable === ((live & 0o100) !== 0)) return live;
  // Whoever may read may execute, as Git does it.
  return executable ? live | ((live & 0o444) >> 2) : live & ~0o111;
}

function unmanaged(setup: Setup, resource: string, live: Entry): Compared {
  const none = { desired: { type: 'absent' }, live, differences: [], skipped: [] } as const;
  const skip = (reason: string): Compared => ({ ...none, skipped: [{ resource, path: '', reason }] });
  switch (live.type) {
    case 'absent':
    case 'folder':
      return none;
    case 'special':
      return skip(`a ${live.what} is not compared`);
    default:
  }
  if (setup.spec.unmanaged === 'ignore') return skip('unmanaged: ignore');
  if (setup.isProtected(resource)) return skip('protected, and not in the desired state');
  // What it holds is not part of it: a log that grows stays the same change.
  const revision = resourceRevision(setup, resource, none.desired);
  return { ...none, differences: [{ resource, kind: 'unmanaged', path: '', actual: kindOf(live), sensitive: false, revision, effect: 'delete' }] };
}

async function compareFile(setup: Setup, resource: string, desired: FileEntry, live: Entry): Promise<Compared> {
  const revision = resourceRevision(setup, resource, desired);
  const base = { resource, sensitive: false, revision } as const;
  const result = (differences: readonly Difference[], more: Partial<Compared> = {}): Compared => ({ differences, skipped: [], desired, live, ...more });
  switch (live.type) {
    case 'absent': {
      const text = live.blocked === undefined || live.blocked.blocked === 'absent' ? {} : { text: `its folder ${shown(live.blocked.at)} is a ${live.blocked.blocked === 'symbolic link' ? 'symbolic link' : 'file'}` };
      return result([{ ...base, kind: 'missing', path: '', desired: 'file', effect: 'create', ...text }]);
    }
    case 'symlink':
    case 'folder':
    case 'special':
      return result([{ ...base, kind: 'changed', path: '@type', desired: 'file', actual: kindOf(live), effect: 'replace' }]);
    case 'large':
      return result([
        { ...base, kind: 'changed', path: '@content', desired: { bytes: desired.content.length }, actual: { bytes: live.bytes }, effect: 'update' },
        ...attributeDifferences(setup, base, desired, live),
      ]);
    case 'unreadable': {
      const attributes = attributeDifferences(setup, base, desired, live);
      if (attributes.length > 0) return result(attributes, { skipped: [{ resource, path: '@content', reason: 'the live file cannot be read: permission denied' }] });
      throw new HoldfastError('Unreachable', `the live file ${shown(resource)} cannot be read: permission denied`, { remedy: 'run the worker as a user that may read it' });
    }
    case 'file':
  }
  const attributes = attributeDifferences(setup, base, desired, live);
  if (desired.content.equals(live.content)) return result(attributes);
  // What else bears this name may be anywhere: nothing of what it holds is shown.
  if (live.links > 1) return result([{ ...base, kind: 'changed', path: '@type', desired: 'file', actual: 'hard link', effect: 'replace' }]);
  const { differences, fields } = await contentDifferences(setup, base, desired, live);
  return result([...differences, ...attributes], fields === undefined ? {} : { fields });
}

async function contentDifferences(setup: Setup, { resource, revision }: Base, desired: FileEntry, live: FileEntry): Promise<{ differences: Difference[]; fields?: readonly FieldDifference[] }> {
  const base = { resource, kind: 'changed', revision, effect: 'update' } as const;
  const secret = setup.isSensitive(resource);
  const fields = await fieldDifferences(setup, resource, desired, live);
  if (fields !== undefined) {
    const differences = fields.map(({ path, ...field }): Difference => (
      secret || field.sensitive ? { ...base, path, sensitive: true } : { ...base, path, ...values(field.desired, field.actual), sensitive: false }
    ));
    return { differences, fields };
  }
  if (secret) return { differences: [{ ...base, path: '@content', sensitive: true }] };
  const picture = await diffText(desired.content, live.content);
  const text = picture === undefined ? {} : { text: picture.text };
  if (picture?.sensitive === true) return { differences: [{ ...base, path: '@content', sensitive: true, ...text }] };
  const digests = { desired: contentDigest(desired.content), actual: contentDigest(live.content) };
  return { differences: [{ ...base, path: '@content', ...digests, sensitive: false, ...text }] };
}

/** `undefined` when the files are not both structured, or differ in what fields cannot say. */
async function fieldDifferences(setup: Setup, resource: string, desired: FileEntry, live: FileEntry): Promise<readonly FieldDifference[] | undefined> {
  const format = formatOf(resource);
  if (format === undefined) return undefined;
  const wanted = await parseFields(format, desired.content);
  const found = wanted === undefined ? undefined : await parseFields(format, live.content);
  return wanted === undefined || found === undefined ? undefined : compareFields(wanted, found, setup.rulesOf(resource));
}

function attributeDifferences(setup: Setup, { resource, revision }: Base, desired: Attributes, live: Attributes): Difference[] {
  const base = { resource, kind: 'changed', sensitive: false, revision, effect: 'update' } as const;
  const differences: Difference[] = [];
  const mode = desiredMode(setup, resource, desired.mode, live.mode);
  if (setup.spec.compareMode && mode !== live.mode) differences.push({ ...base, path: '@mode', desired: octal(mode), actual: octal(live.mode) });
  const owner = lastMatch(setup.owners, resource);
  if (owner === undefined || isOwnedBy(live, owner)) return differences;
  const wanted = ownerText({ uid: owner.uid, gid: owner.gid ?? live.gid }, owner);
  return [...differences, { ...base, path: '@owner', desired: wanted, actual: ownerText(live, owner) }];
}

function values(desired: FieldDifference['desired'], actual: FieldDifference['actual']): Pick<Difference, 'desired' | 'actual'> {
  const [wanted, found] = [shownValue(desired), shownValue(actual)];
  return { ...(wanted === undefined ? {} : { desired: wanted }), ...(found === undefined ? {} : { actual: found }) };
}

function contentDigest(content: Buffer): { readonly sha256: string; readonly bytes: number } {
  return { sha256: sha256(content), bytes: content.length };
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

function kindOf(entry: Entry): string {
  switch (entry.type) {
    case 'symlink':
      return 'symbolic link';
    case 'special':
      return entry.what;
    case 'folder':
      return 'folder';
    default:
      return 'file';
  }
}

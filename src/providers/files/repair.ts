import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Change } from '../../domain/change.js';
import { HoldfastError, moved } from '../../domain/errors.js';
import type { PlanStep } from '../../domain/plan.js';
import { compareResource, desiredMode } from './differences.js';
import { shown } from './errors.js';
import { compareFields } from './fields.js';
import { formatOf, parseFields } from './formats.js';
import { mergeFields } from './merge.js';
import { mayGiveAway } from './owners.js';
import { assertResource } from './place.js';
import type { State } from './seal.js';
import { lastMatch, type Setup } from './setup.js';
import { readState } from './write.js';

/** What one file needs, as plain data: exactly the changes that a plan was given. */
export interface Repair {
  readonly resource: string;
  readonly action: 'create' | 'update' | 'replace' | 'delete';
  /** `desired`: the desired bytes; `fields`: these fields only; `keep`: what is there. */
  readonly content: 'desired' | 'fields' | 'keep' | 'none';
  readonly fields: readonly string[];
  readonly mode: boolean;
  readonly owner: boolean;
  /** What is repaired so. */
  readonly changes: readonly Change[];
}

/** Groups changes by file, sorted. Throws `Refused` for what is no change of a file. */
export function repairsOf(changes: readonly Change[]): Repair[] {
  const byResource = new Map<string, Change[]>();
  for (const change of changes) {
    const others = byResource.get(change.resource);
    if (others === undefined) byResource.set(change.resource, [change]);
    else others.push(change);
  }
  return [...byResource].sort(([a], [b]) => (a < b ? -1 : 1)).map(([resource, own]) => repairOf(resource, own));
}

export function stepOf(repair: Repair): PlanStep {
  const { resource, action, content, fields, mode, owner } = repair;
  return { action, resource, summary: summaryOf(repair), detail: { content, ...(fields.length === 0 ? {} : { fields }), ...(mode ? { mode } : {}), ...(owner ? { owner } : {}) } };
}

/** Why a file may not be written, whatever a plan says; `undefined` when it may. */
export function objection(setup: Setup, repair: Repair): string | undefined {
  const name = shown(repair.resource);
  if (setup.isProtected(repair.resource)) return `${name} is protected: it is never written and never removed`;
  if (repair.content === 'none' && setup.spec.unmanaged !== 'remove') return `${name} is not in the desired state: a person moves it away, adds it there, or sets unmanaged: remove`;
  const standing = repair.changes.find((change) => change.path === '@type')?.actual;
  if (typeof standing === 'string' && !['symbolic link', 'hard link'].includes(standing)) return `a ${standing} stands where the file ${name} belongs, and removing it is for a person`;
  return undefined;
}

/** What the file becomes, and what it is. Throws `Refused` when exactly this repair cannot be made. */
export async function resultOf(setup: Setup, repair: Repair): Promise<{ readonly before: State; readonly after: State }> {
  const compared = await compareResource(setup, repair.resource);
  if (compared.live.type === 'absent' && compared.live.blocked !== undefined && compared.live.blocked.blocked !== 'absent') {
    throw new HoldfastError('Refused', `${shown(compared.live.blocked.at)} is a ${compared.live.blocked.blocked}, so ${shown(repair.resource)} cannot be written`, { remedy: 'put the folder back by hand' });
  }
  const before = readState(setup.real, repair.resource, setup.spec.maxFileBytes);
  if (repair.content === 'none') return { before, after: { type: 'absent' } };
  const { desired } = compared;
  if (desired.type !== 'file') throw moved(`${shown(repair.resource)} is no longer in the desired state`);
  const isNew = before.type !== 'file' || repair.action !== 'update';
  const content = repair.content === 'desired' ? desired.content : before.type !== 'file' ? undefined : repair.content === 'keep' ? before.content : await mergedContent(setup, repair, desired.content, before.content);
  if (content === undefined) throw moved(`${shown(repair.resource)} is no longer the file that it was`);
  const liveMode = isNew ? undefined : before.mode;
  const mode = isNew || repair.mode || liveMode === undefined ? desiredMode(setup, repair.resource, desired.mode, liveMode) : liveMode;
  return { before, after: { type: 'file', content, mode, ...ownerFor(setup, repair, before) } };
}

/** Where every difference of the file is repaired, the desired bytes are written, so that its layout is the desired one too. */
async function mergedContent(setup: Setup, repair: Repair, desired: Buffer, live: Buffer): Promise<Buffer> {
  const format = formatOf(repair.resource);
  const rules = setup.rulesOf(repair.resource);
  const merged = format === undefined ? undefined : await mergeFields({ format, desired, live, paths: repair.fields, rules });
  const [wanted, found] = format === undefined ? [] : [await parseFields(format, desired), await parseFields(format, live)];
  const left = wanted === undefined || found === undefined ? undefined : compareFields(wanted, found, rules)?.filter((field) => !repair.fields.includes(field.path));
  if (left?.length === 0) return desired;
  if (merged !== undefined) return merged;
  throw new HoldfastError('Refused', `${shown(repair.resource)} cannot have ${repair.fields.length === 1 ? 'this field' : 'these fields'} repaired alone: its other differences stand in the way`, { remedy: 'repair all differences of the file together' });
}

/** A file keeps its owner; a new one gets that of the folder it comes into, as far as the worker may give it. */
function ownerFor(setup: Setup, repair: Repair, before: State): { readonly uid: number; readonly gid: number } {
  const rule = lastMatch(setup.owners, repair.resource);
  const now = before.type === 'file' ? before : newOwner(setup, repair.resource);
  const wanted = repair.owner || before.type !== 'file' ? rule : undefined;
  return { uid: wanted?.uid ?? now.uid, gid: wanted?.gid ?? now.gid };
}

function newOwner(setup: Setup, resource: string): { readonly uid: number; readonly gid: number } {
  const own = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  if (!mayGiveAway()) return own;
  for (let folder = dirname(join(setup.real, resource)); folder.length >= setup.real.length; folder = dirname(folder)) {
    const stats = lstatSync(folder, { throwIfNoEntry: false });
    if (stats !== undefined) return { uid: stats.uid, gid: stats.gid };
  }
  return own;
}

function repairOf(resource: string, changes: readonly Change[]): Repair {
  assertResource(resource);
  const paths = changes.map((change) => change.path);
  const base = { resource, changes, fields: [], mode: paths.includes('@mode'), owner: paths.includes('@owner') };
  const [first] = changes;
  if (first?.kind === 'missing') return { ...base, action: 'create', content: 'desired' };
  if (first?.kind === 'unmanaged') return { ...base, action: 'delete', content: 'none' };
  if (paths.includes('@type')) return { ...base, action: 'replace', content: 'desired' };
  if (paths.includes('@content')) return { ...base, action: 'update', content: 'desired' };
  const fields = paths.filter((path) => path.startsWith('/')).sort();
  if (fields.length > 0) return { ...base, action: 'update', content: 'fields', fields };
  if (base.mode || base.owner) return { ...base, action: 'update', content: 'keep' };
  throw new HoldfastError('Refused', `${shown(resource)} has no change that the files provider knows`);
}

function summaryOf({ resource, action, content, fields, mode, owner }: Repair): string {
  const name = shown(resource);
  const attributes = [...(mode ? ['permissions'] : []), ...(owner ? ['owner'] : [])];
  switch (action) {
    case 'create':
      return `write ${name}, which is missing`;
    case 'delete':
      return `remove ${name}, which is not in the desired state`;
    case 'replace':
      return `put the file ${name} in place of what stands there`;
    case 'update':
  }
  const more = fields.length > 3 ? ` and ${fields.length - 3} more` : '';
  const what = content === 'fields' ? `${fields.slice(0, 3).map(shown).join(', ')}${more}` : content === 'desired' ? 'the content' : '';
  return `set ${[what, ...attributes].filter((each) => each !== '').join(' and ')} of ${name}`;
}

import type { TargetAddress } from '../address.js';
import type { Change, Difference } from '../change.js';
import { typeOf } from './class.js';
import { normaliser, type Bound, type Normalise } from './environment-bound.js';
import type { HashJson, Json } from '../json.js';
import { oneLine } from '../plain-text.js';

/** Where a change stands, as far as its cause depends on it. */
export interface CausePlace extends TargetAddress, Bound {
  readonly provider: string;
}

export type CauseOf = Pick<Difference, 'resource' | 'type' | 'kind' | 'path' | 'desired' | 'actual' | 'sensitive'>;

/** Sights of the same actor this far apart are of one piece of work. */
const SAME_HANDS_MS = 10 * 60_000;

/**
 * What each change has in common with the same change elsewhere, in order: 64 characters of hex over
 * provider, resource type, path and desired -> actual, with the names and ids of its environment taken
 * out. A sensitive change goes by its place alone, so that its key says nothing of its value.
 */
export function causeKeys(changes: readonly CauseOf[], place: CausePlace, hash: HashJson): readonly string[] {
  const begin = normaliser(place);
  return changes.map((change) => {
    const { kind, path, sensitive } = change;
    const normalise = begin();
    // What is read first numbers its ids first, so the order of these is part of the key.
    const body: Record<string, Json> = { cause: 1, provider: place.provider, resource: normalise(subjectOf(change, place)), kind, path: normalise(path) };
    if (sensitive) return hash({ ...body, sensitive: true });
    return hash({ ...body, desired: sideOf(change.desired, normalise), actual: sideOf(change.actual, normalise) });
  });
}

/** The cause of one change; see `causeKeys`. */
export function causeKey(change: CauseOf, place: CausePlace, hash: HashJson): string {
  return causeKeys([change], place, hash)[0] ?? '';
}

/** One that is absent is not the same as one that is null. */
function sideOf(value: Json | undefined, normalise: Normalise): Json {
  return value === undefined ? [] : [normalise(value)];
}

/**
 * A field is compared with the same field of other resources of its type. A resource as a whole, there
 * or not there, has only its name to be compared by.
 */
function subjectOf({ resource, type, path }: CauseOf, { provider }: CausePlace): string {
  return path === '' || path.startsWith('@') ? resource : resourceType(provider, resource, type);
}

/**
 * The type in the engine's own words, as rules know it: `aws_security_group`, `Deployment`, `role`.
 * A file is of no type but its own, and what has none is known by what its name begins with.
 */
export function resourceType(provider: string, resource: string, type?: string): string {
  if (provider === 'files') return resource;
  const known = typeOf(type === undefined ? { resource } : { resource, type }, provider);
  if (known !== 'resource') return known;
  const named = /^([A-Za-z][A-Za-z0-9_.-]*)[/:]./.exec(resource);
  return named?.[1] ?? resource;
}

/** A cause among the changes of one part, small enough for a list: what is shared, never what is sensitive. */
export interface PartCause {
  readonly key: string;
  /** How many changes of the part have it. */
  readonly changes: number;
  /** Resource and field of the first of them. */
  readonly place: string;
  /** `100 -> 500`; absent where the values are sensitive or there are none. */
  readonly change?: string;
  /** Who made all of them, when the engine knows. */
  readonly by?: string;
  /** ISO, UTC: the first sight of the first of them. */
  readonly at: string;
}

/** More causes than these are counted: such a part is decided by itself. */
const MOST_CAUSES = 50;
const LONGEST_VALUE = 80;

/** The causes of a part's changes, and how many more there are. `firstSeen`: of each change, in order. */
export function partCauses(changes: readonly Pick<Change, keyof CauseOf | 'by'>[], { place, hash, firstSeen }: { readonly place: CausePlace; readonly hash: HashJson; readonly firstSeen: readonly string[] }): { readonly causes: readonly PartCause[]; readonly more: number } {
  const found = new Map<string, PartCause & { readonly hands: ReadonlySet<string | undefined> }>();
  for (const [index, key] of causeKeys(changes, place, hash).entries()) {
    const change = changes[index];
    if (change === undefined) continue;
    const known = found.get(key);
    const at = firstSeen[index] ?? '';
    const said = valuesOf(change);
    found.set(key, known === undefined
      ? { key, changes: 1, place: oneLine(`${change.resource} ${change.path}`.trim(), 200), ...(said === undefined ? {} : { change: said }), at, hands: new Set([change.by]) }
      : { ...known, changes: known.changes + 1, at: at < known.at ? at : known.at, hands: new Set([...known.hands, change.by]) });
  }
  const all = [...found.values()].map(({ hands, ...cause }): PartCause => {
    const [by] = hands;
    return hands.size === 1 && by !== undefined ? { ...cause, by } : cause;
  });
  return { causes: all.slice(0, MOST_CAUSES), more: Math.max(0, all.length - MOST_CAUSES) };
}

function valuesOf({ desired, actual, sensitive, kind }: CauseOf): string | undefined {
  if (sensitive || kind !== 'changed' || (desired === undefined && actual === undefined)) return undefined;
  const text = (value: Json | undefined): string => (value === undefined ? '(absent)' : oneLine(JSON.stringify(value), LONGEST_VALUE));
  return `${text(desired)} -> ${text(actual)}`;
}

/** One change, seen in one place. */
export interface CauseSight {
  readonly key: string;
  /** Who made it, when the engine knows. */
  readonly by?: string;
  /** ISO, UTC: when it was first seen. */
  readonly at: string;
}

/**
 * Sights of one cause: all with the same key, and those of another key by the same hands within ten
 * minutes. A key that several made, or that somebody unknown made, is joined to no other. The earliest
 * comes first, whatever the order given.
 */
export function groupByCause<T extends CauseSight>(sights: readonly T[]): readonly (readonly T[])[] {
  const byKey = new Map<string, T[]>();
  for (const sight of sights) byKey.set(sight.key, [...(byKey.get(sight.key) ?? []), sight]);
  const keyed = [...byKey].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, members]) => members);
  const alone = keyed.filter((members) => handsOf(members) === undefined);
  const handed = new Map<string, T[][]>();
  for (const members of keyed) {
    const hands = handsOf(members);
    if (hands !== undefined) handed.set(hands, [...(handed.get(hands) ?? []), members]);
  }
  const groups = [...alone, ...[...handed.values()].flatMap(joined)];
  return groups.map((members) => [...members].sort(byTime)).sort(([one], [other]) => (one === undefined || other === undefined ? 0 : byTime(one, other)));
}

/** Who made all of them; `undefined` where that is nobody known, or more than one. */
function handsOf(members: readonly CauseSight[]): string | undefined {
  const [first] = members;
  return members.every((each) => each.by === first?.by) ? first?.by : undefined;
}

/** Of the same hands: sets with sights near in time become one, and what that brings near to them too. */
function joined<T extends CauseSight>(sets: readonly (readonly T[])[]): readonly (readonly T[])[] {
  let groups: (readonly T[])[] = [];
  for (const members of sets) {
    const near = groups.filter((group) => group.some((one) => members.some((other) => Math.abs(Date.parse(one.at) - Date.parse(other.at)) <= SAME_HANDS_MS)));
    groups = [...groups.filter((group) => !near.includes(group)), [...near.flat(), ...members]];
  }
  return groups;
}

function byTime(one: CauseSight, other: CauseSight): number {
  if (one.at !== other.at) return one.at < other.at ? -1 : 1;
  return one.key < other.key ? -1 : one.key > other.key ? 1 : 0;
}

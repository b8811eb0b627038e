import { canonicalJson, sha256 } from '../../digest.js';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.js';
import type { Matcher } from '../glob.js';
import { pointerOf } from './pointer.js';
import { isSecretName, isSecretValue } from './secrets.js';

export interface FieldDifference {
  /** JSON Pointer. */
  readonly path: string;
  /** As they are in the files; a caller that shows them asks `sensitive` first. */
  readonly desired: Json | undefined;
  readonly actual: Json | undefined;
  readonly sensitive: boolean;
}

export interface FieldRules {
  /** Over JSON Pointers: lists of scalars whose order means nothing. */
  readonly isSet: Matcher;
  /** Over JSON Pointers: fields that are secrets whatever they are called. */
  readonly isSensitive: Matcher;
}

/** Longer values are shown as their digest. */
const MAX_VALUE = 2048;

/**
 * The fields in which two files differ, down to single values. `null` equals absent, and a number
 * equals its own decimal text (`1` and `"1"`, but not `"1.0"`). Lists of equal length are compared
 * item by item, others as a whole. Returns `undefined` when the roots are not alike, so that fields
 * cannot say it.
 */
export function compareFields(desired: Json, actual: Json, rules: FieldRules): FieldDifference[] | undefined {
  if (!alike(desired, actual)) return undefined;
  const found: FieldDifference[] = [];
  compare(desired, actual, { segments: [], secret: false, rules, found });
  return found;
}

/** How a value stands in a report: long ones as their digest. */
export function shownValue(value: Json | undefined): Json | undefined {
  if (value === undefined) return undefined;
  const text = canonicalJson(value);
  return text.length <= MAX_VALUE ? value : { sha256: sha256(text), bytes: Buffer.byteLength(text) };
}

/** Every value of a file that is a secret by its name, its look or a rule. */
export function secretsIn(value: Json, rules: FieldRules): string[] {
  return compareFields(Array.isArray(value) ? value.map(() => null) : {}, value, rules)?.filter((each) => each.sensitive).flatMap((each) => scalarsOf(each.actual)) ?? [];
}

interface Place {
  readonly segments: readonly string[];
  /** True below a field whose name says that it is a secret. */
  readonly secret: boolean;
  readonly rules: FieldRules;
  readonly found: FieldDifference[];
}

function compare(desired: Json | undefined, actual: Json | undefined, place: Place): void {
  if (desired === actual || (isNothing(desired) && isNothing(actual))) return;
  if (isObject(desired) && (isObject(actual) || isNothing(actual)) && !isEmpty(desired, actual)) return compareObjects(desired, isObject(actual) ? actual : {}, place);
  if (isObject(actual) && isNothing(desired) && !isEmpty(actual, desired)) return compareObjects({}, actual, place);
  if (Array.isArray(desired) && Array.isArray(actual)) return compareLists(desired, actual, place);
  if (!sameScalar(desired, actual)) add(desired, actual, place);
}

function compareObjects(desired: JsonObject, actual: JsonObject, place: Place): void {
  // `{name: DB_PASSWORD, value: …}`, as containers list their variables.
  const named = [desired, actual].some((object) => [object.name, object.key].some((name) => typeof name === 'string' && isSecretName(name)));
  for (const key of new Set([...Object.keys(desired), ...Object.keys(actual)])) {
    const segments = [...place.segments, key];
    const secret = place.secret || isSecretName(key) || (named && key.toLowerCase() === 'value') || place.rules.isSensitive(pointerOf(segments));
    compare(own(desired, key), own(actual, key), { ...place, segments, secret });
  }
}

function compareLists(desired: readonly Json[], actual: readonly Json[], place: Place): void {
  const isSet = place.rules.isSet(pointerOf(place.segments)) && [...desired, ...actual].every(isScalar);
  if (isSet) {
    const [a, b] = [sortedSet(desired), sortedSet(actual)];
    if (canonicalJson(a) !== canonicalJson(b)) add(a, b, place);
    return;
  }
  if (desired.length !== actual.length) return add(desired, actual, place);
  for (const [index, item] of desired.entries()) compare(item, itemOf(actual, index), { ...place, segments: [...place.segments, String(index)] });
}

function itemOf(list: readonly Json[], index: number): Json | undefined {
  return list[index];
}

function add(desired: Json | undefined, actual: Json | undefined, place: Place): void {
  const path = pointerOf(place.segments);
  const sensitive = place.secret || place.rules.isSensitive(path) || holdsSecret(desired, place) || holdsSecret(actual, place);
  place.found.push({ path, desired: isNothing(desired) ? undefined : desired, actual: isNothing(actual) ? undefined : actual, sensitive });
}

function holdsSecret(value: Json | undefined, place: Place): boolean {
  if (typeof value === 'string') return isSecretValue(value);
  if (Array.isArray(value)) return value.some((inner: Json, index) => holdsSecret(inner, within(place, String(index))));
  if (!isObject(value)) return false;
  const named = [value.name, value.key].some((name) => typeof name === 'string' && isSecretName(name)) && own(value, 'value') !== undefined;
  return named || Object.entries(value).some(([key, inner]) => isSecretName(key) || place.rules.isSensitive(pointerOf([...place.segments, key])) || holdsSecret(inner, within(place, key)));
}

function within(place: Place, segment: string): Place {
  return { ...place, segments: [...place.segments, segment] };
}

function sortedSet(list: readonly Json[]): Json[] {
  const byText = new Map(list.map((item) => [typeof item === 'string' ? item : canonicalJson(item), item]));
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
}

function scalarsOf(value: Json | undefined): string[] {
  if (Array.isArray(value)) return value.flatMap(scalarsOf);
  if (isObject(value)) return Object.values(value).flatMap(scalarsOf);
  return typeof value === 'string' || typeof value === 'number' ? [String(value)] : [];
}

function sameScalar(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (typeof a === 'number' && typeof b === 'string') return String(a) === b;
  if (typeof a === 'string' && typeof b === 'number') return a === String(b);
  // Two empty objects.
  return isObject(a) && isObject(b);
}

/** An empty object is a value of its own: it has no fields that could differ. */
function isEmpty(object: JsonObject, other: Json | undefined): boolean {
  return Object.keys(object).length === 0 && (!isObject(other) || Object.keys(other).length === 0);
}

function own(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function alike(a: Json, b: Json): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length;
  return isObject(a) && isObject(b);
}

function isScalar(value: Json): boolean {
  return typeof value !== 'object' || value === null;
}

function isNothing(value: Json | undefined): value is null | undefined {
  return value === undefined || value === null;
}

function isObject(value: Json | undefined): value is JsonObject {
  return isJsonObject(value);
}

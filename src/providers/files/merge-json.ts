import { isJsonObject } from '../../domain/json.js';
import type { FieldEdit } from './merge.js';

/** JSON has no comments: it is written anew with the indentation and the key order of the live file. */
export function mergeJson(live: string, edits: readonly FieldEdit[]): string | undefined {
  const root: unknown = JSON.parse(live.replace(/^\uFEFF/, ''));
  if (!edits.every((edit) => applyEdit(root, edit))) return undefined;
  const indent = /\n([ \t]+)\S/.exec(live)?.[1] ?? (live.trimEnd().includes('\n') ? 2 : 0);
  const ending = /\s*$/.exec(live)?.[0] ?? '';
  return JSON.stringify(root, null, indent) + ending;
}

/** Sets or removes one field of a plain tree. False when the way to it is not there. */
export function applyEdit(root: unknown, edit: FieldEdit): boolean {
  const trail: { object: Record<string, unknown> | unknown[]; key: string }[] = [];
  let at: unknown = root;
  for (const [index, key] of edit.segments.entries()) {
    if (!isJsonObject(at) && !Array.isArray(at)) return false;
    trail.push({ object: at, key });
    if (index === edit.segments.length - 1) break;
    if (childOf(at, key) === undefined || childOf(at, key) === null) {
      if (edit.value === undefined) return true;
      put(at, key, {});
    }
    at = childOf(at, key);
  }
  const last = trail.at(-1);
  if (last === undefined) return false;
  if (edit.value !== undefined) {
    put(last.object, last.key, structuredClone(edit.value));
    return true;
  }
  return removeUp(trail, edit.prune);
}

function removeUp(trail: readonly { object: Record<string, unknown> | unknown[]; key: string }[], prune: number): boolean {
  for (const [up, { object, key }] of [...trail].reverse().entries()) {
    if (up > prune) return true;
    // Items of a list differ one by one only in lists of equal length: an absent one is `null`.
    if (Array.isArray(object)) {
      put(object, key, null);
      return true;
    }
    Reflect.deleteProperty(object, key);
    if (Object.keys(object).length > 0) return true;
  }
  return true;
}

function childOf(object: Record<string, unknown> | unknown[], key: string): unknown {
  if (Array.isArray(object)) return object[Number(key)];
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Names such as `__proto__` are fields like any other. */
function put(object: Record<string, unknown> | unknown[], key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}

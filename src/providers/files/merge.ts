import { isJsonObject, type Json } from '../../domain/json.js';
import { canonicalJson } from '../../digest.js';
import { compareFields, type FieldRules } from './fields.js';
import { parseFields, type Format } from './formats.js';
import { mergeEnv } from './merge-env.js';
import { mergeJson } from './merge-json.js';
import { mergeToml } from './merge-toml.js';
import { mergeYaml } from './merge-yaml.js';
import { segmentsOf } from './pointer.js';

/** One field as it must become; `value` is absent when the field must go. */
export interface FieldEdit {
  readonly segments: readonly string[];
  readonly value?: Json;
  /** How many folders above the field go with it when they become empty. */
  readonly prune: number;
}

export type MergeText = (live: string, edits: readonly FieldEdit[]) => Promise<string | undefined> | string | undefined;

const MERGES: Readonly<Record<Format, readonly MergeText[]>> = {
  yaml: [mergeYaml],
  json: [mergeJson],
  // The careful way first: it keeps comments, and does only what it is sure of.
  toml: [mergeToml.inPlace, mergeToml.whole],
  env: [mergeEnv],
};

/**
 * The live content with these fields, and no others, made as desired. Comments and layout stay
 * where the format allows. `undefined` when that cannot be done: the result is read again, and
 * must differ from the live content in nothing else.
 */
export async function mergeFields(input: { readonly format: Format; readonly desired: Buffer; readonly live: Buffer; readonly paths: readonly string[]; readonly rules: FieldRules }): Promise<Buffer | undefined> {
  const [desired, live] = [await parseFields(input.format, input.desired), await parseFields(input.format, input.live)];
  if (desired === undefined || live === undefined) return undefined;
  const edits = input.paths.map((path) => editOf(desired, segmentsOf(path)));
  for (const merge of MERGES[input.format]) {
    const text = await attempt(merge, input.live.toString('utf8'), edits);
    if (text === undefined) continue;
    const content = Buffer.from(text);
    const result = await parseFields(input.format, content);
    if (result !== undefined && isExactly(result, { ...input, desired, live })) return content;
  }
  return undefined;
}

async function attempt(merge: MergeText, live: string, edits: readonly FieldEdit[]): Promise<string | undefined> {
  try {
    return await merge(live, edits);
  } catch {
    // A layout that the format's library will not write; its message may quote the file.
    return undefined;
  }
}

/** What must go was desired when its fields were: everything else is as it was in the live file. */
function isExactly(result: Json, input: { readonly desired: Json; readonly live: Json; readonly paths: readonly string[]; readonly rules: FieldRules }): boolean {
  const left = compareFields(input.desired, result, input.rules);
  const before = compareFields(input.desired, input.live, input.rules);
  if (left === undefined || before === undefined) return false;
  const expected = before.filter((field) => !input.paths.includes(field.path));
  return canonicalJson(left.map(comparable).sort(byText)) === canonicalJson(expected.map(comparable).sort(byText));
}

function comparable(field: { readonly path: string; readonly actual: Json | undefined }): Json {
  return [field.path, field.actual ?? null];
}

function byText(a: Json, b: Json): number {
  return canonicalJson(a) < canonicalJson(b) ? -1 : 1;
}

function editOf(desired: Json, segments: readonly string[]): FieldEdit {
  let value: Json | undefined = desired;
  let depth = 0;
  for (const segment of segments) {
    value = childOf(value, segment);
    if (value === undefined) break;
    depth += 1;
  }
  if (value !== undefined) return { segments, value, prune: 0 };
  return { segments, prune: segments.length - 1 - depth };
}

function childOf(value: Json | undefined, segment: string): Json | undefined {
  if (Array.isArray(value)) return (value as readonly Json[])[Number(segment)];
  return isJsonObject(value) && Object.hasOwn(value, segment) ? value[segment] : undefined;
}

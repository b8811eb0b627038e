import type { Json, JsonObject } from '../../domain/json.js';
import type { Entry } from '../../ledger/ledger.js';
import { textOf } from '../parts.js';
import { plain } from './escape.js';
import { shortHash } from './plan.js';
import { paintWord, type Style } from './style.js';

/** `2030-01-31 12:00:05  approved  alice  plan 3f9ac2d1…`: one entry of the record for a person. */
export function entryCells(entry: Entry, style: Style): readonly string[] {
  return [formatTime(entry.at), paintWord(entry.kind, style), plain(entry.by ?? '-'), entryText(entry.data)];
}

export function formatTime(iso: string): string {
  return plain(iso.slice(0, 19).replace('T', ' '));
}

/** The sentence that the writer of the entry left, or else its small members. */
export function entryText(data: JsonObject): string {
  const sentence = textOf(data, 'message') ?? textOf(data, 'summary') ?? textOf(data, 'reason') ?? textOf(data, 'title');
  const members = Object.entries(data).flatMap(([name, value]) => {
    if (value === undefined || value === sentence) return [];
    const text = memberText(name, value);
    return text === undefined ? [] : [text];
  });
  const rest = members.slice(0, 6).join(', ');
  if (sentence === undefined) return rest === '' ? '-' : rest;
  const cut = plain(sentence);
  return rest === '' ? cut : `${cut} (${rest})`;
}

/** Lists and objects are left to `-o json`; digests are cut. */
function memberText(name: string, value: Json): string | undefined {
  switch (typeof value) {
    case 'string':
      return `${plain(name)} ${/^[0-9a-f]{64}$/.test(value) ? shortHash(value) : plain(value.slice(0, 80))}`;
    case 'number':
    case 'boolean':
      return `${plain(name)} ${String(value)}`;
    default:
      return Array.isArray(value) ? `${value.length} ${plain(name)}` : undefined;
  }
}

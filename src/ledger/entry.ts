import { sha256 } from '../digest.js';
import type { Entry, NewEntry } from './ledger.js';

/** What the first entry follows. */
export const GENESIS = '0'.repeat(64);

export type Linked = NewEntry & { readonly seq: number; readonly previous: string };

/**
 * The canonical JSON (RFC 8785) of an entry without its hash. `dataText` is the canonical JSON of
 * `data` as stored: putting it in as it is saves parsing and sorting it for every entry verified.
 * Members are named here in their sorted order.
 */
function entryText(entry: Omit<Linked, 'data'>, dataText: string): string {
  let text = `{"at":${JSON.stringify(entry.at)}`;
  if (entry.by !== undefined) text += `,"by":${JSON.stringify(entry.by)}`;
  text += `,"data":${dataText}`;
  if (entry.environment !== undefined) text += `,"environment":${JSON.stringify(entry.environment)}`;
  if (entry.incident !== undefined) text += `,"incident":${entry.incident}`;
  text += `,"kind":${JSON.stringify(entry.kind)},"previous":${JSON.stringify(entry.previous)},"seq":${entry.seq}`;
  if (entry.target !== undefined) text += `,"target":${JSON.stringify(entry.target)}`;
  return `${text}}`;
}

/** SHA-256, lower-case hex, over the canonical JSON of every member but the hash. */
export function entryHash(entry: Omit<Linked, 'data'>, dataText: string): string {
  return sha256(entryText(entry, dataText));
}

/** An entry as a store holds it: `data` still the text that was hashed, absent members `undefined`. */
export type StoredEntry = Omit<Entry, 'data'> & { readonly dataText: string };

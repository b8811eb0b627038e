import { canonicalJson } from '../digest.js';
import type { Json } from '../domain/json.js';

/**
 * The canonical JSON text under which a value is stored and hashed. What canonical JSON refuses
 * (lone surrogates, infinities) comes from outside, from a signal or a drifted file, and must not
 * keep an event out of the record: it is replaced by U+FFFD and null.
 */
export function storableText(value: Json): string {
  try {
    return canonicalJson(value);
  } catch {
    return canonicalJson(wellFormed(JSON.parse(JSON.stringify(value)) as Json));
  }
}

function wellFormed(value: Json): Json {
  if (typeof value === 'string') return wellFormedText(value);
  if (Array.isArray(value)) return value.map((item: Json) => wellFormed(item));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [wellFormedText(key), wellFormed(member as Json)]));
}

/** The text with U+FFFD for each lone surrogate, as any UTF-8 encoder writes it. */
export function wellFormedText(text: string): string {
  return Buffer.from(text).toString();
}

import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Json } from './domain/json.js';

/** SHA-256, lower-case hex. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** The canonical JSON text (RFC 8785) of a value: keys sorted, `undefined` members left out. */
export function canonicalJson(value: Json): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('a value without a JSON form cannot be hashed');
  return text;
}

/** SHA-256 over canonical JSON; equal values have equal digests whatever their key order. */
export function hashJson(value: Json): string {
  return sha256(canonicalJson(value));
}

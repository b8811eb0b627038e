/** Anything that JSON can carry. What crosses a workflow, the ledger or a page is of this type. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

export type JsonObject = { readonly [key: string]: Json | undefined };

/**
 * SHA-256, lower-case hex, over the canonical JSON (RFC 8785) of a value. `domain` may not reach
 * `node:crypto`, so whoever needs a fingerprint or a plan hash hands this in (see `src/digest.ts`).
 */
export type HashJson = (value: Json) => string;

export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import { isJsonObject, type JsonObject } from '../domain/json.js';
import { keyStanding } from '../domain/approving/key-standing.js';
import type { People } from '../domain/approving/people.js';
import { isSignatureOf, parseSignature } from './ssh-signature.js';
import { NAMESPACE } from './statement.js';

/** Whether a signature proves who says something. */
export type Proof = { readonly ok: true; readonly key: string } | Unproved;

interface Unproved {
  readonly ok: false;
  readonly problem: string;
  /** True when the signature may be as good as it likes: its key may not speak for whoever is named, then or at all. */
  readonly isKey: boolean;
}

export interface Proving {
  /** Armoured. */
  readonly signature: string;
  /** What it must have signed, byte for byte. */
  readonly statement: string;
  /** Who is said to speak. */
  readonly by: string;
  /** ISO, UTC: when it was said. */
  readonly at: string;
  readonly people: People;
}

/** Proves a statement by the signature over it, with a key that its speaker has in the configuration. Never throws. */
export function prove({ signature, statement, by, at, people }: Proving): Proof {
  const parsed = parseSignature(signature);
  if (!parsed.ok) return no(`the signature cannot be read: ${parsed.problem}`);
  const { key, namespace } = parsed.value;
  if (namespace !== NAMESPACE) return no(`the signature was made for something else: sign with ssh-keygen -Y sign -n ${NAMESPACE}`);
  const { fingerprint } = key;
  const known = keyStanding(people, { fingerprint, by, at });
  switch (known.standing) {
    case 'unknown':
      return notBy(`key ${fingerprint} is not registered: principals.${by}.keys of the configuration must have it`);
    case 'anothers':
      return notBy(`key ${fingerprint} is registered for ${known.by}, and ${by} cannot sign with it`);
    case 'early':
      return notBy(`key ${fingerprint} of ${by} signs from ${known.at} on`);
    case 'late':
      return notBy(`key ${fingerprint} of ${by} signs nothing since ${known.at}`);
    case 'good':
      return isSignatureOf(statement, parsed.value) ? { ok: true, key: fingerprint } : no(`the signature of ${by} is not over this decision: another plan, incident, question, name, reason or date was signed`);
  }
}

/** What a statement that was proved says; `undefined` when it is no JSON object. */
export function saidIn(statement: string): JsonObject | undefined {
  try {
    const said: unknown = JSON.parse(statement);
    return isJsonObject(said) ? (said as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}

function no(problem: string): Unproved {
  return { ok: false, problem, isKey: false };
}

function notBy(problem: string): Unproved {
  return { ok: false, problem, isKey: true };
}

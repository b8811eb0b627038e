import { formatAddress, type TargetAddress } from './address.js';
import type { HashJson, Json } from './json.js';

export type ChangeKind = 'changed' | 'missing' | 'unmanaged';

/** One difference between desired and actual, as a provider reports it, before it has a fingerprint. */
export interface Difference {
  /** The addressable thing, in the engine's own words: `etc/app.yaml`, `role:reporting`. */
  readonly resource: string;
  /** The resource's type in the engine's words, where its name does not say it: `typeOf` reads it from the name otherwise. */
  readonly type?: string;
  readonly kind: ChangeKind;
  /**
   * Where in the resource: a JSON Pointer (RFC 6901) into its fields, `@name` for an attribute of
   * the resource itself (`@mode`, `@owner`, `@content`), or `''` for the resource as a whole.
   */
  readonly path: string;
  /** Normalised values; absent when there is none on that side, and always absent when `sensitive`. */
  readonly desired?: Json;
  readonly actual?: Json;
  readonly sensitive: boolean;
  /**
   * Digest of everything desired of this resource. Quarantine and settled rows hold for a
   * fingerprint at this revision, so that an edit of another resource lifts neither.
   */
  readonly revision: string;
  /** What repairing this change does: `delete` and `replace` are never automatic. */
  readonly effect: 'create' | 'update' | 'replace' | 'delete';
  /** Who made it, when the engine knows. */
  readonly by?: string;
  /**
   * That the resource itself, by an annotation or a tag, asks to be left alone. Heard only where the
   * environment allows it; no part of the fingerprint.
   */
  readonly exception?: { readonly until: string; readonly by: string; readonly reason: string; readonly ticket?: string };
  /** For a person: a unified diff or another picture of the difference, redacted, at most 16 KiB. */
  readonly text?: string;
}

export interface Change extends Difference {
  /** `v1:` and SHA-256 over target, resource, kind, path, desired and actual. */
  readonly fingerprint: string;
}

export type Verdict = 'clean' | 'drifted' | 'unknown';

/** What one look found. `unknown` is never `clean` and never `drifted`: its changes are empty and its reason is not. */
export interface Observation {
  readonly verdict: Verdict;
  readonly reason?: string;
  /** Digest of all that this target reads of its source. */
  readonly revision: string;
  /** Provenance of the revision: the commit it was read at, when the source is Git. */
  readonly commit?: string;
  /** Who answered, compared with the target's `expect`. */
  readonly identity: Readonly<Record<string, string>>;
  /** Sorted by resource, then path. */
  readonly changes: readonly Change[];
  /** How many resources were compared. */
  readonly resources: number;
  /** What was left out of the comparison, and why (ignore rules, what cannot be compared). */
  readonly skipped: readonly { readonly resource: string; readonly path: string; readonly reason: string }[];
}

/** Sensitive values are left out of the fingerprint as they are left out of the change. */
export function fingerprintOf(address: TargetAddress, difference: Difference, hash: HashJson): string {
  const { resource, kind, path, desired, actual, sensitive } = difference;
  const values = sensitive ? {} : { desired, actual };
  return `v1:${hash({ target: formatAddress(address), resource, kind, path, ...values })}`;
}

/** A drift's fingerprint: the hash of its changes' fingerprints, whatever their order. */
export function driftFingerprint(changes: readonly Pick<Change, 'fingerprint'>[], hash: HashJson): string {
  return `v1:${hash(changes.map((change) => change.fingerprint).sort())}`;
}

/** A field of a resource, whatever it changed to. */
export function fieldKey(change: Pick<Difference, 'resource' | 'path'>): string {
  return `${change.resource} ${change.path}`;
}

import type { TargetAddress } from '../domain/address.js';
import type { Observation } from '../domain/change.js';
import type { Outcome } from '../domain/phase.js';

export interface ObservedInput {
  readonly address: TargetAddress;
  readonly at: string;
  readonly observation: Observation;
  readonly driftFingerprint?: string;
}

export interface ObservedResult {
  /** Digest of the stored observation. */
  readonly digest: string;
  readonly previous?: TargetRow;
  /** True when the digest differs from the previous look. */
  readonly changed: boolean;
  /** What is remembered of this observation's changes, this sighting included. */
  readonly sightings: readonly Sighting[];
}

export interface TargetRow extends TargetAddress {
  readonly verdict: Observation['verdict'];
  readonly reason?: string;
  readonly digest: string;
  readonly revision: string;
  readonly commit?: string;
  readonly changes: number;
  /** Since when the verdict has been what it is. */
  readonly since: string;
  readonly at: string;
  /** Last time that the verdict was not `unknown`. */
  readonly lastKnownAt?: string;
  /** The first time that it was not; absent for what an older version looked at first. A sighting that began then stood there from the start. */
  readonly firstKnownAt?: string;
  readonly driftFingerprint?: string;
}

export interface Sighting {
  readonly fingerprint: string;
  readonly resource: string;
  readonly path: string;
  readonly firstSeen: string;
  readonly lastSeen: string;
  readonly count: number;
  /** How many incidents have contained it, with their ends. */
  readonly incidents: readonly { readonly number: number; readonly outcome?: Outcome; readonly closedAt?: string }[];
}

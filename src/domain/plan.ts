import type { TargetAddress } from './address.js';
import type { Change } from './change.js';
import type { HealthCheck } from './health.js';
import type { HashJson, Json, JsonObject } from './json.js';

export type StagingKind = 'shadow' | 'transaction' | 'saved-plan' | 'canary' | 'dry-run';
export type RollbackKind = 'exact' | 'previous-revision' | 'forward-only';
export type Fencing = 'conditional' | 'none';

export interface BlastRadius {
  readonly create: number;
  readonly update: number;
  readonly replace: number;
  readonly delete: number;
}

/** One thing the repair does, as data: executing it decides nothing. `detail` is the provider's own, without secrets. */
export interface PlanStep {
  readonly action: 'create' | 'update' | 'replace' | 'delete' | 'switch' | 'reload';
  readonly resource: string;
  /** One line for a person. */
  readonly summary: string;
  readonly detail?: JsonObject;
}

/** What a provider proposes: the repair of exactly the changes it was given. */
export interface Proposal {
  readonly steps: readonly PlanStep[];
  readonly blastRadius: BlastRadius;
  readonly staging: StagingKind;
  readonly rollback: RollbackKind;
  readonly fencing: Fencing;
  /** Keyed digests of sensitive inputs, so that the hash covers what must not be shown. */
  readonly sealed?: string;
}

/** An immutable, content-addressed repair. `hash` covers every other member. */
export interface Plan extends Proposal, TargetAddress {
  readonly hash: string;
  readonly provider: string;
  readonly spec: Json;
  /** The fingerprints and resource revisions of what is repaired, in order; nothing else of the drift. */
  readonly changes: readonly Change[];
}

/** Binds a proposal to its target and changes. An unrelated commit or change leaves the hash as it is. */
export function makePlan(
  input: Proposal & TargetAddress & { readonly provider: string; readonly spec: Json; readonly changes: readonly Change[] },
  hash: HashJson,
): Plan {
  const { environment, target, provider, spec, changes, steps, blastRadius, staging, rollback, fencing, sealed } = input;
  const body = { environment, target, provider, spec, steps, blastRadius, staging, rollback, fencing, ...(sealed === undefined ? {} : { sealed }) };
  const bound = changes.map((change) => ({ fingerprint: change.fingerprint, revision: change.revision }));
  return { ...body, changes, hash: hash({ ...body, changes: bound } as unknown as Json) };
}

/** A reference to something that staging or a snapshot stored. */
export interface ArtifactRef {
  readonly name: string;
  /** SHA-256 of the plain content. */
  readonly digest: string;
  readonly bytes: number;
}

/**
 * What `stage` made: small, plain and free of secrets, since history keeps it. The bulk and
 * anything secret is in artifacts.
 */
export interface Staged {
  readonly artifacts: readonly ArtifactRef[];
  readonly data: JsonObject;
  /** The health checks of a shadow instance, ready to probe; absent without one. */
  readonly shadow?: { readonly health: readonly HealthCheck[] };
}


import type { IncidentId, TargetAddress } from '../domain/address.js';
import type { JsonObject } from '../domain/json.js';
import type { Outcome, Phase } from '../domain/phase.js';

export type IncidentKind = 'drift' | 'blind' | 'undo';

export interface IncidentRow extends IncidentId {
  readonly kind: IncidentKind;
  /** The drift last told to the incident, so that the same sighting again costs nothing. */
  readonly drift: string;
  readonly runId?: string;
  readonly phase: Phase;
  readonly outcome?: Outcome;
  readonly risk?: string;
  readonly openedAt: string;
  readonly closedAt?: string;
  readonly undoes?: number;
  /** Parts as they stand, for lists and pages: phase, plan hash, ask, approval, outcome, what it waits for. */
  readonly parts: readonly JsonObject[];
  readonly narrative?: string;
}

export interface IncidentUpdate {
  readonly drift?: string;
  readonly runId?: string;
  readonly phase?: Phase;
  readonly risk?: string;
  readonly parts?: readonly JsonObject[];
  /**
   * One part, said anew: what the row has of it already stays, and the row's phase becomes the one
   * of its parts that most needs a person. Atomic, since parts go on side by side.
   */
  readonly part?: JsonObject & { readonly part: number; readonly phase: Phase };
}

export interface IncidentEnd {
  readonly at: string;
  readonly outcome: Outcome;
  readonly parts: readonly JsonObject[];
  readonly narrative: string;
  readonly settled: readonly Settled[];
}

/** A change whose incident has ended: not asked about again until it or its desired state changes, or the time passes. */
export interface Settled extends TargetAddress {
  readonly fingerprint: string;
  readonly revision: string;
  readonly resource: string;
  readonly path: string;
  readonly outcome: Outcome;
  readonly incident: number;
  readonly at: string;
  /** Absent: until something changes. */
  readonly until?: string;
  readonly by?: string;
  readonly reason?: string;
  /** Of an acceptance. */
  readonly ticket?: string;
}

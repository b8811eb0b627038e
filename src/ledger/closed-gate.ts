import type { GateName } from '../domain/gate.js';

export interface ClosedGate {
  readonly scope: string;
  readonly gate: GateName;
  readonly by: string;
  readonly reason: string;
  readonly at: string;
  readonly until?: string;
  /** For `quarantine` and `flapping`: the change it holds for. */
  readonly fingerprint?: string;
  readonly revision?: string;
  readonly resource?: string;
  readonly path?: string;
  readonly incident?: number;
  /** For a `breaker` that failed repairs closed: from then on (ISO, UTC) one repair is let through. */
  readonly halfOpenAt?: string;
  /** Not a closed gate, but a place that it has given: `prod/storefront#7/1`, which counts for `budget` and was let through by `breaker`. */
  readonly holder?: string;
}

/** One of a limited number of places: who is let through, or counts. */
export interface Place {
  readonly scope: string;
  readonly gate: GateName;
  /** The part that has it: `prod/storefront#7/1`. */
  readonly holder: string;
  readonly max: number;
  readonly at: string;
  readonly until?: string;
}

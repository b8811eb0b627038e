import type { GateName } from '../domain/gates/gate.js';
import type { GateRow } from '../domain/gates/facts.js';

/** A gate as the ledger keeps it: what gates are asked with, and the incident in which it was closed. */
export interface ClosedGate extends GateRow {
  /** ISO, UTC. */
  readonly at: string;
  readonly incident?: number;
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

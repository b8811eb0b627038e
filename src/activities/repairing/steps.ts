import type { IncidentId } from '../../domain/address.js';
import type { GateAnswer } from '../../domain/gates/gate.js';
import type { Staged } from '../../domain/plan.js';

/** Names what a step may do: one part's plan, and the answered ask that allows it. */
export interface PartRef {
  readonly incident: IncidentId;
  readonly part: number;
  readonly plan: string;
  readonly ask: string;
  /** The run that consumed the ask. */
  readonly run: string;
  /** Grows when a part is staged again, so that each staging has its own step keys. */
  readonly round: number;
}

export type StageResult =
  | { readonly result: 'staged'; readonly staged: Staged }
  | { readonly result: 'gate-closed'; readonly gate: GateAnswer }
  | { readonly result: 'moved' | 'cleared'; readonly reason: string };

export type FinalizeResult =
  | { readonly result: 'finalized' }
  /** `keepUntil` (ISO, UTC): what was staged is kept until then for the gate; absent: it is unstaged. */
  | { readonly result: 'gate-closed'; readonly gate: GateAnswer; readonly keepUntil?: string }
  | { readonly result: 'moved'; readonly reason: string };

export interface VerifyResult {
  readonly result: 'healthy' | 'unhealthy' | 'moved';
  /** What was measured and seen, in a line. */
  readonly message: string;
  /** The end is on record: nothing can be stopped any more. */
  readonly ended?: true;
}

/** The fixed part whose repair a person has undone. */
export interface Undone {
  readonly number: number;
  readonly part: number;
  readonly plan: string;
  readonly by: string;
  readonly reason: string;
}

export interface RollbackInput {
  readonly incident: IncidentId;
  readonly part: number;
  readonly plan: string;
  readonly round: number;
  /** Unstaging for a gate or a moved drift quarantines nothing. */
  readonly cause: 'unhealthy' | 'failed' | 'cancelled' | 'asked' | 'gate-closed' | 'moved';
  readonly reason: string;
  /** Undoing a closed incident: its number and part hold the snapshot. */
  readonly undoes?: { readonly number: number };
}

export interface RollbackResult {
  readonly result: 'restored' | 'not-restored';
  readonly message: string;
}

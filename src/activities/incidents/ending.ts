import type { IncidentId } from '../../domain/address.js';
import type { Decision } from '../../domain/deciding/decision.js';
import type { Outcome } from '../../domain/phase.js';
import type { RollbackInput } from '../repairing/steps.js';

export interface CloseInput {
  readonly incident: IncidentId;
  readonly run: string;
  readonly outcome: Outcome;
  readonly parts: readonly EndedPart[];
  readonly malformed: number;
}

export interface EndedPart {
  readonly part: number;
  readonly outcome: Outcome;
  readonly decision: Decision;
  readonly plan?: string;
  readonly ask?: string;
  /** Why it was rolled back, when it was. */
  readonly cause?: RollbackInput['cause'];
  /** Why it ended so, in a line. */
  readonly reason: string;
  readonly by?: string;
  readonly until?: string;
  /** Why it was accepted, in the words of who did, and where that is followed up. */
  readonly given?: string;
  readonly ticket?: string;
}

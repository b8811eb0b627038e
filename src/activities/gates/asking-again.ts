import type { GateAnswer } from '../../domain/gates/gate.js';
import type { PartRef } from '../repairing/steps.js';

export interface AskingAgain extends PartRef {
  /** It is staged already, and asks for the switch. */
  readonly kept?: true;
  /** When its question ends as things stand (ISO, UTC). */
  readonly expiresAt?: string;
  /** What was left of its question when a gate closed. */
  readonly leftMs?: number;
}

export interface GatesResult {
  readonly gate: GateAnswer;
  /** The new end of the question, whose time went on when its gates opened. */
  readonly expiresAt?: string;
  /** What is left of the question while a gate is closed; absent: all of it. */
  readonly leftMs?: number;
  /** Of a kept stage whose gate is still closed: until when it is kept. */
  readonly keepUntil?: string;
}

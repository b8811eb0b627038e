import type { IncidentId } from '../../domain/address.js';
import type { Verdict } from '../../domain/change.js';
import type { Decision, Risk } from '../../domain/deciding/decision.js';
import type { GateAnswer } from '../../domain/gates/gate.js';
import type { Phase } from '../../domain/phase.js';
import type { RollbackKind, StagingKind } from '../../domain/plan.js';
import type { IncidentKind } from '../../ledger/ledger.js';

export interface AssessInput {
  readonly incident: IncidentId;
  readonly kind: IncidentKind;
  readonly run: string;
  /** Plans of parts that ended and stay ended, though the incident goes on. */
  readonly settled: readonly string[];
  /** Counts the assessments of this incident; names its asks. */
  readonly ordinal: number;
  readonly nextPart: number;
  readonly parts: readonly { readonly part: number; readonly phase: Phase; readonly decision: Decision; readonly plan?: string; readonly ask?: string }[];
}

export interface Assessment {
  readonly verdict: Verdict;
  readonly reason?: string;
  readonly concurrent: number;
  /** The running code's version: an incident continues as new at a rest point once it changed. */
  readonly build: string;
  readonly gone: readonly { readonly part: number; readonly event: 'cleared' | 'moved' | 'adopted'; readonly reason: string }[];
  readonly parts: readonly AssessedPart[];
  /** Questions that stand, and of which other people are asked than was said. */
  readonly told?: readonly { readonly part: number; readonly requires?: string; readonly approvals?: string }[];
  /** The configuration is another one than at the last look: what waits asks its gates again. */
  readonly isElse?: true;
  /** Markdown for the current details: what drifted. */
  readonly details: string;
}

export interface AssessedPart {
  readonly part: number;
  readonly decision: Decision;
  readonly risk: Risk;
  readonly reason: string;
  readonly rules: readonly string[];
  readonly changes: number;
  readonly plan?: string;
  readonly impossible?: string;
  readonly ask?: string;
  readonly expiresMs: number;
  /** ISO, UTC; absent while a gate is closed. */
  readonly expiresAt?: string;
  readonly remindMs: readonly number[];
  /** Who may approve too once it has waited so long, ascending; absent where nothing is escalated. */
  readonly escalate?: readonly { readonly afterMs: number; readonly to: string }[];
  readonly gate: GateAnswer;
  readonly causedBy: readonly string[];
  /** Who must approve, why, and who may, in a line; absent where anybody may. */
  readonly requires?: string;
  /** Who has approved and who is still needed; absent where one person is enough. */
  readonly approvals?: string;
  /** What is different from an earlier question in whose place it is asked. */
  readonly since?: string;
  readonly soakMs: number;
  readonly staging?: StagingKind;
  readonly rollback?: RollbackKind;
  /** The engine can write these changes into the desired state. */
  readonly adoptable?: true;
  /** Markdown: the plan step by step. */
  readonly details: string;
  /** Markdown: how to sign an approval; absent where none must be signed. */
  readonly signing?: string;
}

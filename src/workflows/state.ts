import type { IncidentId } from '../domain/address.js';
import type { GateAnswer } from '../domain/gates/gate.js';
import type { DecisionKind } from '../domain/message.js';
import type { Outcome, Phase } from '../domain/phase.js';
import type { Staged } from '../domain/plan.js';
import type { AssessedPart, InboxMessage, IncidentKind, Judged, RollbackInput, Undone } from '../activities/types.js';

export interface IncidentInput {
  readonly incident: IncidentId;
  readonly kind: IncidentKind;
  readonly pool: string;
  /** For `undo`: what is put back. */
  readonly undoes?: Undone;
  /** Present after continue-as-new: plain JSON, everything that makes messages idempotent included. */
  readonly carried?: CarriedState;
}

export interface CarriedState {
  readonly parts: readonly PartState[];
  readonly ended: readonly PartState[];
  readonly assessments: number;
  readonly nextPart: number;
  readonly build: string;
  readonly details: string;
  readonly stale: boolean;
  readonly sighted: boolean;
  readonly malformed: number;
  readonly concurrent: number;
  readonly moves: number;
  readonly gatesSignals?: number;
  readonly isElse?: true;
}

/** One part as the workflow holds it. */
export interface PartState extends Omit<AssessedPart, 'approvals' | 'requires'> {
  /** Who must approve, and who has: it changes with each vote and each escalation. */
  requires?: string;
  approvals?: string;
  /** How many steps of `escalate` were taken. */
  escalated?: number;
  phase: Phase;
  /** Each staging has step keys of its own. */
  round: number;
  gateNow: GateAnswer;
  /** How many `gates` signals had come when that was asked: one that came while it was asked is not missed. */
  gatesSeen?: number;
  askExpiresAt?: string;
  /** What was left of the question when a gate closed. */
  askLeftMs?: number;
  /** The run that consumed the ask. */
  decidedRun?: string;
  /** `brokenBy`: who broke the glass after it was approved, or allowed by the rules; absent: whoever approved it did. */
  decided?: { readonly decision: DecisionKind; readonly by: string; readonly at: string; readonly reason?: string; readonly until?: string; readonly ticket?: string; readonly breakGlass?: { readonly startBy: string }; readonly brokenBy?: string };
  /** A person asked for it to become the desired state; `where` once that is made and waits to be taken in. */
  adopting?: { readonly id: string; readonly by: string; readonly at: string; readonly run: string; readonly where?: string };
  /** Counts the attempts to adopt, each of which has step keys of its own. */
  adoptions?: number;
  /** A person or a cancellation stops it, at the next point where it can. */
  stop?: { readonly cause: 'asked' | 'cancelled'; readonly by: string; readonly reason: string };
  /** An assessment found its changes gone or different. */
  superseded?: { readonly event: 'cleared' | 'moved' | 'adopted'; readonly reason: string };
  staged?: Staged;
  /** ISO, UTC: until when what was staged is kept for a closed gate. */
  keepUntil?: string;
  /** Why it is being rolled back, and what follows. */
  rollingBack?: Pick<RollbackInput, 'cause' | 'reason'>;
  reminders: number;
  outcome?: Outcome;
  /** Why it stands where it stands, in a line. */
  note: string;
}

/** What the incident's story shares with its parts. */
export interface IncidentRun {
  readonly input: IncidentInput;
  readonly runId: string;
  readonly inbox: { readonly item: InboxMessage; answer?: Judged }[];
  parts: PartState[];
  ended: PartState[];
  sighted: boolean;
  /** A check found another configuration: once it was decided under that, what waits asks its gates again. */
  isElse?: true;
  cancelled: boolean;
  /** Why it can never be decided, such as a target that is configured no more. */
  abandoned?: string;
  /** How often what drifted moved between decision and write. */
  moves: number;
  continuing: boolean;
  judging: boolean;
  /** A look is under way that may find more parts. */
  assessing: boolean;
  /** The last proof of the last part is under way and records the end: what comes meanwhile is heard after it. */
  ending: boolean;
  slot: 'none' | 'requested' | 'granted';
  /** Counts what was said to the environment about it. */
  slotMessages: number;
  writer?: number;
  /** Counts `gates` signals, so that a waiting part sees that one came. */
  gatesSignals: number;
  assessments: number;
  nextPart: number;
  concurrent: number;
  build: string;
  stale: boolean;
  /** Messages that made no sense and are not on record yet. */
  malformed: number;
  messages: number;
  /** The last step of a repair recorded the end already. */
  recorded: boolean;
  /** Set at the end. */
  outcome?: Outcome;
  lastProblem?: string;
  details: string;
}

import type { IncidentId } from '../domain/address.js';
import type { Verdict } from '../domain/change.js';
import type { Decision, Risk } from '../domain/deciding/decision.js';
import type { GateAnswer } from '../domain/gates/gate.js';
import type { HealthReport } from '../domain/health.js';
import type { Judgement, Question } from '../domain/approving/judge.js';
import type { CommandMessage, DecisionMessage } from '../domain/message.js';
import type { Outcome, Phase } from '../domain/phase.js';
import type { RollbackKind, Staged, StagingKind } from '../domain/plan.js';
import type { IncidentKind } from '../ledger/ledger.js';
import type { CommandAnswer } from '../workflows/messages.js';

/**
 * What crosses between workflows and activities: counts, digests and verdicts, never resources,
 * since history keeps it. Three sets, by who runs them: `control` on the workflow queue, `read`
 * and `write` on a pool's queues.
 */
export interface ControlActivities {
  listTargets(input: ListTargetsInput): Promise<TargetBatches>;
  /** A batch that nobody read in time: its targets become `unknown`, so that silence is never taken for clean. */
  recordUnread(input: { readonly environment: string; readonly targets: readonly string[]; readonly reason: string }): Promise<BatchResult>;
  judge(input: JudgeBatch): Promise<readonly Judged[]>;
  askGates(input: AskingAgain): Promise<GatesResult>;
  remind(input: { readonly incident: IncidentId; readonly part: number; readonly plan: string; readonly ordinal: number; readonly ask?: string }): Promise<void>;
  /** Nobody has answered in time: the next may approve too, and are told. */
  escalate(input: EscalateInput): Promise<Escalated>;
  close(input: CloseInput): Promise<void>;
  command(input: CommandInput): Promise<CommandDone>;
  /** Starts the guard of an environment where it is gone. */
  startGuard(input: { readonly environment: string }): Promise<void>;
  /** Tells open incidents to ask their gates again, and again for what a guard that begins anew has forgotten. `scope`: only those in it. */
  wakeIncidents(input: { readonly environment: string; readonly scope?: string }): Promise<void>;
}

export interface ReadActivities {
  observe(input: { readonly environment: string; readonly targets: readonly string[]; readonly commits: Readonly<Record<string, string>> }): Promise<BatchResult>;
  assess(input: AssessInput): Promise<Assessment>;
  validate(input: PartRef & { readonly staged: Staged }): Promise<HealthReport>;
  /** Health and another look. `end` is given after the soak of the only open part: proved, the incident is recorded as ended in the same step. */
  verify(input: PartRef & { readonly final: boolean; readonly end?: CloseInput }): Promise<VerifyResult>;
}

export interface WriteActivities {
  stage(input: PartRef): Promise<StageResult>;
  finalize(input: PartRef): Promise<FinalizeResult>;
  rollback(input: RollbackInput): Promise<RollbackResult>;
  /** Writes what drifted into the source of the desired state: a branch, a patch, or the folder itself. Nothing live changes. */
  adopt(input: AdoptInput): Promise<AdoptResult>;
}

export interface ListTargetsInput {
  readonly environment: string;
  readonly target?: string;
  /** Only these. */
  readonly targets?: readonly string[];
}

export interface TargetBatches {
  readonly batches: readonly { readonly pool: string; readonly targets: readonly string[]; readonly timeoutMs: number }[];
  /** Git commits that this check sees, by `url#ref`. */
  readonly commits: Readonly<Record<string, string>>;
}

export interface BatchResult {
  readonly clean: number;
  readonly drifted: number;
  readonly unknown: number;
  /** Looked at while the record was away: counted above, recorded and opened nowhere. */
  readonly unrecorded?: number;
  readonly unknownTargets?: readonly string[];
  readonly opened?: readonly string[];
}

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

export interface AskingAgain extends PartRef {
  /** It is staged already, and asks for the switch. */
  readonly kept?: true;
  /** When its question ends as things stand (ISO, UTC). */
  readonly expiresAt?: string;
  /** What was left of its question when a gate closed. */
  readonly leftMs?: number;
}

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

export interface EscalateInput {
  readonly incident: IncidentId;
  readonly part: number;
  readonly plan: string;
  readonly ask: string;
  /** From 1. */
  readonly step: number;
  readonly to: string;
}

/** Who must approve now, and who has. */
export interface Escalated {
  readonly requires?: string;
  readonly approvals?: string;
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

export interface JudgeBatch {
  readonly incident: IncidentId;
  readonly run: string;
  readonly messages: readonly InboxMessage[];
  readonly questions: readonly Question[];
  /** Messages that made no sense since the last batch; counted in the record. */
  readonly malformed: number;
  readonly lastProblem?: string;
}

export interface InboxMessage {
  readonly message: DecisionMessage;
  /** The n-th signal of that name in this run (from 1), or the update's id: how its event time is found. */
  readonly via: { readonly signal: string; readonly ordinal: number } | { readonly update: string };
}

export interface Judged extends Judgement {
  readonly by: string;
  readonly at: string;
  /** Of an adoption: names it on record. */
  readonly adoption?: string;
  /** A replayed approval consumed nothing: the part must be asked again. */
  readonly replayed?: boolean;
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

export interface AdoptInput {
  readonly incident: IncidentId;
  readonly part: number;
  readonly plan?: string;
  readonly phase: Phase;
  /** Names the decision on record, and the run that judged it. */
  readonly id: string;
  readonly run: string;
  /** Counts the attempts of this part. */
  readonly round: number;
}

export type AdoptResult =
  /** `where`: the branch, `patch` or `folder`. `message` says what it waits for. */
  | { readonly result: 'made'; readonly where: string; readonly message: string; readonly lookNow?: true }
  | { readonly result: 'moved' | 'cleared'; readonly reason: string }
  /** It cannot be, and why; the part stays as it was. */
  | { readonly result: 'refused'; readonly reason: string };

export interface RollbackResult {
  readonly result: 'restored' | 'not-restored';
  readonly message: string;
}

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

/** `wake`: the scope whose open incidents are so many that they are told beside, after the answer. */
export interface CommandDone extends CommandAnswer {
  readonly wake?: string;
}

export interface CommandInput {
  readonly environment: string;
  readonly message: CommandMessage;
  readonly run: string;
}

export type { IncidentKind };

import type { IncidentId } from '../domain/address.js';
import type { HealthReport } from '../domain/health.js';
import type { Staged } from '../domain/plan.js';
import type { AdoptInput, AdoptResult } from './adopting/adopt-step.js';
import type { EscalateInput, Escalated, JudgeBatch, Judged } from './approving/judged.js';
import type { CommandDone, CommandInput } from './commanding/commanded.js';
import type { AssessInput, Assessment } from './deciding/assessment.js';
import type { AskingAgain, GatesResult } from './gates/asking-again.js';
import type { CloseInput } from './incidents/ending.js';
import type { BatchResult, ListTargetsInput, TargetBatches } from './looking/batch.js';
import type { FinalizeResult, PartRef, RollbackInput, RollbackResult, StageResult, VerifyResult } from './repairing/steps.js';

// What steps are given and answer is described in their rooms; workflows have it from here.
export type { IncidentKind } from '../ledger/ledger.js';
export type { AdoptInput, AdoptResult } from './adopting/adopt-step.js';
export type { EscalateInput, Escalated, InboxMessage, JudgeBatch, Judged } from './approving/judged.js';
export type { CommandDone, CommandInput } from './commanding/commanded.js';
export type { AssessInput, AssessedPart, Assessment } from './deciding/assessment.js';
export type { AskingAgain, GatesResult } from './gates/asking-again.js';
export type { CloseInput, EndedPart } from './incidents/ending.js';
export type { BatchResult, ListTargetsInput, TargetBatches } from './looking/batch.js';
export type { FinalizeResult, PartRef, RollbackInput, RollbackResult, StageResult, Undone, VerifyResult } from './repairing/steps.js';

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

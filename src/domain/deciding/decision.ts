import type { Change } from '../change.js';
import type { JsonObject } from '../json.js';
import type { Outcome } from '../phase.js';
import type { BlastRadius, Fencing, RollbackKind, StagingKind } from '../plan.js';
import type { Requirement } from '../approving/quorum.js';
import type { Remediation, Target } from '../target.js';

export type Decision = 'remediate' | 'ask' | 'adopt' | 'accept' | 'hold';

export type Risk = 'low' | 'medium' | 'high' | 'critical';

/** What was decided for one change, with the rules that said so. */
export interface Decided {
  readonly decision: Decision;
  readonly risk: Risk;
  /** Names of the rules that decided, most restrictive first: `remediation`, `never-automatic-deletes`. */
  readonly rules: readonly string[];
  readonly reason: string;
  /** Who must approve, beyond what the environment asks for; all of them count. */
  readonly requires?: readonly Requirement[];
  /** What the rules looked at, redacted: for the record, `explain` and `replay`. Always: `type`, and `risk` with its parts. */
  readonly inputs?: JsonObject;
  /** What would have been decided, had the class been trusted to be repaired by itself; absent where that is what was decided. */
  readonly would?: { readonly decision: Decision; readonly rules: readonly string[]; readonly reason: string };
  /** What rules that are only tried would have decided; never acted on. */
  readonly shadow?: readonly { readonly rule: string; readonly decision: Decision; readonly reason: string }[];
}

/** What is remembered of a change. */
export interface ChangeHistory {
  /** ISO, UTC. */
  readonly firstSeen?: string;
  /** How many incidents have contained it before this one. */
  readonly recurrence: number;
  /** How the last of them ended. */
  readonly lastOutcome?: Outcome;
  /** It stood there when the target was looked at for the first time: nobody knows whether it is drift. */
  readonly firstLook: boolean;
}

/** What is planned for the part that a change belongs to. */
export interface PlanFacts {
  readonly blastRadius: BlastRadius;
  /** How many resources the part touches. */
  readonly resources: number;
  readonly staging: StagingKind;
  readonly rollback: RollbackKind;
  readonly fencing: Fencing;
}

/** What rules may know of an environment. */
export interface EnvironmentFacts {
  readonly name: string;
  readonly owner?: string;
  /** Whether people depend on it, where the configuration says so. */
  readonly production?: boolean;
  readonly remediation: Remediation;
  /** IANA name. */
  readonly timezone: string;
  /** `repair`: what stood there at the first look is drift as any other is; `ask` otherwise. */
  readonly firstSeen?: 'ask' | 'repair';
}

/** What a rule may look at. */
export interface DecisionInput {
  readonly target: Target;
  readonly environment: EnvironmentFacts;
  readonly change: Change;
  readonly history: ChangeHistory;
  /** ISO, UTC: when this is decided. */
  readonly at: string;
  /** Health before the change; `undefined` without a health check. */
  readonly baseline?: 'healthy' | 'unhealthy' | 'inconclusive' | 'error';
  /** An automatic repair of this class was rolled back in this environment, and nobody has released it since. */
  readonly steppedBack?: { readonly reason: string };
  /** Absent at first: changes are decided, grouped and planned, then decided again with their part's plan, which may only restrict. */
  readonly plan?: PlanFacts;
}

export type DecideChange = (input: DecisionInput) => Decided;

/** The changes of an incident with the same decision: one plan, one hash, one approval, one outcome. */
export interface Part {
  readonly decision: Decision;
  /** Of what is only observed: what would have been decided. */
  readonly would?: Decision;
  readonly risk: Risk;
  readonly rules: readonly string[];
  readonly reason: string;
  readonly changes: readonly Change[];
  /** What was decided for each change, in the order of `changes`. */
  readonly decided: readonly Decided[];
}

import type { ChangeClass } from '../domain/deciding/class.js';
import type { Change, ChangeKind } from '../domain/change.js';
import type { Decision, Risk } from '../domain/deciding/decision.js';
import type { Json, JsonObject } from '../domain/json.js';
import type { Fencing, RollbackKind, StagingKind } from '../domain/plan.js';
import type { Requirement } from '../domain/approving/quorum.js';
import type { Remediation } from '../domain/target.js';
import type { Condition } from './condition.js';

/** What a rule is about, in exact words or globs; each that is given must hold. */
export interface Selectors {
  readonly type?: readonly string[];
  readonly path?: readonly string[];
  readonly class?: readonly ChangeClass[];
  readonly kind?: readonly ChangeKind[];
  readonly effect?: readonly Change['effect'][];
  readonly provider?: readonly string[];
}

/** One rule of a rule file, checked and compiled. */
export interface Rule {
  readonly name: string;
  /** `policies/base.yaml:12`, `default:12`. */
  readonly at: string;
  readonly on: Selectors;
  /** Absent: every change that `on` selects. */
  readonly when?: Condition;
  /** Absent: the rule raises the risk and decides nothing. */
  readonly decision?: Decision;
  readonly risk?: Risk;
  /** Who must approve; with `ask` alone. */
  readonly requires?: Pick<Requirement, 'any' | 'all'>;
  /** For people; always there where the decision is `accept`. */
  readonly message?: string;
  /** Evaluated and recorded, never acted on. */
  readonly shadow: boolean;
  /** ISO, UTC: from then on the rule holds no more. */
  readonly until?: string;
}

/** Part of an input, in the words of conditions, with `history.age` in milliseconds; what is left out is ordinary. */
export interface GivenInput {
  readonly change?: {
    readonly resource?: string; readonly type?: string; readonly path?: string; readonly kind?: ChangeKind; readonly effect?: Change['effect'];
    readonly desired?: Json; readonly actual?: Json; readonly sensitive?: boolean; readonly by?: string;
  };
  readonly environment?: { readonly name?: string; readonly owner?: string; readonly remediation?: Remediation; readonly timezone?: string; readonly production?: boolean };
  readonly target?: { readonly name?: string; readonly provider?: string; readonly pool?: string; readonly owner?: string; readonly remediation?: Remediation; readonly health?: boolean };
  readonly intent?: JsonObject;
  readonly plan?: {
    readonly creates?: number; readonly updates?: number; readonly replaces?: number; readonly deletes?: number; readonly resources?: number;
    readonly staging?: StagingKind; readonly rollback?: RollbackKind; readonly fencing?: Fencing;
  };
  readonly history?: { readonly recurrence?: number; readonly lastOutcome?: string; readonly age?: number; readonly firstLook?: boolean };
  readonly time?: { readonly now?: string };
}

export interface RuleTest {
  readonly name: string;
  /** `policies/base.yaml:40`. */
  readonly at: string;
  readonly given: GivenInput;
  readonly expect: { readonly decision?: Decision; readonly risk?: Risk; readonly rules?: readonly string[] };
}

export interface RuleFile {
  /** As it is written in places: relative to the configuration, or `default` for the pack. */
  readonly name: string;
  readonly rules: readonly Rule[];
  readonly tests: readonly RuleTest[];
}

/** Every rule in force, in the order of the files. */
export function rulesIn(files: readonly RuleFile[]): readonly Rule[] {
  return files.flatMap((file) => file.rules);
}

/** `exposure (default:12)`. */
export function ruleName({ name, at }: Pick<Rule, 'name' | 'at'>): string {
  return `${name} (${at})`;
}

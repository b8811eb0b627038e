import type { Change } from './change.js';
import type { Target } from './target.js';

export type Decision = 'remediate' | 'ask' | 'adopt' | 'accept' | 'hold';

export type Risk = 'low' | 'medium' | 'high' | 'critical';

/** What was decided for one change, with the rules that said so. */
export interface Decided {
  readonly decision: Decision;
  readonly risk: Risk;
  /** Names of the rules that decided, most restrictive first: `remediation`, `never-automatic-deletes`. */
  readonly rules: readonly string[];
  readonly reason: string;
}

/** What a rule may look at. Policy fills the same interface with more rules. */
export interface DecisionInput {
  readonly target: Target;
  readonly change: Change;
  /** Health before the change; `undefined` without a health check. */
  readonly baseline?: 'healthy' | 'unhealthy' | 'inconclusive' | 'error';
}

export type DecideChange = (input: DecisionInput) => Decided;

/** The changes of an incident with the same decision: one plan, one hash, one approval, one outcome. */
export interface Part {
  readonly decision: Decision;
  readonly risk: Risk;
  readonly rules: readonly string[];
  readonly reason: string;
  readonly changes: readonly Change[];
}

import type { ApprovalRule } from '../config/config.js';
import type { Change } from '../domain/change.js';
import type { Decided, PlanFacts, Risk } from '../domain/decision.js';
import type { Requirement } from '../domain/quorum.js';
import type { Target } from '../domain/target.js';

/** A part that somebody is asked about. */
export interface Approving {
  /** `approvals.rules` of its environment. */
  readonly rules?: readonly ApprovalRule[];
  readonly target: Target;
  readonly risk: Risk;
  readonly changes: readonly Change[];
  /** What was decided for each change. */
  readonly decided: readonly Decided[];
  readonly plan: PlanFacts;
}

/** Who must approve a part: what the environment asks for, and what the rules that decided it ask for; all of it. */
export function requirementsOf(part: Approving): readonly Requirement[] {
  const { rules = [], target, decided } = part;
  const own = rules.flatMap((rule, index): Requirement[] => (holds(rule, part) ? [requirementOf(rule, `approvals.rules[${index}] of ${target.environment}`)] : []));
  const asked = decided.flatMap((each) => each.requires ?? []);
  return [...new Map([...own, ...asked].map((each) => [JSON.stringify(each), each])).values()];
}

function requirementOf({ when, ...rule }: ApprovalRule, because: string): Requirement {
  return { ...rule, because: when === undefined ? because : `${because}, when ${when}` };
}

function holds(rule: ApprovalRule, _part: Approving): boolean {
  return rule.when === undefined || rule.when !== '';
}

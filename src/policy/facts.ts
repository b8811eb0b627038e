import type { ChangeClass } from '../domain/class.js';
import type { EnvironmentFacts, PlanFacts, Risk } from '../domain/decision.js';
import type { Json } from '../domain/json.js';
import type { Target } from '../domain/target.js';
import type { Facts, Values } from './condition.js';
import { APPROVALS } from './vocabulary.js';

const PRODUCTION_TIERS = ['critical', 'production'];
const PRODUCTION_NAME = /^(?:prod|production|live)(?:-|$)|-(?:prod|production|live)$/;

type Group = Readonly<Record<string, Json | undefined>>;

/** The tier says whether people depend on a target; without one, the name of its environment. */
export function isProduction({ environment, intent }: Pick<Target, 'environment' | 'intent'>): boolean {
  return intent?.tier === undefined ? PRODUCTION_NAME.test(environment) : PRODUCTION_TIERS.includes(intent.tier);
}

export function environmentValues({ name, owner, remediation, timezone }: EnvironmentFacts, target: Target): Group {
  return { name, owner, remediation, timezone, production: isProduction(target) };
}

export function targetValues({ environment, target: name, provider, pool, owner, remediation, health }: Target): Group {
  return { name, address: `${environment}/${name}`, provider, pool, owner, remediation, health: health.length > 0 };
}

export function intentValues({ intent = {} }: Target): Group {
  const { purpose, tier, runbook, horizon, stakeholders } = intent;
  return { purpose, tier, runbook, horizon, stakeholders, other: intent };
}

export function planValues({ blastRadius, resources, staging, rollback, fencing }: PlanFacts): Group {
  const { create, update, replace, delete: deletes } = blastRadius;
  return { creates: create, updates: update, replaces: replace, deletes, resources, staging, rollback, fencing };
}

/** A part that somebody must approve. */
export interface Approvable {
  readonly target: Target;
  readonly environment: EnvironmentFacts;
  readonly plan: PlanFacts;
  readonly risk: Risk;
  /** The most serious of its changes'. */
  readonly class: ChangeClass;
}

/** What `approvals.rules[].when` is asked with. */
export function approvalFacts({ target, environment, plan, risk, class: kind }: Approvable): Facts {
  const values: Values = { risk, class: kind, plan: planValues(plan), environment: environmentValues(environment, target), target: targetValues(target), intent: intentValues(target) };
  return APPROVALS.facts(values);
}

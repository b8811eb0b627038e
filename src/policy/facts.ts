import type { ChangeClass } from '../domain/deciding/class.js';
import type { DecisionInput, EnvironmentFacts, PlanFacts, Risk } from '../domain/deciding/decision.js';
import type { Json } from '../domain/json.js';
import type { RiskAssessment } from '../domain/deciding/risk.js';
import type { Remediation, Target } from '../domain/target.js';
import { remediationOf } from '../domain/deciding/remediation.js';
import type { Facts, Values } from './condition.js';
import { APPROVALS, RULES } from './vocabulary.js';

const PRODUCTION_NAME = /^(?:prod|production|live)(?:-|$)|-(?:prod|production|live)$/;

type Group = Readonly<Record<string, Json | undefined>>;

/** As the environment says; where it does not, its name tells. The tier does not: a service is as critical in `dev`. */
function isProduction({ name, production }: EnvironmentFacts): boolean {
  return production ?? PRODUCTION_NAME.test(name);
}

function environmentValues(environment: EnvironmentFacts): Group {
  const { name, owner, remediation, timezone } = environment;
  return { name, owner, remediation, timezone, production: isProduction(environment) };
}

function targetValues({ environment, target: name, provider, pool, owner, health }: Target, remediation: Remediation): Group {
  return { name, address: `${environment}/${name}`, provider, pool, owner, remediation, health: health.length > 0 };
}

function intentValues({ intent = {} }: Target): Group {
  const { purpose, tier, runbook, horizon, stakeholders } = intent;
  return { purpose, tier, runbook, horizon, stakeholders, other: intent };
}

function planValues({ blastRadius, resources, staging, rollback, fencing }: PlanFacts): Group {
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
  const values: Values = { risk, class: kind, plan: planValues(plan), environment: environmentValues(environment), target: targetValues(target, remediationOf(target, kind).remediation), intent: intentValues(target) };
  return APPROVALS.facts(values);
}

export interface Typed {
  readonly type: string;
  readonly assessed: RiskAssessment;
}

/** What belongs to the change and the moment; sensitive values are left out. */
function ownValues({ environment, change, history, at, plan }: DecisionInput, { type, assessed }: Typed): Values {
  const { resource, path, kind, effect, desired, actual, sensitive, by } = change;
  const { recurrence, lastOutcome, firstSeen, firstLook } = history;
  const values = {
    change: { resource, type, path, kind, effect, class: assessed.class.value, sensitive, by, desired: sensitive ? undefined : desired, actual: sensitive ? undefined : actual },
    history: { recurrence, lastOutcome, age: firstSeen === undefined ? 0 : Math.max(0, Date.parse(at) - Date.parse(firstSeen)), firstLook },
    time: clockIn(environment.timezone, at),
    risk: assessed.risk,
  };
  return plan === undefined ? values : { ...values, plan: planValues(plan) };
}

function sharedValues({ environment, target }: DecisionInput, { assessed }: Typed): Values {
  return { environment: environmentValues(environment), target: targetValues(target, remediationOf(target, assessed.class.value).remediation), intent: intentValues(target) };
}

/** What conditions are asked with, as plain values and ready for them. */
export interface Known {
  readonly facts: Facts;
  readonly values: Values;
}

/** A target's own values are the same for each of its changes of a class. */
const shared = new WeakMap<Target, Map<ChangeClass, Known & { readonly environment: EnvironmentFacts }>>();

/** What the conditions of rules look at, with the plain values it was made of. Sensitive values are left out. */
export function ruleFacts(input: DecisionInput, typed: Typed): Known {
  const ofTarget = shared.get(input.target) ?? new Map<ChangeClass, Known & { readonly environment: EnvironmentFacts }>();
  shared.set(input.target, ofTarget);
  const of = typed.assessed.class.value;
  const known = ofTarget.get(of);
  const common = known?.environment === input.environment ? known : sharedFacts(input, typed);
  if (common !== known) ofTarget.set(of, common);
  const own = ownValues(input, typed);
  return { facts: Object.assign(RULES.facts(own), common.facts), values: Object.assign(own, common.values) };
}

function sharedFacts(input: DecisionInput, typed: Typed): Known & { readonly environment: EnvironmentFacts } {
  const values = sharedValues(input, typed);
  return { environment: input.environment, values, facts: RULES.facts(values) };
}

const formats = new Map<string, Intl.DateTimeFormat>();
let last: { readonly key: string; readonly clock: Group } | undefined;

function clockIn(timezone: string, at: string): Group {
  const key = `${timezone} ${at}`;
  if (last?.key === key) return last.clock;
  const format = formats.get(timezone) ?? new Intl.DateTimeFormat('en-GB', { timeZone: timezone, hour: 'numeric', hourCycle: 'h23', weekday: 'short' });
  formats.set(timezone, format);
  const parts = new Map(format.formatToParts(new Date(at)).map((part) => [part.type, part.value]));
  const clock = { now: at, hour: Number(parts.get('hour') ?? 0), weekday: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].indexOf(parts.get('weekday') ?? '') + 1 };
  last = { key, clock };
  return clock;
}

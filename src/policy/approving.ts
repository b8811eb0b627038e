import type { ApprovalRule, Approvals } from '../config/config.js';
import { classOf, CLASSES, type ChangeClass } from '../domain/deciding/class.js';
import type { DecideChange, Decided, DecisionInput, PlanFacts } from '../domain/deciding/decision.js';
import { causerOf, NOBODY, type People } from '../domain/approving/people.js';
import type { Plan } from '../domain/plan.js';
import type { Excluded, Poll, Requirement } from '../domain/approving/quorum.js';
import { highestRisk } from '../domain/deciding/risk.js';
import { factsOf } from './assess.js';
import { isProblem, type Condition, type Facts } from './condition.js';
import { approvalFacts } from './facts.js';
import { APPROVALS } from './vocabulary.js';

/** A part that somebody is asked about. */
export interface Approving {
  /** `approvals.rules` of its environment. */
  readonly rules?: readonly ApprovalRule[];
  /** What rules may know of each of its changes. */
  readonly inputs: readonly DecisionInput[];
  readonly plan: PlanFacts;
  readonly decide: DecideChange;
  /** `approvals.trust`. */
  readonly trust: 'namespace' | 'signed';
}

/** Who must approve a part: what the environment asks for, and what the rules that decide it ask for; all of it. */
export function requirementsOf({ rules = [], inputs, plan, decide, trust }: Approving): readonly Requirement[] {
  const decided = inputs.map((input) => decide({ ...input, plan }));
  const facts = rules.some((rule) => rule.when !== undefined) ? partFacts(inputs, decided, plan) : undefined;
  const scope = inputs[0]?.target.environment ?? '';
  const own = rules.flatMap((rule, index): Requirement[] => (holds(rule, facts) ? [requirementOf(rule, `approvals.rules[${index}] of ${scope}`)] : []));
  // Those of the environment ask for nothing that it cannot count; a rule file speaks of every environment.
  const asked = decided.flatMap((each) => each.requires ?? []).map((each): Requirement => (trust === 'signed' ? each : { ...each, unproved: true }));
  return [...new Map([...own, ...asked].map((each) => [JSON.stringify(each), each])).values()];
}

export interface Asked extends Pick<Approving, 'inputs' | 'decide'> {
  /** Of its environment; absent: it is configured no more. */
  readonly approvals?: Approvals | undefined;
  readonly people?: People | undefined;
  readonly plan: Plan;
  /** Who caused the changes, beside those whom the plan names. */
  readonly causedBy?: readonly string[] | undefined;
  /** Who last changed the desired state; absent when nobody can tell. */
  readonly authors?: readonly string[] | undefined;
}

/** Whose approval a plan needs, before anybody was asked. Steps and `holdfast plan` ask with the same. */
export function freshPoll({ approvals, people = NOBODY, inputs, plan, decide, causedBy = [], authors }: Asked): Poll {
  const { rules, trust = 'namespace', breakGlass: glass } = approvals ?? {};
  // Where nothing proves who says it, only when the configuration says that this is meant.
  const isMeant = trust === 'signed' || glass?.unverified === true;
  return {
    people,
    requirements: requirementsOf({ ...(rules === undefined ? {} : { rules }), inputs, plan: factsOf(plan, plan.changes), decide, trust }),
    excluded: excludedFrom(people, [...causedBy, ...plan.changes.flatMap((change) => change.by ?? [])], authors ?? []),
    ...(authors === undefined ? { authorUnknown: true } : {}),
    ...(glass === undefined || !isMeant ? {} : { breakGlass: { group: glass.group, expiresMs: glass.expiresMs } }),
    escalatedTo: [],
    votes: [],
  };
}

/** Whoever caused a change, or last changed what is desired, approves no repair of it. */
function excludedFrom(people: People, causedBy: readonly string[], authors: readonly string[]): readonly Excluded[] {
  const caused = causedBy.map((name) => ({ person: causerOf(people, name), why: 'caused this change' }));
  const wrote = authors.map((name) => ({ person: causerOf(people, name), why: 'last changed the desired state' }));
  return [...new Map([...wrote, ...caused].map((each) => [each.person, each])).values()];
}

function requirementOf({ when, ...rule }: ApprovalRule, because: string): Requirement {
  return { ...rule, because: when === undefined ? because : `${because}, when ${when}` };
}

/** A condition that cannot be answered holds: a mistake asks for more people, never for fewer. */
function holds({ when }: ApprovalRule, facts: Facts | undefined): boolean {
  if (when === undefined) return true;
  const condition = conditionOf(when);
  if (condition === undefined || facts === undefined) return true;
  return condition.ask(facts) !== false;
}

const conditions = new Map<string, Condition | undefined>();

/** Compiled once for each text; loading has checked it. */
function conditionOf(when: string): Condition | undefined {
  if (!conditions.has(when)) {
    const compiled = APPROVALS.compile(when);
    conditions.set(when, isProblem(compiled) ? undefined : compiled);
  }
  return conditions.get(when);
}

function partFacts(inputs: readonly DecisionInput[], decided: readonly Decided[], plan: PlanFacts): Facts | undefined {
  const [first] = inputs;
  if (first === undefined) return undefined;
  const { target, environment } = first;
  return approvalFacts({ target, environment, plan, risk: highestRisk(decided.map((each) => each.risk)), class: gravest(inputs) });
}

function gravest(inputs: readonly DecisionInput[]): ChangeClass {
  const found = new Set(inputs.map(({ change, target }) => classOf(change, target.provider)));
  return CLASSES.find((each) => found.has(each)) ?? 'configuration';
}

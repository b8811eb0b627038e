import { beyondReach, type ReachLimit } from '../domain/gates/blast-radius.js';
import { askGates, heldBy } from '../domain/gates/ask.js';
import type { GateFacts } from '../domain/gates/facts.js';
import { type DecidedChange, moreRestrictive, partOf, splitParts } from '../domain/deciding/decide.js';
import type { Change } from '../domain/change.js';
import type { DecideChange, DecisionInput, Part, PlanFacts } from '../domain/deciding/decision.js';
import { OPEN, type GateAnswer } from '../domain/gates/gate.js';
import type { HashJson } from '../domain/json.js';
import { makePlan, type Plan } from '../domain/plan.js';
import type { Revision, Target } from '../domain/target.js';
import type { Provider, ReadContext } from '../providers/provider.js';

export interface AssessedPart extends Part {
  readonly plan?: Plan;
  /** Why there is no plan; such a part is held, whatever was decided. */
  readonly impossible?: string;
  readonly gate: GateAnswer;
  /** Of what is only observed, and would be repaired: what stands in the way of that. */
  readonly wouldGate?: GateAnswer;
}

export interface Assessing {
  readonly target: Target;
  readonly provider: Provider;
  readonly revision: Revision;
  /** What concerns anybody now, settled and accepted changes left out, with what rules may know of each. */
  readonly inputs: readonly DecisionInput[];
  readonly gates: GateFacts;
  /** `limits.resources` of the environment, and how many resources the target has. */
  readonly reach?: { readonly limit: ReachLimit; readonly of: number };
  readonly decide: DecideChange;
  readonly hash: HashJson;
  /** Changes with the same decision stay one part, also where a gate holds some of them. */
  readonly together?: boolean;
}

type PlannedPart = Omit<AssessedPart, 'gate'>;

/**
 * Decides each change, splits them into parts, plans each part, and decides again with its plan, which
 * may only restrict. Changes nothing; workers and `holdfast plan` share it.
 */
export async function assessParts(input: Assessing, ctx: ReadContext): Promise<readonly AssessedPart[]> {
  const decided = input.inputs.map((each): DecidedChange => ({ change: each.change, decided: input.decide(each) }));
  const planned = await planAll(decided, input, ctx);
  const inputs = new Map(input.inputs.map((each) => [each.change, each]));
  const again = planned.map((part) => decideWithPlan(part, inputs, input.decide));
  const stands = again.every((changes, index) => changes.every((each) => planned[index]?.impossible !== undefined || each.decided.decision === planned[index]?.decision));
  // In the order in which they were seen: the plan of the same changes has the same hash whoever asks.
  const order = new Map(input.inputs.map((each, index) => [each.change, index]));
  const inOrder = again.flat().sort((one, other) => (order.get(one.change) ?? 0) - (order.get(other.change) ?? 0));
  const parts = stands ? planned.map((part, index) => (part.impossible === undefined ? { ...part, ...partOf(part.decision, again[index] ?? []) } : part)) : await planAll(inOrder, input, ctx);
  return parts.map((part) => finish(part, input));
}

async function planAll(decided: readonly DecidedChange[], input: Assessing, ctx: ReadContext): Promise<readonly PlannedPart[]> {
  return (await Promise.all(splitParts(decided).flatMap((part) => heldApart(part, input)).map((part) => planPart(part, input, ctx)))).flat();
}

/** What a gate holds that holds single changes is a part of its own, so that the rest is repaired meanwhile. */
function heldApart(part: Part, { gates, together = false }: Assessing): readonly Part[] {
  if (together || (part.decision !== 'remediate' && part.decision !== 'ask')) return [part];
  const groups = new Map<string, Change[]>();
  for (const change of part.changes) {
    const gate = heldBy(gates, change) ?? '';
    groups.set(gate, [...(groups.get(gate) ?? []), change]);
  }
  return groups.size < 2 ? [part] : [...groups.values()].map((changes) => only(part, changes));
}

function decideWithPlan(part: PlannedPart, inputs: ReadonlyMap<Change, DecisionInput>, decide: DecideChange): readonly DecidedChange[] {
  const { plan } = part;
  return decidedOf(part).map((first): DecidedChange => {
    const known = inputs.get(first.change);
    return plan === undefined || known === undefined ? first : { ...first, decided: moreRestrictive(first.decided, decide({ ...known, plan: factsOf(plan, part.changes) })) };
  });
}

/** What rules may know of a plan for these changes. */
export function factsOf({ blastRadius, staging, rollback, fencing }: Plan, changes: readonly Change[]): PlanFacts {
  return { blastRadius, resources: new Set(changes.map((change) => change.resource)).size, staging, rollback, fencing };
}

/** A part that cannot be repaired as a whole is repaired without the changes that stand in the way. */
async function planPart(part: Part, input: Assessing, ctx: ReadContext): Promise<readonly PlannedPart[]> {
  const whole = await propose(part, input, ctx);
  if (whole.plan !== undefined || part.changes.length === 1) return [whole];
  const alone = await Promise.all(part.changes.map((change) => propose(only(part, [change]), input, ctx)));
  const possible = alone.filter((each) => each.plan !== undefined).flatMap((each) => each.changes);
  if (possible.length === 0) return [whole];
  const reasons = [...new Set(alone.flatMap((each) => each.impossible ?? []))];
  const rest = alone.filter((each) => each.plan === undefined).flatMap((each) => each.changes);
  const repaired = await propose(only(part, possible), input, ctx);
  // Each can be repaired alone and all of them cannot: then nothing stands apart.
  return rest.length === 0 ? [repaired] : [repaired, held(only(part, rest), reasons.join('; '))];
}

async function propose(part: Part, input: Assessing, ctx: ReadContext): Promise<PlannedPart> {
  const { target, provider, revision, hash } = input;
  const result = await provider.plan(target, revision, part.changes, ctx);
  if (!result.possible) return held(part, result.reason);
  const plan = makePlan(
    { ...result.proposal, environment: target.environment, target: target.target, provider: provider.name, spec: target.spec, changes: part.changes },
    hash,
  );
  return { ...part, plan };
}

function finish(part: PlannedPart, input: Assessing): AssessedPart {
  if (part.impossible !== undefined) return { ...part, gate: OPEN };
  const asked = withinReach(part, input);
  const gateFor = (automatic: boolean): GateAnswer => askGates(input.gates, { action: 'stage', changes: part.changes, automatic });
  return { ...asked, gate: gateFor(asked.decision === 'remediate'), ...(asked.would === 'remediate' ? { wouldGate: gateFor(true) } : {}) };
}

/** A repair that touches too much is never automatic: it asks, and the approval of its plan, which names the counts, opens the gate. */
function withinReach(part: PlannedPart, { reach }: Assessing): PlannedPart {
  const concerns = part.decision === 'remediate' || part.decision === 'ask' || part.would === 'remediate';
  const wide = reach === undefined || !concerns ? undefined : beyondReach(part.changes, reach.of, reach.limit);
  if (wide !== undefined && part.would === 'remediate') return { ...part, would: 'ask', reason: `${part.reason}; ${wide}` };
  return wide === undefined ? part : { ...part, decision: 'ask', rules: ['blast-radius', ...part.rules], reason: `${wide}; ${part.reason}` };
}

function held(part: Part, impossible: string): PlannedPart {
  return { ...part, decision: 'hold', rules: ['not-repairable', ...part.rules], reason: impossible, impossible };
}

function only(part: Part, changes: readonly Change[]): Part {
  return partOf(part.decision, decidedOf(part).filter((each) => changes.includes(each.change)));
}

function decidedOf({ changes, decided }: Part): readonly DecidedChange[] {
  return changes.flatMap((change, index) => (decided[index] === undefined ? [] : [{ change, decided: decided[index] }]));
}

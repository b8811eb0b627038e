import { beyondReach, type ReachLimit } from '../domain/blast-radius.js';
import { askGates, type GateRow } from '../domain/gates.js';
import { splitParts } from '../domain/decide.js';
import type { Change } from '../domain/change.js';
import type { DecideChange, DecisionInput, Part } from '../domain/decision.js';
import type { GateAnswer } from '../domain/gate.js';
import type { HashJson } from '../domain/json.js';
import { makePlan, type Plan } from '../domain/plan.js';
import type { Revision, Target } from '../domain/target.js';
import type { Provider, ReadContext } from '../providers/provider.js';

export interface AssessedPart extends Part {
  readonly plan?: Plan;
  /** Why there is no plan; such a part is held, whatever was decided. */
  readonly impossible?: string;
  readonly gate: GateAnswer;
}

export interface Assessing {
  readonly target: Target;
  readonly provider: Provider;
  readonly revision: Revision;
  /** What concerns anybody now: settled and accepted changes are left out already. */
  readonly changes: readonly Change[];
  readonly baseline?: DecisionInput['baseline'];
  readonly gates: readonly GateRow[];
  /** `limits.resources` of the environment, and how many resources the target has. */
  readonly reach?: { readonly limit: ReachLimit; readonly of: number };
  readonly decide: DecideChange;
  readonly hash: HashJson;
}

/** Decides each change, splits them into parts, and plans each part. Changes nothing; workers and `holdfast plan` share it. */
export async function assessParts(input: Assessing, ctx: ReadContext): Promise<readonly AssessedPart[]> {
  const { target, changes, baseline, decide } = input;
  const decided = changes.map((change) => ({ change, decided: decide({ target, change, ...(baseline === undefined ? {} : { baseline }) }) }));
  const parts = await Promise.all(splitParts(decided).map((part) => planPart(part, input, ctx)));
  return parts.flat();
}

/** A part that cannot be repaired as a whole is repaired without the changes that stand in the way. */
async function planPart(part: Part, input: Assessing, ctx: ReadContext): Promise<readonly AssessedPart[]> {
  const whole = await propose(part, input, ctx);
  if (whole.plan !== undefined || part.changes.length === 1) return [whole];
  const alone = await Promise.all(part.changes.map((change) => propose({ ...part, changes: [change] }, input, ctx)));
  const possible = alone.filter((each) => each.plan !== undefined).flatMap((each) => each.changes);
  if (possible.length === 0) return [whole];
  const reasons = [...new Set(alone.flatMap((each) => each.impossible ?? []))];
  const rest = alone.filter((each) => each.plan === undefined).flatMap((each) => each.changes);
  const repaired = await propose({ ...part, changes: possible }, input, ctx);
  // Each can be repaired alone and all of them cannot: then nothing stands apart.
  return rest.length === 0 ? [repaired] : [repaired, held({ ...part, changes: rest }, reasons.join('; '))];
}

async function propose(part: Part, input: Assessing, ctx: ReadContext): Promise<AssessedPart> {
  const { target, provider, revision, hash } = input;
  const result = await provider.plan(target, revision, part.changes, ctx);
  if (!result.possible) return held(part, result.reason);
  const plan = makePlan(
    { ...result.proposal, environment: target.environment, target: target.target, provider: provider.name, spec: target.spec, changes: part.changes },
    hash,
  );
  const asked = withinReach(part, input);
  const gate = askGates({ rows: input.gates, changes: part.changes, automatic: asked.decision === 'remediate' });
  return { ...asked, plan, gate };
}

/** A repair that touches too much is never automatic: it asks, and the approval of its plan, which names the counts, opens the gate. */
function withinReach(part: Part, { reach }: Assessing): Part {
  const wide = reach === undefined || (part.decision !== 'remediate' && part.decision !== 'ask') ? undefined : beyondReach(part.changes, reach.of, reach.limit);
  return wide === undefined ? part : { ...part, decision: 'ask', rules: ['blast-radius', ...part.rules], reason: `${wide}; ${part.reason}` };
}

function held(part: Part, impossible: string): AssessedPart {
  return { ...part, decision: 'hold', rules: ['not-repairable', ...part.rules], reason: impossible, impossible, gate: { allowed: true } };
}

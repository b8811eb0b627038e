import { activityInfo } from '@temporalio/activity';
import { formatIncident, type IncidentId } from '../../domain/address.js';
import { HoldfastError, isHoldfastError, moved, refused } from '../../domain/errors.js';
import { askGates } from '../../domain/gates/ask.js';
import type { Asking, GateFacts } from '../../domain/gates/facts.js';
import type { GateAnswer } from '../../domain/gates/gate.js';
import type { Json } from '../../domain/json.js';
import { makePlan, type Plan, type Staged } from '../../domain/plan.js';
import { hashJson } from '../../digest.js';
import { factsOf } from '../../policy/assess.js';
import { gateFacts } from '../../policy/gate-facts.js';
import { decisionInputs } from '../../policy/inputs.js';
import { environmentWorkflowId, incidentWorkflowId } from '../../workflows/messages.js';
import type { DecisionRow, IncidentRow } from '../../ledger/ledger.js';
import type { ReadContext } from '../../providers/provider.js';
import { brokenFor } from '../approving/break-glass.js';
import { stepName } from '../context.js';
import { configured, type Dependencies } from '../deps.js';
import { askEngine } from '../looking/engine.js';
import { passGates } from '../gates/let-through.js';
import { expectQuorum } from '../approving/poll.js';
import { expectSigned } from '../approving/signed.js';
import { stagingOf } from './staging.js';
import type { PartRef, RollbackInput } from '../types.js';

/** A step that a read-only worker refuses is tried again this much later, by whichever worker takes it. */
const READ_ONLY_PAUSE_MS = 60_000;

export interface Authorised {
  readonly plan: Plan;
  /** True when policy allowed it, and no person has approved it or broken the glass for it. */
  readonly automatic: boolean;
  /** One person's word alone let it through; it must have begun by then (ISO, UTC). */
  readonly breakGlass?: { readonly startBy: string };
}

/**
 * The write worker's own check, before stage and before finalize: whoever reaches the namespace can
 * schedule a task on its queue, so nothing in the task is believed. The plan is loaded by its hash
 * and hashed again; the decision is loaded from the ledger and must be of this incident, this plan
 * and the run that consumed it. One that another run consumed is `Moved`: a reset replays nothing, it is asked again.
 */
export async function authorise(deps: Dependencies, ref: PartRef): Promise<Authorised> {
  const name = formatIncident(ref.incident);
  expectOwnStep(ref.incident);
  const row = await openRow(deps, ref.incident);
  const plan = await storedPlan(deps, ref.plan);
  if (plan.environment !== ref.incident.environment || plan.target !== ref.incident.target) throw refused(`${name}: plan ${short(ref.plan)} is for another target`);
  const decision = await deps.ledger.decisionOf(ref.ask);
  const answers = decision !== undefined && (decision.decision === 'approve' || decision.decision === 'policy');
  if (!answers) throw refused(`${name}: nobody approved plan ${short(ref.plan)} and no rule allowed it`);
  if (decision.plan !== ref.plan || decision.environment !== row.environment || decision.target !== row.target || decision.number !== row.number) {
    throw refused(`${name}: the decision on record is about another plan or incident`);
  }
  if (decision.run !== ref.run) throw moved(`${name}: the decision was used by another run, which a reset has replaced; it is asked again`);
  const part = row.parts.find((each) => each['part'] === ref.part);
  if (part?.['phase'] === 'closed') throw refused(`${name}: part ${ref.part} has ended on record, and is begun no more`);
  const allowed = decision.decision === 'policy';
  if (allowed) await expectAllowed(deps, name, plan);
  else await expectApproved(deps, { plan, decision, ref, decided: part?.['decision'] });
  const { config, target } = await configured(deps, plan);
  // What began in time may be switched after it.
  const breakGlass = await brokenFor(deps, { config, target, plan, decision, at: (await stagingOf(deps, ref)).begunAt ?? deps.now().toISOString() });
  return { plan, automatic: allowed && breakGlass === undefined, ...(breakGlass === undefined ? {} : { breakGlass }) };
}

interface Approved {
  readonly plan: Plan;
  readonly decision: DecisionRow;
  readonly ref: PartRef;
  /** What was decided about the part when it was asked, as its row has it. */
  readonly decided: Json | undefined;
}

/** What people approved: signed, where it must be, by as many as are asked for here and now, and under rules that still ask them. */
async function expectApproved(deps: Dependencies, { plan, decision, ref, decided }: Approved): Promise<void> {
  await expectSigned(deps, decision, ref);
  const ask = await deps.ledger.askOf(ref.ask);
  if (ask === undefined) throw refused(`${formatIncident(decision)}: the question that was answered is not on record`);
  const { config, target } = await configured(deps, plan);
  const inputs = await decisionInputs({ config, target, changes: plan.changes, at: deps.now().toISOString(), ledger: deps.ledger, baseline: ask.baseline ?? 'healthy' });
  await expectQuorum(deps, { config, target, plan, ask, inputs }, decision);
  // A rule that came since may leave it to nobody; who asks for less has been asked for more.
  const facts = factsOf(plan, plan.changes);
  const other = inputs.map((each) => deps.decide(config)({ ...each, plan: facts })).find((each) => each.decision !== decided && each.decision !== 'ask' && each.decision !== 'remediate');
  if (other !== undefined) throw moved(`${formatIncident(decision)}: plan ${short(plan.hash)} was approved under other rules: they now say ${other.decision} (${other.reason}); it is decided again`);
}

/** What a rule allowed was decided by a read worker, and maybe under another configuration: it must be so here and now as well. */
async function expectAllowed(deps: Dependencies, name: string, plan: Plan): Promise<void> {
  const { config, target } = await configured(deps, plan);
  // Health before it was measured where it was decided.
  const inputs = await decisionInputs({ config, target, changes: plan.changes, at: deps.now().toISOString(), ledger: deps.ledger, baseline: 'healthy' });
  const facts = factsOf(plan, plan.changes);
  const decided = inputs.map((each) => deps.decide(config)({ ...each, plan: facts }));
  const other = decided.find((each) => each.decision !== 'remediate');
  if (other !== undefined) throw moved(`${name}: no rule allows plan ${short(plan.hash)} any more (${other.reason}); it is decided again`);
}

/**
 * Before a rollback, which nobody is asked about: it puts back only what this incident staged, or
 * what the incident that the record says it undoes has staged.
 */
export async function authoriseRollback(deps: Dependencies, input: RollbackInput): Promise<Plan> {
  const name = formatIncident(input.incident);
  expectOwnStep(input.incident);
  const row = await openRow(deps, input.incident);
  if (row.undoes !== input.undoes?.number) throw refused(`${name}: the record does not say that it undoes another incident so`);
  const of = input.undoes === undefined ? row : await deps.ledger.incident(input.incident, input.undoes.number);
  if (of?.parts.some((part) => part['part'] === input.part && part['plan'] === input.plan) !== true) throw refused(`${name}: plan ${short(input.plan)} is not on record for part ${input.part}`);
  return storedPlan(deps, input.plan);
}

/** What staging returned, from the record: a task that brings another release, snapshot or health check with it is not believed. */
export async function stagedOnRecord(deps: Dependencies, ref: Pick<PartRef, 'incident' | 'part' | 'round'>): Promise<Staged | undefined> {
  return (await deps.ledger.stepDone(stepName(ref, 'stage'))) as Staged | undefined;
}

/** Nobody else's workflow may schedule a step of an incident, and none can be started alone. */
export function expectOwnStep(incident: IncidentId): void {
  const { workflowExecution, workflowType } = activityInfo();
  const isOwn = workflowType === 'incident' && workflowExecution?.workflowId === incidentWorkflowId(incident.environment, incident.target);
  if (!isOwn) throw refused(`${formatIncident(incident)}: this step was not scheduled by the incident's own workflow`);
}

/** Commands come from the guard of their environment alone: its handlers are where Temporal's access control is asked. */
export function expectGuard(environment: string): void {
  const { workflowExecution, workflowType } = activityInfo();
  const isOwn = workflowType === 'environment' && workflowExecution?.workflowId === environmentWorkflowId(environment);
  if (!isOwn) throw refused(`${environment}: this step was not scheduled by the environment's own workflow`);
}

async function openRow(deps: Dependencies, incident: IncidentId): Promise<IncidentRow> {
  const row = await deps.ledger.incident(incident, incident.number);
  if (row === undefined || row.closedAt !== undefined) throw refused(`${formatIncident(incident)} is not open in the record`);
  return row;
}

/** Loads a plan and hashes what it says again: the run executes what was hashed. */
export async function storedPlan(deps: Dependencies, hash: string): Promise<Plan> {
  const plan = await deps.ledger.plan(hash);
  if (plan === undefined) throw refused(`plan ${short(hash)} is not in the record`);
  const again = makePlan(plan, hashJson);
  if (again.hash !== hash) throw refused(`plan ${short(hash)} is not what was hashed: its record was changed`, 'run holdfast audit verify');
  return plan;
}

/**
 * For what only tells or remembers, and lets nothing be written: a plan whose row was changed is as
 * good as lost, and must neither keep an incident from ending nor a check from seeing.
 */
export async function readablePlan(deps: Dependencies, hash: string): Promise<Plan | undefined> {
  try {
    return await deps.ledger.plan(hash);
  } catch (error) {
    if (!isHoldfastError(error, 'Invalid')) throw error;
    deps.log.warn('a plan on record is not what was hashed; run holdfast audit verify', { plan: short(hash) });
    return undefined;
  }
}

/** `HOLDFAST_READ_ONLY=1` refuses every external write with nobody else's help. */
export function refuseReadOnly(deps: Dependencies): void {
  if (deps.readOnly) throw new HoldfastError('ReadOnly', 'HOLDFAST_READ_ONLY is set on this worker: no external write is made', { remedy: 'unset it and restart the worker; the step waits', retryAfterMs: READ_ONLY_PAUSE_MS });
}

/** Asks every gate whether this repair may take its next step now; `holder` takes what only so many may have, and with `ctx` the engine is asked as well. */
export async function gatesOf(deps: Dependencies, { plan, automatic, holder, ctx, breakGlass }: Pick<Authorised, 'plan' | 'automatic' | 'breakGlass'> & { readonly holder?: string; readonly ctx?: ReadContext }, { action, begunAt }: Pick<Asking, 'action' | 'begunAt'>): Promise<GateAnswer> {
  const facts = async (): Promise<GateFacts> => {
    const { config, target } = await configured(deps, plan);
    const engine = ctx === undefined ? {} : { engine: (await askEngine(deps, target, plan.changes, ctx)).busy };
    return gateFacts({ config, target, changes: plan.changes, ...engine, at: deps.now().toISOString(), ledger: deps.ledger });
  };
  const asking = { action, changes: plan.changes, automatic, ...(begunAt === undefined ? {} : { begunAt }), ...(breakGlass === undefined ? {} : { breakGlass: true }) };
  return holder === undefined ? askGates(await facts(), asking) : passGates(deps, facts, { ...asking, holder });
}

/** Whether the target is still configured as it was planned for. */
export function sameSpec(plan: Plan, spec: Json): boolean {
  return hashJson(plan.spec) === hashJson(spec);
}

function short(hash: string): string {
  return hash.slice(0, 12);
}

import { environmentOf } from '../../config/config.js';
import { formatAddress, formatIncident } from '../../domain/address.js';
import { fieldKey } from '../../domain/change.js';
import { isHoldfastError, refused } from '../../domain/errors.js';
import { beyondReach } from '../../domain/gates/blast-radius.js';
import type { GateAnswer } from '../../domain/gates/gate.js';
import { keptUntil } from '../../domain/gates/keeping.js';
import type { Json } from '../../domain/json.js';
import type { Staged } from '../../domain/plan.js';
import type { ReadContext } from '../../providers/provider.js';
import { inStep, stepName, writeContext } from '../context.js';
import { configured, type Dependencies } from '../deps.js';
import { holderOf, unspent } from '../gates/let-through.js';
import { revisionOf } from '../looking/observe.js';
import type { FinalizeResult, PartRef, StageResult, WriteActivities } from '../types.js';
import { authorise, type Authorised, gatesOf, refuseReadOnly, sameSpec, stagedOnRecord } from './guard.js';
import { expectSame, lookAgain, stillThere } from './look-again.js';
import { heard, note, noteOnce } from './noting.js';
import { rollBack } from './roll-back.js';
import { hasBegun, type Staging, stagingOf } from './staging.js';
import { tidyEarlier } from './tidy.js';

/** After so many stagings of a part, what is lost again fails the repair. */
const MOST_STAGINGS = 5;

/** The steps that write. Each may run more than once: what an earlier attempt finished is returned, what it left open is looked at. */
export function repairActivities(deps: Dependencies): Omit<WriteActivities, 'adopt'> {
  return {
    stage: (ref) => inStep(deps, async (ctx) => {
      const answer = await heard(deps, ref, await stage(deps, ref, ctx));
      if (answer.result === 'moved' || answer.result === 'cleared') await unspent(deps, ref);
      return answer;
    }),
    finalize: (ref) => inStep(deps, async (ctx) => heard(deps, ref, await finalize(deps, ref, ctx))),
    rollback: (input) => inStep(deps, (ctx) => rollBack(deps, input, ctx)),
  };
}

async function mayWrite(deps: Dependencies, ref: PartRef): Promise<(Authorised & { readonly result: 'allowed' }) | { readonly result: 'moved'; readonly reason: string }> {
  try {
    return { result: 'allowed', ...(await authorise(deps, ref)) };
  } catch (error) {
    if (isHoldfastError(error, 'Moved')) return { result: 'moved', reason: error.message };
    throw error;
  }
}

async function stage(deps: Dependencies, ref: PartRef, ctx: ReadContext): Promise<StageResult> {
  refuseReadOnly(deps);
  const key = stepName(ref, 'stage');
  const authorised = await mayWrite(deps, ref);
  if (authorised.result === 'moved') return authorised;
  const { plan } = authorised;
  const done = (await deps.ledger.stepDone(key)) as Staged | undefined;
  if (done !== undefined) return { result: 'staged', staged: done };
  const begunAt = deps.now().toISOString();
  if (authorised.breakGlass !== undefined && begunAt > authorised.breakGlass.startBy) return { result: 'moved', reason: `the glass was broken for a repair that starts by ${authorised.breakGlass.startBy}, and it did not; it is asked again` };
  const gate = await gatesOf(deps, { ...authorised, holder: holderOf(ref), ctx }, { action: 'stage' });
  if (!gate.allowed) return { result: 'gate-closed', gate };
  const { config, target, provider } = await configured(deps, ref.incident);
  if (!sameSpec(plan, target.spec)) return { result: 'moved', reason: 'the target is configured differently than when this was planned' };
  const observation = await lookAgain(deps, ref, ctx);
  const look = stillThere(plan, observation);
  if (look.state !== 'same') return { result: look.state, reason: look.reason };
  // What the rules allowed before the limit was lowered, or the target shrank, is asked about after all.
  const wide = authorised.automatic ? beyondReach(plan.changes, observation.resources, environmentOf(config, plan.environment)?.limits.resources) : undefined;
  if (wide !== undefined) return { result: 'moved', reason: wide };
  const context = await writeContext(deps, ctx, { ref, step: 'stage' });
  try {
    await deps.ledger.updateIncident(ref.incident, { part: { part: ref.part, phase: 'staging' } });
    const staged = await provider.stage(plan, await revisionOf(deps, target, ctx), context);
    await noteOnce(deps, ref, 'staged', { staging: plan.staging, artifacts: staged.artifacts.length, begunAt });
    await deps.ledger.stepDone(key, staged as unknown as Json);
    await tidyEarlier(deps, target, provider, context);
    return { result: 'staged', staged };
  } catch (error) {
    if (isHoldfastError(error, 'Moved')) return { result: 'moved', reason: error.message };
    throw error;
  }
}

async function finalize(deps: Dependencies, input: PartRef, ctx: ReadContext): Promise<FinalizeResult> {
  refuseReadOnly(deps);
  const key = stepName(input, 'finalize');
  const authorised = await mayWrite(deps, input);
  if (authorised.result === 'moved') return authorised;
  const { plan } = authorised;
  if ((await deps.ledger.stepDone(key)) !== undefined) return { result: 'finalized' };
  // What was staged is read from the record, as the plan is: the task is not believed.
  const staged = await stagedOnRecord(deps, input);
  if (staged === undefined) throw refused(`${formatIncident(input.incident)}: nothing was staged for this step`);
  const begun = await hasBegun(deps, input);
  const { target, provider } = await configured(deps, input.incident);
  if (!begun) {
    // Once a write has begun, only going on or rolling back may follow: gates are not asked again.
    const staging = await stagingOf(deps, input);
    const gate = await gatesOf(deps, { ...authorised, holder: holderOf(input), ctx }, { action: 'finalize', ...staging });
    if (!gate.allowed) return keepOrUnstage(deps, input, gate, staging);
    if (!sameSpec(plan, target.spec)) return { result: 'moved', reason: 'the target is configured differently than when this was planned' };
    const look = stillThere(plan, await lookAgain(deps, input, ctx));
    if (look.state !== 'same') return { result: 'moved', reason: look.reason };
  } else await expectSame(deps, target, ctx);
  const context = await writeContext(deps, ctx, { ref: input, step: 'finalize' });
  try {
    await deps.ledger.updateIncident(input.incident, { part: { part: input.part, phase: 'finalizing' } });
    await provider.finalize(plan, staged, context);
  } catch (error) {
    if (isHoldfastError(error, 'Moved')) return { result: 'moved', reason: error.message };
    if (isHoldfastError(error, 'ArtifactLost') && !begun && input.round < MOST_STAGINGS) return stageAgain(deps, error.message);
    throw error;
  }
  await noteOnce(deps, input, 'finalized', { fields: plan.changes.slice(0, 200).map(fieldKey) });
  await deps.ledger.stepDone(key, true);
  return { result: 'finalized' };
}

/** A gate that closed before the switch: what was staged is kept while it may open soon. */
async function keepOrUnstage(deps: Dependencies, ref: PartRef, gate: GateAnswer & { readonly allowed: false }, { stagedAt }: Staging): Promise<FinalizeResult> {
  const until = stagedAt === undefined ? undefined : keptUntil(gate, { at: deps.now().toISOString(), stagedAt });
  if (until === undefined) return { result: 'gate-closed', gate };
  await deps.ledger.updateIncident(ref.incident, { part: { part: ref.part, phase: 'kept' } });
  await note(deps, ref, 'gate', { event: 'keeps it staged', gate: gate.gate, scope: formatAddress(ref.incident), reason: gate.reason, until });
  return { result: 'gate-closed', gate, keepUntil: until };
}

/** What was staged is gone: it is unstaged and staged again, under the same plan and approval. */
function stageAgain(deps: Dependencies, reason: string): FinalizeResult {
  return { result: 'gate-closed', gate: { allowed: false, gate: 'busy', reason: `${reason}; it is staged again`, opensAt: deps.now().toISOString() } };
}

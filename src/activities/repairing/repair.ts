import { formatAddress, formatIncident } from '../../domain/address.js';
import { fieldKey, type Observation } from '../../domain/change.js';
import { environmentOf } from '../../config/config.js';
import { beyondReach } from '../../domain/gates/blast-radius.js';
import { changesInBrief } from '../../domain/describe.js';
import { hashJson } from '../../digest.js';
import { HoldfastError, isHoldfastError, refused } from '../../domain/errors.js';
import type { GateAnswer } from '../../domain/gates/gate.js';
import { keptUntil } from '../../domain/gates/keeping.js';
import type { Json } from '../../domain/json.js';
import type { Plan, Staged } from '../../domain/plan.js';
import type { EntryKind } from '../../ledger/ledger.js';
import type { Target } from '../../domain/target.js';
import { strangerIn } from '../../providers/look.js';
import type { ReadContext, Restored, WriteContext } from '../../providers/provider.js';
import { inStep, stepName, writeContext } from '../context.js';
import { configured, type Dependencies } from '../deps.js';
import { authorise, authoriseRollback, gatesOf, type Authorised, refuseReadOnly, sameSpec, stagedOnRecord } from './guard.js';
import { QUARANTINES } from '../deciding/let-go.js';
import { holderOf, letGo, repairFailed, unspent } from '../gates/let-through.js';
import { lookUntil } from './look-until.js';
import { entryOfRound, stagingOf, type Staging } from './staging.js';
import { observeTarget, revisionOf } from '../looking/observe.js';
import { relevantChanges } from '../looking/relevant.js';
import { stepBack } from '../gates/step-back.js';
import { stagedOf, tidyEarlier } from './tidy.js';
import { decidedUnder, toldText, underOf } from '../deciding/under.js';
import type { AdoptResult, FinalizeResult, PartRef, RollbackInput, RollbackResult, StageResult, VerifyResult, WriteActivities } from '../types.js';

/** After so many stagings of a part, what is lost again fails the repair. */
const MOST_STAGINGS = 5;
/** Equal to no drift that a check computes. */
const MOVED = 'moved';

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

/** What moved is told by the next check, whatever it sees: the incident may be waiting for that. */
export async function heard<T extends StageResult | FinalizeResult | VerifyResult | AdoptResult>(deps: Dependencies, { incident }: Pick<PartRef, 'incident'>, answer: T): Promise<T> {
  if (answer.result === 'moved') await deps.ledger.updateIncident(incident, { drift: MOVED });
  return answer;
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

async function rollBack(deps: Dependencies, input: RollbackInput, ctx: ReadContext): Promise<RollbackResult> {
  const key = stepName(input, 'rollback');
  const done = (await deps.ledger.stepDone(key)) as unknown as RollbackResult | undefined;
  if (done !== undefined) return done;
  const plan = await authoriseRollback(deps, input);
  const staged = await stagedBefore(deps, input);
  await deps.ledger.updateIncident(input.incident, { part: { part: input.part, phase: 'rolling-back' } });
  const context = staged === undefined ? undefined : await writeContext(deps, ctx, { ref: input, step: 'rollback' });
  const { target } = await configured(deps, plan);
  if (context !== undefined) {
    refuseReadOnly(deps);
    await expectSame(deps, target, ctx);
  }
  const hasWritten = context !== undefined && (input.undoes !== undefined || (await hasBegun(deps, input)));
  const { result, seen }: Back = staged === undefined || !hasWritten ? { result: { result: 'restored', message: `${input.reason}; nothing had been changed` } } : await putBack(deps, { input, plan, staged }, context);
  const quarantines = QUARANTINES.includes(input.cause);
  const at = deps.now().toISOString();
  if (quarantines && result.result === 'restored') {
    for (const change of plan.changes) {
      await deps.ledger.closeGate({
        scope: formatAddress(plan), gate: 'quarantine', by: 'holdfast', reason: input.reason, at, incident: input.incident.number,
        fingerprint: change.fingerprint, revision: change.revision, resource: change.resource, path: change.path,
      });
    }
  }
  if (result.result === 'not-restored') {
    await deps.ledger.closeGate({ scope: plan.environment, gate: 'breaker', by: 'holdfast', at, incident: input.incident.number, resource: formatAddress(plan), reason: `a rollback of ${formatAddress(plan)}#${input.incident.number} did not restore everything: ${result.message}` });
  }
  await noteOnce(deps, input, 'rolled-back', { result: result.result, cause: input.cause, message: result.message });
  await toldBreaker(deps, input, { result: result.result, hasWritten });
  await stepBack(deps, input, plan);
  if (input.cause === 'moved') await deps.ledger.updateIncident(input.incident, { drift: MOVED });
  else await tellCheck(deps, input, seen ?? (await observeTarget(deps, target, ctx)));
  await deps.ledger.updateIncident(input.incident, { part: { part: input.part, phase: input.cause === 'gate-closed' ? 'waiting' : 'closed' } });
  await deps.ledger.stepDone(key, result as unknown as Json);
  if (staged !== undefined && context !== undefined) await removeStaged(deps, { plan, staged, keepSnapshot: result.result === 'not-restored' }, context);
  return result;
}

/** What became of a repair that is put back: it failed, or a person, a gate or a move took it back and nothing failed. */
async function toldBreaker(deps: Dependencies, input: RollbackInput, { result, hasWritten }: Pick<RollbackResult, 'result'> & { readonly hasWritten: boolean }): Promise<void> {
  if (input.undoes !== undefined) return;
  if (result === 'not-restored' || input.cause === 'unhealthy' || input.cause === 'failed') await repairFailed(deps, input);
  else if (input.cause === 'gate-closed') return;
  else if (input.cause === 'moved' || !hasWritten) await unspent(deps, input);
  else await letGo(deps, input);
}

/**
 * Comes last: without its snapshot a rollback could not be run again, and what was not restored needs
 * it still. What timed out may yet have its effect, so that it is looked at once more; what is left
 * then disturbs nothing, and never fails a step that is done.
 */
async function removeStaged(deps: Dependencies, { plan, staged, keepSnapshot }: { readonly plan: Plan; readonly staged: Staged; readonly keepSnapshot: boolean }, ctx: WriteContext): Promise<void> {
  const { provider } = await configured(deps, plan);
  const remove = (): Promise<void> => provider.cleanup(plan, staged, ctx, { keepSnapshot });
  await remove().catch(remove).catch((error: unknown) => {
    ctx.log.warn('what staging left could not be removed', { error: error instanceof Error ? error.message : String(error) });
  });
}

/** For an undo, the snapshot belongs to the incident that made it; for a failed stage, an attempt may have finished unseen. */
async function stagedBefore(deps: Dependencies, input: RollbackInput): Promise<Staged | undefined> {
  if (input.undoes === undefined) return stagedOnRecord(deps, input);
  return (await stagedOf(deps, { ...input.incident, number: input.undoes.number }, input.part))?.staged;
}

/** Who is not the one that must answer is not written to either, from whatever point a step goes on. */
async function expectSame(deps: Dependencies, target: Target, ctx: ReadContext): Promise<void> {
  if (Object.keys(target.expect).length === 0) return;
  const { identity } = await observeTarget(deps, target, ctx);
  const stranger = strangerIn(target.expect, identity);
  if (stranger !== undefined) throw new HoldfastError('Unreachable', `${formatAddress(target)} is not written to: ${stranger}`);
}

/** Whether a switch was begun: before its first intent nothing was written, and after this fence none is let in. */
async function hasBegun(deps: Dependencies, ref: Pick<PartRef, 'incident' | 'part' | 'round'>): Promise<boolean> {
  const step = stepName(ref, 'finalize');
  return (await deps.ledger.intents({ incident: ref.incident })).some((intent) => intent.step === step);
}

interface Back {
  readonly result: RollbackResult;
  /** The look after it. */
  readonly seen?: Observation;
}

interface Putting {
  readonly input: RollbackInput;
  readonly plan: Plan;
  readonly staged: Staged;
}

async function putBack(deps: Dependencies, { input, plan, staged }: Putting, ctx: WriteContext): Promise<Back> {
  const { target, provider } = await configured(deps, plan);
  const restore = (): Promise<Restored> => provider.rollback(plan, staged, ctx).catch((error: unknown) => {
    if (isHoldfastError(error) && !error.retryable) return { restored: [], failed: [{ resource: changesInBrief(plan.changes), reason: error.message }] };
    throw error;
  });
  let restored = await restore();
  let seen = await lookUntil(() => observeTarget(deps, target, ctx), (look) => restored.failed.length > 0 || isBack(plan, look));
  if (seen.verdict !== 'unknown' && restored.failed.length === 0 && !isBack(plan, seen)) {
    // A read that lagged may have shown the provider that there was nothing to do.
    restored = await restore();
    seen = await observeTarget(deps, target, ctx);
  }
  if (seen.verdict === 'unknown') throw new HoldfastError('Unreachable', `after the rollback ${formatAddress(plan)} could not be read: ${seen.reason ?? ''}`);
  if (restored.failed.length > 0) {
    return { seen, result: { result: 'not-restored', message: restored.failed.slice(0, 5).map((each) => `${each.resource}: ${each.reason}`).join('; ') } };
  }
  return { seen, result: { result: 'restored', message: `${input.reason}; put back ${restored.restored.length} ${restored.restored.length === 1 ? 'resource' : 'resources'}: ${restored.restored.slice(0, 5).join(', ')}` } };
}

/** Exactly put back, every change of the plan is seen again; another kind of rollback need not lead there. */
function isBack(plan: Plan, { changes }: Observation): boolean {
  const seen = new Map(changes.map((change) => [fieldKey(change), change]));
  return plan.rollback !== 'exact' || plan.changes.every((change) => {
    const now = seen.get(fieldKey(change));
    return now !== undefined && (change.sensitive || hashJson(now.actual ?? null) === hashJson(change.actual ?? null));
  });
}

async function lookAgain(deps: Dependencies, ref: PartRef, ctx: ReadContext): Promise<Observation> {
  const { target } = await configured(deps, ref.incident);
  const observation = await observeTarget(deps, target, ctx);
  if (observation.verdict === 'unknown') throw new HoldfastError('Unreachable', `${formatAddress(target)} cannot be read before writing: ${observation.reason ?? ''}`);
  return observation;
}

/** A plan holds while each of its changes is seen as it was; other drift in the target does not concern it. */
function stillThere(plan: Plan, observation: Observation): { readonly state: 'same' } | { readonly state: 'moved' | 'cleared'; readonly reason: string } {
  const seen = new Map(observation.changes.map((change) => [change.fingerprint, change.revision]));
  const same = plan.changes.filter((change) => seen.get(change.fingerprint) === change.revision).length;
  if (same === plan.changes.length) return { state: 'same' };
  const fields = new Set(observation.changes.map(fieldKey));
  if (plan.changes.every((change) => !fields.has(fieldKey(change)))) return { state: 'cleared', reason: 'the changes are gone' };
  return { state: 'moved', reason: `${plan.changes.length - same} of ${plan.changes.length} changes are not as they were reviewed` };
}

/**
 * Remembers what a check would see, so that the incident's own writes tell it nothing new. A
 * change that the incident does not know yet is left for the check to tell.
 */
export async function tellCheck(deps: Dependencies, { incident }: Pick<PartRef, 'incident'>, observation: Observation): Promise<void> {
  const { target } = await configured(deps, incident);
  if (observation.verdict === 'unknown') return;
  const at = deps.now().toISOString();
  const { changes, drift } = await relevantChanges(deps, target, observation, at);
  await deps.ledger.observed({ address: { environment: incident.environment, target: incident.target }, at, observation, driftFingerprint: drift });
  const row = await deps.ledger.incident(incident, incident.number);
  const known = new Set((row?.parts ?? []).flatMap((each) => (Array.isArray(each['fingerprints']) ? (each['fingerprints'] as readonly Json[]) : [])));
  // Other parts of it may wait under a configuration that they were not told of yet.
  if (row !== undefined && changes.every((change) => known.has(change.fingerprint))) await deps.ledger.updateIncident(incident, { drift: toldText(drift, underOf(row) ?? decidedUnder(await deps.config(), target)) });
}

export async function note(deps: Dependencies, { incident, part, plan }: Pick<PartRef, 'incident' | 'part' | 'plan'>, kind: EntryKind, data: Record<string, Json>): Promise<void> {
  await deps.ledger.append({ at: deps.now().toISOString(), kind, environment: incident.environment, target: incident.target, incident: incident.number, data: { part, plan, ...data } });
}

/** The same, and once for each staging of a part: an attempt that was cut short right after it is not told twice. */
async function noteOnce(deps: Dependencies, ref: Pick<PartRef, 'incident' | 'part' | 'plan' | 'round'>, kind: EntryKind, data: Record<string, Json>): Promise<void> {
  if ((await entryOfRound(deps, ref, kind)) !== undefined) return;
  await note(deps, ref, kind, { round: ref.round, ...data });
}

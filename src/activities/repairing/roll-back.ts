import { hashJson } from '../../digest.js';
import { formatAddress, formatIncident } from '../../domain/address.js';
import { fieldKey, type Observation } from '../../domain/change.js';
import { changesInBrief } from '../../domain/describe.js';
import { HoldfastError, isHoldfastError } from '../../domain/errors.js';
import type { Json } from '../../domain/json.js';
import type { Plan, Staged } from '../../domain/plan.js';
import type { ReadContext, Restored, WriteContext } from '../../providers/provider.js';
import { stepName, writeContext } from '../context.js';
import { QUARANTINES } from '../deciding/let-go.js';
import { configured, type Dependencies } from '../deps.js';
import { letGo, repairFailed, unspent } from '../gates/let-through.js';
import { stepBack } from '../gates/step-back.js';
import { observeTarget } from '../looking/observe.js';
import type { RollbackInput, RollbackResult } from '../types.js';
import { authoriseRollback, refuseReadOnly, stagedOnRecord } from './guard.js';
import { expectSame } from './look-again.js';
import { lookUntil } from './look-until.js';
import { MOVED, noteOnce, tellCheck } from './noting.js';
import { hasBegun } from './staging.js';
import { stagedOf } from './tidy.js';

/** Puts back what this repair, or the one that it undoes, has changed; equal for every attempt. */
export async function rollBack(deps: Dependencies, input: RollbackInput, ctx: ReadContext): Promise<RollbackResult> {
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
  await closeGates(deps, { input, plan }, result);
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

/** The same repair is not tried again; where something could not be put back, no other is either until a person has looked. */
async function closeGates(deps: Dependencies, { input, plan }: Pick<Putting, 'input' | 'plan'>, { result, message }: RollbackResult): Promise<void> {
  const common = { by: 'holdfast', at: deps.now().toISOString(), incident: input.incident.number } as const;
  const address = formatAddress(plan);
  if (result === 'not-restored') {
    await deps.ledger.closeGate({ ...common, scope: plan.environment, gate: 'breaker', resource: address, reason: `a rollback of ${formatIncident(input.incident)} did not restore everything: ${message}` });
    return;
  }
  if (!QUARANTINES.includes(input.cause)) return;
  for (const { fingerprint, revision, resource, path } of plan.changes) {
    await deps.ledger.closeGate({ ...common, scope: address, gate: 'quarantine', reason: input.reason, fingerprint, revision, resource, path });
  }
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

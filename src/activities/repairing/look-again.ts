import { formatAddress } from '../../domain/address.js';
import { fieldKey, type Observation } from '../../domain/change.js';
import { HoldfastError } from '../../domain/errors.js';
import type { Plan } from '../../domain/plan.js';
import type { Target } from '../../domain/target.js';
import { strangerIn } from '../../providers/look.js';
import type { ReadContext } from '../../providers/provider.js';
import { configured, type Dependencies } from '../deps.js';
import { observeTarget } from '../looking/observe.js';
import type { PartRef } from '../types.js';

/** The look before a write. Throws `Unreachable` where it shows nothing: what cannot be read is not written to. */
export async function lookAgain(deps: Dependencies, ref: PartRef, ctx: ReadContext): Promise<Observation> {
  const { target } = await configured(deps, ref.incident);
  const observation = await observeTarget(deps, target, ctx);
  if (observation.verdict === 'unknown') throw new HoldfastError('Unreachable', `${formatAddress(target)} cannot be read before writing: ${observation.reason ?? ''}`);
  return observation;
}

/** A plan holds while each of its changes is seen as it was; other drift in the target does not concern it. */
export function stillThere(plan: Plan, observation: Observation): { readonly state: 'same' } | { readonly state: 'moved' | 'cleared'; readonly reason: string } {
  const seen = new Map(observation.changes.map((change) => [change.fingerprint, change.revision]));
  const same = plan.changes.filter((change) => seen.get(change.fingerprint) === change.revision).length;
  if (same === plan.changes.length) return { state: 'same' };
  const fields = new Set(observation.changes.map(fieldKey));
  if (plan.changes.every((change) => !fields.has(fieldKey(change)))) return { state: 'cleared', reason: 'the changes are gone' };
  return { state: 'moved', reason: `${plan.changes.length - same} of ${plan.changes.length} changes are not as they were reviewed` };
}

/** Who is not the one that must answer is not written to either, from whatever point a step goes on. */
export async function expectSame(deps: Dependencies, target: Target, ctx: ReadContext): Promise<void> {
  if (Object.keys(target.expect).length === 0) return;
  const { identity } = await observeTarget(deps, target, ctx);
  const stranger = strangerIn(target.expect, identity);
  if (stranger !== undefined) throw new HoldfastError('Unreachable', `${formatAddress(target)} is not written to: ${stranger}`);
}

import type { Observation } from '../../domain/change.js';
import type { Json } from '../../domain/json.js';
import type { EntryKind } from '../../ledger/ledger.js';
import { decidedUnder, toldText, underOf } from '../deciding/under.js';
import { configured, type Dependencies } from '../deps.js';
import { relevantChanges } from '../looking/relevant.js';
import type { AdoptResult, FinalizeResult, PartRef, StageResult, VerifyResult } from '../types.js';
import { entryOfRound } from './staging.js';

/** Equal to no drift that a check computes. */
export const MOVED = 'moved';

/** What moved is told by the next check, whatever it sees: the incident may be waiting for that. */
export async function heard<T extends StageResult | FinalizeResult | VerifyResult | AdoptResult>(deps: Dependencies, { incident }: Pick<PartRef, 'incident'>, answer: T): Promise<T> {
  if (answer.result === 'moved') await deps.ledger.updateIncident(incident, { drift: MOVED });
  return answer;
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

/** Puts into the record what became of a part. */
export async function note(deps: Dependencies, { incident, part, plan }: Pick<PartRef, 'incident' | 'part' | 'plan'>, kind: EntryKind, data: Record<string, Json>): Promise<void> {
  await deps.ledger.append({ at: deps.now().toISOString(), kind, environment: incident.environment, target: incident.target, incident: incident.number, data: { part, plan, ...data } });
}

/** The same, and once for each staging of a part: an attempt that was cut short right after it is not told twice. */
export async function noteOnce(deps: Dependencies, ref: Pick<PartRef, 'incident' | 'part' | 'plan' | 'round'>, kind: EntryKind, data: Record<string, Json>): Promise<void> {
  if ((await entryOfRound(deps, ref, kind)) !== undefined) return;
  await note(deps, ref, kind, { round: ref.round, ...data });
}

import type { IncidentId } from '../domain/address.js';
import type { JsonObject } from '../domain/json.js';
import { foremostPhase, TRANSITIONS, type Phase } from '../domain/phase.js';
import type { Dependencies } from './deps.js';

/**
 * The ledger's row of an incident lists every part with its phase, so that lists and the record can
 * be read without Temporal; the row itself shows the phase that most needs a person. What stands in
 * the row already of a part stays, unless it is said anew.
 */
export async function notePart(deps: Dependencies, incident: IncidentId, part: JsonObject & { readonly part: number; readonly phase: Phase }): Promise<void> {
  const row = await deps.ledger.incident(incident, incident.number);
  if (row === undefined || row.closedAt !== undefined) return;
  const before = row.parts.find((each) => each['part'] === part.part) ?? {};
  const parts = [...row.parts.filter((each) => each['part'] !== part.part), { ...before, ...part }];
  await deps.ledger.updateIncident(incident, { parts, phase: foremostPhase(parts.flatMap((each) => phaseIn(each))) });
}

function phaseIn(part: JsonObject): readonly Phase[] {
  const phase = part['phase'];
  return typeof phase === 'string' && phase in TRANSITIONS ? [phase as Phase] : [];
}

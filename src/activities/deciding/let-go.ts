import type { IncidentId } from '../../domain/address.js';
import type { Change } from '../../domain/change.js';
import type { ClosedGate, EntryKind } from '../../ledger/ledger.js';
import type { Dependencies } from '../deps.js';
import { isSettled } from '../approving/settle-now.js';
import { readablePlan } from '../repairing/guard.js';

/** How the plan of a part ends that is not asked about again by itself. */
const ENDS: readonly EntryKind[] = ['rolled-back', 'rejected', 'accepted', 'expired'];

/** A repair that is put back for one of these is quarantined; what a gate or a move unstages is not. */
export const QUARANTINES: readonly string[] = ['unhealthy', 'failed', 'asked'];

/** Every such rollback closes a quarantine: one that stands no more was released by a person, who wants the change decided again. */
export function isLetGo({ fingerprint, revision }: Pick<Change, 'fingerprint' | 'revision'>, rows: readonly ClosedGate[]): boolean {
  return !rows.some((row) => row.gate === 'quarantine' && row.fingerprint === fingerprint && row.revision === revision);
}

/** Of the plans that ended in an open incident, those that stay ended: what was rolled back and released since does not, and what was accepted stays so for as long as its acceptance says. */
export async function stillEnded(deps: Dependencies, incident: IncidentId, { plans, at }: { readonly plans: readonly string[]; readonly at: string }): Promise<readonly string[]> {
  if (plans.length === 0) return [];
  const row = await deps.ledger.incident(incident, incident.number);
  const settled = new Set((row?.parts ?? []).filter((part) => isSettled(part, 'accepted')).map((part) => part['part']));
  const undone = new Map<string, boolean>();
  const accepted = new Map<string, boolean>();
  for await (const { kind, data } of deps.ledger.entries({ environment: incident.environment, target: incident.target, incident: incident.number, kinds: [...ENDS] })) {
    if (typeof data['plan'] === 'string') accepted.set(data['plan'], kind === 'accepted' && settled.has(data['part']));
    if (typeof data['plan'] === 'string') undone.set(data['plan'], kind === 'rolled-back' && data['result'] === 'restored' && typeof data['cause'] === 'string' && QUARANTINES.includes(data['cause']));
  }
  const rows = await deps.ledger.closedGates(incident, at);
  const stays = await Promise.all(plans.map(async (hash) => {
    const plan = undone.get(hash) === true ? await readablePlan(deps, hash) : undefined;
    return plan === undefined || !plan.changes.every((change) => isLetGo(change, rows));
  }));
  return plans.filter((hash, index) => stays[index] === true && accepted.get(hash) !== true);
}

import type { IncidentId } from '../domain/address.js';
import type { Change } from '../domain/change.js';
import type { Json } from '../domain/json.js';
import type { Outcome } from '../domain/phase.js';
import { environmentOf } from '../config/config.js';
import type { Settled } from '../ledger/ledger.js';
import type { Dependencies } from './deps.js';

export interface SettlingInput {
  readonly at: string;
  readonly outcome: Outcome;
  readonly reason?: string;
  readonly by?: string;
  readonly until?: string;
  /** Only these parts; absent: every part of the incident. */
  readonly parts?: readonly number[];
}

/** The rows by which what ended stays ended: one for each change of the incident's plans. */
export async function settledRows(deps: Dependencies, incident: IncidentId, input: SettlingInput): Promise<readonly Settled[]> {
  const config = await deps.config();
  const approvals = environmentOf(config, incident.environment)?.approvals;
  const forMs = approvals?.settledMs;
  // `leave`: not asked about again until something changes; otherwise for a while.
  const forever = input.outcome === 'expired' && approvals?.onExpiry === 'leave';
  const until = input.until ?? (forMs === undefined || forever ? undefined : new Date(Date.parse(input.at) + forMs).toISOString());
  const changes = await changesOf(deps, incident, input.parts);
  return changes.map((change): Settled => ({
    environment: incident.environment,
    target: incident.target,
    fingerprint: change.fingerprint,
    revision: change.revision,
    resource: change.resource,
    path: change.path,
    outcome: input.outcome,
    incident: incident.number,
    at: input.at,
    ...(until === undefined ? {} : { until }),
    ...(input.by === undefined ? {} : { by: input.by }),
    ...(input.reason === undefined ? {} : { reason: input.reason }),
  }));
}

/** The changes of a part are in its plan; where there was none to make, the last look has those that the part named. */
async function changesOf(deps: Dependencies, incident: IncidentId, only: readonly number[] | undefined): Promise<readonly Change[]> {
  const row = await deps.ledger.incident(incident, incident.number);
  const parts = (row?.parts ?? []).filter((part) => only === undefined || only.includes(Number(part['part'])));
  const last = await deps.ledger.lastObservation(incident);
  const seen = last === undefined ? [] : ((await deps.ledger.report(last.digest))?.changes ?? []);
  const found = await Promise.all(parts.map(async (part) => {
    const plan = typeof part['plan'] === 'string' ? await deps.ledger.plan(part['plan']) : undefined;
    const named = Array.isArray(part['fingerprints']) ? (part['fingerprints'] as readonly Json[]) : [];
    return plan?.changes ?? seen.filter((change) => named.includes(change.fingerprint));
  }));
  return found.flat();
}

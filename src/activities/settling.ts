import type { IncidentId } from '../domain/address.js';
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
  /** Only these plans; absent: every plan of the incident. */
  readonly plans?: readonly string[];
}

/** The rows by which what ended stays ended: one for each change of the incident's plans. */
export async function settledRows(deps: Dependencies, incident: IncidentId, input: SettlingInput): Promise<readonly Settled[]> {
  const config = await deps.config();
  const approvals = environmentOf(config, incident.environment)?.approvals;
  const forMs = approvals?.settledMs;
  // `leave`: not asked about again until something changes; otherwise for a while.
  const forever = input.outcome === 'expired' && approvals?.onExpiry === 'leave';
  const until = input.until ?? (forMs === undefined || forever ? undefined : new Date(Date.parse(input.at) + forMs).toISOString());
  const row = await deps.ledger.incident(incident, incident.number);
  const hashes = input.plans ?? (row?.parts ?? []).flatMap((part) => (typeof part['plan'] === 'string' ? [part['plan']] : []));
  const plans = await Promise.all([...new Set(hashes)].map((hash) => deps.ledger.plan(hash)));
  return plans.flatMap((plan) =>
    (plan?.changes ?? []).map((change): Settled => ({
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
    })),
  );
}

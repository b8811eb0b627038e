import type { IncidentId, TargetAddress } from '../../domain/address.js';
import { fieldKey, type Change } from '../../domain/change.js';
import type { Json } from '../../domain/json.js';
import type { Outcome } from '../../domain/phase.js';
import { environmentOf } from '../../config/config.js';
import type { Settled } from '../../ledger/ledger.js';
import type { Dependencies } from '../deps.js';
import { readablePlan } from '../repairing/guard.js';

export interface SettlingInput {
  readonly at: string;
  readonly outcome: Outcome;
  readonly reason?: string;
  readonly by?: string;
  readonly until?: string;
  readonly ticket?: string;
  /** Only these parts; absent: every part of the incident. */
  readonly parts?: readonly { readonly part: number; readonly plan?: string; readonly ask?: string }[];
}

/** The rows by which what ended stays ended: one for each change of the incident's parts. */
export async function settledRows(deps: Dependencies, incident: IncidentId, input: SettlingInput): Promise<readonly Settled[]> {
  const config = await deps.config();
  const approvals = environmentOf(config, incident.environment)?.approvals;
  const forMs = approvals?.settledMs;
  // `leave`: not asked about again until something changes; otherwise for a while.
  const forever = input.outcome === 'expired' && approvals?.onExpiry === 'leave' && (await hadItsTime(deps, input, approvals.expiresMs));
  const until = (input.outcome === 'accepted' ? input.until : undefined) ?? (forMs === undefined || forever ? undefined : new Date(Date.parse(input.at) + forMs).toISOString());
  const changes = await changesOf(deps, incident, input);
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
    ...(input.ticket === undefined ? {} : { ticket: input.ticket }),
  }));
}

/** Clocks of two workers lie apart, by far less than a question lasts. */
const NEARLY = 0.9;

/** Whoever starts a workflow by hand can say that a question has expired; what is left for good was asked for as long as is configured. */
async function hadItsTime({ ledger }: Dependencies, { at, parts = [] }: SettlingInput, expiresMs: number): Promise<boolean> {
  const asks = await Promise.all(parts.map(async ({ ask }) => (ask === undefined ? undefined : ledger.askOf(ask))));
  return asks.every((ask) => ask !== undefined && Date.parse(at) - Date.parse(ask.at) >= NEARLY * expiresMs);
}

/**
 * A part's changes are those of its plan. One without a plan to read names them by fingerprint, and an
 * incident that ended before it had parts was opened for what was seen: the last look has the rest.
 * What a rollback could not restore stands where the plan's changes were, and waits for a person too.
 */
async function changesOf(deps: Dependencies, incident: IncidentId, { parts: only, outcome }: SettlingInput): Promise<readonly Change[]> {
  const row = await deps.ledger.incident(incident, incident.number);
  const noted = row?.parts ?? [];
  const hashes = (only ?? noted).flatMap((part) => (typeof part.plan === 'string' ? [part.plan] : []));
  const planned = (await Promise.all([...new Set(hashes)].map((hash) => readablePlan(deps, hash)))).filter((plan) => plan !== undefined);
  const wanted = noted.filter((part) => !planned.some((plan) => plan.hash === part['plan']) && (only === undefined || only.some((each) => each.part === part['part'])));
  const unplanned = wanted.flatMap((part) => (Array.isArray(part['fingerprints']) ? (part['fingerprints'] as Json[]) : []));
  const all = only === undefined && noted.length === 0;
  const changes = planned.flatMap((plan) => plan.changes);
  const halfDone = new Set(outcome === 'needs-human' ? changes.map(fieldKey) : []);
  const seen = all || unplanned.length > 0 || halfDone.size > 0 ? await lastSeen(deps, incident) : [];
  return [...changes, ...seen.filter((change) => all || unplanned.includes(change.fingerprint) || halfDone.has(fieldKey(change)))];
}

async function lastSeen(deps: Dependencies, address: TargetAddress): Promise<readonly Change[]> {
  const last = await deps.ledger.lastObservation(address);
  return last === undefined ? [] : ((await deps.ledger.report(last.digest))?.changes ?? []);
}

import { fieldKey } from '../domain/change.js';
import type { IncidentRow, Ledger } from '../ledger/ledger.js';
import { isClosed, partsOf } from './incident-row.js';

const LIMIT = 200;

/**
 * The incidents that ended `needs-human` and that nobody has put right since: of each target the
 * newest, unless what it was about drifts no more, or a later incident about the same ended otherwise.
 */
export async function troubledIncidents(ledger: Ledger, environment: string | undefined): Promise<readonly IncidentRow[]> {
  const ended = await ledger.incidents({ ...(environment === undefined ? {} : { environment }), outcome: 'needs-human', limit: LIMIT });
  const newest = ended.filter((row) => !ended.some((other) => other.environment === row.environment && other.target === row.target && other.number > row.number));
  const kept: IncidentRow[] = [];
  for (const row of newest) if (!(await isPutRight(ledger, row))) kept.push(row);
  return kept;
}

async function isPutRight(ledger: Ledger, row: IncidentRow): Promise<boolean> {
  const fields = await fieldsOf(ledger, row);
  // Without a plan nothing says what it was about: it stands until the target is seen clean.
  if (fields.size === 0) return false;
  const last = await ledger.lastObservation(row);
  if (last?.verdict === 'drifted' && last.at > (row.closedAt ?? row.openedAt)) {
    const report = await ledger.report(last.digest);
    if (report !== undefined && !report.changes.some((change) => fields.has(fieldKey(change)))) return true;
  }
  const later = await ledger.incidents({ environment: row.environment, target: row.target, open: false, limit: LIMIT });
  for (const other of later.filter((each) => each.number > row.number && each.outcome !== 'terminated' && isClosed(each))) {
    if ([...(await fieldsOf(ledger, other))].some((field) => fields.has(field))) return true;
  }
  return false;
}

async function fieldsOf(ledger: Ledger, row: IncidentRow): Promise<ReadonlySet<string>> {
  const plans = await Promise.all(partsOf(row).flatMap((part) => (part.plan === undefined ? [] : [ledger.plan(part.plan).catch(() => undefined)])));
  return new Set(plans.flatMap((plan) => plan?.changes.map(fieldKey) ?? []));
}

import { formatAddress } from '../domain/address.js';
import type { JsonObject } from '../domain/json.js';
import type { HoldfastClient } from '../client.js';
import type { IncidentRow } from '../ledger/ledger.js';
import { forEachBounded } from './progress.js';

/** More running incidents than this are shown as the record has them: each costs a query. */
const LIMIT = 25;
const WIDTH = 5;

/** Open incidents as they stand now: the record is written at steps, the workflow knows what is between them. */
export async function withLiveStatus(client: HoldfastClient | undefined, rows: readonly IncidentRow[]): Promise<readonly IncidentRow[]> {
  if (client === undefined || rows.length === 0 || rows.length > LIMIT) return rows;
  return forEachBounded(rows, WIDTH, async (row) => {
    const status = await client.incidentStatus(row).catch(() => undefined);
    if (status === undefined || status.incident !== `${formatAddress(row)}#${row.number}` || status.parts.length === 0) return row;
    return { ...row, phase: status.phase, parts: status.parts.map((part): JsonObject => ({ ...part })) };
  });
}

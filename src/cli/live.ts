import { formatAddress } from '../domain/address.js';
import type { JsonObject } from '../domain/json.js';
import { IDLE_PHASES } from '../domain/phase.js';
import type { HoldfastClient, PendingStep } from '../client.js';
import type { IncidentRow } from '../ledger/ledger.js';
import { forEachBounded } from './progress.js';
import { formatTime } from './render/entry.js';

/** More running incidents than this are shown as the record has them: each costs a query. */
const LIMIT = 25;
const WIDTH = 5;
/** A step that nobody has taken for so long waits for a worker. */
const UNTAKEN_MS = 10_000;

/** Open incidents as they stand now: the record is written at steps, the workflow knows what is between them, and the server why a step does not get done. */
export async function withLiveStatus(client: HoldfastClient | undefined, rows: readonly IncidentRow[], now: Date): Promise<readonly IncidentRow[]> {
  if (client === undefined || rows.length === 0 || rows.length > LIMIT) return rows;
  return forEachBounded(rows, WIDTH, async (row) => {
    const [status, steps] = await Promise.all([client.incidentStatus(row).catch(() => undefined), client.pendingSteps(row).catch(() => [])]);
    const isOwn = status !== undefined && status.incident === `${formatAddress(row)}#${row.number}` && (status.parts.length > 0 || row.kind === 'blind');
    const live: IncidentRow = isOwn ? { ...row, phase: status.phase, parts: status.parts.map((part): JsonObject => ({ ...recordedOf(row, part.part), ...part })) } : row;
    const why = whyNotDone(steps, now);
    return why === undefined ? live : { ...live, parts: live.parts.map((part) => withReason(part, why)) };
  });
}

/** What the workflow does not keep: why it was decided so, by which rules, the risk with its parts. */
function recordedOf(row: IncidentRow, number: number): JsonObject {
  return row.parts.find((part) => part['part'] === number) ?? {};
}

/** Why an incident does not get on; `undefined` while its steps are simply at work. */
export function whyNotDone(steps: readonly PendingStep[], now: Date): string | undefined {
  const failing = steps.find((step) => step.failure !== undefined && step.attempt > 1);
  if (failing !== undefined) return `${failing.step} is tried again (attempt ${failing.attempt}): ${failing.failure ?? ''}`;
  const untaken = steps.find((step) => step.waiting && step.since !== undefined && now.getTime() - Date.parse(step.since) > UNTAKEN_MS);
  return untaken === undefined ? undefined : `${untaken.step} waits for a worker since ${formatTime(untaken.since ?? '')}; start one with: holdfast worker`;
}

/** The part under way is the one whose step it is; one at rest waits for something else. */
function withReason(part: JsonObject, why: string): JsonObject {
  const phase = part['phase'];
  if (part['outcome'] !== undefined || IDLE_PHASES.some((rest) => rest === phase)) return part;
  return { ...part, blocked: why };
}

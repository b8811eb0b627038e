import { isJsonObject, type JsonObject } from '../json.js';
import { OPEN, releasedBy, type GateAnswer } from './gate.js';
import type { Asking, GateFacts, GateRow } from './facts.js';
import { durationText } from '../plain-text.js';

/** `limits.failures`: so many failed repairs of an environment within the time close its breaker. */
export interface FailureLimit {
  readonly max: number;
  readonly withinMs: number;
}

/** A repair that failed: rolled back for health or failure, or left for a person. */
export interface Failure {
  /** `prod/storefront#7/1`. */
  readonly part: string;
  /** ISO, UTC. */
  readonly at: string;
}

/** Held by a rollback that failed until a person releases it, and by failed repairs for a time. */
export function breakerGate({ at, rows }: GateFacts, asking: Asking): GateAnswer {
  const closed = rows.filter((row) => row.gate === 'breaker' && row.holder === undefined);
  const broken = closed.find((row) => row.halfOpenAt === undefined);
  if (broken !== undefined && asking.automatic) return brokenBy(broken);
  const failing = closed.find((row) => row.halfOpenAt !== undefined);
  return failing === undefined || asking.breakGlass === true ? OPEN : whileFailing(failing, probeOf(rows, failing), { at, asking });
}

/** The scope of the breaker that lets one repair through now, and has not yet. */
export function halfOpen({ at, rows }: GateFacts): string | undefined {
  const failing = rows.find((row) => row.gate === 'breaker' && row.halfOpenAt !== undefined);
  if (failing?.halfOpenAt === undefined || Date.parse(at) < Date.parse(failing.halfOpenAt)) return undefined;
  return probeOf(rows, failing) === undefined ? failing.scope : undefined;
}

function probeOf(rows: readonly GateRow[], { scope }: GateRow): string | undefined {
  return rows.find((row) => row.gate === 'breaker' && row.scope === scope && row.holder !== undefined)?.holder;
}

/** One that failed repairs closed: for a time nobody passes, then one, whose end decides for the rest. */
function whileFailing(row: GateRow, probe: string | undefined, { at, asking }: { readonly at: string; readonly asking: Asking }): GateAnswer {
  if (probe !== undefined && probe === asking.holder) return OPEN;
  const halfOpenAt = row.halfOpenAt ?? at;
  const command = releasedBy('breaker', row.scope);
  if (Date.parse(at) < Date.parse(halfOpenAt)) {
    return { allowed: false, gate: 'breaker', reason: `breaker of ${row.scope}, one repair is let through at ${halfOpenAt}: ${row.reason}`, opensAt: halfOpenAt, command };
  }
  if (probe === undefined) return OPEN;
  return { allowed: false, gate: 'breaker', reason: `breaker of ${row.scope}, half-open: the repair of ${incidentOf(probe)} was let through, and its end decides: ${row.reason}`, command };
}

function brokenBy({ scope, by, reason }: GateRow): GateAnswer {
  return { allowed: false, gate: 'breaker', reason: `breaker of ${scope} by ${by}, until it is released: ${reason}`, command: releasedBy('breaker', scope) };
}

export function incidentOf(holder: string): string {
  return holder.slice(0, holder.lastIndexOf('/'));
}

/**
 * What a failed repair does to the breaker: nothing, or closes it for the time, counted from the last
 * failure. The one that was let through closes it again, however long ago the others failed. Of repairs
 * that fail at once each may be written down before the other and read after it, so those that failed
 * since count as well: otherwise neither would see enough.
 */
export function tripped(limit: FailureLimit, failures: readonly Failure[], failed: Failure & { readonly wasLetThrough: boolean }): { readonly halfOpenAt: string; readonly reason: string } | undefined {
  const openAgain = (lastMs: number): string => new Date(lastMs + limit.withinMs).toISOString();
  const failedMs = Date.parse(failed.at);
  if (failed.wasLetThrough) return { halfOpenAt: openAgain(failedMs), reason: `the repair that was let through failed as well: ${incidentOf(failed.part)}` };
  const ends = [...failures.map((each) => Date.parse(each.at)), failedMs].filter((at) => at >= failedMs && at < failedMs + limit.withinMs).sort((left, right) => right - left);
  for (const end of ends) {
    const parts = new Set([...failures.filter((each) => Date.parse(each.at) > end - limit.withinMs && Date.parse(each.at) <= end).map((each) => each.part), failed.part]);
    if (parts.size < limit.max) continue;
    const named = [...new Set([...parts].map(incidentOf))].slice(-5).join(', ');
    return { halfOpenAt: openAgain(end), reason: `${parts.size} failed ${parts.size === 1 ? 'repair' : 'repairs'} within ${durationText(limit.withinMs)} (${named})` };
  }
  return undefined;
}

/** Whether an entry of the record tells of a failed repair: never one that a person undid or stopped, nor one that a gate or a move took back. */
export function failedIn(entry: { readonly kind: string; readonly data: JsonObject }): readonly number[] {
  const { kind, data } = entry;
  if (kind === 'rolled-back') {
    const failed = data['result'] === 'not-restored' || data['cause'] === 'unhealthy' || data['cause'] === 'failed';
    return failed && typeof data['part'] === 'number' ? [data['part']] : [];
  }
  if (kind !== 'closed' || !Array.isArray(data['parts'])) return [];
  return data['parts'].flatMap((part) => {
    const { outcome, part: number } = isJsonObject(part) ? part : {};
    return outcome === 'needs-human' && typeof number === 'number' ? [number] : [];
  });
}

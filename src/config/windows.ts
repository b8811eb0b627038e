import { STAGE_KEPT_MS } from '../domain/gates/keeping.js';
import { HORIZON_MS, openingFor, type TimeWindow, type WindowAction, type WindowRule } from '../domain/gates/window.js';
import { formatDuration } from './durations.js';
import { clockChanges, occurrencesOf } from './occurrences.js';

/** Fixed, so that the same file is valid on every day or on none. */
const REFERENCE_MS = Date.parse('2024-01-01T00:00:00Z');
const DAY_MS = 86_400_000;
const YEAR_MS = 400 * DAY_MS;
const ACTIONS: readonly WindowAction[] = ['finalize', 'stage'];

/** Made once for the windows of an environment: their starts are remembered, and every step asks. */
const rules = new WeakMap<readonly TimeWindow[], readonly WindowRule[]>();

/** Windows as the gate asks them, each with its starts. */
export function windowRules(windows: readonly TimeWindow[]): readonly WindowRule[] {
  const known = rules.get(windows) ?? made(windows);
  rules.set(windows, known);
  return known;
}

function made(windows: readonly TimeWindow[]): readonly WindowRule[] {
  return windows.map(({ start, ...window }) => ({
    ...window,
    name: `"${start.trim()}" for ${formatDuration(window.durationMs)} (${window.timezone})`,
    ...occurrencesOf(start, window.timezone),
  }));
}

/**
 * The action that may never be taken: no instant is left for it, or, to stage, none from which a switch
 * could follow. What would take long to prove counts as open.
 */
export function neverOpens(windows: readonly TimeWindow[]): WindowAction | undefined {
  const different = [...new Map(windows.map((window) => [JSON.stringify(window), window])).values()];
  const ready = windowRules(different);
  const spans = spansToLookAt(different);
  return ACTIONS.find((action) => spans.every(({ from, horizonMs }) => 'never' in openingFor(ready, { action, from, horizonMs })));
}

interface LookedAt {
  readonly from: number;
  readonly horizonMs: number;
}

/**
 * Windows that are the same every day, or every week, are so until the clocks change somewhere: one day,
 * or week, after each change of a year stands for all. Others are looked at for a year, and then on for as
 * long as rare days take, such as a first of January that is a Friday.
 */
function spansToLookAt(windows: readonly TimeWindow[]): readonly LookedAt[] {
  const periodMs = Math.max(0, ...windows.map(periodOf));
  if (!Number.isFinite(periodMs)) return [{ from: REFERENCE_MS, horizonMs: YEAR_MS }, { from: REFERENCE_MS, horizonMs: HORIZON_MS }];
  const zones = [...new Set(windows.map(({ timezone }) => timezone))];
  const changes = [...new Set(zones.flatMap((zone) => clockChanges(zone, REFERENCE_MS, REFERENCE_MS + YEAR_MS)))].sort((one, other) => one - other);
  // What began before the clocks changed may still go on, and ends an hour sooner or later than it will.
  const settledMs = DAY_MS + Math.max(0, ...windows.map(({ durationMs }) => durationMs));
  const steady = [REFERENCE_MS, ...changes.map((change) => change + settledMs)];
  return steady.flatMap((from, index): LookedAt[] => {
    const horizonMs = Math.min(periodMs + STAGE_KEPT_MS, (changes[index] ?? Number.POSITIVE_INFINITY) - from);
    return horizonMs > 0 ? [{ from, horizonMs }] : [];
  });
}

/** After how long a window is the same again; infinite where it goes by the month. */
function periodOf({ start }: TimeWindow): number {
  const [, , day, month, weekday] = start.trim().split(/\s+/);
  if (day !== '*' || month !== '*') return Number.POSITIVE_INFINITY;
  return weekday === '*' ? DAY_MS : 7 * DAY_MS;
}

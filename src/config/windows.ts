import { openingFor, type TimeWindow, type WindowAction, type WindowRule } from '../domain/gates/window.js';
import { formatDuration } from './durations.js';
import { occurrencesOf } from './occurrences.js';

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
 * The action that may never be taken: within a year no instant is left for it, or, to stage, none from
 * which a switch could follow, and none is found later, as for a first of January that is a Friday. What
 * would take long to prove counts as open.
 */
export function neverOpens(windows: readonly TimeWindow[]): WindowAction | undefined {
  const ready = windowRules(windows);
  const isDaily = windows.every((window) => window.kind === 'allow' || /(?:\s\*){3}\s*$/.test(window.start));
  return ACTIONS.find((action) => {
    const next = openingFor(ready, { action, from: REFERENCE_MS, horizonMs: YEAR_MS });
    if ('never' in next) return !('at' in openingFor(ready, { action, from: REFERENCE_MS }));
    // Who is closed over a day by rules that are the same every day is closed for ever.
    return 'reached' in next && isDaily && next.reached - REFERENCE_MS >= DAY_MS;
  });
}

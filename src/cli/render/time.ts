import { parseDuration } from '../../config/durations.js';

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
];

/** `3m`, `2h 5m`, `4d`: at most two units, the larger first. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return ms <= 0 ? '0s' : `${Math.round(ms)}ms`;
  const at = UNITS.findIndex(([, size]) => ms >= size);
  const [unit, size] = UNITS[at] ?? ['s', 1_000];
  const next = UNITS[at + 1];
  const whole = Math.floor(ms / size);
  const rest = next === undefined ? 0 : Math.floor((ms % size) / next[1]);
  return rest > 0 && next !== undefined ? `${whole}${unit} ${rest}${next[0]}` : `${whole}${unit}`;
}

/** How long ago, or `in 5m` for what is to come. */
export function formatAge(iso: string | undefined, now: Date): string {
  if (iso === undefined) return '-';
  const ms = now.getTime() - Date.parse(iso);
  if (Number.isNaN(ms)) return '-';
  return ms < 0 ? `in ${formatDuration(-ms)}` : formatDuration(ms);
}

/** `500ms`, `30s`, `5m`, `4h`, `7d`; `undefined` for anything else, zero included. */
export function positiveDuration(text: string): number | undefined {
  const ms = parseDuration(text);
  return ms === 0 ? undefined : ms;
}

const ISO = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})?)?$/;

/** A date or time as ISO 8601; without an offset it is UTC. A day that no calendar has is `undefined`. */
export function parseInstant(text: string): string | undefined {
  if (!ISO.test(text)) return undefined;
  const withTime = text.includes('T') ? text : `${text}T00:00:00`;
  const zoned = /(?:Z|[+-]\d{2}:\d{2})$/.test(withTime) ? withTime : `${withTime}Z`;
  const at = new Date(zoned);
  if (Number.isNaN(at.getTime())) return undefined;
  // `Date` turns 30 February into 2 March; the day that was written must come back.
  const day = new Date(`${text.slice(0, 10)}T00:00:00Z`);
  return day.toISOString().slice(0, 10) === text.slice(0, 10) ? at.toISOString() : undefined;
}

import { HoldfastError } from '../domain/errors.js';

const FULL = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

/** One spelling for every time, so that comparing texts compares instants. Throws `Invalid` for what is no time. */
export function instant(text: string): string {
  if (FULL.test(text)) return text;
  const time = Date.parse(text);
  const utc = Number.isNaN(time) ? '' : new Date(time).toISOString();
  // A year beyond 9999 is written with a sign, and would sort before every other.
  if (!FULL.test(utc)) throw new HoldfastError('Invalid', `ledger: ${JSON.stringify(text.slice(0, 40))} is not a time`, { remedy: 'give it as ISO 8601 in UTC, such as 2026-11-21T09:00:00Z' });
  return utc;
}

export function optionalInstant(text: string | undefined): string | undefined {
  return text === undefined ? undefined : instant(text);
}

/** The instant that many milliseconds before; the beginning of time when that lies before it. */
export function earlier(at: string, ms: number): string {
  return new Date(Math.max(0, Date.parse(at) - ms)).toISOString();
}

const WRITTEN = /^(\d{4})-(\d{2})-(\d{2})T/;
const UTC = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

/**
 * The same instant in UTC, with milliseconds, so that comparing texts compares instants. `undefined` for
 * what is no time, for a day that no calendar has, and for a year beyond 9999, which sorts before every other.
 */
export function inUtc(text: string): string | undefined {
  const [, year, month, day] = WRITTEN.exec(text) ?? [];
  const time = Date.parse(text);
  if (day === undefined || Number.isNaN(time)) return undefined;
  if (new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() !== Number(day)) return undefined;
  const utc = new Date(time).toISOString();
  return UTC.test(utc) ? utc : undefined;
}

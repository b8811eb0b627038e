const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export const DURATION = /^\d{1,9}(?:ms|s|m|h|d)$/;
export const POSITIVE_DURATION = /^0*[1-9]\d{0,8}(?:ms|s|m|h|d)$/;

/** Ten years: beyond it a number was mistyped. */
const LONGEST_MS = 3_653 * 86_400_000;

/** Milliseconds of `500ms`, `30s`, `5m`, `4h` or `7d`; `undefined` when it is not written so or is longer than ten years. */
export function parseDuration(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  const unit = text.replace(/^\d+/, '');
  const value = Number(text.slice(0, -unit.length)) * (UNITS[unit] ?? Number.NaN);
  return value <= LONGEST_MS ? value : undefined;
}

/** The shortest way to write a number of milliseconds: `90m`, `2h`. */
export function formatDuration(milliseconds: number): string {
  for (const unit of ['d', 'h', 'm', 's']) {
    const size = UNITS[unit] ?? 1;
    if (milliseconds !== 0 && milliseconds % size === 0) return `${milliseconds / size}${unit}`;
  }
  return milliseconds === 0 ? '0s' : `${milliseconds}ms`;
}

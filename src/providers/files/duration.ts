import { z } from 'zod';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^([1-9][0-9]{0,8})(ms|s|m|h|d)$/;

export const duration = z.string().regex(DURATION, 'write a duration as 500ms, 30s, 5m, 4h or 7d');

/** Milliseconds of a duration that the schema has let through. */
export function milliseconds(text: string): number {
  const match = DURATION.exec(text);
  return Number(match?.[1] ?? 0) * (UNITS[match?.[2] ?? ''] ?? 0);
}

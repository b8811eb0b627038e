const FIRST_MS = 5_000;
const LONGEST_MS = 15 * 60_000;
/** However long a receiver asks us to wait, it is asked again within this. */
const LONGEST_ASKED_MS = 6 * 60 * 60_000;

/**
 * How long to wait before the next attempt: doubling from 5 s to 15 min, half of it by chance so
 * that what failed together does not come back together, and never sooner than the receiver asked.
 * `attempts` counts those before this one; `random` gives 0 to 1.
 */
export function backoffMs(attempts: number, random: () => number, retryAfterMs = 0): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempts, 20));
  return Math.round(Math.max(ceiling / 2 + (ceiling / 2) * random(), Math.min(retryAfterMs, LONGEST_ASKED_MS)));
}

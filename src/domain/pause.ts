/** The first pause where the other side named none, and the longest that is kept whatever it asked for. */
const FIRST_MS = 15_000;
const LONGEST_MS = 60 * 60_000;
/** Up to this share is added, so that many who were refused at once do not come back at once. */
const JITTER = 0.2;

/**
 * How long to leave somebody alone who was asked too often: as long as was asked for, and where
 * nothing was, twice as long each time. `random` is in [0, 1).
 */
export function pauseMs({ times, random, askedMs }: { readonly times: number; readonly random: number; readonly askedMs?: number }): number {
  const least = Math.min(askedMs ?? FIRST_MS * 2 ** Math.min(times - 1, 16), LONGEST_MS);
  return Math.round(least * (1 + JITTER * random));
}

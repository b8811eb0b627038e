import { setTimeout as sleep } from 'node:timers/promises';
import type { Observation } from '../../domain/change.js';

/** An effect need not be visible at once: looks this often, this far apart, before it counts as missing. */
const LOOKS = 5;
const LOOK_EVERY_MS = 1_000;

/** Looks until what must be seen is seen, for some seconds at most; returns the last look. `unknown` shows nothing. */
export async function lookUntil(look: () => Promise<Observation>, isSeen: (observation: Observation) => boolean): Promise<Observation> {
  for (let count = 1; ; count += 1) {
    const observation = await look();
    if (count >= LOOKS || (observation.verdict !== 'unknown' && isSeen(observation))) return observation;
    await sleep(LOOK_EVERY_MS);
  }
}

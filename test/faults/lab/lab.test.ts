import { expect, test } from 'vitest';
import { describe as tell, missed, runLaboratory } from './laboratory-run.js';

/** `npm run faults -- --only lab` runs every case; this is a part of them, the same each time unless a seed is given. */
const SEED = Number(process.env['HOLDFAST_FAULT_SEED'] ?? 1);

test(`some of each fault with each aftermath, and pairs, on every path (seed ${SEED}): every statement holds`, async () => {
  const { recorded, results, calls, enumerated } = await runLaboratory({ seed: SEED, aftermaths: ['continue', 'crash', 'everything'], each: 1, pairs: 2 });
  expect(recorded.flatMap((result) => result.violations)).toEqual([]);
  expect(enumerated).toBeGreaterThan(calls);
  // Six faults that go on, and four that a caller dies of, in process and really.
  expect(results).toHaveLength(6 + 4 + 4 + 2);
  expect(results.filter((result) => result.violations.length > 0 || missed(result)).map(tell)).toEqual([]);
}, 900_000);

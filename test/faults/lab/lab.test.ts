import { expect, test } from 'vitest';
import { describe as tell, missed, runLaboratory } from './laboratory-run.js';

/** `npm run faults -- --only lab` runs every case; this is a part of them, another each time. */
const SEED = Number(process.env['HOLDFAST_FAULT_SEED'] ?? Date.now() % 1_000_000);

test(`calls of a repair whose caller dies before or after their effect (seed ${SEED}): every statement holds`, async () => {
  const { recorded, results } = await runLaboratory({ seed: SEED, paths: ['fixed'], aftermaths: ['crash'], each: 8 });
  expect(recorded.flatMap((result) => result.violations)).toEqual([]);
  expect(results.length).toBeGreaterThan(16);
  expect(results.filter((result) => result.violations.length > 0 || missed(result)).map(tell)).toEqual([]);
}, 400_000);

import { expect, it } from 'vitest';
import { knownMatches, learnMatches } from '../../src/worker/matches.js';
import { openBench, SHOP } from '../activities/bench.js';

const OLD = 'prod/api';
const NEW = `${SHOP.environment}/${SHOP.target}`;
it('what matched when control first started is known, and later starts know no more', async () => {
  const { ledger } = await openBench();
  expect(await knownMatches({ ledger, control: true }, { matches: [OLD] })).toEqual(new Set([OLD]));
  expect(await knownMatches({ ledger, control: true }, { matches: [OLD, NEW] })).toEqual(new Set([OLD]));
});

it('a worker that starts before any control goes by its own configuration and writes nothing down', async () => {
  const { ledger } = await openBench();
  expect(await knownMatches({ ledger, control: false }, { matches: [OLD] })).toEqual(new Set([OLD]));
  expect(await knownMatches({ ledger, control: true }, { matches: [OLD, NEW] })).toEqual(new Set([OLD, NEW]));
});

it('a match that was seen clean is learnt by control, and by every other worker from what it wrote down', async () => {
  const on = await openBench();
  const { ledger } = on;
  const control = await knownMatches({ ledger, control: true }, { matches: [OLD] });
  const reader = await knownMatches({ ledger, control: false }, { matches: [OLD] });
  const asControl = { ledger, known: control, control: true };
  const asReader = { ledger, known: reader, control: false };
  expect(await learnMatches(asControl, [OLD, NEW]), 'nobody has looked yet').toBe(false);
  await on.check();
  expect(await learnMatches(asReader, [OLD, NEW]), 'only control learns from looks').toBe(false);
  expect(await learnMatches(asControl, [OLD, NEW])).toBe(true);
  expect(await learnMatches(asReader, [OLD, NEW])).toBe(true);
  expect([...reader].sort()).toEqual([OLD, NEW].sort());
  expect(await learnMatches(asReader, [OLD, NEW]), 'there is no more to learn').toBe(false);
});

it('what one control process has learnt is kept when another learns', async () => {
  const on = await openBench();
  const { ledger } = on;
  const first = await knownMatches({ ledger, control: true }, { matches: [] });
  const second = await knownMatches({ ledger, control: true }, { matches: [] });
  await ledger.setMeta('matches', JSON.stringify([OLD]));
  first.add(OLD);
  await on.check();
  await learnMatches({ ledger, known: second, control: true }, [NEW]);
  expect(await knownMatches({ ledger, control: false }, { matches: [] })).toEqual(new Set([OLD, NEW]));
});

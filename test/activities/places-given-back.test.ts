import { expect, it } from 'vitest';
import { FIRST, only, openBench, openIncident, refOf, standing } from './bench.js';

it('a part that is superseded while it waits for its turn gives back the place that a half-open breaker gave it', async () => {
  const on = await openBench({ environment: { limits: { concurrent: 2, reads: 4, failures: { max: 1, withinMs: 60_000 } } } });
  await on.ledger.closeGate({ scope: 'prod', gate: 'breaker', by: 'holdfast', reason: 'a repair failed', at: on.at(), incident: 9, halfOpenAt: on.at() });
  const part = await openIncident(on);
  expect(await on.run('askGates', refOf(part))).toMatchObject({ gate: { allowed: true } });
  on.write('etc/app.yaml', 'port: 10\nhost: a\n');
  on.later(1_000);
  await on.check();
  const next = await on.assess({ ordinal: 2, nextPart: 2, parts: [standing(part)] });
  expect(next.gone).toMatchObject([{ part: 1, event: 'moved' }]);
  expect(only(next.parts).gate).toMatchObject({ allowed: true });
  expect(await on.run('askGates', refOf(only(next.parts)))).toMatchObject({ gate: { allowed: true } });
  expect((await on.ledger.closedGates(FIRST, on.at())).flatMap((row) => row.holder ?? [])).toEqual(['prod/storefront#1/2']);
});

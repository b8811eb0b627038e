import { expect, it } from 'vitest';
import { incidentWorkflowId } from '../../src/workflows/messages.js';
import { FIRST, only, openBench, openIncident, refOf, SHOP, standing, type Bench } from './bench.js';

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

it('another part of the same incident hears that the place came back, since it waits for it as everybody does', async () => {
  const on = await openBench({ environment: { limits: { concurrent: 2, reads: 4, failures: { max: 1, withinMs: 60_000 } } } });
  await on.ledger.closeGate({ scope: 'prod', gate: 'breaker', by: 'holdfast', reason: 'a repair failed', at: on.at(), incident: 9, halfOpenAt: on.at() });
  const part = await openIncident(on);
  await on.run('stage', refOf(part));
  on.write('bin/run', '#!/bin/sh -e\n');
  const second = only((await on.assess({ ordinal: 2, nextPart: 2, parts: [{ ...standing(part), phase: 'finalizing' }] })).parts);
  expect(second).toMatchObject({ part: 2, gate: { allowed: false, gate: 'breaker' } });
  await on.ledger.updateIncident(FIRST, { part: { part: 2, phase: 'waiting' } });
  expect(woken(on)).toBe(0);
  await on.run('rollback', { incident: FIRST, part: 1, plan: part.plan ?? '', round: 1, cause: 'moved', reason: 'its changes moved' });
  expect(woken(on)).toBe(1);
  expect(await on.run('askGates', refOf(second))).toMatchObject({ gate: { allowed: true } });
});

it('a part alone in its incident is not woken by what it gives back itself', async () => {
  const on = await openBench({ environment: { limits: { concurrent: 2, reads: 4, failures: { max: 1, withinMs: 60_000 } } } });
  await on.ledger.closeGate({ scope: 'prod', gate: 'breaker', by: 'holdfast', reason: 'a repair failed', at: on.at(), incident: 9, halfOpenAt: on.at() });
  const part = await openIncident(on);
  await on.run('stage', refOf(part));
  await on.run('rollback', { incident: FIRST, part: 1, plan: part.plan ?? '', round: 1, cause: 'moved', reason: 'its changes moved' });
  expect(woken(on)).toBe(0);
});

function woken(on: Bench): number {
  return on.temporal.signals.filter(({ workflowId, signal }) => workflowId === incidentWorkflowId(SHOP.environment, SHOP.target) && signal === 'gates').length;
}

import { expect, it } from 'vitest';
import { controlDuties } from '../../src/worker/duties.js';
import { openBench, openIncident } from '../activities/bench.js';

const MINUTE = 60_000;
it('two builds beside each other do not renew what the other has just renewed, and the one that stays has the last word', async () => {
  const on = await openBench();
  await openIncident(on);
  const config = await on.deps.config();
  const old = controlDuties({ ...on.deps, build: 'old' });
  await old.tend(config);
  const young = controlDuties({ ...on.deps, build: 'young' });
  const renewed = (): number => on.temporal.signals.filter((each) => each.workflowId === 'incident/prod/storefront' && each.signal === 'observed').length;
  const before = renewed();
  for (let tick = 0; tick < 20; tick += 1) {
    on.later(5_000);
    await young.tend(config);
    await old.tend(config);
  }
  expect(renewed() - before, 'once by the new one; the old one has only just told').toBeLessThanOrEqual(2);
  for (let tick = 0; tick < 3; tick += 1) {
    on.later(5 * MINUTE);
    await young.tend(config);
  }
  expect(await on.ledger.getMeta('build')).toBe('young');
});

it('the record is signed and pruned every six hours, however often the process is restarted', async () => {
  const on = await openBench();
  await openIncident(on);
  const config = await on.deps.config();
  const signed = async (): Promise<number> => {
    const verified = await on.ledger.verify();
    return verified.ok ? verified.checkpoints : -1;
  };
  const tendAnew = async (): Promise<number> => {
    await on.ledger.append({ at: on.at(), kind: 'configuration', data: { digest: on.at() } });
    await controlDuties(on.deps).tend(config);
    return signed();
  };
  const before = await signed();
  expect(await tendAnew(), 'never pruned before').toBe(before + 1);
  on.later(5 * 60 * MINUTE);
  expect(await tendAnew(), 'five hours later').toBe(before + 1);
  on.later(2 * 60 * MINUTE);
  expect(await tendAnew(), 'seven hours later').toBe(before + 2);
});

it('a configuration that is taken looks at once at what is open and is decided otherwise now, and at nothing else', async () => {
  const on = await openBench();
  await openIncident(on);
  const client = { workflow: on.deps.client.workflow, schedule: { list: () => [] }, options: on.deps.client.options } as unknown as typeof on.deps.client;
  const duties = controlDuties({ ...on.deps, client });
  const checks = (): readonly unknown[] => on.temporal.started.filter((each) => each.type === 'checkEnvironment').map(({ workflowId, args }) => [workflowId, args]);
  await duties.taken(on.config);
  expect(checks(), 'the same as it was decided under').toEqual([]);
  await duties.taken({ ...on.config, digest: 'abcdef0123456789', environments: on.config.environments.map((each) => ({ ...each, remediation: 'ask' as const })) });
  expect(checks()).toEqual([['check/prod-configuration-abcdef012345', [{ environment: 'prod', targets: ['storefront'] }]]]);
});

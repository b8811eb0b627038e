import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.js';
import { FIRST, openBench, openIncident, refOf, staged, type Bench } from './bench.js';

const unreachable = { tell: () => Promise.reject(new Error('the ledger is away')) };

async function gates(on: Bench, gate: string): Promise<number> {
  return (await on.ledger.allClosedGates(on.at())).filter((row) => row.gate === gate).length;
}

describe('what was cut short between the word and the gate is done by the next attempt, and told once', () => {
  it('a step back', async () => {
    const on = await openBench();
    const ref = await staged(on, await openIncident(on));
    await on.run('finalize', ref);
    const rollback = { incident: FIRST, part: 1, plan: ref.plan, round: 1, cause: 'unhealthy', reason: 'status 503' } as const;
    await expect(on.run('rollback', rollback, { worker: unreachable })).rejects.toThrow();
    on.later(1_000);
    await on.run('rollback', rollback, { attempt: 2 });
    expect(on.told.filter((notice) => notice.sequence.startsWith('step-back'))).toHaveLength(1);
    expect(await gates(on, 'step-back')).toBe(1);
  });

  it('a field that flaps', async () => {
    const on = await openBench({ environment: { limits: { concurrent: 2, reads: 4, flapping: { repairs: 2, withinMs: 3_600_000 } } } });
    for (const at of [on.later(1_000), on.later(1_000)]) await on.ledger.append({ at, kind: 'finalized', environment: 'prod', target: 'storefront', incident: 9, data: { fields: ['etc/app.yaml /port'] } });
    on.write('etc/app.yaml', 'port: 9\nhost: a\n');
    await on.check();
    const look = { incident: FIRST, kind: 'drift', run: 'r', ordinal: 1, nextPart: 1, parts: [], settled: [] } as const;
    await expect(on.run('assess', look, { worker: unreachable })).rejects.toThrow();
    on.later(1_000);
    await on.run('assess', look, { attempt: 2 });
    await on.run('assess', { ...look, ordinal: 2 });
    expect(on.told.filter((notice) => notice.title.includes('flapping'))).toHaveLength(1);
    expect(await gates(on, 'flapping')).toBe(1);
  });
});

it('a budget whose time is shortened counts at once by that: nobody asks again each second until the old time is over', async () => {
  const budget = (withinMs: number): Config['environments'][number]['limits'] => ({ concurrent: 2, reads: 4, budget: { max: 1, withinMs } });
  const on = await openBench({ environment: { limits: budget(3_600_000) } });
  const part = await openIncident(on);
  await on.ledger.takePlace({ scope: 'prod', gate: 'budget', holder: 'prod/other#1/1', max: 1, at: on.at(), until: new Date(Date.parse(on.at()) + 3_600_000).toISOString() });
  expect(await on.run('askGates', refOf(part))).toMatchObject({ gate: { allowed: false, gate: 'budget' } });
  const config = { ...on.config, environments: on.config.environments.map((each) => ({ ...each, limits: budget(600_000) })) };
  on.later(600_000);
  expect(await on.run('askGates', refOf(part), { worker: { config: () => Promise.resolve(config) } })).toMatchObject({ gate: { allowed: true } });
});

it.each([
  { reason: 'its rollback failed two minutes ago, and said so then', rolledBack: true, closed: 0 },
  { reason: 'nothing of it was ever put back', rolledBack: false, closed: 1 },
])('a part that needs a person fails once, and not again when its incident ends: $reason', async ({ rolledBack, closed }) => {
  const on = await openBench({ environment: { limits: { concurrent: 2, reads: 4, failures: { max: 1, withinMs: 60_000 } } } });
  const { part, decision, plan = '', ask = '' } = await openIncident(on);
  if (rolledBack) await on.ledger.append({ at: on.at(), kind: 'rolled-back', environment: 'prod', target: 'storefront', incident: 1, data: { part, result: 'not-restored', cause: 'unhealthy' } });
  on.later(120_000);
  await on.run('close', { incident: FIRST, run: 'r', outcome: 'needs-human', malformed: 0, parts: [{ part, decision, plan, ask, outcome: 'needs-human', reason: 'x', cause: 'unhealthy' }] });
  expect(await gates(on, 'breaker')).toBe(closed);
});

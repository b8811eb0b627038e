import { describe, expect, it } from 'vitest';
import { FIRST, only, openBench, openIncident, staged, standing, type Bench } from './bench.js';

const HOUR = 3_600_000;

describe('a step back', () => {
  async function rolledBack(cause: 'unhealthy' | 'asked' = 'unhealthy', options: Parameters<typeof openBench>[0] = {}): Promise<Bench> {
    const on = await openBench(options);
    const ref = await staged(on, await openIncident(on));
    await on.run('finalize', ref);
    await on.run('rollback', { incident: FIRST, part: 1, plan: ref.plan, round: 1, cause, reason: 'status 503' });
    return on;
  }
  /** Its quarantine is released, and the same field drifts in an incident of its own. */
  async function driftedAgain(): Promise<Bench> {
    const on = await rolledBack();
    await on.ledger.openGate({ scope: 'prod', gate: 'quarantine', by: 'alice', reason: 'x', at: on.at() });
    await on.ledger.closeIncident(FIRST, { at: on.at(), outcome: 'rolled-back', parts: [], narrative: 'x', settled: [] });
    on.write('etc/app.yaml', 'port: 8\nhost: a\n');
    on.later(HOUR);
    await on.check();
    return on;
  }
  const steps = async (on: Bench): Promise<readonly (string | undefined)[]> => (await on.ledger.allClosedGates(on.at())).filter((row) => row.gate === 'step-back').map((row) => `${row.scope} ${row.resource ?? ''}`);

  it('is taken by the class of an automatic repair that was not healthy, loudly', async () => {
    const on = await rolledBack();
    expect(await steps(on)).toEqual(['prod configuration']);
    expect((await on.entries('gate')).filter((entry) => entry.data['gate'] === 'step-back')).toHaveLength(1);
    expect(on.told).toContainEqual(expect.objectContaining({ event: 'needs-human', title: 'prod asks about configuration again: an automatic repair was rolled back' }));
  });

  it('is taken once, however often the rollback runs', async () => {
    const on = await rolledBack();
    await on.run('rollback', { incident: FIRST, part: 1, plan: (await on.ledger.decisions(FIRST))[0]?.plan ?? '', round: 1, cause: 'unhealthy', reason: 'status 503' });
    expect(await steps(on)).toHaveLength(1);
    expect(on.told.filter((notice) => notice.sequence.includes('step-back'))).toHaveLength(1);
  });

  it('holds for the class in the whole environment, for what is decided and for what was decided before', async () => {
    const on = await driftedAgain();
    expect(only((await on.assess({ incident: { ...FIRST, number: 2 } })).parts)).toMatchObject({ decision: 'ask', rules: expect.arrayContaining(['step-back']) as string[], reason: expect.stringContaining('holdfast release prod --gate step-back') as string });
  });

  it('is not taken when a person asked for the rollback', async () => {
    expect(await steps(await rolledBack('asked'))).toEqual([]);
  });

  it('is released for the environment by a person with a reason', async () => {
    const on = await driftedAgain();
    const second = { ...FIRST, number: 2 };
    const asked = only((await on.assess({ incident: second })).parts);
    await on.ledger.updateIncident(second, { drift: (await on.ledger.incident(FIRST, 2))?.drift ?? '', runId: '11111111-1111-4111-8111-111111111111' });
    const message = { command: 'release', scope: 'prod', gate: 'step-back', by: 'alice', reason: 'understood' } as const;
    expect(await on.run('command', { environment: 'prod', message, run: 'r' }, { workflowId: 'environment/prod', workflowType: 'environment' })).toMatchObject({ ok: true, message: 'released 1 step-back in prod; the next check decides again what is asked about because of it' });
    expect(await steps(on)).toEqual([]);
    // What is asked about because of it is told by the next check, and is a question no more.
    expect((await on.ledger.incident(FIRST, 2))?.drift).toBe('released');
    const again = await on.assess({ incident: second, ordinal: 2, nextPart: 2, parts: [standing(asked, 'awaiting-approval')] });
    expect(again.gone).toMatchObject([{ part: 1, event: 'moved' }]);
    expect(only(again.parts)).toMatchObject({ decision: 'remediate' });
  });
});

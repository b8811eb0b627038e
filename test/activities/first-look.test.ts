import { describe, expect, it } from 'vitest';
import { FIRST, only, openBench, openIncident, standing } from './bench.js';

const HOUR = 3_600_000;
const FIRST_SEEN = { environment: { firstSeen: 'ask' } } as const;

describe('what stood there at the first look', () => {
  it('is never repaired by itself: a person is asked, and told that it is first seen', async () => {
    const on = await openBench(FIRST_SEEN);
    const part = await openIncident(on);
    expect(part).toMatchObject({ decision: 'ask', rules: expect.arrayContaining(['first-seen']) as string[], reason: expect.stringContaining('first seen') as string });
    expect(only(on.told).text).toContain('first seen');
  });

  it('stays so at every later look, and after a look that could not tell', async () => {
    const on = await openBench(FIRST_SEEN);
    on.write('etc/app.yaml', 'port: 9\nhost: a\n');
    await on.check();
    on.later(HOUR);
    await on.check();
    await on.run('recordUnread', { environment: 'prod', targets: ['storefront'], reason: 'nobody read it' }, { workflowId: 'check/prod', workflowType: 'checkEnvironment' });
    on.later(HOUR);
    await on.check();
    expect(only((await on.assess()).parts)).toMatchObject({ decision: 'ask', rules: expect.arrayContaining(['first-seen']) as string[] });
  });

  it('does not count for a target that was clean at first', async () => {
    const on = await openBench(FIRST_SEEN);
    await on.check();
    on.later(HOUR);
    expect(await openIncident(on)).toMatchObject({ decision: 'remediate' });
  });

  it('does not count for what went and came back', async () => {
    const on = await openBench(FIRST_SEEN);
    const first = await openIncident(on);
    on.write('etc/app.yaml', 'port: 1\nhost: a\n');
    on.later(HOUR);
    await on.check();
    on.write('etc/app.yaml', 'port: 9\nhost: a\n');
    on.later(HOUR);
    await on.check();
    const again = await on.assess({ ordinal: 2, nextPart: 2, parts: [standing(first, 'awaiting-approval')] });
    expect(only(again.parts)).toMatchObject({ decision: 'remediate', changes: 1 });
  });

  it('does not count for what comes beside it later: each is a part of its own', async () => {
    const on = await openBench(FIRST_SEEN);
    const first = await openIncident(on);
    on.later(HOUR);
    on.write('etc/motd', 'hacked\n');
    await on.check();
    const again = await on.assess({ ordinal: 2, nextPart: 2, parts: [standing(first, 'awaiting-approval')] });
    expect(again.gone).toEqual([]);
    expect(only(again.parts)).toMatchObject({ decision: 'remediate', changes: 1 });
  });

  it('is repaired where the environment says so', async () => {
    const on = await openBench();
    expect(await openIncident(on)).toMatchObject({ decision: 'remediate' });
  });

  it('is not written by a worker that is told that a rule allowed it', async () => {
    const on = await openBench();
    const part = await openIncident(on);
    const strict = { ...on.config, environments: on.config.environments.map(({ firstSeen: _, ...each }) => each) };
    const ref = { incident: FIRST, part: 1, plan: part.plan ?? '', ask: part.ask ?? '', run: '11111111-1111-4111-8111-111111111111', round: 1 };
    expect(await on.run('stage', ref, { worker: { config: () => Promise.resolve(strict) } })).toMatchObject({ result: 'moved', reason: expect.stringContaining('first seen') as string });
    expect(on.read('etc/app.yaml')).toBe('port: 9\nhost: a\n');
  });
});

import { expect, test } from 'vitest';
import type { DecideInput } from '../../src/client.js';
import { DECIDE_UPDATE, incidentWorkflowId, type DecideAnswer } from '../../src/workflows/messages.js';
import { inGatingWorld, type GatingWorld } from './gating-world.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

async function tenChecks(world: GatingWorld): Promise<void> {
  for (let check = 0; check < 10; check += 1) await world.check('prod');
}

function decide(world: GatingWorld, input: DecideInput): Promise<DecideAnswer> {
  return world.run(incidentWorkflowId(world.name('prod'), 'shop')).executeUpdate<DecideAnswer, [DecideInput]>(DECIDE_UPDATE, { args: [input] });
}

async function acceptedFor(world: GatingWorld, ms: number): Promise<string> {
  const until = new Date((await world.now()).getTime() + ms).toISOString();
  await world.check('prod');
  world.drift('prod/shop', 'etc/app.yaml', 'port: 9\nhost: a\n');
  await world.check('prod');
  await world.until('it asks', async () => (await world.status('prod/shop')).phase === 'awaiting-approval');
  const plan = (await world.status('prod/shop')).parts[0]?.plan ?? '';
  const answer = await decide(world, { decision: 'accept', by: 'alice', plan, reason: 'load test', until, ticket: 'OPS-12' });
  expect(answer.result).toBe('accepted');
  await world.until('it is closed', async () => (await world.row('prod/shop'))?.outcome === 'accepted');
  return until;
}

test('an acceptance is quiet until its date, no timer waits for it, and the check after it says once that it has lapsed', async () => {
  await inGatingWorld({ environments: { prod: { targets: { shop: { remediation: 'ask' } } } } }, async (world) => {
    const until = await acceptedFor(world, 3 * DAY);
    const told = world.told.length;
    await tenChecks(world);
    await world.skip(3 * DAY - HOUR);
    await tenChecks(world);
    expect((await world.row('prod/shop'))?.number).toBe(1);
    expect(world.told).toHaveLength(told);

    await world.skip(2 * HOUR);
    await world.check('prod');
    await world.until('it asks again', async () => (await world.row('prod/shop'))?.number === 2 && (await world.status('prod/shop')).phase === 'awaiting-approval');
    const says = `the acceptance by alice until ${until} (OPS-12) has lapsed: load test`;
    expect(world.told.slice(told).map((notice) => notice.event)).toEqual(['lapsed', 'approval-needed']);
    expect(world.told.at(-1)?.text).toContain(says);
    await tenChecks(world);
    expect(world.told.slice(told)).toHaveLength(2);

    const plan = (await world.status('prod/shop')).parts[0]?.plan ?? '';
    await decide(world, { decision: 'approve', by: 'bob', plan });
    await world.until('it is repaired', async () => (await world.row('prod/shop'))?.outcome === 'fixed');
    expect((await world.row('prod/shop'))?.narrative).toContain(`T${says.slice(1)}.`);
    world.drift('prod/shop', 'etc/app.yaml', 'port: 9\nhost: a\n');
    await world.check('prod');
    await world.until('the same again is an incident like any other', async () => (await world.row('prod/shop'))?.number === 3 && (await world.status('prod/shop')).phase === 'awaiting-approval');
    expect(world.told.at(-1)?.text).not.toContain('lapsed');
  });
}, 180_000);

test('an acceptance outlives another drift of the same file, and lapses before its date when the change is another one', async () => {
  await inGatingWorld({ environments: { prod: { targets: { shop: { remediation: 'ask' } } } } }, async (world) => {
    await acceptedFor(world, 3 * DAY);
    world.drift('prod/shop', 'etc/app.yaml', 'port: 9\nhost: b\n');
    await world.check('prod');
    await world.until('the other field asks', async () => (await world.row('prod/shop'))?.number === 2 && (await world.status('prod/shop')).phase === 'awaiting-approval');
    expect((await world.row('prod/shop'))?.parts[0]?.['brief']).toBe('etc/app.yaml /host');

    world.drift('prod/shop', 'etc/app.yaml', 'port: 10\nhost: b\n');
    await world.check('prod');
    await world.until('the changed change asks beside it', async () => JSON.stringify((await world.row('prod/shop'))?.parts).includes('/port'));
    await world.until('both ask', async () => (await world.status('prod/shop')).parts.filter((part) => part.phase === 'awaiting-approval').length > 0);
    expect(world.told.filter((notice) => notice.event === 'lapsed').map((notice) => notice.text)).toEqual([expect.stringContaining('has lapsed, since the change is another one now: load test.')]);
  });
}, 120_000);

test('what was announced is quiet when it comes, whatever its value, and once somebody ends it the next check asks', async () => {
  await inGatingWorld({ environments: { prod: { targets: { shop: { remediation: 'ask' } } } } }, async (world) => {
    const scope = `${world.name('prod')}/shop`;
    const until = new Date((await world.now()).getTime() + DAY).toISOString();
    await world.check('prod');
    expect(await world.command('prod', { command: 'accept', scope, resource: 'etc/app.yaml', path: '/port', until, by: 'alice', reason: 'planned change', ticket: 'CHG-88' })).toContain('are left alone until');
    for (const port of [7, 8]) {
      world.drift('prod/shop', 'etc/app.yaml', `port: ${port}\nhost: a\n`);
      await tenChecks(world);
    }
    expect(await world.row('prod/shop')).toBeUndefined();
    expect(world.told).toEqual([]);
    expect(await world.command('prod', { command: 'accept', end: true, scope, resource: 'etc/app.yaml', by: 'bob', reason: 'it is done' })).toContain('1 acceptance of etc/app.yaml');
    await world.check('prod');
    await world.until('it asks', async () => (await world.status('prod/shop')).phase === 'awaiting-approval');
  });
}, 120_000);

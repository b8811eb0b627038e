import { expect, test } from 'vitest';
import { inGatingWorld, type GatingWorld } from './gating-world.js';

const HOUR = 3_600_000;
const MINUTE = 60_000;

/** Two repairs fail, which opens the breaker; two others drift while it is open. */
async function tripped(world: GatingWorld): Promise<void> {
  await world.check('prod');
  for (const target of ['a', 'b']) {
    world.breaks(`prod/${target}`, true);
    world.drift(`prod/${target}`, 'etc/app.yaml', 'port: 9\nhost: a\n');
  }
  await world.check('prod');
  await world.until('a and b are rolled back', async () => (await world.row('prod/a'))?.outcome === 'rolled-back' && (await world.row('prod/b'))?.outcome === 'rolled-back');
  for (const target of ['c', 'd']) world.drift(`prod/${target}`, 'etc/app.yaml', 'port: 9\nhost: a\n');
  await world.check('prod');
  for (const target of ['c', 'd']) await world.until(`${target} waits`, async () => (await world.waitsFor(`prod/${target}`)).startsWith('breaker'));
}

const TARGETS = { limits: { failures: { max: 2, withinMs: HOUR } }, targets: { a: {}, b: {}, c: { soakMs: 10 * MINUTE }, d: { soakMs: 10 * MINUTE } } };

function phaseOf(world: GatingWorld, address: string): Promise<string> {
  return world.status(address).then((status) => status.phase, () => '');
}

test('so many failed repairs open the breaker: what comes then waits and polls nothing, at its time one is let through, and its success lets the others go', async () => {
  await inGatingWorld({ environments: { prod: TARGETS } }, async (world) => {
    await tripped(world);
    expect(world.told.filter((notice) => notice.title.includes('the breaker of'))).toHaveLength(1);
    expect(await world.waitsFor('prod/c')).toMatch(/^breaker of prod-\w+, one repair is let through at .*: 2 failed repairs within 1 hour \(prod-\w+\/\w#1, prod-\w+\/\w#1\); or: holdfast release prod-\w+ --gate breaker --reason WHY$/);
    const before = [await world.events('prod/c'), await world.events('prod/d')];
    await world.skip(30 * MINUTE);
    expect([await world.events('prod/c'), await world.events('prod/d')], 'nothing polls').toEqual(before);
    await world.skip(31 * MINUTE);
    await world.until('one soaks', async () => (await Promise.all(['c', 'd'].map((target) => phaseOf(world, `prod/${target}`)))).includes('soaking'));
    const [first = '', second = ''] = (await phaseOf(world, 'prod/c')) === 'soaking' ? ['prod/c', 'prod/d'] : ['prod/d', 'prod/c'];
    await world.until('the other waits for its end', async () => (await world.waitsFor(second)).includes('half-open: the repair of'));
    expect(await world.entries(second, 'staged'), 'only one was let through').toEqual([]);
    expect((await world.row(second))?.outcome).toBeUndefined();
    await world.skip(11 * MINUTE);
    await world.until('the first is fixed, and the other follows', async () => (await world.row(first))?.outcome === 'fixed' && (await phaseOf(world, second)) === 'soaking');
    await world.skip(11 * MINUTE);
    await world.until('the other is fixed', async () => (await world.row(second))?.outcome === 'fixed');
    expect(await world.ledger.allClosedGates((await world.now()).toISOString())).toMatchObject([{ gate: 'quarantine' }, { gate: 'quarantine' }]);
  });
}, 120_000);

test('the one that is let through fails: it is open again for the time, nobody is told twice, and no incident that waits has failed', async () => {
  await inGatingWorld({ environments: { prod: TARGETS } }, async (world) => {
    await tripped(world);
    world.breaks('prod/c', true);
    world.breaks('prod/d', true);
    await world.skip(61 * MINUTE);
    await world.until('one failed', async () => (await Promise.all(['c', 'd'].map((target) => world.row(`prod/${target}`)))).some((row) => row?.outcome === 'rolled-back'));
    const left = (await world.row('prod/c'))?.outcome === 'rolled-back' ? 'prod/d' : 'prod/c';
    await world.until('the other waits for the next time', async () => (await world.waitsFor(left)).includes('the repair that was let through failed as well'));
    expect((await world.row(left))?.closedAt, 'it waits, it has not failed').toBeUndefined();
    expect(await world.entries(left, 'staged')).toEqual([]);
    expect(world.told.filter((notice) => notice.title.includes('the breaker of'))).toHaveLength(1);
    world.breaks(left, false);
    await world.skip(61 * MINUTE);
    await world.until('it is its turn', async () => (await phaseOf(world, left)) === 'soaking');
    await world.skip(11 * MINUTE);
    await world.until('it is fixed', async () => (await world.row(left))?.outcome === 'fixed');
  });
}, 120_000);

test('a person releases it, and whoever waits goes on at once; the one that was let through gives way when it is cancelled', async () => {
  await inGatingWorld({ environments: { prod: TARGETS } }, async (world) => {
    await tripped(world);
    await world.skip(61 * MINUTE);
    await world.until('one soaks', async () => (await Promise.all(['c', 'd'].map((target) => phaseOf(world, `prod/${target}`)))).includes('soaking'));
    const [first = '', second = ''] = (await phaseOf(world, 'prod/c')) === 'soaking' ? ['prod/c', 'prod/d'] : ['prod/d', 'prod/c'];
    await world.until('the other waits for its end', async () => (await world.waitsFor(second)).includes('half-open'));
    const [environment = '', target = ''] = first.split('/');
    await world.run(`incident/${world.name(environment)}/${target}`).cancel();
    await world.until('the first is cancelled, and the other is let through', async () => (await world.row(first))?.outcome === 'cancelled' && (await phaseOf(world, second)) === 'soaking');
    expect(await world.command('prod', { command: 'release', scope: world.name('prod'), gate: 'breaker', by: 'alice', reason: 'known' })).toContain('released 1 breaker');
  });
}, 120_000);

import { rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { inGatingWorld, type GatingWorld } from './gating-world.js';

const HOUR = 3_600_000;
const MINUTE = 60_000;

function outcomeIs(world: GatingWorld, address: string, outcome: string): () => Promise<boolean> {
  return async () => (await world.row(address))?.outcome === outcome;
}

test('a field that flaps over incidents, with another value each time, is repaired no more; another field of the same target is; a release counts anew', async () => {
  await inGatingWorld({ environments: { prod: { targets: { shop: {} } } } }, async (world) => {
    await world.check('prod');
    for (const [round, port] of [[1, 7], [2, 8], [3, 9]] as const) {
      world.drift('prod/shop', 'etc/app.yaml', `port: ${port}\nhost: a\n`);
      await world.check('prod');
      await world.until(`round ${round} is repaired`, async () => (await world.row('prod/shop'))?.number === round && (await world.row('prod/shop'))?.outcome === 'fixed');
      await world.skip(MINUTE);
    }
    world.drift('prod/shop', 'etc/app.yaml', 'port: 7\nhost: a\n');
    world.drift('prod/shop', 'etc/motd', 'hacked\n');
    await world.check('prod');
    await world.until('the other field is repaired meanwhile', async () => world.read('prod/shop', 'etc/motd') === 'hello\n');
    await world.until('the field waits', async () => (await world.waitsFor('prod/shop')).includes('flapping of prod-'));
    await world.until('the other part has ended', async () => (await world.status('prod/shop')).parts.map((part) => part.outcome ?? part.phase).sort().join() === 'fixed,waiting');
    expect(await world.waitsFor('prod/shop')).toContain('etc/app.yaml /port was repaired 3 times within 1 hour and came back; another writer keeps putting it there');
    const before = await world.events('prod/shop');
    await world.skip(24 * HOUR);
    await world.check('prod');
    expect(await world.events('prod/shop'), 'the same sight again, a day later: nothing polls').toBe(before);
    expect(world.read('prod/shop', 'etc/app.yaml')).toBe('port: 7\nhost: a\n');
    expect(world.told.filter((notice) => notice.title.includes('flapping'))).toHaveLength(1);
    expect(await world.command('prod', { command: 'release', scope: `${world.name('prod')}/shop`, gate: 'flapping', by: 'alice', reason: 'the old job is gone' })).toContain('released 1 flapping');
    await world.until('it is repaired', outcomeIs(world, 'prod/shop', 'fixed'));
  });
}, 120_000);

test('while the engine is busy with one file its change waits, and another is repaired; the check that finds it done lets it go on', async () => {
  await inGatingWorld({ environments: { prod: { targets: { shop: { files: { busy: [{ file: 'shop.deploying', resources: ['etc/app.yaml'], reason: 'the shop is deployed' }] } } } } } }, async (world) => {
    await world.check('prod');
    const lock = world.path('prod/shop', 'deploying');
    writeFileSync(lock, '');
    world.drift('prod/shop', 'etc/app.yaml', 'port: 9\nhost: a\n');
    world.drift('prod/shop', 'etc/motd', 'hacked\n');
    await world.check('prod');
    await world.until('the other file is repaired', async () => world.read('prod/shop', 'etc/motd') === 'hello\n');
    await world.until('one part waits for the engine', async () => (await world.waitsFor('prod/shop')).startsWith('busy: the engine is at work on etc/app.yaml, until a check finds it done: the shop is deployed'));
    await world.until('the other part has ended', async () => (await world.status('prod/shop')).parts.map((part) => part.outcome ?? part.phase).sort().join() === 'fixed,waiting');
    const before = await world.events('prod/shop');
    await world.skip(HOUR);
    await world.check('prod');
    expect(await world.events('prod/shop'), 'still at work: the check tells nothing').toBe(before);
    rmSync(lock);
    await world.skip(HOUR);
    expect(await world.events('prod/shop'), 'done, and nobody has looked').toBe(before);
    await world.check('prod');
    await world.until('it is repaired', outcomeIs(world, 'prod/shop', 'fixed'));
    expect(world.read('prod/shop', 'etc/app.yaml')).toBe('port: 1\nhost: a\n');
  });
}, 120_000);

test('a pipeline says for how long it works: repairs wait for its end or for its word, whichever comes first', async () => {
  await inGatingWorld({ environments: { prod: { targets: { shop: {}, search: {} } } } }, async (world) => {
    await world.check('prod');
    const until = async (ms: number): Promise<string> => new Date((await world.now()).getTime() + ms).toISOString();
    for (const target of ['shop', 'search']) {
      expect(await world.command('prod', { command: 'freeze', gate: 'busy', scope: `${world.name('prod')}/${target}`, by: 'ci', reason: 'pipeline 311', until: await until(30 * MINUTE) })).toContain('is busy until');
      world.drift(`prod/${target}`, 'etc/motd', 'hacked\n');
    }
    await world.check('prod');
    for (const target of ['shop', 'search']) await world.until(`${target} waits`, async () => (await world.waitsFor(`prod/${target}`)).startsWith('busy: ci works on'));
    expect(await world.command('prod', { command: 'unfreeze', scope: `${world.name('prod')}/search`, by: 'ci', reason: 'pipeline 311 is done' })).toContain('is not busy any more');
    await world.until('search goes on at once', outcomeIs(world, 'prod/search', 'fixed'));
    expect((await world.row('prod/shop'))?.outcome).toBeUndefined();
    await world.skip(31 * MINUTE);
    await world.until('shop goes on at the end that was given', outcomeIs(world, 'prod/shop', 'fixed'));
    expect(world.told.filter((notice) => notice.event === 'frozen')).toEqual([]);
  });
}, 120_000);

const SHOP_IN_BOTH = { staging: { targets: { shop: { soakMs: 10 * MINUTE } } }, prod: { targets: { shop: { after: ['staging'] } } } };

async function driftInBoth(world: GatingWorld): Promise<void> {
  for (const environment of ['staging', 'prod']) {
    await world.check(environment);
    world.drift(`${environment}/shop`, 'etc/app.yaml', 'port: 9\nhost: a\n');
  }
}

/** Prod has the same drift, and is checked once staging was rolled back. */
async function rolledBackInStaging(world: GatingWorld): Promise<void> {
  await driftInBoth(world);
  world.healthy('staging/shop', false);
  await world.check('staging');
  await world.until('staging is rolled back', outcomeIs(world, 'staging/shop', 'rolled-back'));
  await world.check('prod');
}

test('staging then prod: prod waits for the repair of staging and for its soak, and is looked at after it', async () => {
  await inGatingWorld({ environments: SHOP_IN_BOTH }, async (world) => {
    await driftInBoth(world);
    await world.check('staging');
    await world.until('staging soaks', async () => (await world.status('staging/shop')).phase === 'soaking');
    await world.check('prod');
    await world.until('prod waits', async () => (await world.waitsFor('prod/shop')).startsWith(`after ${world.name('staging')}/shop: ${world.name('staging')}/shop#1 is open`));
    const before = await world.events('prod/shop');
    await world.skip(5 * MINUTE);
    expect(await world.events('prod/shop'), 'half-way through the soak: nothing polls').toBe(before);
    expect(await world.entries('prod/shop', 'staged')).toEqual([]);
    await world.skip(6 * MINUTE);
    await world.until('staging is fixed, and prod follows', async () => (await world.row('staging/shop'))?.outcome === 'fixed' && (await world.row('prod/shop'))?.outcome === 'fixed');
    const checks: string[] = [];
    await world.until('prod was checked after it', async () => {
      checks.push((await world.run(`check/${world.name('prod')}-after-${world.name('staging')}-shop-1`).describe()).status.name);
      return checks.at(-1) === 'COMPLETED';
    });
  });
}, 120_000);

test('prod stays stopped when staging was rolled back, says what moves it, and goes on once staging is clean', async () => {
  await inGatingWorld({ environments: SHOP_IN_BOTH }, async (world) => {
    await rolledBackInStaging(world);
    await world.until('prod is stopped', async () => (await world.waitsFor('prod/shop')).includes('ended rolled-back; it stays stopped until'));
    const before = await world.events('prod/shop');
    await world.skip(48 * HOUR);
    expect(await world.events('prod/shop'), 'no time opens it').toBe(before);
    expect(await world.entries('prod/shop', 'staged')).toEqual([]);
    // Put right by hand: no incident ends there that anybody would hear of.
    world.drift('staging/shop', 'etc/app.yaml', 'port: 1\nhost: a\n');
    await world.skip(MINUTE);
    await world.check('staging');
    await world.until('prod goes on', outcomeIs(world, 'prod/shop', 'fixed'));
  });
}, 120_000);

test('a person lets prod go on without what was rolled back in staging', async () => {
  await inGatingWorld({ environments: SHOP_IN_BOTH }, async (world) => {
    await rolledBackInStaging(world);
    await world.until('prod is stopped', async () => (await world.waitsFor('prod/shop')).includes('it stays stopped'));
    expect(await world.command('prod', { command: 'release', scope: `${world.name('prod')}/shop`, gate: 'after', by: 'alice', reason: 'staging is being rebuilt' })).toContain('goes on without what was rolled back');
    await world.until('prod is fixed', outcomeIs(world, 'prod/shop', 'fixed'));
  });
}, 120_000);

test('the budget lets so many through, and the next begins when the oldest leaves it', async () => {
  await inGatingWorld({ environments: { prod: { limits: { budget: { max: 2, withinMs: HOUR } }, targets: { a: {}, b: {}, c: {} } } } }, async (world) => {
    await world.check('prod');
    for (const target of ['a', 'b', 'c']) world.drift(`prod/${target}`, 'etc/motd', 'hacked\n');
    await world.check('prod');
    const outcomes = async (): Promise<(string | undefined)[]> => Promise.all(['a', 'b', 'c'].map(async (target) => (await world.row(`prod/${target}`))?.outcome));
    await world.until('two are repaired', async () => (await outcomes()).filter((outcome) => outcome === 'fixed').length === 2);
    const left = ['prod/a', 'prod/b', 'prod/c'][(await outcomes()).findIndex((outcome) => outcome !== 'fixed')] ?? '';
    await world.until('the third waits', async () => (await world.waitsFor(left)).startsWith('budget of prod-'));
    await world.skip(50 * MINUTE);
    expect((await world.row(left))?.outcome).toBeUndefined();
    await world.skip(11 * MINUTE);
    await world.until('the third is repaired', outcomeIs(world, left, 'fixed'));
  });
}, 120_000);

test('what appears while an incident is open settles first, in a part of its own', async () => {
  await inGatingWorld({ environments: { prod: { targets: { shop: { settleMs: 10 * MINUTE, soakMs: 60 * MINUTE } } } } }, async (world) => {
    await world.check('prod');
    world.drift('prod/shop', 'etc/app.yaml', 'port: 9\nhost: a\n');
    await world.check('prod');
    expect(await world.row('prod/shop'), 'seen once: recorded').toBeUndefined();
    await world.skip(11 * MINUTE);
    await world.check('prod');
    await world.until('it is repaired and soaks', async () => (await world.status('prod/shop')).phase === 'soaking');
    world.drift('prod/shop', 'etc/motd', 'hacked\n');
    await world.check('prod');
    await world.until('the new one settles', async () => (await world.waitsFor('prod/shop')).includes('settling: a change must have been there for 10 minutes, which is at'));
    expect(world.read('prod/shop', 'etc/motd')).toBe('hacked\n');
    await world.skip(11 * MINUTE);
    await world.until('it is repaired too', async () => world.read('prod/shop', 'etc/motd') === 'hello\n');
  });
}, 120_000);

test('one cause in two targets: what drifted elsewhere in staging by the same cause is waited for, and nothing else of it', async () => {
  const environments = { staging: { targets: { search: { soakMs: 10 * MINUTE } } }, prod: { targets: { shop: { after: ['staging'] }, news: { after: ['staging'] } } } };
  await inGatingWorld({ environments }, async (world) => {
    for (const environment of ['staging', 'prod']) await world.check(environment);
    world.drift('staging/search', 'etc/app.yaml', 'port: 9\nhost: a\n');
    world.drift('prod/shop', 'etc/app.yaml', 'port: 9\nhost: a\n');
    world.drift('prod/news', 'etc/app.yaml', 'port: 1\nhost: b\n');
    await world.check('staging');
    await world.until('staging soaks', async () => (await world.status('staging/search')).phase === 'soaking');
    await world.check('prod');
    await world.until('another cause does not wait', outcomeIs(world, 'prod/news', 'fixed'));
    await world.until('the same cause waits', async () => (await world.waitsFor('prod/shop')).startsWith(`after ${world.name('staging')}/search: `));
    await world.skip(11 * MINUTE);
    await world.until('it follows', outcomeIs(world, 'prod/shop', 'fixed'));
  });
}, 120_000);

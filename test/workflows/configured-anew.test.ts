import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { expect, test } from 'vitest';
import { deny } from '../domain/gates/windows.js';
import { shareEnvironment } from '../support/time-skipping.js';
import { environmentWorkflowId, incidentWorkflowId, WORKFLOW_QUEUE } from '../../src/workflows/messages.js';
import { inGatingWorld } from './gating-world.js';
import { assessed, inWorld, part } from './world.js';

let env: TestWorkflowEnvironment;

shareEnvironment((made) => { env = made; });

const HOUR = 3_600_000;
const NEVER = deny('0 0 1 1 *', '8760h');
const APPROVALS = { trust: 'namespace' as const, expiresMs: 4 * HOUR, remindMs: [], onExpiry: 'hold' as const, settledMs: 24 * HOUR };

test('a window that an operator opens in the configuration lets go on what waits for it, at the next check; until then, and while nothing changes, nothing polls', async () => {
  await inGatingWorld({ environments: { prod: { targets: { shop: {}, web: {} } } } }, async (world) => {
    world.configure('prod', { windows: [NEVER] });
    await world.check('prod');
    world.drift('prod/shop', 'etc/app.yaml', 'port: 9\nhost: a\n');
    await world.check('prod');
    await world.until('it waits', async () => (await world.waitsFor('prod/shop')).startsWith('inside the deny window'));
    const before = await world.events('prod/shop');
    await world.skip(48 * HOUR);
    await world.check('prod');
    expect(await world.events('prod/shop'), 'two days and a check later').toBe(before);
    world.configure('prod', { windows: [] });
    expect(await world.events('prod/shop'), 'nobody has looked yet').toBe(before);
    await world.check('prod');
    await world.until('it is repaired', async () => (await world.row('prod/shop'))?.outcome === 'fixed');
    expect(world.read('prod/shop', 'etc/app.yaml')).toBe('port: 1\nhost: a\n');
  });
}, 120_000);

test('a question is asked again when others must answer it, goes on by itself when nobody must any more, and costs nothing while nothing changes', async () => {
  await inGatingWorld({ environments: { prod: { targets: { shop: { remediation: 'ask' } } } } }, async (world) => {
    await world.check('prod');
    world.drift('prod/shop', 'etc/app.yaml', 'port: 9\nhost: a\n');
    await world.check('prod');
    await world.until('it is asked', async () => (await world.status('prod/shop')).phase === 'awaiting-approval');
    world.configure('prod', { approvals: { ...APPROVALS, rules: [{ any: [{ group: 'sre', count: 1 }] }] } });
    await world.check('prod');
    await world.until('it is asked again', async () => (await world.status('prod/shop')).parts.some((each) => each['since'] === 'who must approve it is different now: 1 of sre'));
    const before = await world.events('prod/shop');
    await world.check('prod');
    expect(await world.events('prod/shop')).toBe(before);
    world.configure('prod', {}, { remediation: 'auto' });
    await world.check('prod');
    await world.until('it is repaired', async () => (await world.row('prod/shop'))?.outcome === 'fixed');
  });
}, 120_000);

test('where more may write at once, who waits for a turn has it', async () => {
  await inWorld(env, (world) => ({ assess: () => Promise.resolve(world.assessments.length < 2 ? assessed([part({ decision: 'remediate' })]) : assessed([], { verdict: 'drifted', concurrent: 2, isElse: true })) }), async (world) => {
    const other = { workflowId: 'incident/other', runId: 'other', limit: 1, ordinal: 1 };
    const { environment } = world;
    await env.client.workflow.start('environment', { taskQueue: WORKFLOW_QUEUE, workflowId: environmentWorkflowId(environment), args: [{ environment, carried: { limit: 1, slots: [other], waiting: [] } }] });
    const incident = await env.client.workflow.start('incident', { taskQueue: WORKFLOW_QUEUE, workflowId: incidentWorkflowId(environment, 'storefront'), args: [{ incident: { environment, target: 'storefront', number: 1 }, kind: 'drift', pool: environment }] });
    await world.until('waiting');
    await expect.poll(() => world.guard().query('status'), { timeout: 10_000 }).toMatchObject({ concurrent: 1, waiting: [{}] });
    await incident.signal('observed', { configuration: true });
    expect(await incident.result()).toMatchObject({ outcome: 'fixed' });
  });
}, 60_000);

test('what was approved on a Friday night and waits for Monday goes on at once when somebody breaks the glass', async () => {
  const people = { principals: [{ name: 'dave', aliases: [], keys: [] }], groups: { oncall: ['dave'] } };
  await inGatingWorld({ people, environments: { prod: { targets: { shop: { remediation: 'ask' } } } } }, async (world) => {
    world.configure('prod', { windows: [NEVER], approvals: { ...APPROVALS, breakGlass: { group: 'oncall', expiresMs: HOUR, unverified: true } } });
    await world.check('prod');
    world.drift('prod/shop', 'etc/app.yaml', 'port: 9\nhost: a\n');
    await world.check('prod');
    await world.until('it is asked', async () => (await world.status('prod/shop')).phase === 'awaiting-approval');
    const plan = (await world.status('prod/shop')).parts[0]?.plan ?? '';
    const incident = world.run(`incident/${world.name('prod')}/shop`);
    await incident.signal('approve', { by: 'alice', plan });
    await world.until('it waits', async () => (await world.status('prod/shop')).phase === 'waiting');
    expect(await world.waitsFor('prod/shop')).toContain('--break-glass');
    await world.skip(12 * HOUR);
    expect(await world.entries('prod/shop', 'staged')).toEqual([]);
    await incident.signal('approve', { by: 'dave', plan, breakGlass: true, reason: 'checkout is down' });
    await world.until('it is repaired', async () => (await world.row('prod/shop'))?.outcome === 'fixed');
    expect((await world.row('prod/shop'))?.narrative).toMatch(/Approved by alice \(unverified\) at [^.]+\.\d+Z\.\s+dave \(unverified\) broke the glass for it at /);
    expect(world.told.filter((notice) => notice.event === 'break-glass')).toHaveLength(1);
  });
}, 120_000);

test('what the rules allow and waits for Monday is let start by whoever breaks the glass; behind a freeze that lapses, and it is broken anew', async () => {
  const people = { principals: [{ name: 'dave', aliases: [], keys: [] }], groups: { oncall: ['dave'] } };
  await inGatingWorld({ people, environments: { prod: { targets: { shop: {} } } } }, async (world) => {
    world.configure('prod', { windows: [NEVER], approvals: { ...APPROVALS, breakGlass: { group: 'oncall', expiresMs: HOUR, unverified: true } } });
    await world.check('prod');
    world.drift('prod/shop', 'etc/app.yaml', 'port: 9\nhost: a\n');
    await world.check('prod');
    await world.until('it waits', async () => (await world.waitsFor('prod/shop')).includes('--break-glass'));
    const plan = (await world.status('prod/shop')).parts[0]?.plan ?? '';
    expect(await world.waitsFor('prod/shop')).toContain(`holdfast approve ${world.name('prod')}/shop --plan ${plan.slice(0, 12)} --break-glass --reason WHY`);
    const incident = world.run(`incident/${world.name('prod')}/shop`);
    const breakGlass = (by: string, reason: string): Promise<void> => incident.signal('approve', { by, plan, breakGlass: true, reason });
    await breakGlass('alice', 'I would like to');
    await world.until('she is refused', async () => (await world.entries('prod/shop', 'refused')).length === 1);
    await world.command('prod', { command: 'freeze', scope: world.name('prod'), by: 'alice', reason: 'launch' });
    await breakGlass('dave', 'checkout is down');
    await world.until('the freeze holds it', async () => /^freeze of .*; dave broke the glass, for a repair that starts by /.test(await world.waitsFor('prod/shop')));
    await world.skip(2 * HOUR);
    await world.command('prod', { command: 'unfreeze', scope: world.name('prod'), by: 'alice', reason: 'done' });
    await world.until('it waits for its window as before', async () => (await world.waitsFor('prod/shop')).startsWith('inside the deny window'));
    expect(await world.entries('prod/shop', 'staged')).toEqual([]);
    await breakGlass('dave', 'checkout is down again');
    await world.until('it is repaired', async () => (await world.row('prod/shop'))?.outcome === 'fixed');
    expect((await world.row('prod/shop'))?.narrative).toMatch(/dave \(unverified\) broke the glass for it at .*\n?dave \(unverified\) broke the glass for it at /);
    expect(world.told.filter((notice) => notice.event === 'break-glass')).toHaveLength(2);
  });
}, 120_000);

test('a worker whose clock is seconds behind is asked again each second, and not as fast as it answers', async () => {
  const asked: number[] = [];
  await inWorld(env, () => ({
    assess: async () => assessed([part({ decision: 'remediate', gate: { allowed: false, gate: 'window', reason: 'closed', opensAt: new Date((await env.currentTimeMs()) + 1_000).toISOString() } })]),
    async askGates() {
      const now = await env.currentTimeMs();
      asked.push(now);
      const opensAt = new Date(asked[0] ?? now).toISOString();
      return { gate: now - (asked[0] ?? now) < 5_000 ? { allowed: false, gate: 'window', reason: 'closed', opensAt } : { allowed: true } };
    },
  }), async (world) => {
    expect(await (await world.start()).result()).toMatchObject({ outcome: 'fixed' });
    expect(asked.length).toBeLessThanOrEqual(7);
  });
}, 60_000);

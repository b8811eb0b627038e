import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { devServer, type DevServer } from '../support/dev-server.js';
import { checkStatements } from '../support/evidence.js';
import { askedOf } from '../support/asked.js';
import { addressOf, handleOf, newNamespace, openLaboratory, type Laboratory } from '../support/laboratory.js';
import { resetBefore, signalRaw } from '../support/signals.js';
import { readTree } from '../support/trees.js';
import { eventually } from '../support/waiting.js';

const NAMES = ['stale', 'other', 'many', 'reset-before', 'reset-after', 'live-moved', 'desired-moved', 'cleared', 'cleared-unseen', 'shapes', 'flood', 'unrelated'] as const;
const FILES = { 'etc/app.json': '{"port":80,"name":"shop"}\n', 'etc/note.txt': 'as it should be\n' };
const DRIFT = { 'etc/app.json': '{"port":81,"name":"shop"}\n' };

/** Enough to outgrow several runs; all of them with `npm run faults`. */
const FLOOD = process.env['HOLDFAST_FAULTS'] === 'all' ? 10_000 : 2_500;

let server: DevServer;
let lab: Laboratory;

beforeAll(async () => {
  server = await devServer();
  lab = await openLaboratory(await newNamespace(server.address), { targets: NAMES.map((name) => ({ address: `prod/${name}`, files: FILES })) });
  await lab.worker();
}, 300_000);

afterAll(async () => {
  await lab.close();
  await server.stop();
}, 60_000);

/** An incident that waits for its approval; returns the plan. */
async function asking(address: string): Promise<string> {
  await lab.site.drift(address, DRIFT);
  await lab.check(address);
  return planOf(address);
}

async function planOf(address: string): Promise<string> {
  const { parts } = await lab.untilPhase(address, 'awaiting-approval');
  return parts.find((part) => part.phase === 'awaiting-approval')?.plan ?? '';
}

async function isAsDrifted(address: string): Promise<boolean> {
  return JSON.stringify(await readTree(lab.site.live(address))) === JSON.stringify(lab.site.before(address));
}

async function refusals(address: string): Promise<readonly string[]> {
  return lab.withLedger(async (ledger) => {
    const reasons: string[] = [];
    for await (const entry of ledger.entries({ ...addressOf(address), kinds: ['refused'] })) reasons.push(JSON.stringify(entry.data['reason']));
    return reasons;
  });
}

async function finalizes(address: string): Promise<number> {
  return lab.withLedger(async (ledger) => {
    let count = 0;
    for await (const _ of ledger.entries({ ...addressOf(address), kinds: ['finalized'] })) count += 1;
    return count;
  });
}

describe('decisions that come late, twice, for something else, or in no shape at all', () => {
  test.concurrent('an approval for an older plan is refused with the current one, and nothing is written', async () => {
    const address = 'prod/stale';
    const old = await asking(address);
    await lab.site.drift(address, { 'etc/app.json': '{"port":82,"name":"shop"}\n' });
    await lab.check(address);
    const current = await eventually('another plan stands', async () => {
      const plan = await planOf(address);
      return plan === old ? undefined : plan;
    });
    const answer = await lab.client.decide(addressOf(address), { decision: 'approve', by: 'alice', plan: old });
    expect(answer).toMatchObject({ result: 'stale-plan', plan: current });
    expect(await isAsDrifted(address)).toBe(true);
    expect((await refusals(address)).join()).toContain('not a plan of this incident');
  }, 300_000);

  test.concurrent('an approval for another incident approves nothing', async () => {
    const address = 'prod/other';
    await asking(address);
    const answer = await lab.client.decide(addressOf(address), { decision: 'approve', by: 'alice', plan: 'f'.repeat(64) });
    expect(answer.result).toBe('stale-plan');
    expect(await isAsDrifted(address)).toBe(true);
  }, 300_000);

  test.concurrent('an approval that arrives 100 times, with a rejection among them: the first decision wins, one finalize', async () => {
    const address = 'prod/many';
    const plan = await asking(address);
    const handle = handleOf(lab, address);
    await handle.signal('approve', { by: 'alice', plan });
    await Promise.all(Array.from({ length: 99 }, (_, index) => (index === 50 ? handle.signal('reject', { by: 'bob', reason: 'no', plan }) : handle.signal('approve', { by: `person-${index}`, plan }))));
    const row = await lab.untilClosed(address);
    expect(row.outcome).toBe('fixed');
    expect(await finalizes(address)).toBe(1);
    const decisions = await lab.withLedger((ledger) => ledger.decisions(row));
    expect(decisions.map((decision) => [decision.decision, decision.by])).toEqual([['approve', 'alice']]);
  }, 300_000);

  test.concurrent.each([{ name: 'reset-before', event: 'approve' }, { name: 'reset-after', event: 'last task' }] as const)('an approval replayed by a reset ($name it was judged) writes nothing and is asked again', async ({ name, event }) => {
    const address = `prod/${name}`;
    // Frozen, so that what was approved still waits when the reset comes.
    await lab.client.command('prod', { command: 'freeze', scope: address, by: 'alice', reason: 'hold it' });
    await asking(address);
    const { plan, ask } = await askedOf(lab, address);
    await handleOf(lab, address).signal('approve', { by: 'alice', plan });
    await lab.untilPhase(address, 'waiting');
    await resetBefore(lab, address, event);
    await lab.client.command('prod', { command: 'unfreeze', scope: address, by: 'alice', reason: 'go on' });
    const { plan: again } = await eventually('it is asked again', async () => {
      const asked = await askedOf(lab, address);
      return asked.ask === ask ? undefined : asked;
    }, { last: () => lab.status(address) });
    expect(await isAsDrifted(address)).toBe(true);
    expect(await lab.client.decide(addressOf(address), { decision: 'approve', by: 'alice', plan: again, reason: 'given again' })).toMatchObject({ result: 'accepted' });
    expect((await lab.untilClosed(address)).outcome).toBe('fixed');
    expect(await finalizes(address)).toBe(1);
  }, 300_000);

  test.concurrent('the live state changed between plan and finalize: no write under the old approval, planned and asked again', async () => {
    const address = 'prod/live-moved';
    const plan = await asking(address);
    await lab.site.drift(address, { 'etc/app.json': '{"port":83,"name":"shop"}\n' });
    expect(await lab.client.decide(addressOf(address), { decision: 'approve', by: 'alice', plan })).toMatchObject({ result: 'accepted' });
    await eventually('another plan is asked about', async () => ((await planOf(address)) === plan ? undefined : true));
    expect(await isAsDrifted(address)).toBe(true);
    expect(await lab.approve(address, 'bob')).toMatchObject({ result: 'accepted' });
    expect((await lab.untilClosed(address)).outcome).toBe('fixed');
  }, 300_000);

  test.concurrent('the desired revision changed between plan and finalize: no write under the old approval', async () => {
    const address = 'prod/desired-moved';
    const plan = await asking(address);
    await lab.site.desire(address, { 'etc/app.json': '{"port":90,"name":"shop"}\n' });
    await lab.client.decide(addressOf(address), { decision: 'approve', by: 'alice', plan });
    await eventually('another plan is asked about', async () => ((await planOf(address)) === plan ? undefined : true));
    expect(await isAsDrifted(address)).toBe(true);
    await lab.approve(address, 'bob');
    expect((await lab.untilClosed(address)).outcome).toBe('fixed');
  }, 300_000);

  test.concurrent('the drift is gone before approval: cleared, no write', async () => {
    const address = 'prod/cleared';
    await asking(address);
    await lab.site.drift(address, FILES);
    await lab.check(address);
    expect((await lab.untilClosed(address)).outcome).toBe('cleared');
    expect(await finalizes(address)).toBe(0);
  }, 300_000);

  test.concurrent('the drift is gone, no check has seen it, and the approval comes: cleared, no write', async () => {
    const address = 'prod/cleared-unseen';
    const plan = await asking(address);
    await lab.site.drift(address, FILES);
    await lab.client.decide(addressOf(address), { decision: 'approve', by: 'alice', plan });
    expect((await lab.untilClosed(address)).outcome).toBe('cleared');
    expect(await lab.withLedger(async (ledger) => (await ledger.intents({ address: addressOf(address) })).length)).toBe(0);
  }, 300_000);

  test.concurrent('signals of any shape: the incident goes on, and the good one after them counts', async () => {
    const address = 'prod/shapes';
    const plan = await asking(address);
    const handle = handleOf(lab, address);
    for (const shape of [{}, 'approve', null, [], 7, { by: 1, plan }, { by: 'eve' }, { by: 'eve', plan: 'zzzzzzzz' }, { by: '', plan }, { __proto__: null, plan: {} }]) await handle.signal('approve', shape);
    await handle.signal('approve');
    await handle.signal('approve', { by: 'eve', plan: 'deadbeef' }, 'and', 'more');
    await handle.signal('no-such-signal', {});
    for (const encoding of ['binary/nonsense', 'json/plain', 'binary/encrypted', 'json/protobuf', '']) await signalRaw(lab, address, 'approve', [{ encoding, data: Buffer.from([0xff, 0xfe, 0x00, 0x7b]) }]);
    await signalRaw(lab, address, 'reject', [{ encoding: 'json/plain', data: Buffer.from('{"by": "eve", "reason":') }]);
    await handle.signal('approve', { by: 'alice', plan });
    expect((await lab.untilClosed(address)).outcome).toBe('fixed');
    expect(await finalizes(address)).toBe(1);
  }, 300_000);

  test.concurrent(`${FLOOD} signals without sense: the good one after them counts, within bounded time and history`, async () => {
    const address = 'prod/flood';
    const plan = await asking(address);
    const handle = handleOf(lab, address);
    for (let sent = 0; sent < FLOOD; sent += 50) await Promise.all(Array.from({ length: 50 }, (_, index) => handle.signal('approve', { junk: sent + index })));
    await handle.signal('approve', { by: 'alice', plan });
    const row = await lab.untilClosed(address, undefined, 120_000);
    expect(row.outcome).toBe('fixed');
    expect((await handle.describe()).historyLength).toBeLessThan(5_000);
  }, 300_000);

  test.concurrent('an unrelated change in the same target lapses no approval', async () => {
    const address = 'prod/unrelated';
    const plan = await asking(address);
    await lab.site.drift(address, { 'etc/note.txt': 'changed by somebody\n' });
    await lab.check(address);
    await eventually('the other change is asked about as well', async () => ((await lab.status(address))?.parts.length === 2 ? true : undefined), { last: () => lab.status(address) });
    expect(await lab.client.decide(addressOf(address), { decision: 'approve', by: 'alice', plan })).toMatchObject({ result: 'accepted' });
    await eventually('the approved part is fixed', async () => ((await lab.status(address))?.parts.some((part) => part.outcome === 'fixed') ? true : undefined), { last: () => lab.status(address) });
    const rest = await planOf(address);
    await lab.client.decide(addressOf(address), { decision: 'reject', by: 'alice', plan: rest, reason: 'keep the note' });
    await lab.untilClosed(address);
    expect((await readTree(lab.site.live(address)))['etc/app.json']).toBe((await readTree(lab.site.desired(address)))['etc/app.json']);
  }, 300_000);
});

test('with the workers away, an approval in time counts although it is handled after the expiry, and a late one does not although it is handled first', async () => {
  const targets = [{ address: 'prod/in-time', files: FILES }, { address: 'prod/late', files: FILES }];
  const away = await openLaboratory(await newNamespace(server.address), { targets, environments: { prod: { remediation: 'ask', approvals: { expires: '15s' } } } });
  try {
    const worker = await away.worker();
    for (const { address } of targets) await away.site.drift(address, DRIFT);
    await away.check('prod');
    const parts = await Promise.all(targets.map(async ({ address }) => (await away.untilPhase(address, 'awaiting-approval')).parts[0]));
    const plans = parts.map((part) => part?.plan);
    await worker.kill();
    await handleOf(away, 'prod/in-time').signal('approve', { by: 'alice', plan: plans[0] });
    const last = Math.max(...parts.map((part) => Date.parse(part?.expiresAt ?? '')));
    await sleep(Math.max(0, last - Date.now()) + 1_000);
    await handleOf(away, 'prod/late').signal('approve', { by: 'alice', plan: plans[1] });
    await away.worker();
    expect((await away.untilClosed('prod/in-time')).outcome).toBe('fixed');
    expect((await away.untilClosed('prod/late')).outcome).toBe('expired');
    expect(await checkStatements(away)).toEqual([]);
  } finally {
    await away.close();
  }
}, 300_000);

test('whatever was decided, the ten statements hold', async () => {
  expect(await checkStatements(lab)).toEqual([]);
}, 60_000);

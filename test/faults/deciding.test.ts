import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { EntryKind } from '../../src/ledger/ledger.js';
import { devServer, type DevServer } from '../support/dev-server.js';
import { checkStatements } from '../support/evidence.js';
import { addressOf, handleOf, openLaboratory, type Laboratory } from '../support/laboratory.js';
import { HOLDFAST, startNode, type Running } from '../support/processes.js';
import { eventually } from '../support/waiting.js';
import { voting } from '../support/voting.js';
import { isAsDrifted, laboratories } from './in-laboratory.js';

const FILES = { 'etc/app.json': '{"port":80}\n' };
const DRIFT = { 'etc/app.json': '{"port":81}\n' };
const GREETING = { 'etc/app.yaml': 'name: shop\ngreeting: drifted\n' };

/** How long a question stands, and nobody works; ten minutes with `npm run faults`. */
const ASKED_S = process.env['HOLDFAST_FAULTS'] === 'all' ? 600 : 20;

const inLaboratory = laboratories();
const votes = voting();

async function count(lab: Laboratory, address: string, kind: EntryKind): Promise<number> {
  return lab.withLedger(async (ledger) => {
    let found = 0;
    for await (const _ of ledger.entries({ ...addressOf(address), kinds: [kind] })) found += 1;
    return found;
  });
}

async function voted(lab: Laboratory, address: string): Promise<void> {
  await eventually(`a vote on ${address} is counted`, async () => ((await count(lab, address, 'voted')) === 1 ? true : undefined), { last: () => lab.status(address) });
}

describe('what was decided in part', () => {
  test.concurrent('all workers are gone with votes pending: the second vote counts when it was sent in time, and does not when it was late, by the time of Temporal', () => inLaboratory({
    targets: [{ address: 'prod/in-time', files: FILES }, { address: 'prod/late', files: FILES }],
    environments: { prod: { remediation: 'ask', approvals: { ...votes.approvals, expires: `${ASKED_S}s` } } },
    ...votes.people,
  }, async (lab) => {
    const worker = await lab.worker();
    for (const address of ['prod/in-time', 'prod/late']) await lab.site.drift(address, DRIFT);
    await lab.check('prod');
    const words = await Promise.all((['prod/in-time', 'prod/late'] as const).map(async (address) => {
      const [alice, bob] = [await votes.words(lab, address, 'alice'), await votes.words(lab, address, 'bob')];
      await handleOf(lab, address).signal('approve', alice);
      await voted(lab, address);
      return bob;
    }));
    const expiresAt = (await lab.status('prod/late'))?.parts[0]?.expiresAt ?? '';
    await worker.kill();
    await handleOf(lab, 'prod/in-time').signal('approve', words[0]);
    await sleep(Math.max(0, Date.parse(expiresAt) - Date.now()) + 1_500);
    await handleOf(lab, 'prod/late').signal('approve', words[1]);
    await lab.worker();
    expect((await lab.untilClosed('prod/in-time')).outcome).toBe('fixed');
    expect((await lab.untilClosed('prod/late')).outcome).toBe('expired');
    expect(await isAsDrifted(lab, 'prod/late')).toBe(true);
    for (const address of ['prod/in-time', 'prod/late']) expect([address, await count(lab, address, 'voted')]).toEqual([address, 1]);
  }), 150_000 + ASKED_S * 1_000);

  test.concurrent('the worker is killed while a stage is kept: another one switches it when the gate opens, staged once', () => inLaboratory({ targets: [{ address: 'dev/kept', service: true }] }, async (lab) => {
    const worker = await lab.faultyWorker({ faults: [{ point: 'probe', when: 'before', act: 'stall', ms: 8_000, of: 'shadow http', call: 1 }] });
    await lab.site.drift('dev/kept', GREETING);
    await lab.check('dev');
    await lab.untilPhase('dev/kept', 'validating');
    const until = new Date(Date.now() + 600_000).toISOString();
    expect(await lab.client.command('dev', { command: 'freeze', gate: 'busy', scope: 'dev/kept', by: 'ci', reason: 'a release goes out', until })).toMatchObject({ ok: true });
    await lab.untilPhase('dev/kept', 'kept');
    await worker.kill();
    await lab.worker();
    expect(await lab.client.command('dev', { command: 'unfreeze', scope: 'dev/kept', by: 'ci', reason: 'it is out' })).toMatchObject({ ok: true });
    expect((await lab.untilClosed('dev/kept')).outcome).toBe('fixed');
    expect([await count(lab, 'dev/kept', 'staged'), await count(lab, 'dev/kept', 'finalized')]).toEqual([1, 1]);
  }), 150_000);

  test.concurrent('the worker is killed while a stage is kept, and a freeze comes while nobody works: it is unstaged, and repaired when that is lifted', () => inLaboratory({ targets: [{ address: 'dev/frozen', service: true }] }, async (lab) => {
    const worker = await lab.faultyWorker({ faults: [{ point: 'probe', when: 'before', act: 'stall', ms: 8_000, of: 'shadow http', call: 1 }] });
    await lab.site.drift('dev/frozen', GREETING);
    await lab.check('dev');
    await lab.untilPhase('dev/frozen', 'validating');
    await lab.client.command('dev', { command: 'freeze', gate: 'busy', scope: 'dev/frozen', by: 'ci', reason: 'a release goes out', until: new Date(Date.now() + 600_000).toISOString() });
    await lab.untilPhase('dev/frozen', 'kept');
    await worker.kill();
    await lab.temporal.workflow.getHandle('environment/dev').signal('freeze', { scope: 'dev/frozen', by: 'alice', reason: 'hold it' });
    await lab.worker();
    await lab.untilPhase('dev/frozen', 'waiting');
    expect(await isAsDrifted(lab, 'dev/frozen')).toBe(true);
    expect(await lab.client.command('dev', { command: 'unfreeze', scope: 'dev/frozen', by: 'alice', reason: 'go on' })).toMatchObject({ ok: true });
    expect((await lab.untilClosed('dev/frozen')).outcome).toBe('fixed');
    expect([await count(lab, 'dev/frozen', 'staged'), await count(lab, 'dev/frozen', 'finalized')]).toEqual([2, 1]);
  }), 150_000);
});

test('the Temporal server is killed between two votes, and the worker with it: the first one still counts, once, and the second completes it', async () => {
  const own = await devServer();
  const port = Number(own.address.split(':')[1]);
  const lab = await openLaboratory({ address: own.address, namespace: own.namespace }, { targets: [{ address: 'prod/voted', files: FILES }], environments: { prod: { remediation: 'ask', approvals: votes.approvals } }, ...votes.people });
  let again: DevServer | undefined;
  try {
    const worker = await lab.worker();
    await lab.site.drift('prod/voted', DRIFT);
    await lab.check('prod');
    const [alice, bob] = [await votes.words(lab, 'prod/voted', 'alice'), await votes.words(lab, 'prod/voted', 'bob')];
    await handleOf(lab, 'prod/voted').signal('approve', alice);
    await voted(lab, 'prod/voted');
    await Promise.all([own.kill(), worker.kill()]);
    again = await devServer({ dataDir: own.dataDir, port });
    await lab.worker();
    await eventually('the first one still counts', async () => ((await lab.client.decide(addressOf('prod/voted'), { ...alice })).result === 'already-decided' ? true : undefined));
    expect(await isAsDrifted(lab, 'prod/voted')).toBe(true);
    await eventually('the second vote is heard', async () => (['accepted', 'already-decided'].includes((await lab.client.decide(addressOf('prod/voted'), bob)).result) ? true : undefined));
    expect((await lab.untilClosed('prod/voted')).outcome).toBe('fixed');
    expect([await count(lab, 'prod/voted', 'voted'), await count(lab, 'prod/voted', 'approved'), await count(lab, 'prod/voted', 'finalized')]).toEqual([1, 1, 1]);
    expect(await checkStatements(lab)).toEqual([]);
  } finally {
    await lab.close();
    await again?.stop();
    await rm(own.dataDir, { recursive: true, force: true });
  }
}, 300_000);

/** The command as it is shipped, which decides about everything of one cause. */
function deciding(lab: Laboratory, cause: string): Running {
  const running = startNode([HOLDFAST, 'approve', '--cause', cause, '--yes', '--by', 'alice', '--reason', 'known', '--config', lab.site.config, '--data-dir', lab.site.dataDir], lab.env);
  lab.watch(running);
  return running;
}

test.concurrent('one decision about three incidents is killed between them, with the worker: what was decided is decided once, and told again it finishes', () => inLaboratory({
  targets: ['one', 'two', 'three'].map((name) => ({ address: `prod/${name}`, files: FILES })), environments: { prod: { remediation: 'ask' } },
}, async (lab) => {
  const addresses = ['prod/one', 'prod/two', 'prod/three'];
  const worker = await lab.faultyWorker({ faults: [{ point: 'ledger.decide', call: 2, when: 'before', act: 'stall', ms: 600_000 }] });
  for (const address of addresses) await lab.site.drift(address, DRIFT);
  await lab.check('prod');
  for (const address of addresses) await lab.untilPhase(address, 'awaiting-approval');
  const causes = (await Promise.all(addresses.map((address) => lab.incident(address)))).flatMap((row) => row?.parts.flatMap((part) => part['causes'] as readonly { readonly key: string }[]) ?? []);
  expect(new Set(causes.map(({ key }) => key)).size).toBe(1);
  const cause = causes[0]?.key ?? '';
  const first = deciding(lab, cause);
  await eventually('one is decided, and the next is being decided', async () => ((await decidedOf(lab, addresses)) === 1 && worker.said().includes('fault: stall') ? true : undefined), { last: () => worker.said() });
  await first.kill();
  await worker.kill();
  await lab.worker();
  // The word that had been sent is judged without whoever sent it; the third incident has heard nothing.
  await eventually('the second is decided too', async () => ((await decidedOf(lab, addresses)) === 2 ? true : undefined));
  const again = deciding(lab, cause);
  expect(await again.ended, again.said()).toBe(0);
  for (const address of addresses) {
    expect((await lab.untilClosed(address)).outcome).toBe('fixed');
    expect(await count(lab, address, 'approved'), address).toBe(1);
  }
}), 300_000);

async function decidedOf(lab: Laboratory, addresses: readonly string[]): Promise<number> {
  return (await Promise.all(addresses.map((address) => count(lab, address, 'approved')))).reduce((sum, each) => sum + each, 0);
}

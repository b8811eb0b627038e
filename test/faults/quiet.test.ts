import { setTimeout as sleep } from 'node:timers/promises';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DecideInput } from '../../src/client.js';
import { devServer, type DevServer } from '../support/dev-server.js';
import { checkStatements, tenMoreChecks } from '../support/evidence.js';
import { addressOf, handleOf, newNamespace, openLaboratory, type Laboratory } from '../support/laboratory.js';
import type { SiteTarget } from '../support/site.js';
import { readTree } from '../support/trees.js';
import { eventually } from '../support/waiting.js';

const FILES = { 'etc/app.json': '{"port":80}\n', 'etc/note.txt': 'as it should be\n' };
const DRIFT = { 'etc/app.json': '{"port":81}\n' };
const OUTCOMES = ['rejected', 'expired', 'accepted', 'cancelled', 'cleared', 'rolled-back', 'needs-human', 'fixed', 'undone', 'terminated'] as const;
const ADDRESS: Readonly<Record<(typeof OUTCOMES)[number], string>> = {
  rejected: 'prod/rejected', expired: 'short/expired', accepted: 'prod/accepted', cancelled: 'prod/cancelled', cleared: 'prod/cleared',
  'rolled-back': 'dev/rolled-back', 'needs-human': 'risky/needs-human', fixed: 'dev/fixed', undone: 'dev/undone', terminated: 'prod/terminated',
};
const ENVIRONMENTS = ['dev', 'prod', 'short', 'risky'];

let server: DevServer;
let lab: Laboratory;

beforeAll(async () => {
  server = await devServer();
  const targets: SiteTarget[] = Object.values(ADDRESS).map((address) => ({ address, files: FILES, inPlace: address === ADDRESS['needs-human'] }));
  targets.push({ address: 'risky/next', files: FILES });
  lab = await openLaboratory(await newNamespace(server.address), {
    targets,
    environments: { short: { remediation: 'ask', approvals: { expires: '3s' } }, risky: { remediation: 'auto' } },
    notifications: { sinks: { out: { type: 'command', command: ['node', '-e', 'process.stdin.resume()'] } }, routes: [{ to: ['out'] }] },
  });
  await lab.worker();
}, 300_000);

afterAll(async () => {
  await lab.close();
  await server.stop();
}, 60_000);

/** Unhealthy as soon as what is live is what is desired. */
function unhealthyWhenDesired(address: string, andThen?: () => Promise<void>): void {
  lab.site.health.set(address, async () => {
    const isDesired = (await readTree(lab.site.live(address)))['etc/app.json'] === (await readTree(lab.site.desired(address)))['etc/app.json'];
    if (isDesired) await andThen?.();
    return !isDesired;
  });
}

async function planOf(address: string): Promise<string> {
  return (await lab.untilPhase(address, 'awaiting-approval')).parts.find((part) => part.phase === 'awaiting-approval')?.plan ?? '';
}

/** Billed actions of the server so far, once nothing moves any more. */
async function actions(): Promise<number> {
  const count = async (): Promise<number> => {
    const text = await (await fetch(server.metricsUrl)).text();
    return text.split('\n').filter((line) => line.startsWith('action{') && !/Query|Schedule/.test(line)).reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  };
  for (let last = await count(); ; ) {
    await sleep(1_500);
    const now = await count();
    if (now === last) return now;
    last = now;
  }
}

async function costOfTenChecks(): Promise<number> {
  const before = await actions();
  for (let time = 0; time < 10; time += 1) await Promise.all(ENVIRONMENTS.map((environment) => lab.check(environment)));
  return (await actions()) - before;
}

test('unchanged drift after every outcome and ten more checks: no incident, no message, no action beyond the check', async () => {
  await lab.check('dev');
  const clean = await costOfTenChecks();
  unhealthyWhenDesired(ADDRESS['rolled-back']);
  // Somebody else writes in the middle, so that it can be neither as desired nor as it was.
  unhealthyWhenDesired(ADDRESS['needs-human'], () => writeFile(join(lab.site.live(ADDRESS['needs-human']), 'etc/app.json'), '{"port":99}\n'));
  for (const address of Object.values(ADDRESS)) await lab.site.drift(address, DRIFT);
  for (const environment of ENVIRONMENTS) await lab.check(environment);

  const decide = async (address: string, decision: Pick<DecideInput, 'decision' | 'until'>): Promise<unknown> => lab.client.decide(addressOf(address), { by: 'alice', plan: await planOf(address), reason: 'a test', ...decision });
  await decide(ADDRESS.rejected, { decision: 'reject' });
  await decide(ADDRESS.accepted, { decision: 'accept', until: new Date(Date.now() + 3_600_000).toISOString() });
  await lab.untilPhase(ADDRESS.cancelled, 'awaiting-approval');
  await handleOf(lab, ADDRESS.cancelled).cancel();
  await lab.untilPhase(ADDRESS.terminated, 'awaiting-approval');
  await handleOf(lab, ADDRESS.terminated).terminate('a test');
  await lab.untilPhase(ADDRESS.cleared, 'awaiting-approval');
  await lab.site.drift(ADDRESS.cleared, FILES);
  expect((await lab.untilClosed(ADDRESS.undone)).outcome).toBe('fixed');
  expect(await lab.client.command('dev', { command: 'undo', scope: ADDRESS.undone, incident: 1, by: 'alice', reason: 'it was right before' })).toMatchObject({ ok: true });
  await lab.check('prod');

  const wanted: Readonly<Record<string, string>> = { undone: 'rolled-back' };
  for (const outcome of OUTCOMES) {
    const row = await lab.untilClosed(ADDRESS[outcome]);
    expect([outcome, row.outcome]).toEqual([outcome, wanted[outcome] ?? outcome]);
  }
  // What one check after the end makes of it is the last that happens.
  for (const environment of ENVIRONMENTS) await lab.check(environment);
  const quiet = await tenMoreChecks(lab, ENVIRONMENTS);
  expect(await checkStatements(lab, { quiet })).toEqual([]);
  expect(await costOfTenChecks()).toBe(clean);
}, 240_000);

test('after a rollback that failed its environment takes no new automatic change until a person releases it', async () => {
  // The class went a step back as well, and would be asked about.
  await lab.client.command('risky', { command: 'release', scope: 'risky', gate: 'step-back', by: 'alice', reason: 'looked at' });
  await lab.site.drift('risky/next', DRIFT);
  await lab.check('risky');
  const { parts } = await lab.untilPhase('risky/next', 'waiting');
  expect(parts[0]?.waitsFor).toContain('breaker');
  await lab.client.command('risky', { command: 'release', scope: 'risky', gate: 'needs-human', by: 'alice', reason: 'repaired by hand' });
  expect((await lab.untilClosed('risky/next')).outcome).toBe('fixed');
}, 300_000);

test('an unrelated change in the same target lifts no quarantine and ends no acceptance, rejection or undo', async () => {
  const kept = [ADDRESS['rolled-back'], ADDRESS.undone, ADDRESS.accepted, ADDRESS.rejected];
  await lab.client.command('dev', { command: 'release', scope: 'dev', gate: 'step-back', by: 'alice', reason: 'looked at' });
  for (const address of kept) await lab.site.drift(address, { 'etc/note.txt': 'changed by somebody\n' });
  await lab.check('dev');
  await lab.check('prod');
  lab.site.health.set(ADDRESS['rolled-back'], () => true);
  for (const address of [ADDRESS.accepted, ADDRESS.rejected]) await lab.approve(address);
  for (const address of kept) {
    const row = await eventually(`the other change of ${address} is dealt with`, async () => {
      const last = await lab.untilClosed(address);
      return last.parts.some((part) => JSON.stringify(part['brief']).includes('note.txt')) ? last : undefined;
    });
    expect([address, row.outcome]).toEqual([address, 'fixed']);
    const live = await readFile(join(lab.site.live(address), 'etc/app.json'), 'utf8');
    expect([address, live]).toEqual([address, DRIFT['etc/app.json']]);
    expect(await readFile(join(lab.site.live(address), 'etc/note.txt'), 'utf8')).toBe(FILES['etc/note.txt']);
  }
  const quiet = await tenMoreChecks(lab, ['dev', 'prod']);
  expect(await checkStatements(lab, { quiet })).toEqual([]);
}, 300_000);

test('a changed desired state of that very file is asked about again, because what was settled was another change', async () => {
  await lab.site.desire(ADDRESS.rejected, { 'etc/app.json': '{"port":8080}\n' });
  await lab.check('prod');
  await lab.approve(ADDRESS.rejected);
  const row = await lab.untilClosed(ADDRESS.rejected);
  expect(row).toMatchObject({ outcome: 'fixed' });
  expect(await readFile(join(lab.site.live(ADDRESS.rejected), 'etc/app.json'), 'utf8')).toBe('{"port":8080}\n');
}, 300_000);

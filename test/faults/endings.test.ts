import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { IncidentRow } from '../../src/ledger/ledger.js';
import { devServer, type DevServer } from '../support/dev-server.js';
import { checkStatements, tenMoreChecks } from '../support/evidence.js';
import { addressOf, handleOf, newNamespace, openLaboratory, type Fault, type Laboratory } from '../support/laboratory.js';
import type { SiteTarget } from '../support/site.js';
import { readTree } from '../support/trees.js';
import { eventually } from '../support/waiting.js';

const FILES = { 'etc/app.json': '{"port":80}\n', 'etc/note.txt': 'as it should be\n' };
const DRIFT = { 'etc/app.json': '{"port":81}\n' };
const STALL_MS = 6_000;

/** One target for each phase, held in it by a stall, a gate, a person who does not answer, or a long soak. */
const TARGETS: readonly (SiteTarget & { readonly phase: string })[] = [
  { address: 'dev/deciding', files: FILES, phase: 'deciding' },
  { address: 'prod/asking', files: FILES, phase: 'awaiting-approval' },
  { address: 'dev/waiting', files: FILES, phase: 'waiting' },
  { address: 'dev/staging', files: FILES, phase: 'staging' },
  { address: 'dev/validating', service: true, phase: 'validating' },
  { address: 'dev/finalizing', files: FILES, phase: 'finalizing' },
  { address: 'dev/verifying', files: FILES, phase: 'verifying' },
  { address: 'dev/soaking', files: FILES, phase: 'soaking', more: { soak: '30s' } },
  { address: 'dev/putting-back', files: FILES, phase: 'rolling-back' },
];

const STALLS: readonly Fault[] = [
  { point: 'files.plan', when: 'before', act: 'stall', ms: STALL_MS, of: '"target":"deciding"' },
  { point: 'artifacts.put', when: 'before', act: 'stall', ms: STALL_MS, of: '"target":"staging"' },
  { point: 'probe', when: 'before', act: 'stall', ms: STALL_MS, of: 'shadow http' },
  { point: 'ledger.intend', when: 'after', act: 'stall', ms: STALL_MS, of: 'dev/finalizing#1/1.1/finalize/switch' },
  { point: 'probe', when: 'before', act: 'stall', ms: STALL_MS, of: '/dev/verifying"', call: 2 },
  { point: 'files.rollback', when: 'before', act: 'stall', ms: STALL_MS, of: '"target":"putting-back"' },
];

let server: DevServer;

beforeAll(async () => {
  server = await devServer();
}, 60_000);

afterAll(() => server.stop());

/** Every incident stands in its phase; the worker holds it there for a while. */
async function everyPhase(): Promise<Laboratory> {
  const lab = await openLaboratory(await newNamespace(server.address), { targets: TARGETS });
  await lab.faultyWorker({ faults: STALLS });
  await lab.client.command('dev', { command: 'freeze', scope: 'dev/waiting', by: 'alice', reason: 'held for the test' });
  const wanted = (await readTree(lab.site.desired('dev/putting-back')))['etc/app.json'];
  lab.site.health.set('dev/putting-back', async () => (await readTree(lab.site.live('dev/putting-back')))['etc/app.json'] !== wanted);
  for (const { address, service } of TARGETS) await lab.site.drift(address, service === true ? { 'etc/app.yaml': 'name: shop\ngreeting: drifted\n' } : DRIFT);
  await Promise.all([lab.check('dev'), lab.check('prod')]);
  return lab;
}

async function inPhase(lab: Laboratory, address: string, phase: string): Promise<void> {
  await eventually(`${address} is ${phase}`, async () => {
    const status = await lab.status(address);
    return status?.phase === phase ? true : undefined;
  }, { last: () => lab.status(address) });
}

async function isAsDrifted(lab: Laboratory, address: string): Promise<boolean> {
  return JSON.stringify(await readTree(lab.site.live(address))) === JSON.stringify(lab.site.before(address));
}

describe('an incident that is ended from outside', () => {
  test.concurrent('cancelled in any phase: it rolls back, then ends, and what was live is live', async () => {
    const lab = await everyPhase();
    try {
      await Promise.all(TARGETS.map(async ({ address, phase }) => {
        await inPhase(lab, address, phase);
        await handleOf(lab, address).cancel();
      }));
      const rows = await Promise.all(TARGETS.map(({ address }) => lab.untilClosed(address)));
      const outcomes = Object.fromEntries(rows.map((row) => [`${row.environment}/${row.target}`, row.outcome]));
      expect(outcomes).toEqual({ ...Object.fromEntries(TARGETS.map(({ address }) => [address, 'cancelled'])), 'dev/putting-back': 'rolled-back' });
      for (const { address } of TARGETS) expect([address, await isAsDrifted(lab, address)]).toEqual([address, true]);
      const quiet = await tenMoreChecks(lab, ['dev', 'prod']);
      expect(await checkStatements(lab, { quiet })).toEqual([]);
      expect((await lab.client.environmentStatus('dev'))?.slots).toEqual([]);
    } finally {
      await lab.close();
    }
  }, 240_000);

  test.concurrent('terminated in any phase, in the middle of a write too: the next check says what was left half done and frees the slot', async () => {
    const lab = await everyPhase();
    try {
      await Promise.all(TARGETS.map(async ({ address, phase }) => {
        await inPhase(lab, address, phase);
        if (phase === 'finalizing') await eventually('it is about to switch', async () => ((await lab.withLedger((ledger) => ledger.intents({ address: addressOf(address), open: true }))).length > 0 ? true : undefined));
        await handleOf(lab, address).terminate('a test');
      }));
      // Nobody finishes what was begun: the process is gone as well.
      await Promise.all(lab.processes.filter((running) => ![...lab.site.services.values()].includes(running)).map((running) => running.kill()));
      await lab.faultyWorker({ aheadMs: 11 * 60_000 });
      await Promise.all([lab.check('dev'), lab.check('prod')]);
      const rows = await Promise.all(TARGETS.map(({ address }) => lab.incident(address)));
      expect(rows.map((row) => row?.outcome)).toEqual(TARGETS.map(() => 'terminated'));
      expect(narrativeOf(rows, 'finalizing')).toContain('half done, look at: switch');
      expect(narrativeOf(rows, 'soaking')).toContain('It had switched over');
      expect(narrativeOf(rows, 'asking')).toContain('Nothing was being written');
      await eventually('every slot is free', async () => ((await lab.client.environmentStatus('dev'))?.slots.length === 0 ? true : undefined));
      const quiet = await tenMoreChecks(lab, ['dev', 'prod']);
      expect(await checkStatements(lab, { quiet })).toEqual([]);
      // Something else drifts: the target is repaired again, what was staged and left is no hindrance.
      await lab.client.command('dev', { command: 'unfreeze', scope: 'dev/waiting', by: 'alice', reason: 'go on' });
      for (const name of ['staging', 'finalizing', 'waiting']) await lab.site.drift(`dev/${name}`, { 'etc/note.txt': `changed ${name}\n` });
      await lab.check('dev');
      for (const name of ['staging', 'finalizing', 'waiting']) expect((await lab.untilClosed(`dev/${name}`, 2)).outcome).toBe('fixed');
    } finally {
      await lab.close();
    }
  }, 240_000);
});

function narrativeOf(rows: readonly (IncidentRow | undefined)[], target: string): string {
  return rows.find((row) => row?.target === target)?.narrative ?? '';
}

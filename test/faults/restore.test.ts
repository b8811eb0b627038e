import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readEmbedded } from '../../src/embedded/data-folder.js';
import { freePort } from '../../src/embedded/ports.js';
import { endProcess } from '../../src/embedded/process.js';
import { devServer, type DevServer } from '../support/dev-server.js';
import { checkStatements } from '../support/evidence.js';
import { handleOf, laboratoryOf, newNamespace, openLaboratory, type Laboratory } from '../support/laboratory.js';
import { HOLDFAST, startNode, type Running } from '../support/processes.js';
import { createSite, type Site } from '../support/site.js';
import { readTree } from '../support/trees.js';
import { eventually } from '../support/waiting.js';

const FILES = { 'etc/app.json': '{"port":80}\n', 'etc/note.txt': 'as it should be\n' };
const DRIFT = { 'etc/app.json': '{"port":81}\n' };

/** The three tests go through one history: backup and restore, then Temporal's database is lost, then the ledger. */
describe('embedded, with the processes as they are shipped', () => {
  let site: Site;
  let ports: readonly string[];
  let running: Running | undefined;
  let lab: Laboratory;
  const labs: Laboratory[] = [];

  beforeAll(async () => {
    site = await createSite({
      targets: [{ address: 'prod/web', files: FILES }, { address: 'dev/done', files: FILES }, { address: 'dev/soaking', files: FILES, more: { soak: '1h' } }],
      environments: { prod: { remediation: 'ask', schedule: '0 0 1 1 *' } },
    });
    ports = ['--port', String(await freePort()), '--temporal-ui-port', String(await freePort())];
  }, 60_000);

  afterAll(async () => {
    await endEverything();
    await Promise.all(labs.map((each) => each.temporal.connection.close()));
    await site.remove();
  }, 60_000);

  async function up(dataDir: string): Promise<void> {
    const started = startNode([HOLDFAST, 'up', '--config', site.config, '--data-dir', dataDir, ...ports]);
    running = started;
    await eventually('up is ready', () => {
      if (!started.isRunning()) throw new Error(`up ended: ${started.said()}`);
      return started.said().includes('Holdfast is up') || undefined;
    }, { last: () => started.said() });
    site = { ...site, dataDir };
    const server = await readEmbedded(dataDir);
    lab = await laboratoryOf({ address: server?.address ?? '', namespace: server?.namespace ?? '' }, site);
    labs.push(lab);
  }

  /** Everything at once, with no chance to put anything away. */
  async function endEverything(): Promise<void> {
    await running?.kill();
    const server = await readEmbedded(site.dataDir);
    if (server?.running === true) {
      process.kill(server.process.pid, 'SIGKILL');
      await endProcess(server.process, 5_000);
    }
  }

  async function holdfast(...args: readonly string[]): Promise<{ readonly code: number | string; readonly said: string }> {
    const command = startNode([HOLDFAST, ...args, '--config', site.config, '--data-dir', site.dataDir]);
    return { code: await command.ended, said: command.said() };
  }

  test('backed up while it runs, and restored to a new folder after everything is gone: the record verifies, doctor is content, and the incidents go on', async () => {
    await up(site.dataDir);
    await site.drift('dev/done', DRIFT);
    await lab.check('dev/done');
    expect((await lab.untilClosed('dev/done')).outcome).toBe('fixed');
    await site.drift('prod/web', DRIFT);
    await lab.check('prod');
    await lab.untilPhase('prod/web', 'awaiting-approval');

    const kept = await backUp(site);
    await endEverything();
    await rm(site.dataDir, { recursive: true });
    const folder = await mkdtemp(join(site.folder, 'restored-'));
    await cp(kept, folder, { recursive: true });
    site = { ...site, dataDir: folder };

    expect(await holdfast('audit', 'verify')).toMatchObject({ code: 0 });
    expect(await holdfast('doctor', '--only', 'record', 'artifacts')).toMatchObject({ code: 0 });
    await up(folder);
    expect(await lab.check('prod')).toMatchObject({ drifted: 1, opened: [] });
    expect(await lab.approve('prod/web')).toMatchObject({ result: 'accepted' });
    expect((await lab.untilClosed('prod/web')).outcome).toBe('fixed');
    // What was repaired before the backup can be undone after it: its snapshot and its key were kept.
    expect(await lab.client.command('dev', { command: 'undo', scope: 'dev/done', incident: 1, by: 'alice', reason: 'it was right before' })).toMatchObject({ ok: true });
    expect((await lab.untilClosed('dev/done', 2)).outcome).toBe('rolled-back');
    expect(await readTree(site.live('dev/done'))).toEqual(site.before('dev/done'));
    expect(await checkStatements(lab)).toEqual([]);
    await site.drift('dev/done', FILES);
  }, 300_000);

  test("Temporal's database is lost and the ledger kept: open incidents end as terminated and are found again, schedules are made again", async () => {
    await site.drift('prod/web', { 'etc/note.txt': 'drifted again\n' });
    await lab.check('prod');
    await lab.untilPhase('prod/web', 'awaiting-approval');
    await endEverything();
    for (const name of await readdir(site.dataDir)) if (name.startsWith('temporal.db')) await rm(join(site.dataDir, name));

    await up(site.dataDir);
    expect(await lab.check('prod')).toMatchObject({ opened: ['web'] });
    expect(await lab.incident('prod/web', 2)).toMatchObject({ outcome: 'terminated', narrative: expect.stringContaining('Temporal does not know its run any more') as string });
    expect(await lab.approve('prod/web')).toMatchObject({ result: 'accepted' });
    expect((await lab.untilClosed('prod/web', 3)).outcome).toBe('fixed');
    await eventually('the schedule is there', async () => ((await lab.client.schedules()).some((each) => each.environment === 'prod') ? true : undefined));
    expect(await holdfast('audit', 'verify')).toMatchObject({ code: 0 });
    expect(await checkStatements(lab)).toEqual([]);
  }, 300_000);

  test('the ledger is lost and Temporal kept: its incidents end where everybody sees it, nothing of them is written, no number is used twice, and the next check opens anew', async () => {
    await site.drift('prod/web', { 'etc/note.txt': 'and again\n' });
    await site.drift('dev/soaking', DRIFT);
    await Promise.all([lab.check('prod'), lab.check('dev')]);
    await lab.untilPhase('prod/web', 'awaiting-approval');
    await lab.untilPhase('dev/soaking', 'soaking');
    const switched = await readTree(site.live('dev/soaking'));
    const runs = await Promise.all(['prod/web', 'dev/soaking'].map(async (address) => (await handleOf(lab, address).describe()).runId));
    await endEverything();
    const aside = await mkdtemp(join(site.folder, 'aside-'));
    for (const name of await readdir(site.dataDir)) if (name.startsWith('ledger.')) await rename(join(site.dataDir, name), join(aside, name));

    await up(site.dataDir);
    await Promise.all([lab.check('prod'), lab.check('dev')]);
    for (const [index, address] of ['prod/web', 'dev/soaking'].entries()) {
      await eventually(`the lost run of ${address} has ended`, async () => {
        const { environment, target } = { environment: address.split('/')[0] ?? '', target: address.split('/')[1] ?? '' };
        const { status } = await lab.temporal.workflow.getHandle(`incident/${environment}/${target}`, runs[index]).describe();
        return status.name === 'RUNNING' ? undefined : status.name;
      });
    }
    expect(await lab.withLedger((ledger) => ledger.intents({}))).toEqual([]);
    expect(await readTree(site.live('dev/soaking'))).toEqual(switched);
    const told = await lab.withLedger(async (ledger) => (await ledger.incidents({})).map((row) => `${row.environment}/${row.target}#${row.number}`));
    expect(told).toEqual(['prod/web#5']);
    await lab.check('prod');
    expect(await lab.approve('prod/web')).toMatchObject({ result: 'accepted' });
    expect((await lab.untilClosed('prod/web', 5)).outcome).toBe('fixed');
    expect(await holdfast('audit', 'verify')).toMatchObject({ code: 0 });
  }, 300_000);
});

describe('what staging kept is lost', () => {
  let server: DevServer;

  beforeAll(async () => {
    server = await devServer();
  }, 60_000);

  afterAll(() => server.stop());

  test.concurrent.each(['artifacts', 'keys'])('%s lost between stage and finalize: it is staged again under the same approval; lost after the switch: a rollback needs a human, and says so', async (folder) => {
    const lab = await openLaboratory(await newNamespace(server.address), { targets: [{ address: 'dev/staged', files: FILES, inPlace: true }, { address: 'risky/switched', files: FILES, inPlace: true, more: { soak: '10s' } }], environments: { risky: { remediation: 'auto' } } });
    try {
      const lose = async (environment: string): Promise<void> => {
        const place = join(lab.site.dataDir, folder);
        for (const name of existsSync(place) ? await readdir(place) : []) if (name.startsWith(environment)) await rm(join(place, name), { recursive: true });
      };
      await lab.faultyWorker({ faults: [{ point: 'files.finalize', when: 'before', act: 'stall', ms: 8_000, of: '"target":"staged"', call: 1 }] });
      await lab.site.drift('dev/staged', DRIFT);
      await lab.site.drift('risky/switched', DRIFT);
      await Promise.all([lab.check('dev'), lab.check('risky')]);
      // Each as soon as it stands there: neither waits for how fast the other is.
      await Promise.all(([['dev/staged', 'finalizing'], ['risky/switched', 'soaking']] as const).map(async ([address, phase]) => {
        await lab.untilPhase(address, phase);
        await lose(environmentOf(address));
      }));
      lab.site.health.set('risky/switched', () => false);
      expect((await lab.untilClosed('dev/staged')).outcome).toBe('fixed');
      const row = await lab.untilClosed('risky/switched');
      expect(row).toMatchObject({ outcome: 'needs-human', narrative: expect.stringContaining('etc/app.json') as string });
      expect(await lab.withLedger((ledger) => ledger.closedGates({ environment: 'risky', target: 'switched' }, new Date().toISOString()))).toMatchObject([{ gate: 'breaker' }, { gate: 'step-back' }]);
      const staged = { environment: 'dev', target: 'staged' };
      expect(await lab.withLedger(async (ledger) => (await ledger.decisions({ ...staged, number: 1 })).length)).toBe(1);
      const stagings = await lab.withLedger(async (ledger) => (await ledger.intents({ address: staged })).map((intent) => intent.step).filter((step) => step.endsWith('/stage')));
      expect(new Set(stagings)).toEqual(new Set(['dev/staged#1/1.1/stage', 'dev/staged#1/1.2/stage']));
      expect(await checkStatements(lab)).toEqual([]);
    } finally {
      await lab.close();
    }
  }, 300_000);
});

function environmentOf(address: string): string {
  return address.split('/')[0] ?? '';
}

/** As docs/operations.md says, in its order, while everything runs. */
async function backUp(site: Site): Promise<string> {
  const folder = await mkdtemp(join(site.folder, 'backup-'));
  const from = (name: string): string => join(site.dataDir, name);
  await mkdir(folder, { recursive: true });
  if (existsSync(from('ledger.db.checkpoint'))) await cp(from('ledger.db.checkpoint'), join(folder, 'ledger.db.checkpoint'));
  await copyDatabase(from('ledger.db'), join(folder, 'ledger.db'));
  for (const name of ['artifacts', 'keys', 'ledger.key', 'ledger.key.pub']) await cp(from(name), join(folder, name), { recursive: true });
  await copyDatabase(from('temporal.db'), join(folder, 'temporal.db'));
  return folder;
}

/** What `sqlite3 -cmd ".timeout 10000" FILE ".backup COPY"` does: SQLite's own online backup, again where somebody wrote at that instant. */
async function copyDatabase(file: string, copy: string): Promise<void> {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 10_000 });
  try {
    await eventually(`a copy of ${file}`, async () => {
      await backup(database, copy, { rate: 1_000_000 });
      return true;
    }, { timeoutMs: 20_000 });
  } finally {
    database.close();
  }
}

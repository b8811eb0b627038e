import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { devServer, type DevServer } from '../support/dev-server.js';
import { checkStatements } from '../support/evidence.js';
import { handleOf, newNamespace, openLaboratory, type Laboratory } from '../support/laboratory.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { readTree } from '../support/trees.js';
import { eventually } from '../support/waiting.js';

const FILES = { 'etc/app.json': '{"port":80}\n', 'etc/note.txt': 'as it should be\n' };
const DRIFT = { 'etc/app.json': '{"port":81}\n' };
const STORES = { ledger: { postgres: '${env:LEDGER_URL}' } };

let server: DevServer;
let postgres: Postgres;

beforeAll(async () => {
  [server, postgres] = await Promise.all([devServer(), startPostgres()]);
}, 300_000);

afterAll(async () => {
  await server.stop();
  await postgres.stop();
});

async function isAsDrifted(lab: Laboratory, address: string): Promise<boolean> {
  return JSON.stringify(await readTree(lab.site.live(address))) === JSON.stringify(lab.site.before(address));
}

test('an older copy of the record is put back: a run that it does not know is ended, no number is used twice, and the next check opens anew', async () => {
  const database = await postgres.createDatabase();
  const lab = await openLaboratory({ ...(await newNamespace(server.address)), ledgerUrl: postgres.url(database) }, { targets: [{ address: 'prod/web', files: FILES }], stores: STORES });
  try {
    const first = await lab.worker();
    await lab.site.drift('prod/web', DRIFT);
    await lab.check('prod');
    expect(await lab.approve('prod/web')).toMatchObject({ result: 'accepted' });
    expect((await lab.untilClosed('prod/web')).outcome).toBe('fixed');
    await first.stop();
    await postgres.sql('postgres', `CREATE DATABASE kept TEMPLATE ${database}`);

    const second = await lab.worker();
    await lab.site.drift('prod/web', { 'etc/note.txt': 'drifted after the backup\n' });
    await lab.check('prod');
    await lab.untilPhase('prod/web', 'awaiting-approval');
    const { runId } = await handleOf(lab, 'prod/web').describe();
    await second.stop();
    await postgres.sql('postgres', `DROP DATABASE ${database} WITH (FORCE)`);
    await postgres.sql('postgres', `CREATE DATABASE ${database} TEMPLATE kept`);

    await lab.worker();
    await lab.check('prod');
    await eventually('the run that is not on record has ended', async () => ((await lab.temporal.workflow.getHandle('incident/prod/web', runId).describe()).status.name === 'RUNNING' ? undefined : true));
    await lab.check('prod');
    expect(await lab.incident('prod/web')).toMatchObject({ number: 3 });
    expect(await lab.approve('prod/web')).toMatchObject({ result: 'accepted' });
    expect((await lab.untilClosed('prod/web', 3)).outcome).toBe('fixed');
    expect(await checkStatements(lab)).toEqual([]);
  } finally {
    await lab.close();
  }
}, 300_000);

test('PostgreSQL is killed in the middle of a repair: detection goes on, nothing is written unrecorded, and it goes on once the server is back', async () => {
  const lab = await openLaboratory({ ...(await newNamespace(server.address)), ledgerUrl: postgres.url(await postgres.createDatabase()) }, { targets: [{ address: 'prod/web', files: FILES }, { address: 'prod/other', files: FILES }], stores: STORES });
  try {
    const worker = await lab.faultyWorker({ faults: [{ point: 'files.finalize', when: 'before', act: 'stall', ms: 2_000, call: 1 }] });
    await lab.site.drift('prod/web', DRIFT);
    await lab.check('prod');
    expect(await lab.approve('prod/web')).toMatchObject({ result: 'accepted' });
    await eventually('it is about to write', () => (worker.said().includes('fault: stall before files.finalize') ? true : undefined), { last: () => worker.said() });
    await postgres.kill();
    await lab.site.drift('prod/other', DRIFT);
    expect(await lab.check('prod')).toMatchObject({ unknown: 0, unrecorded: 2, opened: [] });
    await sleep(2_000);
    expect(await isAsDrifted(lab, 'prod/web')).toBe(true);
    expect(worker.isRunning()).toBe(true);
    await postgres.restart();
    expect((await lab.untilClosed('prod/web')).outcome).toBe('fixed');
    await eventually('the other is found', async () => {
      await lab.check('prod');
      return lab.incident('prod/other');
    });
    expect(await lab.approve('prod/other')).toMatchObject({ result: 'accepted' });
    expect((await lab.untilClosed('prod/other')).outcome).toBe('fixed');
    expect(await checkStatements(lab)).toEqual([]);
  } finally {
    await lab.close();
  }
}, 300_000);

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, lstatSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CheckStarted } from '../../src/client.js';
import { devServer, type DevServer } from '../support/dev-server.js';
import { checkStatements, tenMoreChecks } from '../support/evidence.js';
import { makeImage, type Image } from '../support/image.js';
import { laboratoryOf, newNamespace, type Laboratory } from '../support/laboratory.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import type { Running } from '../support/processes.js';
import { ROOT } from '../support/quickstart.js';
import { createSite, type SiteTarget } from '../support/site.js';
import { canBeOthers, openTopology, ROLES, USERS, type Role, type Topology } from '../support/topology.js';
import { readTree } from '../support/trees.js';
import { eventually } from '../support/waiting.js';

const ROLES_SQL = ['postgres-roles.sql', 'postgres-roles-artifacts.sql'].map((name) => readFileSync(join(ROOT, 'deploy', name), 'utf8'));
const FILES = { 'etc/app.json': '{"port":80}\n', 'etc/note.txt': 'as it should be\n', 'etc/secret.env': 'API_TOKEN=canary-desired-7f3a\n' };
const DRIFT = { 'etc/app.json': '{"port":81}\n', 'etc/secret.env': 'API_TOKEN=canary-live-91c2\n' };
const CANARIES = ['canary-desired-7f3a', 'canary-live-91c2'];

const TARGETS: readonly SiteTarget[] = [
  { address: 'dev/switched', files: FILES },
  { address: 'dev/in-place', files: FILES, inPlace: true },
  { address: 'prod/asked', files: FILES },
  { address: 'dev/undone', files: FILES },
  // Long enough in its staging for a worker to be killed there.
  { address: 'dev/killed', files: FILES, spec: { validate: ['sleep', '3'] } },
  { address: 'dev/lost', files: FILES, more: { soak: '6s' } },
  { address: 'dev/foreign', files: FILES },
  { address: 'away/lonely', files: FILES, more: { observeTimeout: '1s' } },
];
const ENVIRONMENTS = {
  dev: { remediation: 'auto', pool: 'host', limits: { concurrent: 50 } },
  prod: { remediation: 'ask', pool: 'host' },
  away: { remediation: 'observe', pool: 'elsewhere' },
};

/** References that every process has; what they stand for, each has for itself. */
const STORES = {
  ledger: { postgres: '${env:LEDGER_URL}', signingKey: '${env:LEDGER_SIGNING_KEY}' },
  artifacts: { postgres: '${env:ARTIFACTS_URL}', keys: Object.fromEntries(Object.keys(ENVIRONMENTS).map((name) => [name, ['${env:ARTIFACT_KEY}']])) },
};
const SIGNING_KEY = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
const ARTIFACT_KEY = randomBytes(32).toString('base64');

let server: DevServer;
let postgres: Postgres;
let database: string;
let image: Image;
let lab: Laboratory;
let topology: Topology;
let lonely: CheckStarted;
const folder = mkdtempSync(join(tmpdir(), 'holdfast-topology-'));
const workers = new Map<Role, Running>();
const AT_WORK: readonly Role[] = ['control', 'read-1', 'read-2', 'write-1', 'write-2'];

/** The same as docker-compose.yml and the chart give: see docs/deploying.md. */
function credentials(role: Role): Readonly<Record<string, string>> {
  const access = role.split('-')[0] ?? '';
  const url = postgres.url(database, `my_${access}`, `password-of-${access}`);
  return {
    LEDGER_URL: url,
    ...(access === 'control' ? { LEDGER_SIGNING_KEY: SIGNING_KEY, ARTIFACTS_URL: url } : {}),
    ...(access === 'write' ? { ARTIFACTS_URL: url, ARTIFACT_KEY } : {}),
  };
}

beforeAll(async () => {
  if (!canBeOthers) process.stderr.write('not root: every process runs as the same user, so what each may not do to the files of others is not shown\n');
  [server, image, postgres] = await Promise.all([devServer(), makeImage(), startPostgres({ passwords: true, fsync: false })]);
  database = await postgres.createDatabase();
  const place = await newNamespace(server.address);
  const site = await createSite({ targets: TARGETS, environments: ENVIRONMENTS, stores: STORES });
  const owner = postgres.url(database);
  lab = await laboratoryOf({ ...place, ledgerUrl: owner }, site);
  topology = await openTopology({ image, site, folder: join(folder, 'processes'), onStart: (running) => { lab.watch(running); }, env: (role) => ({ ...lab.env, ...credentials(role) }) });
  const prepared = topology.tryAs('control', holdfast('control', 'doctor', '--fix', '--only', 'record', 'artifacts'), { LEDGER_URL: owner, ARTIFACTS_URL: owner });
  expect(prepared).toMatchObject({ code: 0 });
  for (const text of ROLES_SQL) await postgres.sql(database, text);
  for (const access of ['control', 'read', 'write']) await postgres.sql(database, `CREATE ROLE my_${access} LOGIN PASSWORD 'password-of-${access}' IN ROLE holdfast_${access}`);
  await Promise.all(AT_WORK.map(restart));
  // Nobody takes it, so it takes its whole limit: it waits while the others work.
  lonely = await lab.client.startCheck('away');
}, 300_000);

afterAll(async () => {
  await lab.close();
  await server.stop();
  await postgres.stop();
  image.remove();
  rmSync(folder, { recursive: true, force: true });
});

function holdfast(role: Role, ...args: readonly string[]): readonly string[] {
  return [image.node, image.holdfast, ...args, '--config', lab.site.config, '--data-dir', topology.folderOf(role)];
}

/** What was rolled back for health took its class a step back in the environment: here a person says at once that it was looked at. */
async function automaticAgain(): Promise<void> {
  await lab.client.command('dev', { command: 'release', scope: 'dev', gate: 'step-back', by: 'alice', reason: 'looked at' });
}

async function outcomeOf(address: string): Promise<string | undefined> {
  return (await lab.untilClosed(address)).outcome;
}

/** Which write worker holds a root now, by the lock that names its process. */
async function writerOf(address: string): Promise<Role> {
  return eventually(`a worker writes at ${address}`, () => {
    const { pid } = JSON.parse(readFileSync(`${lab.site.live(address)}.holdfast-lock`, 'utf8')) as { pid: number };
    return ROLES.find((role) => workers.get(role)?.pid === pid);
  });
}

async function restart(role: Role): Promise<void> {
  workers.set(role, await topology.start(role));
}

describe('one control, two read and two write workers, each with its own user, folder and credentials', { timeout: 180_000 }, () => {
  test('a drift is found and repaired, by a switch and file by file', async () => {
    await Promise.all(['dev/switched', 'dev/in-place'].map((address) => lab.site.drift(address, DRIFT)));
    await Promise.all([lab.check('dev/switched'), lab.check('dev/in-place')]);
    expect(await Promise.all(['dev/switched', 'dev/in-place'].map(outcomeOf))).toEqual(['fixed', 'fixed']);
  });

  test('a drift is asked about, approved and repaired', async () => {
    await lab.site.drift('prod/asked', DRIFT);
    await lab.check('prod/asked');
    expect((await lab.approve('prod/asked')).result).toBe('accepted');
    expect(await outcomeOf('prod/asked')).toBe('fixed');
  });

  test('what is not healthy after the switch is put back', async () => {
    const wanted = (await readTree(lab.site.desired('dev/undone')))['etc/app.json'];
    lab.site.health.set('dev/undone', async () => (await readTree(lab.site.live('dev/undone')))['etc/app.json'] !== wanted);
    await lab.site.drift('dev/undone', DRIFT);
    await lab.check('dev/undone');
    expect(await outcomeOf('dev/undone')).toBe('rolled-back');
    await automaticAgain();
  });

  test('a write worker killed in the middle of a step: the other one takes the step', async () => {
    await lab.site.drift('dev/killed', DRIFT);
    const started = await lab.client.startCheck('dev', 'killed');
    const writer = await writerOf('dev/killed');
    await workers.get(writer)?.kill();
    await lab.client.waitForCheck(started);
    expect(await outcomeOf('dev/killed')).toBe('fixed');
    await restart(writer);
  });

  test('a write worker lost with its disk after the switch: the other one puts back what only the artifact store has', async () => {
    await workers.get('write-2')?.stop();
    await lab.site.drift('dev/lost', DRIFT);
    await lab.check('dev/lost');
    await lab.untilPhase('dev/lost', 'soaking');
    lab.site.health.set('dev/lost', () => false);
    await workers.get('write-1')?.kill();
    await topology.loseDisk('write-1');
    await restart('write-2');
    expect(await outcomeOf('dev/lost')).toBe('rolled-back');
    expect(await readTree(lab.site.live('dev/lost'))).toEqual(lab.site.before('dev/lost'));
    lab.site.health.set('dev/lost', () => true);
    await restart('write-1');
    await automaticAgain();
  });

  test.skipIf(!canBeOthers)('a write worker that may not keep the owner of a file changes nothing, and says whose it is', async () => {
    await Promise.all([workers.get('write-1')?.stop(), workers.get('write-2')?.stop()]);
    const stranger = await topology.start('write-3');
    await lab.site.drift('dev/foreign', DRIFT);
    await lab.check('dev/foreign');
    const row = await lab.untilClosed('dev/foreign');
    expect(JSON.stringify(row.parts)).toContain(`must belong to ${USERS['write-1'].uid}:${USERS['write-1'].gid}, and this worker, ${USERS['write-3'].uid}:${USERS['write-3'].gid}, may not give files away`);
    expect(await readTree(lab.site.live('dev/foreign'))).toEqual(lab.site.before('dev/foreign'));
    await stranger.stop();
    await Promise.all([restart('write-1'), restart('write-2')]);
  });

  test('a pool that nobody works for is said, and holds nobody else', async () => {
    const counts = await lab.client.waitForCheck(lonely);
    expect(counts).toMatchObject({ clean: 0, drifted: 0, unknown: 1, unknownTargets: ['lonely'] });
    const doctor = topology.tryAs('control', holdfast('control', 'doctor', '--only', 'workers'));
    expect(doctor).toMatchObject({ code: 1 });
    expect(doctor.said).toContain('nobody polls holdfast-elsewhere-read, holdfast-elsewhere-write');
  });

  test.skipIf(!canBeOthers)('a read worker may look at the live files and change none', () => {
    for (const role of ['read-1', 'read-2', 'control'] as const) {
      const file = join(lab.site.live('dev/switched'), 'etc/app.json');
      expect(topology.tryAs(role, ['cat', file]).code).toBe(0);
      for (const write of [['sh', '-c', `echo x >> '${file}'`], ['ln', '-sfn', 'releases/first', lab.site.live('dev/switched')], ['touch', join(lab.site.releases('dev/switched'), 'x')], ['rm', '-f', file]]) {
        expect(topology.tryAs(role, write)).toMatchObject({ code: expect.any(Number) as unknown, said: expect.stringMatching(/denied/i) as unknown });
      }
    }
  });

  test.skipIf(!canBeOthers)('no process may look into the folder of another', () => {
    for (const role of ROLES) {
      const others = ROLES.filter((other) => other !== role).map((other) => topology.folderOf(other));
      for (const other of others) expect(topology.tryAs(role, ['ls', other]).said, `${role} in ${other}`).toMatch(/denied/i);
    }
  });

  test.skipIf(!canBeOthers)('what was repaired has the owner, group and permissions that it had', () => {
    const { uid, gid } = USERS['write-1'];
    for (const address of ['dev/switched', 'prod/asked', 'dev/killed', 'dev/in-place']) {
      const { uid: owner, gid: group, mode } = lstatSync(join(lab.site.live(address), 'etc/app.json'));
      expect({ address, owner, group, mode: mode & 0o7777 }).toEqual({ address, owner: uid, group: gid, mode: 0o644 });
    }
  });

  test.each([
    ['read-1', 'reads an artifact', 'SELECT content FROM holdfast_artifacts.artifacts'],
    ['control', 'reads the content of an artifact', 'SELECT content FROM holdfast_artifacts.artifacts'],
    ['read-2', 'signs the record', "INSERT INTO holdfast.signers (key, at) VALUES ('forged', '2030')"],
    ['write-1', 'signs the record', "INSERT INTO holdfast.signers (key, at) VALUES ('forged', '2030')"],
    ['write-2', 'changes the record', "UPDATE holdfast.entries SET kind = 'forged'"],
    ['write-1', 'removes from the record', 'DELETE FROM holdfast.entries'],
    ['control', 'takes away what holds the record', 'DROP TRIGGER record_stands ON holdfast.entries'],
  ] as const)('the database refuses %s, who %s', async (role, _, statement) => {
    const client = new pg.Client({ connectionString: credentials(role)['LEDGER_URL'] });
    await client.connect();
    try {
      await expect(client.query(statement)).rejects.toThrow(/permission denied|must be owner|append-only/);
    } finally {
      await client.end();
    }
  });

  test('the record is signed by control, and verifies', async () => {
    const entries = await postgres.sql(database, 'SELECT count(*)::int AS signed FROM holdfast.checkpoints');
    expect(entries[0]?.['signed']).toBeGreaterThan(0);
    expect(topology.tryAs('read-1', holdfast('read-1', 'audit', 'verify'))).toMatchObject({ code: 0 });
  });

  test.skipIf(!canBeOthers)('what a process was given is seen by no other process', () => {
    for (const role of ['read-1', 'control'] as const) {
      const environ = topology.tryAs(role, ['cat', `/proc/${workers.get('write-1')?.pid ?? 0}/environ`]);
      expect(environ).toMatchObject({ code: 1, said: expect.stringMatching(/denied/i) as unknown });
    }
  });

  test('a worker that polls shows that it lives, and one that ended does not', async () => {
    const alive = join(topology.folderOf('read-2'), 'worker.alive');
    expect(Date.now() - lstatSync(alive).mtimeMs).toBeLessThan(60_000);
    await workers.get('read-2')?.stop();
    expect(existsSync(alive)).toBe(false);
    await restart('read-2');
  });

  test('the ten statements hold', async () => {
    const quiet = await tenMoreChecks(lab, ['dev', 'prod']);
    expect(await checkStatements(lab, { canaries: [...CANARIES, ARTIFACT_KEY, 'password-of-'], serverFolder: server.dataDir, folders: [folder], quiet })).toEqual([]);
  });
});

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ledger, NewIntent } from '../../src/ledger/ledger.js';
import { openPostgresArtifacts } from '../../src/ledger/postgres/artifacts.js';
import { openPostgresLedger } from '../../src/ledger/postgres/open.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { all, change, CLEAN, drifted, minute, plan, SHOP } from './contract/harness.js';
import { signingKeyPem } from './postgres-harness.js';

const DEPLOY = join(import.meta.dirname, '..', '..', 'deploy');
const ROLES = ['control', 'read', 'write', 'viewer'] as const;
type Role = (typeof ROLES)[number];

let server: Postgres;
let database: string;
const ledgers: Record<string, Ledger> = {};
const as = (role: Role): Ledger => {
  const ledger = ledgers[role];
  if (ledger === undefined) throw new Error(`${role} has no ledger`);
  return ledger;
};
const key = randomBytes(32).toString('hex');
const artifactsOf = (user: string): ReturnType<typeof openPostgresArtifacts> => openPostgresArtifacts({ url: async () => server.url(database, user), keys: async () => [key] });

/** The owner migrates and gives out the roles, as deploy/ says; each process has a login of its own. */
beforeAll(async () => {
  server = await startPostgres({ fsync: false, passwords: true });
  database = await server.createDatabase();
  await server.sql('postgres', `CREATE ROLE owner LOGIN CREATEROLE PASSWORD 'owner'; ALTER DATABASE ${database} OWNER TO owner`);
  await (await openPostgresLedger({ url: async () => server.url(database, 'owner') })).close();
  const store = await artifactsOf('owner');
  await store.ready();
  await store.close();
  for (const file of ['postgres-roles.sql', 'postgres-roles-artifacts.sql']) {
    const text = readFileSync(join(DEPLOY, file), 'utf8');
    for (let times = 0; times < 2; times += 1) await server.sql(database, `SET SESSION AUTHORIZATION owner; ${text}`);
  }
  await server.sql('postgres', ROLES.map((role) => `CREATE ROLE my_${role} LOGIN PASSWORD 'my_${role}' IN ROLE holdfast_${role}`).join('; '));
  const pem = signingKeyPem();
  for (const role of ROLES) ledgers[role] = await openPostgresLedger({ url: async () => server.url(database, `my_${role}`), readOnly: role === 'viewer', signingKey: async () => (role === 'control' ? pem : undefined), connections: 2 });
});
afterAll(async () => {
  for (const ledger of Object.values(ledgers)) await ledger.close();
  await server.stop();
});

const port = change('etc/app.yaml');
const repair = plan(port);
const ID = { ...SHOP, number: 1 };
const STEP = 'prod/storefront#1/0.1/finalize';
const intent: NewIntent = { ...ID, key: `${STEP}/switch`, step: STEP, write: 'switch', plan: repair.hash, fence: 1, at: minute(3) };

describe('each role can do its steps', () => {
  it('a read worker looks, opens an incident, plans, asks, lets a rule answer, and says what flaps', async () => {
    const ledger = as('read');
    await ledger.observed({ address: SHOP, at: minute(0), observation: drifted(port) });
    await ledger.observed({ address: SHOP, at: minute(1), observation: drifted(port) });
    expect(await ledger.openIncident({ address: SHOP, at: minute(1), drift: 'd', kind: 'drift' })).toMatchObject({ opened: true });
    await ledger.updateIncident(ID, { runId: 'r', part: { part: 0, phase: 'waiting', fingerprints: [port.fingerprint] } });
    await ledger.putPlan(repair, minute(1));
    await ledger.putPlan(repair, minute(2));
    await ledger.ask({ ...ID, id: 'rule', part: 0, plan: repair.hash, at: minute(1), kind: 'policy', rules: ['r'] });
    await ledger.ask({ ...ID, id: 'person', part: 1, plan: repair.hash, at: minute(1), kind: 'person', rules: ['r'] });
    expect(await ledger.decide({ ...ID, ask: 'rule', decision: 'policy', plan: repair.hash, by: 'policy', verified: true, at: minute(1), run: 'r', message: 'm' })).toMatchObject({ first: true });
    const gate = { scope: 'prod/storefront', gate: 'flapping' as const, by: 'holdfast', reason: 'again', at: minute(1), resource: 'a', path: '/b' };
    await ledger.closeGate(gate);
    await ledger.closeGate({ ...gate, reason: 'and again' });
    await ledger.enqueue([{ id: 'm', sink: 's', event: 'e', subject: 'prod', at: minute(1), body: {}, attempts: 0, nextAt: minute(1) }]);
    expect(await ledger.settled(SHOP, [port], minute(1))).toEqual([]);
    expect(await ledger.acceptances(SHOP, minute(1))).toEqual([]);
  });

  it('a write worker takes a fence, records intents and results, quarantines, and looks again', async () => {
    const ledger = as('write');
    expect(await ledger.plan(repair.hash)).toEqual(repair);
    expect(await ledger.decisionOf('rule')).toMatchObject({ decision: 'policy' });
    const fence = await ledger.takeFence({ address: SHOP, step: STEP, attempt: 1, run: 'r', at: minute(3) });
    await ledger.intend({ ...intent, fence });
    await ledger.intentChild(intent.key, { host: 'h', pid: 1, startTime: '1' });
    await ledger.closeIntent(intent.key, { at: minute(3), ok: true, fence });
    expect(await ledger.stepDone(STEP, { release: 'r1' })).toEqual({ release: 'r1' });
    await ledger.append({ at: minute(3), kind: 'finalized', ...SHOP, incident: 1, data: {} });
    await ledger.append({ at: minute(3), kind: 'adopted', ...SHOP, incident: 1, data: {} });
    await ledger.append({ at: minute(3), kind: 'refused', ...SHOP, incident: 1, data: {} });
    await ledger.closeGate({ scope: 'prod/storefront', gate: 'quarantine', by: 'holdfast', reason: 'rolled back', at: minute(3), fingerprint: port.fingerprint });
    expect(await ledger.takePlace({ scope: 'prod', gate: 'budget', holder: 'prod/storefront#1/0', max: 1, at: minute(3), until: minute(60) })).toBe(true);
    expect(await ledger.takePlace({ scope: 'prod', gate: 'breaker', holder: 'prod/storefront#1/0', max: 1, at: minute(3) })).toBe(true);
    await ledger.closeGate({ scope: 'prod', gate: 'breaker', by: 'holdfast', reason: '3 failed', at: minute(3), halfOpenAt: minute(9) });
    await ledger.closeGate({ scope: 'prod', gate: 'breaker', by: 'holdfast', reason: 'a rollback failed', at: minute(3), resource: 'prod/storefront' });
    await ledger.updateIncident(ID, { part: { part: 0, phase: 'finalizing' } });
    await ledger.observed({ address: SHOP, at: minute(4), observation: CLEAN });
    await ledger.enqueue([{ id: 'n', sink: 's', event: 'e', subject: 'prod', at: minute(1), body: {}, attempts: 0, nextAt: minute(1) }]);
  });

  it('a read worker whose proof closes the breaker of failed repairs gives the place back, and cannot open the one of a failed rollback', async () => {
    const ledger = as('read');
    const rows = (await ledger.closedGates(SHOP, minute(4))).filter((row) => row.gate === 'breaker' && row.holder === undefined);
    const [broken] = rows.filter((row) => row.halfOpenAt === undefined);
    const [failing] = rows.filter((row) => row.halfOpenAt !== undefined);
    if (broken === undefined || failing === undefined) throw new Error('both are closed');
    await expect(ledger.liftGate(broken, { at: minute(4), by: 'mallory', reason: 'no' })).rejects.toMatchObject({ failure: 'ReadOnly' });
    expect(await ledger.liftGate(failing, { at: minute(4), by: 'holdfast', reason: 'it held' })).toBe(true);
    expect(await ledger.freePlace({ scope: 'prod', gate: 'breaker', holder: 'prod/storefront#1/0', at: minute(4) })).toBe(true);
  });

  it('a control worker takes decisions, ends incidents, delivers, signs and prunes', async () => {
    const ledger = as('control');
    expect(await ledger.vote({ ...ID, ask: 'person', plan: repair.hash, person: 'bob', by: 'bob', verified: true, at: minute(4), run: 'r', message: 'm1' })).toMatchObject({ first: true });
    expect(await ledger.decide({ ...ID, ask: 'person', decision: 'approve', plan: repair.hash, by: 'alice', verified: true, at: minute(5), run: 'r', message: 'm2' })).toMatchObject({ first: true });
    await ledger.closeGate({ scope: 'prod', gate: 'freeze', by: 'alice', reason: 'audit', at: minute(5) });
    expect(await ledger.openGate({ scope: 'prod', gate: 'quarantine', by: 'alice', reason: 'ok', at: minute(5) })).toHaveLength(1);
    await ledger.accept({ ...SHOP, resource: 'a', until: minute(60), by: 'alice', reason: 'r', at: minute(5) });
    const settled = { ...SHOP, fingerprint: port.fingerprint, revision: 'r', resource: 'a', path: '', outcome: 'rejected' as const, incident: 1, at: minute(6) };
    await ledger.closeIncident(ID, { at: minute(6), outcome: 'fixed', parts: [], narrative: 'n', settled: [settled] });
    expect(await ledger.unsettle(SHOP, { incident: 1 })).toBe(1);
    const [message] = await ledger.takeDue({ at: minute(7), leaseUntil: minute(8), limit: 1 });
    await ledger.delivered(message?.id ?? '', { at: minute(7), ok: true });
    await ledger.setMeta('a', 'b');
    expect(await ledger.checkpoint(minute(8))).toBeDefined();
    const month = 30 * 86_400_000;
    expect((await ledger.prune({ at: minute(10), keepMs: { entries: 5 * 60_000, reports: month, plans: month, outbox: month, sightings: month } })).entries).toBeGreaterThan(0);
    expect(await ledger.verify()).toMatchObject({ ok: true });
  });

  it('a viewer reads and verifies', async () => {
    const ledger = as('viewer');
    expect(await ledger.targets()).toHaveLength(1);
    expect((await all(ledger.entries({}))).length).toBeGreaterThan(0);
    expect(await ledger.verify()).toMatchObject({ ok: true });
  });

  it('a write worker keeps artifacts, and control prunes them without a key', async () => {
    const [write, control] = [await artifactsOf('my_write'), await openPostgresArtifacts({ url: async () => server.url(database, 'my_control'), keys: async () => [] })];
    const ref = await write.put(SHOP, 'snapshot', Buffer.from('secret'));
    expect(Buffer.from(await write.get(SHOP, ref)).toString()).toBe('secret');
    expect(await control.prune('2000-01-01T00:00:00.000Z', new Set())).toBe(0);
    expect(await control.prune('2100-01-01T00:00:00.000Z', new Set())).toBe(1);
    await write.close();
    await control.close();
  });
});

describe('what a role may not is refused by the server', () => {
  const history = ["UPDATE holdfast.entries SET by = 'mallory'", 'DELETE FROM holdfast.entries', 'TRUNCATE holdfast.entries', 'UPDATE holdfast.chain_head SET seq = 1', 'DELETE FROM holdfast.chain_head', "UPDATE holdfast.decisions SET row = ''", 'DELETE FROM holdfast.decisions', "UPDATE holdfast.votes SET person = 'x'", 'DELETE FROM holdfast.votes', "UPDATE holdfast.asks SET row = ''", "UPDATE holdfast.plans SET plan = ''"];
  const approval = (by: string): string => `INSERT INTO holdfast.decisions (ask, environment, target, number, message, run, seq, row) VALUES ('x', 'prod', 'storefront', 1, 'm', 'r', 1, '{"decision":"approve","by":"${by}"}')`;
  const vote = "INSERT INTO holdfast.votes (ask, person, environment, target, number, message, run, seq, row) VALUES ('person', 'x', 'prod', 'storefront', 1, 'm', 'r', 1, '{}')";
  const forged = (kind: string): string => `INSERT INTO holdfast.entries SELECT seq + 1, hash, '2026-11-02T09:00:00.000Z', '${kind}', NULL, NULL, NULL, NULL, '{}', 'h', 0 FROM holdfast.chain_head`;
  const freeze = "INSERT INTO holdfast.gates (scope, gate, change, until, row) VALUES ('prod', 'freeze', 'x', NULL, '{}')";
  const cases: readonly { role: Role; sql: readonly string[] }[] = [
    { role: 'read', sql: [...history, approval('x'), vote, forged('voted'), forged('escalated'), forged('approved'), forged('intent'), forged('pruned'), freeze, "UPDATE holdfast.gates SET row = '{}' WHERE gate = 'freeze' RETURNING scope", 'DELETE FROM holdfast.gates', "INSERT INTO holdfast.intents SELECT * FROM holdfast.intents", 'UPDATE holdfast.fences SET token = 99', "INSERT INTO holdfast.steps VALUES ('k', '{}')", "INSERT INTO holdfast.checkpoints SELECT * FROM holdfast.checkpoints", "INSERT INTO holdfast.signers VALUES ('k', 'a')", 'SELECT * FROM holdfast_artifacts.artifacts', "INSERT INTO holdfast_artifacts.artifacts VALUES ('prod', 'n', 'a', '')"] },
    { role: 'write', sql: [...history, approval('x'), vote, forged('voted'), forged('escalated'), forged('approved'), forged('pruned'), freeze, "INSERT INTO holdfast.asks SELECT * FROM holdfast.asks", "INSERT INTO holdfast.plans SELECT * FROM holdfast.plans", "INSERT INTO holdfast.checkpoints SELECT * FROM holdfast.checkpoints", "INSERT INTO holdfast.signers VALUES ('k', 'a')"] },
    { role: 'control', sql: [...history, 'SELECT content FROM holdfast_artifacts.artifacts', "UPDATE holdfast_artifacts.artifacts SET content = ''", 'UPDATE holdfast.fences SET token = 1', 'CREATE TABLE holdfast.mine (a int)'] },
    { role: 'viewer', sql: [...history, approval('x'), vote, forged('drift'), freeze, "INSERT INTO holdfast.meta VALUES ('a', 'b')", 'SELECT * FROM holdfast_artifacts.artifacts'] },
  ];
  it.each(cases.flatMap(({ role, sql }) => sql.map((statement) => ({ role, statement }))))('$role: $statement', async ({ role, statement }) => {
    const refused = server.sql(database, `SET SESSION AUTHORIZATION my_${role}; ${statement}`);
    // A row that a policy hides is not there to be changed.
    if (statement.includes('RETURNING')) await expect(refused).resolves.toEqual([]);
    else await expect(refused).rejects.toMatchObject({ code: '42501' });
  });

  it('a rule cannot answer for a person: not by another kind of question either', async () => {
    await as('read').ask({ ...ID, id: 'person 2', part: 1, plan: repair.hash, at: minute(20), kind: 'person', rules: [] });
    const insert = `INSERT INTO holdfast.decisions (ask, environment, target, number, message, run, seq, row) VALUES ('person 2', 'prod', 'storefront', 1, 'm', 'r', 1, '{"decision":"policy"}')`;
    await expect(server.sql(database, `SET SESSION AUTHORIZATION my_read; ${insert}`)).rejects.toMatchObject({ code: '42501' });
  });

  it('is an error that names the remedy, and nothing is recorded', async () => {
    const before = (await all(as('control').entries({}))).length;
    await expect(as('read').append({ at: minute(30), kind: 'approved', data: {} })).rejects.toMatchObject({ failure: 'ReadOnly', remedy: expect.stringContaining('postgres-roles.sql') as string });
    await expect(as('read').intend({ ...intent, fence: 1, key: 'other' })).rejects.toMatchObject({ failure: 'ReadOnly' });
    expect(await all(as('control').entries({}))).toHaveLength(before);
  });

  it('a read worker says that a write was cut short, never that it was done', async () => {
    const write = as('write');
    const fence = await write.takeFence({ address: SHOP, step: 'cut', attempt: 1, run: 'r', at: minute(21) });
    await write.intend({ ...intent, step: 'cut', key: 'cut/a', fence });
    await expect(as('read').closeIntent('cut/a', { at: minute(22), ok: true, fence })).rejects.toMatchObject({ failure: 'ReadOnly' });
    await as('read').closeIntent('cut/a', { at: minute(22), ok: false, error: 'cut short', fence });
    expect((await write.intents({ address: SHOP })).find((each) => each.key === 'cut/a')).toMatchObject({ ok: false, error: 'cut short' });
  });

  it('a role that may not migrate says what to run', async () => {
    const empty = await server.createDatabase();
    await expect(openPostgresLedger({ url: async () => server.url(empty, 'my_control') })).rejects.toMatchObject({ failure: 'Invalid', remedy: expect.stringContaining('doctor --fix') as string });
  });

  it('a wrong password is said without it', async () => {
    const opening = openPostgresLedger({ url: async () => server.url(database, 'my_read', 'hunter2') });
    await expect(opening).rejects.toMatchObject({ failure: 'Unreachable', message: expect.stringContaining('does not let this user in') as string });
    const error = (await opening.catch((each: unknown) => each)) as Error;
    expect(JSON.stringify([error, error.message, error.stack, error.cause, String(error.cause)])).not.toContain('hunter2');
  });
});

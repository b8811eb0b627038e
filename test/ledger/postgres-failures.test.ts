import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HoldfastError } from '../../src/domain/errors.js';
import { compareRows } from '../../src/ledger/compare.js';
import type { Ledger } from '../../src/ledger/ledger.js';
import { lockKey } from '../../src/ledger/postgres/database.js';
import { openPostgresLedger } from '../../src/ledger/postgres/open.js';
import { MIGRATIONS } from '../../src/ledger/sql/migrations.js';
import { postgresFailure } from '../../src/ledger/postgres/failures.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { all, CLEAN, minute, SHOP } from './contract/harness.js';
import { openPostgresHarness, type PostgresHarness } from './postgres-harness.js';

let server: Postgres;
let harness: PostgresHarness;
let proxy: TcpProxy;
let cut: Ledger;
beforeAll(async () => {
  server = await startPostgres();
  harness = await openPostgresHarness(server);
  proxy = await startTcpProxy(server.port);
  cut = await harness.open({ url: async () => server.url(harness.database).replace(`:${server.port}/`, `:${proxy.port}/`), timeouts: { connect: 500, statement: 1_000, lock: 300 } });
});
afterAll(async () => {
  await harness.dispose();
  await proxy.stop();
  await server.stop();
});

const unreachable = { failure: 'Unreachable', retryable: true, remedy: expect.any(String) as string };

describe('a connection that is lost exactly at COMMIT', () => {
  const plan = { environment: 'prod', target: 'storefront', number: 1 };
  const intent = { ...plan, key: 'prod/storefront#1/0.1/stage/write', step: 's', write: 'write', plan: 'p', fence: 1, at: minute(3) };
  const calls: readonly { reason: string; call: () => Promise<unknown>; count: () => Promise<number>; more: number }[] = [
    { reason: 'append', call: () => cut.append({ at: minute(0), kind: 'gate', data: { once: true } }), count: () => entries('gate'), more: 1 },
    { reason: 'observed', call: () => cut.observed({ address: SHOP, at: minute(1), observation: CLEAN }), count: () => entries('clean'), more: 1 },
    { reason: 'openIncident', call: () => cut.openIncident({ address: SHOP, at: minute(2), drift: 'd', kind: 'drift' }), count: () => entries('opened'), more: 1 },
    { reason: 'takeFence', call: () => cut.takeFence({ address: SHOP, step: 's', attempt: 1, run: 'r', at: minute(3) }), count: async () => Number((await server.sql(harness.database, 'SELECT coalesce(max(token), 0) AS n FROM holdfast.fences'))[0]?.['n']), more: 1 },
    { reason: 'intend', call: () => cut.intend(intent), count: () => entries('intent'), more: 1 },
    { reason: 'closeIntent', call: () => cut.closeIntent(intent.key, { at: minute(4), ok: true, fence: 1 }), count: () => entries('outcome'), more: 1 },
    { reason: 'closeIncident', call: () => cut.closeIncident({ ...SHOP, number: 1 }, { at: minute(5), outcome: 'fixed', parts: [], narrative: '', settled: [] }), count: () => entries('closed'), more: 1 },
  ];
  const entries = async (kind: 'gate' | 'clean' | 'opened' | 'intent' | 'outcome' | 'closed'): Promise<number> => (await all(harness.ledger.entries({ kinds: [kind] }))).length;

  it.each(calls)('$reason: told again, it was done once', async ({ call, count, more }) => {
    const before = await count();
    const cuts = proxy.cuts;
    proxy.cutAt('COMMIT', 'before');
    await expect(call(), 'it never arrived').rejects.toMatchObject(unreachable);
    expect(await count()).toBe(before);
    proxy.cutAt('COMMIT', 'after');
    await expect(call(), 'it was done, and nobody was told').rejects.toMatchObject(unreachable);
    expect(await count()).toBe(before + more);
    await call();
    expect(await count()).toBe(before + more);
    expect(proxy.cuts).toBe(cuts + 2);
    expect(await harness.ledger.verify()).toMatchObject({ ok: true });
  });
});

describe('what is waited for has an end', () => {
  it('a server that takes connections and says nothing', async () => {
    proxy.goSilent(true);
    await expect(cut.append({ at: minute(20), kind: 'gate', data: {} })).rejects.toMatchObject(unreachable);
    await expect(cut.getMeta('a')).rejects.toMatchObject(unreachable);
    proxy.goSilent(false);
    expect(await cut.getMeta('a')).toBeUndefined();
  });

  it('a record that another transaction holds', async () => {
    const key = lockKey('record');
    const held = server.sql(harness.database, `BEGIN; SELECT pg_advisory_xact_lock(${key}); SELECT pg_sleep(1.5)`);
    await expect.poll(async () => (await server.sql(harness.database, "SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory' AND granted"))[0]?.['n']).toBe(1);
    await expect(cut.append({ at: minute(21), kind: 'gate', data: {} })).rejects.toMatchObject({ ...unreachable, message: expect.stringContaining('holds the record') as string });
    await held;
    await cut.append({ at: minute(21), kind: 'gate', data: {} });
  });

  it('a backend that the administrator ends: what was asked again is answered', async () => {
    await cut.append({ at: minute(22), kind: 'gate', data: {} });
    await server.sql(harness.database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holdfast' AND pid <> pg_backend_pid()");
    expect(await cut.incidents({}), 'a read is tried again at once').toHaveLength(1);
    const append = (): Promise<unknown> => cut.append({ at: minute(23), kind: 'gate', data: {} });
    await append().catch(append);
    expect(await harness.ledger.getMeta('none').catch(() => harness.ledger.getMeta('none'))).toBeUndefined();
  });

  it('nobody there: at once, without a word of the password', async () => {
    const opening = openPostgresLedger({ url: async () => 'postgres://shop:hunter2@127.0.0.1:1/shop' });
    await expect(opening).rejects.toMatchObject({ ...unreachable, message: expect.stringContaining('ledger shop on 127.0.0.1:1') as string });
    const error = (await opening.catch((each: unknown) => each)) as Error;
    expect(JSON.stringify([error, error.message, error.stack, error.cause])).not.toContain('hunter2');
  });

  it.each([
    { reason: 'no URL', url: 'hunter2' },
    { reason: 'an unescaped slash', url: 'postgres://shop:12/hunter2@127.0.0.1:1/shop' },
    { reason: 'an unescaped question mark', url: 'postgres://shop:12?hunter2@127.0.0.1:1/shop' },
    { reason: 'an unescaped hash sign', url: 'postgres://shop:12#hunter2@127.0.0.1:1/shop' },
    { reason: 'a database that is not escaped well', url: 'postgres://shop:hunter2@127.0.0.1:1/hunter2%zz' },
  ])('a reference that resolves to no URL is not repeated: $reason', async ({ url }) => {
    const error = (await openPostgresLedger({ url: async () => url }).catch((each: unknown) => each)) as Error;
    expect(error).toMatchObject({ failure: 'Invalid', remedy: expect.stringContaining('postgres://') as string });
    expect(JSON.stringify([error.message, error.stack, error.cause])).not.toContain('hunter2');
  });

  it('TLS that the server has not, a file that is not there and a password that is missing are said as such', async () => {
    const opening = (text: string): Promise<unknown> => openPostgresLedger({ url: async () => text });
    const warned: string[] = [];
    const listen = (warning: Error): void => void warned.push(warning.message);
    process.on('warning', listen);
    await expect(opening(`${server.url(harness.database)}?sslmode=require`)).rejects.toMatchObject({ failure: 'Unreachable' });
    await new Promise(setImmediate);
    process.off('warning', listen);
    expect(warned, 'the client warns at length about what it does not do').toEqual([]);
    await expect(opening(`${server.url(harness.database)}?sslmode=verify-full&sslrootcert=/nonexistent/ca.pem`)).rejects.toMatchObject({ failure: 'Invalid', message: expect.stringContaining('certificate') as string });
    expect(postgresFailure(new Error('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string'), 'ledger shop on db:5432')).toMatchObject({ message: expect.stringContaining('no password') as string });
  });
});

it('a NUL, which a column cannot hold and an entry can, is not taken for tampering', async () => {
  const other = await openPostgresHarness(server);
  const address = { environment: 'prod', target: 'nul' };
  await other.ledger.openIncident({ address, at: minute(30), drift: 'd', kind: 'drift' });
  await other.ledger.closeIncident({ ...address, number: 1 }, { at: minute(31), outcome: 'fixed', parts: [], narrative: `'; DROP TABLE entries; --\0\\\u2028\uD800`, settled: [] });
  expect(await other.ledger.verify()).toMatchObject({ ok: true });
  expect(await compareRows(other.ledger)).toEqual([]);
  await server.sql(other.database, "UPDATE holdfast.incidents SET narrative = 'another'");
  expect(await compareRows(other.ledger)).toHaveLength(1);
  await other.dispose();
});

describe('the schema', () => {
  it('of a newer version is refused; a reader of none says that there is no record', async () => {
    const empty = await server.createDatabase();
    await expect(openPostgresLedger({ url: async () => server.url(empty), readOnly: true })).rejects.toMatchObject({ failure: 'Invalid', message: expect.stringContaining('no record yet') as string });
    const other = await openPostgresHarness(server);
    await server.sql(other.database, "INSERT INTO holdfast.schema_versions VALUES (99, 'future')");
    for (const readOnly of [true, false]) await expect(other.open({ readOnly })).rejects.toMatchObject({ failure: 'Invalid', message: expect.stringContaining('schema 99') as string });
    await other.dispose();
  });

  it('is made once by many that begin at once', async () => {
    const fresh = await server.createDatabase();
    const ledgers = await Promise.all(Array.from({ length: 5 }, () => openPostgresLedger({ url: async () => server.url(fresh), connections: 2 })));
    for (const ledger of ledgers) await ledger.close();
    expect(await server.sql(fresh, 'SELECT version::int FROM holdfast.schema_versions ORDER BY version')).toEqual(MIGRATIONS.map(({ version }) => ({ version })));
  });

  it('is not written by a reader', async () => {
    const reader = await harness.reader();
    await expect(reader.setMeta('a', 'b')).rejects.toMatchObject({ failure: 'ReadOnly' });
    await expect(reader.checkpoint(minute(1))).rejects.toMatchObject({ failure: 'ReadOnly' });
  });
});

describe('failures of PostgreSQL', () => {
  const cases: readonly { reason: string; code: string; failure: string }[] = [
    { reason: 'a failover', code: '57P01', failure: 'Unreachable' },
    { reason: 'a server that starts', code: '57P03', failure: 'Unreachable' },
    { reason: 'a standby', code: '25006', failure: 'Unreachable' },
    { reason: 'a full disk', code: '53100', failure: 'Unreachable' },
    { reason: 'too many connections', code: '53300', failure: 'Unreachable' },
    { reason: 'a password that was changed: it may be put right', code: '28P01', failure: 'Unreachable' },
    { reason: 'a statement that took too long', code: '57014', failure: 'Unreachable' },
    { reason: 'a role that may not', code: '42501', failure: 'ReadOnly' },
    { reason: 'a page that is damaged', code: 'XX001', failure: 'Invalid' },
    { reason: 'anything else', code: '42601', failure: 'Invalid' },
  ];
  it.each(cases)('$reason is $failure', ({ code, failure }) => {
    expect(postgresFailure(Object.assign(new Error('said by the server'), { code, severity: 'ERROR' }), 'ledger shop on db:5432')).toMatchObject({ failure, message: expect.stringContaining('ledger shop on db:5432') as string });
  });

  it('passes on what is said already', () => {
    const said = new HoldfastError('Fenced', 'late');
    expect(postgresFailure(said, 'x')).toBe(said);
  });
});

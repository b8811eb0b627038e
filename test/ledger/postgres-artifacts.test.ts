import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactStore } from '../../src/ledger/artifacts.js';
import { openPostgresArtifacts } from '../../src/ledger/postgres/artifacts.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { artifactsContract } from './artifacts-contract.js';
import { SHOP } from './contract/harness.js';

let server: Postgres;
beforeAll(async () => {
  server = await startPostgres({ fsync: false });
});
afterAll(async () => server.stop());

artifactsContract('PostgreSQL', async () => {
  const database = await server.createDatabase();
  let keys = [randomBytes(32).toString('base64')];
  const sql = (text: string): ReturnType<Postgres['sql']> => server.sql(database, `SET search_path = holdfast_artifacts; ${text}`);
  const run = async (text: string): Promise<void> => {
    await sql(text);
  };
  const hex = (bytes: Buffer): string => `'\\x${bytes.toString('hex')}'::bytea`;
  return {
    open: () => openPostgresArtifacts({ url: async () => server.url(database), keys: async () => keys }),
    names: async () => (await sql('SELECT name FROM artifacts ORDER BY name')).map((row) => String(row['name'])),
    read: async (name) => (await sql(`SELECT content FROM artifacts WHERE name = '${name}'`))[0]?.['content'] as Buffer,
    write: (name, bytes) => run(`INSERT INTO artifacts VALUES ('prod', '${name}', '2026-11-01T00:00:00.000Z', ${hex(bytes)}) ON CONFLICT (environment, name) DO UPDATE SET content = excluded.content`),
    remove: (name) => run(`DELETE FROM artifacts WHERE name = '${name}'`),
    age: (name, at) => run(`UPDATE artifacts SET at = '${at.toISOString()}' WHERE name = '${name}'`),
    loseKey: async () => { keys = []; },
    dispose: async () => undefined,
  };
});

describe('artifacts in PostgreSQL', () => {
  const secret = Buffer.from('password: correct horse battery staple');
  const opened: ArtifactStore[] = [];
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
  });

  function open(database: string, keys: readonly string[], url = server.url(database)): Promise<ArtifactStore> {
    return openPostgresArtifacts({ url: async () => url, keys: async () => keys, timeouts: { connect: 500 } }).then((store) => {
      opened.push(store);
      return store;
    });
  }

  it('rotates keys: the first encrypts, all decrypt, and one taken away loses what it encrypted', async () => {
    const database = await server.createDatabase();
    const [before, after] = [randomBytes(32).toString('hex'), randomBytes(32).toString('base64')];
    const old = await (await open(database, [before])).put(SHOP, 'snapshot', secret);
    const both = await open(database, [after, before]);
    expect(Buffer.from(await both.get(SHOP, old))).toEqual(secret);
    const fresh = await both.put(SHOP, 'release', Buffer.from('new'));
    const rotated = await open(database, [after]);
    expect(Buffer.from(await rotated.get(SHOP, fresh))).toEqual(Buffer.from('new'));
    await expect(rotated.get(SHOP, old)).rejects.toMatchObject({ failure: 'ArtifactLost', message: expect.stringContaining('key') as string });
  });

  it('says which environment has no key, or one that is none, without repeating it', async () => {
    const database = await server.createDatabase();
    await expect((await open(database, [])).put(SHOP, 'a', secret)).rejects.toMatchObject({ failure: 'Invalid', remedy: expect.stringContaining('artifacts.keys.prod') as string });
    const bad = (await open(database, ['hunter2'])).put(SHOP, 'a', secret);
    await expect(bad).rejects.toMatchObject({ failure: 'Invalid', remedy: expect.stringContaining('openssl') as string });
    await expect(bad).rejects.not.toMatchObject({ message: expect.stringContaining('hunter2') as string });
  });

  it('is opened without the server, which is asked for at the first use; then it says that it cannot be reached', async () => {
    const store = await open('none', [randomBytes(32).toString('hex')], 'postgres://shop:hunter2@127.0.0.1:1/none');
    const put = store.put(SHOP, 'a', secret);
    await expect(put).rejects.toMatchObject({ failure: 'Unreachable', retryable: true, message: expect.stringContaining('127.0.0.1:1') as string });
    const error = await put.catch((each: unknown) => each);
    expect(JSON.stringify([error, String(error), (error as Error).stack, (error as Error).cause])).not.toContain('hunter2');
  });
});

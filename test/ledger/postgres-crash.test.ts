import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPostgresLedger } from '../../src/ledger/postgres/open.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { all, minute, SHOP } from './contract/harness.js';
import { openPostgresHarness, signingKeyPem } from './postgres-harness.js';
import { tamperingContract } from './tampering-contract.js';

const WRITER = fileURLToPath(new URL('writer.mjs', import.meta.url));

/** Durable, as in production: `fsync` is on. */
let server: Postgres;
let folder: string;
beforeAll(async () => {
  server = await startPostgres();
  folder = mkdtempSync(join(tmpdir(), 'holdfast-ledger-'));
  writeFileSync(join(folder, 'key.pem'), signingKeyPem());
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

let tampered: string | undefined;
tamperingContract('PostgreSQL', async () => {
  const harness = await openPostgresHarness(server, tampered);
  tampered = harness.database;
  return harness;
});

describe('several processes on one PostgreSQL ledger', () => {
  const start = (database: string, name: string, count: number): ChildProcess => spawn(process.execPath, [WRITER, server.url(database), join(folder, 'key.pem'), name, String(count)], { stdio: ['ignore', 'pipe', 'pipe'] });

  async function run(database: string, name: string, count: number): Promise<readonly { fence: number; number: number; opened: boolean }[]> {
    const child = start(database, name, count);
    if (child.stdout === null || child.stderr === null) throw new Error('the child has pipes');
    const [out, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit') as Promise<[number | null]>]);
    expect([code, errors]).toEqual([0, '']);
    return out.trim().split('\n').map((line) => JSON.parse(line) as { fence: number; number: number; opened: boolean });
  }

  it('make one chain, tokens that never repeat, and one open incident at a time', async () => {
    const harness = await openPostgresHarness(server);
    const count = 25;
    const written = (await Promise.all(['one', 'two', 'three'].map((name) => run(harness.database, name, count)))).flat();
    expect(new Set(written.map((each) => each.fence)).size).toBe(3 * count);
    const opened = written.filter((each) => each.opened).map((each) => each.number);
    expect(new Set(opened).size).toBe(opened.length);
    expect(await all(harness.ledger.entries({ kinds: ['gate'] }))).toHaveLength(3 * count);
    expect(await all(harness.ledger.entries({ kinds: ['opened'] }))).toHaveLength(opened.length);
    expect(await harness.ledger.verify()).toMatchObject({ ok: true });
    await harness.dispose();
  });

  it('refuse the intent of a writer that another process has overtaken', async () => {
    const harness = await openPostgresHarness(server);
    const other = await harness.another();
    const take = (ledger: typeof other, attempt: number): Promise<number> => ledger.takeFence({ address: SHOP, step: 's', attempt, run: 'r', at: minute(attempt) });
    for (let round = 0; round < 10; round += 1) {
      const late = await take(harness.ledger, 2 * round + 1);
      const intent = { ...SHOP, number: 1, step: 's', write: 'w', plan: 'p', at: minute(round) };
      const [mine, theirs] = await Promise.allSettled([
        harness.ledger.intend({ ...intent, key: `late ${round}`, fence: late }),
        take(other, 2 * round + 2).then((fence) => other.intend({ ...intent, key: `new ${round}`, fence })),
      ]);
      expect(theirs.status).toBe('fulfilled');
      if (mine.status === 'rejected') expect(mine.reason).toMatchObject({ failure: 'Fenced' });
      await expect(harness.ledger.intend({ ...intent, key: `later ${round}`, fence: late }), 'and certainly from then on').rejects.toMatchObject({ failure: 'Fenced' });
    }
    expect(await harness.ledger.verify()).toMatchObject({ ok: true });
    await harness.dispose();
  });

  it('lose nothing that was acknowledged when the server is killed, again and again, and go on when it is back', async () => {
    const database = await server.createDatabase();
    const open = (): ReturnType<typeof openPostgresLedger> => openPostgresLedger({ url: async () => server.url(database), signingKey: async () => signingKey, timeouts: { connect: 500 } });
    const signingKey = signingKeyPem();
    const ledger = await open();
    const acknowledged: number[] = [];
    const stop = new AbortController();
    const stopping = (): boolean => stop.signal.aborted;
    const writers = [0, 1, 2, 3].map(async (writer) => {
      for (let index = writer; !stopping(); index += 4) {
        // As a step does: told again until it is answered.
        while (!stopping()) {
          try {
            await ledger.append({ at: minute(0), kind: 'gate', data: { index } });
            acknowledged.push(index);
            break;
          } catch (error) {
            expect(error).toMatchObject({ failure: 'Unreachable', retryable: true });
            await new Promise((resolve) => { setTimeout(resolve, 20); });
          }
        }
      }
    });
    for (let kills = 0; kills < 3; kills += 1) {
      const before = acknowledged.length;
      await expect.poll(() => acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(before + 40);
      await server.kill();
      await server.restart();
    }
    const before = acknowledged.length;
    await expect.poll(() => acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(before + 10);
    stop.abort();
    await Promise.all(writers);
    const recorded = (await all(ledger.entries({ kinds: ['gate'] }))).map((entry) => entry.data['index']);
    expect(acknowledged.filter((index) => !recorded.includes(index)), 'acknowledged and gone').toEqual([]);
    expect(new Set(recorded).size, 'none is there twice').toBe(recorded.length);
    expect(await ledger.verify()).toMatchObject({ ok: true });
    await ledger.close();
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Notifications } from '../../src/config/config.js';
import { hashJson } from '../../src/digest.js';
import type { Ledger } from '../../src/ledger/ledger.js';
import { openSqliteLedger } from '../../src/ledger/sqlite/open.js';
import { compose } from '../../src/notify/compose.js';
import { startDeliverer } from '../../src/notify/deliver.js';
import { openSinks } from '../../src/notify/index.js';
import { sinksFor } from '../../src/notify/routes.js';
import type { Notice } from '../../src/notify/sink.js';
import { NOTICE, receive, webhook } from './support.js';

const SECRET = 'canary-secret-5d2e';

describe('from a notice to its receiver, through the ledger', () => {
  let folder: string;
  let ledger: Ledger;

  async function open(): Promise<Ledger> {
    return openSqliteLedger({ file: join(folder, 'ledger.db'), signingKeyFile: join(folder, 'key.pem') });
  }
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-outbox-'));
    ledger = await open();
  });
  afterEach(async () => {
    await ledger.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function tell(notice: Notice, notifications: Notifications): Promise<void> {
    await ledger.enqueue(compose({ notice, key: 'ask-1', sinks: sinksFor(notice, notifications), project: 'shop', hash: hashJson }));
  }

  function deliver(to: string, now: () => Date): { stop: () => Promise<void>; logs: unknown[] } {
    const stop = new AbortController();
    const logs: unknown[] = [];
    const sinks = openSinks({ sinks: [webhook(to)], routes: [] }, { resolveSecret: () => Promise.resolve(SECRET), now });
    const log = { warn: (message: string, fields?: Record<string, unknown>) => logs.push({ message, ...fields }) };
    const { stopped } = startDeliverer({ ledger, sinks: () => sinks, now, random: () => 1, log, signal: stop.signal, intervalMs: 1 });
    return { logs, stop: () => { stop.abort(); return stopped; } };
  }

  it('tells once what is told twice, and keeps it while the receiver and the process are away', async () => {
    const everyone = { sinks: [webhook('http://127.0.0.1:9/')], routes: [] };
    await tell(NOTICE, everyone);
    await tell({ ...NOTICE, at: '2026-11-02T10:00:09.000Z' }, everyone);

    const away = await receive((response) => response.end());
    await away.close();
    const first = deliver(away.url, () => new Date('2026-11-02T10:01:00.000Z'));
    await vi.waitFor(async () => { expect(await ledger.outbox({ pending: true })).toMatchObject([{ attempts: 1, error: 'sink ops: connection refused' }]); });
    await first.stop();
    await ledger.close();
    ledger = await open();

    const back = await receive((response) => response.end(), away.port);
    const second = deliver(back.url, () => new Date('2026-11-02T10:02:00.000Z'));
    await vi.waitFor(async () => { expect(await ledger.outbox({ pending: true })).toEqual([]); });
    await second.stop();
    const all = await ledger.outbox({});
    expect(back.received.map(({ headers }) => headers['webhook-id'])).toEqual(all.map(({ id }) => id));
    expect(all).toHaveLength(1);
    expect(JSON.stringify([all, first.logs, second.logs])).not.toContain(SECRET);
  });

  it('goes to the sinks of the routes alone', async () => {
    const sinks = ['ops', 'web'].map((name) => webhook('http://127.0.0.1:9/', { name }));
    await tell(NOTICE, { sinks, routes: [{ match: { environment: ['dev'] }, to: ['ops'] }, { match: { owner: ['team-web'] }, to: ['web'] }] });
    expect((await ledger.outbox({})).map(({ sink }) => sink)).toEqual(['web']);
  });
});

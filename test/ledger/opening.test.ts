import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ledger } from '../../src/ledger/ledger.js';
import { openSqliteLedger } from '../../src/ledger/sqlite/open.js';
import { all, CLEAN, minute, SHOP } from './contract/harness.js';
import { openSqliteHarness, type SqliteHarness } from './sqlite-harness.js';

describe('opening the SQLite ledger', () => {
  let harness: SqliteHarness;
  beforeEach(async () => {
    harness = await openSqliteHarness();
  });
  afterEach(async () => harness.dispose());

  const open = (file: string, readOnly = false): Promise<Ledger> => openSqliteLedger({ file, signingKeyFile: harness.signingKeyFile, readOnly, busyTimeoutMs: 50 });
  const database = (name: string, sql: string): string => {
    const file = join(harness.folder, name);
    const handle = new DatabaseSync(file);
    handle.exec(sql);
    handle.close();
    return file;
  };

  it('keeps the files to their owner', async () => {
    await harness.ledger.append({ at: minute(0), kind: 'gate', data: {} });
    await harness.ledger.checkpoint(minute(0));
    const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
    expect([mode(harness.file), mode(`${harness.file}-wal`), mode(harness.signingKeyFile)]).toEqual(['600', '600', '600']);
  });

  it('keeps the private key out of everything but its file', async () => {
    await harness.ledger.append({ at: minute(0), kind: 'gate', data: {} });
    await harness.ledger.checkpoint(minute(0));
    const secret = readFileSync(harness.signingKeyFile, 'utf8').split('\n')[1] ?? '';
    for (const file of [harness.file, `${harness.file}-wal`, `${harness.file}.checkpoint`, `${harness.signingKeyFile}.pub`]) expect(readFileSync(file).includes(secret), file).toBe(false);
  });

  it('reads while nothing else runs, and creates nothing', async () => {
    await harness.ledger.observed({ address: SHOP, at: minute(0), observation: CLEAN });
    await harness.ledger.close();
    const before = readdirSync(join(harness.folder, 'state'));
    const reader = await open(harness.file, true);
    expect(await reader.lastObservation(SHOP)).toMatchObject({ verdict: 'clean' });
    expect(await reader.verify()).toMatchObject({ ok: true, entries: 1 });
    await expect(reader.setMeta('a', 'b')).rejects.toMatchObject({ failure: 'ReadOnly' });
    await expect(reader.checkpoint(minute(1))).rejects.toMatchObject({ failure: 'ReadOnly' });
    await reader.close();
    expect(readdirSync(join(harness.folder, 'state'))).toEqual(before);
    expect(existsSync(harness.signingKeyFile), 'no key for what was refused').toBe(false);
  });

  it('writes nothing into a file that was removed or replaced while it was open', async () => {
    await harness.ledger.setMeta('a', '1');
    const aside = `${harness.file}.aside`;
    renameSync(harness.file, aside);
    await expect(harness.ledger.setMeta('a', '2')).rejects.toMatchObject({ failure: 'Unreachable', message: expect.stringContaining('removed or replaced') as string });
    writeFileSync(harness.file, '');
    await expect(harness.ledger.setMeta('a', '2')).rejects.toMatchObject({ failure: 'Unreachable' });
    renameSync(aside, harness.file);
    await harness.ledger.setMeta('a', '3');
  });

  it('shows a reader what a writer does that came after it', async () => {
    await harness.ledger.close();
    const reader = await open(harness.file, true);
    expect(await all(reader.entries({}))).toEqual([]);
    const writer = await open(harness.file);
    await writer.append({ at: minute(0), kind: 'gate', data: {} });
    expect(await all(reader.entries({}))).toHaveLength(1);
    await reader.close();
    await writer.close();
  });

  it('says what is wrong with a file it cannot use, and what to do', async () => {
    mkdirSync(join(harness.folder, 'directory.db'));
    writeFileSync(join(harness.folder, 'text.db'), 'not a database at all, but some words'.repeat(40));
    writeFileSync(join(harness.folder, 'empty.db'), '');
    const cases: readonly { reason: string; file: string; readOnly?: boolean; failure: string; message: RegExp }[] = [
      { reason: 'missing', file: 'none.db', readOnly: true, failure: 'Unreachable', message: /does not exist/ },
      { reason: 'empty, for a reader', file: 'empty.db', readOnly: true, failure: 'Invalid', message: /holds no record/ },
      { reason: 'a directory', file: 'directory.db', failure: 'Unreachable', message: /cannot be created or written/ },
      { reason: 'beneath a file', file: 'text.db/ledger.db', failure: 'Unreachable', message: /cannot be created or written/ },
      { reason: 'words', file: 'text.db', failure: 'Invalid', message: /is not a SQLite database/ },
      { reason: "another program's", file: database('other.db', 'CREATE TABLE theirs (id INTEGER)'), failure: 'Invalid', message: /not a ledger/ },
    ];
    for (const { reason, file, readOnly = false, failure, message } of cases) {
      const path = file.startsWith('/') ? file : join(harness.folder, file);
      await expect(open(path, readOnly), reason).rejects.toMatchObject({ failure, message: expect.stringMatching(message) as string, remedy: expect.any(String) as string });
    }
    expect(existsSync(join(harness.folder, 'none.db'))).toBe(false);
  });

  it('refuses a newer schema, and an older one where it may not bring it up to date', async () => {
    harness.tamper("INSERT INTO schema_versions VALUES (99, 'future')");
    for (const readOnly of [true, false]) await expect(open(harness.file, readOnly)).rejects.toMatchObject({ failure: 'Invalid', message: expect.stringContaining('schema 99') as string });
    harness.tamper('DELETE FROM schema_versions');
    await expect(open(harness.file, true)).rejects.toMatchObject({ failure: 'Invalid', message: expect.stringContaining('older version') as string });
  });

  it('says that a damaged file is damaged', async () => {
    for (let index = 0; index < 200; index += 1) await harness.ledger.append({ at: minute(index), kind: 'gate', data: { text: 'x'.repeat(500) } });
    await harness.ledger.close();
    const bytes = readFileSync(harness.file);
    bytes.fill(0xff, 8_192);
    writeFileSync(harness.file, bytes);
    const read = open(harness.file).then((ledger) => all(ledger.entries({})).finally(() => ledger.close()));
    await expect(read).rejects.toMatchObject({ failure: 'Invalid', message: expect.stringContaining('damaged') as string });
  });

  it('waits for another writer, then says that the file is held; nothing is half done', async () => {
    const impatient = await open(harness.file);
    const holder = new DatabaseSync(harness.file);
    holder.exec('BEGIN IMMEDIATE');
    await expect(impatient.append({ at: minute(0), kind: 'gate', data: {} })).rejects.toMatchObject({ failure: 'Unreachable', retryable: true, message: expect.stringContaining('held by another process') as string });
    holder.exec('ROLLBACK');
    holder.close();
    expect(await impatient.append({ at: minute(0), kind: 'gate', data: {} })).toMatchObject({ seq: 1 });
    await impatient.close();
  });

  it('leaves nothing of a transaction that failed in its middle', async () => {
    const row = { ...SHOP, revision: 'r', resource: 'a', path: '', outcome: 'expired' as const, incident: 1 };
    await expect(harness.ledger.settle([{ ...row, fingerprint: 'v1:a', at: minute(0) }, { ...row, fingerprint: 'v1:b', at: 'never' }])).rejects.toMatchObject({ failure: 'Invalid' });
    expect(await harness.ledger.settled(SHOP, [{ fingerprint: 'v1:a', revision: 'r' }], minute(1))).toEqual([]);
    expect(await all(harness.ledger.entries({}))).toEqual([]);
  });

  it('answers a call after it was closed, and closes twice', async () => {
    await harness.ledger.close();
    await harness.ledger.close();
    await expect(harness.ledger.getMeta('a')).rejects.toMatchObject({ failure: 'Unreachable', message: expect.stringContaining('closed') as string });
  });

  it('cannot write a file that it may only read', async () => {
    await harness.ledger.close();
    chmodSync(harness.file, 0o400);
    if (process.getuid?.() === 0) return;
    await expect(open(harness.file)).rejects.toMatchObject({ failure: 'Unreachable' });
  });
});

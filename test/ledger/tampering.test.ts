import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Verification } from '../../src/ledger/ledger.js';
import { minute } from './contract/harness.js';
import { openSqliteHarness, type SqliteHarness } from './sqlite-harness.js';

type Problem = Extract<Verification, { ok: false }>['problem'];

describe('tampering with the SQLite ledger', () => {
  let harness: SqliteHarness;

  /** Ten entries; signed at the fifth and the eighth. */
  beforeEach(async () => {
    harness = await openSqliteHarness();
    for (let index = 1; index <= 10; index += 1) {
      await harness.ledger.append({ at: minute(index), kind: 'gate', environment: 'prod', by: 'alice', data: { index } });
      if (index === 5 || index === 8) await harness.ledger.checkpoint(minute(index));
    }
    expect(await harness.ledger.verify()).toMatchObject({ ok: true, entries: 10, checkpoints: 2 });
  });
  afterEach(async () => harness.dispose());

  const swap = 'UPDATE entries SET seq = -1 WHERE seq = 4; UPDATE entries SET seq = 4 WHERE seq = 6; UPDATE entries SET seq = 6 WHERE seq = -1';
  const swapText = `CREATE TEMP TABLE copy AS SELECT * FROM entries WHERE seq IN (4, 6);
    UPDATE entries SET (at, data) = (SELECT at, data FROM copy WHERE copy.seq = 10 - entries.seq) WHERE seq IN (4, 6)`;
  const cutTo = (seq: number): string => `DELETE FROM entries WHERE seq > ${seq}; UPDATE chain_head SET seq = ${seq}, hash = (SELECT hash FROM entries WHERE seq = ${seq})`;

  const cases: readonly { reason: string; sql: string; seq: number; problem: Problem }[] = [
    { reason: 'data rewritten', sql: `UPDATE entries SET data = '{"index":99}' WHERE seq = 4`, seq: 4, problem: 'changed' },
    { reason: 'who did it rewritten', sql: "UPDATE entries SET by = 'mallory' WHERE seq = 1", seq: 1, problem: 'changed' },
    { reason: 'a member dropped', sql: 'UPDATE entries SET environment = NULL WHERE seq = 10', seq: 10, problem: 'changed' },
    { reason: 'a member moved into the data, so that the hashed text stays the same', sql: `UPDATE entries SET environment = NULL, data = data || ',"environment":"prod"' WHERE seq = 3`, seq: 3, problem: 'changed' },
    { reason: 'another hash', sql: "UPDATE entries SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE seq = 7", seq: 7, problem: 'changed' },
    { reason: 'one removed', sql: 'DELETE FROM entries WHERE seq = 4', seq: 4, problem: 'removed' },
    { reason: 'the first removed', sql: 'DELETE FROM entries WHERE seq = 1', seq: 1, problem: 'removed' },
    { reason: 'some removed, the rest renumbered', sql: 'DELETE FROM entries WHERE seq IN (4, 5); UPDATE entries SET seq = seq - 2 WHERE seq > 5', seq: 4, problem: 'removed' },
    { reason: 'two exchanged', sql: swap, seq: 4, problem: 'reordered' },
    { reason: 'the words of two exchanged', sql: swapText, seq: 4, problem: 'changed' },
    { reason: 'the tail cut off', sql: 'DELETE FROM entries WHERE seq > 8', seq: 9, problem: 'truncated' },
    { reason: 'the tail cut off with the head set back', sql: cutTo(7), seq: 8, problem: 'truncated' },
    { reason: 'the tail cut off with the head and the checkpoints', sql: `${cutTo(6)}; DELETE FROM checkpoints WHERE seq > 6`, seq: 7, problem: 'truncated' },
    { reason: 'everything cut off', sql: 'DELETE FROM entries; DELETE FROM chain_head; DELETE FROM checkpoints', seq: 1, problem: 'truncated' },
    { reason: 'the checkpoint rows removed', sql: 'DELETE FROM checkpoints', seq: 8, problem: 'truncated' },
    { reason: 'an entry added past the head', sql: "INSERT INTO entries SELECT 11, hash, at, kind, environment, target, incident, by, data, hash, 0 FROM entries WHERE seq = 10", seq: 11, problem: 'changed' },
    { reason: 'a checkpoint rewritten', sql: "UPDATE checkpoints SET head = (SELECT hash FROM entries WHERE seq = 4) WHERE seq = 5", seq: 5, problem: 'bad-signature' },
    { reason: 'a checkpoint passed off as a pruning', sql: 'DELETE FROM entries WHERE seq <= 5; UPDATE checkpoints SET pruned = 1 WHERE seq = 5', seq: 5, problem: 'bad-signature' },
  ];
  it.each(cases)('finds $reason', async ({ sql, seq, problem }) => {
    harness.tamper(sql);
    expect(await harness.ledger.verify()).toMatchObject({ ok: false, seq, problem });
    expect(await (await harness.reader()).verify(), 'a reader finds it too').toMatchObject({ ok: false, seq, problem });
  });

  it('finds a chain rewritten to be consistent in itself: the signed head is another', async () => {
    const forged = await openSqliteHarness();
    for (let index = 1; index <= 10; index += 1) await forged.ledger.append({ at: minute(index), kind: 'gate', environment: 'prod', by: index > 5 ? 'mallory' : 'alice', data: { index } });
    expect(await forged.ledger.verify()).toMatchObject({ ok: true });
    harness.tamper(`ATTACH '${forged.file}' AS forged; DELETE FROM entries; INSERT INTO entries SELECT * FROM forged.entries; DELETE FROM chain_head; INSERT INTO chain_head SELECT * FROM forged.chain_head`);
    expect(await harness.ledger.verify()).toMatchObject({ ok: false, seq: 6, problem: 'truncated' });
    await forged.dispose();
  });

  it('finds a checkpoint signed with a key of somebody else', async () => {
    const forged = await openSqliteHarness();
    await forged.ledger.append({ at: minute(0), kind: 'gate', data: {} });
    await forged.ledger.checkpoint(minute(0));
    harness.tamper(`ATTACH '${forged.file}' AS forged; DELETE FROM checkpoints; INSERT INTO checkpoints SELECT * FROM forged.checkpoints`);
    expect(await harness.ledger.verify()).toMatchObject({ ok: false, seq: 1, problem: 'bad-signature' });
    await forged.dispose();
  });

  it('finds a forged copy of the checkpoint beside the database, and goes on without any', async () => {
    const outside = `${harness.file}.checkpoint`;
    const honest = readFileSync(outside, 'utf8');
    for (const text of [honest.replace('"seq":8', '"seq":2'), 'no checkpoint', 'null', '{"seq":8}']) {
      writeFileSync(outside, text);
      expect(await harness.ledger.verify(), text).toMatchObject({ ok: false, problem: 'bad-signature' });
    }
    rmSync(outside);
    expect(await harness.ledger.verify()).toMatchObject({ ok: true });
    await harness.ledger.checkpoint(minute(20));
    expect(existsSync(outside)).toBe(true);
  });

  it('finds the beginning cut off without a signed pruning, and a pruning taken away', async () => {
    harness.tamper('DELETE FROM entries WHERE seq <= 5; DELETE FROM checkpoints WHERE seq <= 5');
    expect(await harness.ledger.verify()).toMatchObject({ ok: false, seq: 1, problem: 'removed' });
  });

  it('finds more cut off than a pruning signed, and the signed pruning gone', async () => {
    const forever = 1e15;
    await harness.ledger.prune({ at: minute(14), keepMs: { entries: 600_000, reports: forever, plans: forever, outbox: forever, sightings: forever } });
    expect(await harness.ledger.verify()).toMatchObject({ ok: true });
    harness.tamper('DELETE FROM entries WHERE seq = 4');
    expect(await harness.ledger.verify()).toMatchObject({ ok: false, seq: 4, problem: 'removed' });
    harness.tamper('DELETE FROM checkpoints WHERE pruned = 1');
    expect(await harness.ledger.verify()).toMatchObject({ ok: false, seq: 1, problem: 'removed' });
  });

  it('verifies with the public half alone, and says when no key is here', async () => {
    rmSync(harness.signingKeyFile);
    expect(await (await harness.reader()).verify()).toMatchObject({ ok: true, checkpoints: 2 });
    rmSync(`${harness.signingKeyFile}.pub`);
    expect(await (await harness.reader()).verify()).toMatchObject({ ok: false, problem: 'bad-signature', detail: expect.stringContaining('restore') as string });
  });

  it('goes on with a new key when the old one is lost, and still trusts what the old one signed', async () => {
    rmSync(harness.signingKeyFile);
    await harness.ledger.checkpoint(minute(20));
    expect(await harness.ledger.verify()).toMatchObject({ ok: true, checkpoints: 3 });
  });

  it('refuses to hand out a report or a plan that is not what was written', async () => {
    const { digest } = await harness.ledger.observed({ address: { environment: 'prod', target: 'web' }, at: minute(0), observation: { verdict: 'clean', revision: 'r', identity: {}, changes: [], resources: 1, skipped: [] } });
    harness.tamper(`UPDATE reports SET observation = replace(observation, 'clean', 'drifted')`);
    await expect(harness.ledger.report(digest)).rejects.toMatchObject({ failure: 'Invalid' });
  });
});

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { minute } from './contract/harness.js';
import { openSqliteHarness, type SqliteHarness } from './sqlite-harness.js';
import { tamperingContract, writeTen } from './tampering-contract.js';

tamperingContract('SQLite', openSqliteHarness);

describe('tampering with the files of the SQLite ledger', () => {
  let harness: SqliteHarness;

  beforeEach(async () => {
    harness = await openSqliteHarness();
    await writeTen(harness);
  });
  afterEach(async () => harness.dispose());

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

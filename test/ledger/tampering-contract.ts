import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ledger, Verification } from '../../src/ledger/ledger.js';
import { minute, type LedgerHarness } from './contract/harness.js';

type Problem = Extract<Verification, { ok: false }>['problem'];

export interface TamperHarness extends LedgerHarness {
  readonly reader: () => Promise<Ledger>;
  /** Runs SQL straight on the store, as someone who owns it would. */
  readonly tamper: (sql: string) => void | Promise<void>;
}

/** Ten entries; signed at the fifth and the eighth. */
export async function writeTen({ ledger }: Pick<LedgerHarness, 'ledger'>): Promise<void> {
  for (let index = 1; index <= 10; index += 1) {
    await ledger.append({ at: minute(index), kind: 'gate', environment: 'prod', by: 'alice', data: { index } });
    if (index === 5 || index === 8) await ledger.checkpoint(minute(index));
  }
  expect(await ledger.verify()).toMatchObject({ ok: true, entries: 10, checkpoints: 2 });
}

/** What verification finds, whatever the record is stored in. */
export function tamperingContract(name: string, open: () => Promise<TamperHarness>): void {
  describe(`tampering with the ${name} ledger`, () => {
    let harness: TamperHarness;
    beforeEach(async () => {
      harness = await open();
      await writeTen(harness);
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
      await harness.tamper(sql);
      expect(await harness.ledger.verify()).toMatchObject({ ok: false, seq, problem });
      expect(await (await harness.reader()).verify(), 'a reader finds it too').toMatchObject({ ok: false, seq, problem });
    });
  });
}

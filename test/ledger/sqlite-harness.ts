import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Ledger } from '../../src/ledger/ledger.js';
import { openSqliteLedger } from '../../src/ledger/sqlite/open.js';
import type { LedgerHarness } from './contract/harness.js';

export interface SqliteHarness extends LedgerHarness {
  readonly folder: string;
  readonly file: string;
  readonly signingKeyFile: string;
  readonly reader: () => Promise<Ledger>;
  /** Runs SQL straight on the file, as someone who tampers with it would. */
  readonly tamper: (sql: string) => void;
}

export async function openSqliteHarness(): Promise<SqliteHarness> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-ledger-'));
  const file = join(folder, 'state', 'ledger.db');
  const signingKeyFile = join(folder, 'keys', 'signing.key');
  const opened: Ledger[] = [];
  const another = async (readOnly = false): Promise<Ledger> => {
    const ledger = await openSqliteLedger({ file, signingKeyFile, readOnly });
    opened.push(ledger);
    return ledger;
  };
  return {
    folder,
    file,
    signingKeyFile,
    ledger: await another(),
    another: () => another(),
    reader: () => another(true),
    tamper(sql) {
      const database = new DatabaseSync(file);
      database.exec(sql);
      database.close();
    },
    async dispose() {
      for (const ledger of opened) await ledger.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

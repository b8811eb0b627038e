import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HoldfastError } from '../../domain/errors.js';
import type { Ledger } from '../ledger.js';
import { createLedger } from '../sql/ledger.js';
import { openConnection, type Connection } from './connection.js';
import { openDatabase } from './database.js';
import { isBusy } from './failures.js';
import { expectCurrent, expectFile, migrate } from './schema.js';
import { createSeals } from './seals.js';

export interface SqliteLedgerOptions {
  /** Path of the database; `<file>.checkpoint` beside it holds the newest checkpoint. */
  readonly file: string;
  /** Private key of the checkpoints, made at first use; `<signingKeyFile>.pub` holds the public ones. */
  readonly signingKeyFile: string;
  /** Opens what is there, creates nothing, and refuses every write with a `ReadOnly` error. */
  readonly readOnly?: boolean;
  /** How long a write waits for another process's. Default 10 s. */
  readonly busyTimeoutMs?: number;
}

const OPEN_ATTEMPTS = 50;
const OPEN_PAUSE_MS = 100;

/**
 * Opens the embedded ledger: one SQLite file, which several processes may read and write at once.
 * Throws `Unreachable` when it is missing (read-only), not writable or held; `Invalid` when it is
 * damaged, not a ledger, or of a newer schema.
 */
export async function openSqliteLedger(options: SqliteLedgerOptions): Promise<Ledger> {
  const { readOnly = false, busyTimeoutMs = 10_000 } = options;
  const file = resolve(options.file);
  if (readOnly) expectFile(file);
  else createFile(file);
  const place = { file, readOnly, busyTimeoutMs };
  const connection = openConnection(place);
  try {
    if (readOnly) expectCurrent(connection, file);
    else await migrateInTurn(connection, file);
    return createLedger(openDatabase(place, connection), createSeals({ file, keyFile: resolve(options.signingKeyFile), readOnly }));
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** Changing the journal mode does not wait for other openers as other statements do. */
async function migrateInTurn(database: Connection, file: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      migrate(database, file);
      return;
    } catch (error) {
      if (attempt === OPEN_ATTEMPTS || !isBusy((error as Error).cause)) throw error;
      await delay(OPEN_PAUSE_MS);
    }
  }
}

/** Readable by its owner alone from its first byte; SQLite gives the -wal and -shm the same mode. */
function createFile(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    closeSync(openSync(file, 'a', 0o600));
  } catch (cause) {
    throw new HoldfastError('Unreachable', `ledger ${file} cannot be created or written`, { cause, remedy: 'check the owner and mode of its folder, and that the disk is not full or read-only' });
  }
}

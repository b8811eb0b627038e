import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HoldfastError } from '../../domain/errors.js';
import type { Ledger } from '../ledger.js';
import { createChain } from './chain.js';
import { createCheckpoints } from './checkpoints.js';
import { openDatabase, type Database } from './database.js';
import { createDecisions } from './decisions.js';
import { isBusy } from './failures.js';
import { createGates } from './gates.js';
import { createIncidents } from './incidents.js';
import { createIntents } from './intents.js';
import { createMeta } from './meta.js';
import { createObservations } from './observations.js';
import { createOutbox } from './outbox.js';
import { createRetention } from './retention.js';
import { expectCurrent, expectFile, migrate } from './schema.js';
import { createSettled } from './settled.js';

export interface SqliteLedgerOptions {
  /** Path of the database; `<file>.checkpoint` beside it holds the newest checkpoint. */
  readonly file: string;
  /** Private key of the checkpoints, made at first use; `<signingKeyFile>.pub` holds the public ones. */
  readonly signingKeyFile: string;
  /** Opens what is there, creates nothing, and refuses every write with a `ReadOnly` error. */
  readonly readOnly?: boolean;
  /** How long a write waits for another process's. Default 10 s. */
  readonly busyTimeoutMs?: number;
  /** There is none: every time is an argument. */
  readonly now?: never;
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
  const database = openDatabase({ file, readOnly, busyTimeoutMs });
  try {
    if (readOnly) expectCurrent(database);
    else await migrateInTurn(database);
  } catch (error) {
    database.close();
    throw error;
  }
  return compose(database, resolve(options.signingKeyFile));
}

function compose(database: Database, signingKeyFile: string): Ledger {
  const chain = createChain(database);
  const { append } = chain;
  const checkpoints = createCheckpoints(database, signingKeyFile);
  const settled = createSettled(database, append);
  return {
    ...chain.methods,
    ...checkpoints.methods,
    ...createRetention(database, { append, checkpoints }),
    ...createObservations(database, append),
    ...createIncidents(database, { append, settleRow: settled.settleRow }),
    ...settled.methods,
    ...createGates(database, append),
    ...createDecisions(database, append),
    ...createIntents(database, append),
    ...createOutbox(database, append),
    ...createMeta(database),
    close: async () => database.close(),
  };
}

/** Changing the journal mode does not wait for other openers as other statements do. */
async function migrateInTurn(database: Database): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      migrate(database);
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

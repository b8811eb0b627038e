import { realpathSync, statSync } from 'node:fs';
import { HoldfastError } from '../../domain/errors.js';
import type { Database, Reads, Transaction, WriteOptions } from '../sql/database.js';
import { openConnection, type Connection, type ConnectionOptions } from './connection.js';
import { sqliteFailure } from './failures.js';
import { inTurn, lineEnded } from './queue.js';

/**
 * The file as the ledger's rules see it. Writes of this process stand in a queue, since their work
 * is asynchronous and `BEGIN IMMEDIATE` only keeps other processes out; reads go over a connection
 * of their own, which does not see what is not committed.
 */
export function openDatabase(options: ConnectionOptions, writer: Connection): Database {
  const { file, readOnly } = options;
  const path = realpathSync(file);
  const opened = identityOf(file);
  const reader = readOnly ? writer : openConnection({ ...options, readOnly: true });
  const inside: Transaction = { ...readsOf(writer), run: async (sql, values) => writer.run(sql, values) };
  let durableNow = true;

  /** The setting holds for the connection, and cannot change inside a transaction. */
  function setDurable(durable: boolean): void {
    if (durable === durableNow) return;
    writer.exec(`PRAGMA synchronous = ${durable ? 'FULL' : 'NORMAL'}`);
    durableNow = durable;
  }

  function rollBack(): void {
    try {
      writer.exec('ROLLBACK');
    } catch {
      // SQLite has already rolled back by itself, as it does when the disk is full.
    }
  }

  async function transact<T>(work: (tx: Transaction) => Promise<T>, { durable = true }: WriteOptions): Promise<T> {
    // SQLite would go on writing into a file that nobody will ever read again.
    if (identityOf(file) !== opened) throw replaced(file);
    setDurable(durable);
    writer.exec('BEGIN IMMEDIATE');
    try {
      // An object of its own for each: the rules remember by it what holds for one transaction.
      const result = await work({ ...inside });
      writer.exec('COMMIT');
      return result;
    } catch (error) {
      rollBack();
      throw error;
    }
  }

  async function guard<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      throw sqliteFailure(error, file);
    }
  }

  return {
    name: `ledger ${file}`,
    readOnly,
    ...readsOf(reader),
    async write(work, given = {}) {
      if (readOnly) throw readOnlyRefusal(file);
      return guard(() => inTurn(path, () => transact(work, given)));
    },
    async touch(sql, values) {
      return this.write((tx) => tx.run(sql, values), { durable: false });
    },
    snapshot: (work) => snapshot(options, work),
    async close() {
      await guard(() => lineEnded(path));
      reader.close();
      writer.close();
    },
  };
}

export function readOnlyRefusal(file: string): HoldfastError {
  return new HoldfastError('ReadOnly', `ledger ${file} was opened for reading only`);
}

function replaced(file: string): HoldfastError {
  return new HoldfastError('Unreachable', `ledger ${file} was removed or replaced while it was open: nothing is recorded, and so nothing is written`, { remedy: 'restart every holdfast up and holdfast worker, so that they read the file that is there now' });
}

function identityOf(file: string): string | undefined {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.dev}:${stats.ino}`;
}

/** Through a connection of its own, so that work goes on beside it. */
async function snapshot<T>(options: ConnectionOptions, work: (reads: Reads) => Promise<T>): Promise<T> {
  const reader = openConnection({ ...options, readOnly: true });
  try {
    reader.exec('BEGIN');
    const result = await work(readsOf(reader));
    if (!reader.reopened()) return result;
  } finally {
    reader.close();
  }
  return snapshot(options, work);
}

function readsOf(connection: Connection): Reads {
  return {
    all: async (sql, values) => connection.all(sql, values),
    get: async (sql, values) => connection.get(sql, values),
  };
}

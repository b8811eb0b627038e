import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { HoldfastError } from '../../domain/errors.js';
import type { Database, Lock, Reads, Transaction, WriteOptions } from '../sql/database.js';
import { isConflict, isLost, postgresFailure } from './failures.js';
import { openPool, SCHEMA, type Pool, type PostgresOptions, type Session } from './pool.js';

/** Deadlocks and conflicts are rare, since locks are taken in one order; a few turns are enough. */
const ATTEMPTS = 5;
const PAUSE_MS = 20;

/**
 * A server as the ledger's rules see it: transactions at READ COMMITTED, each of which holds the
 * locks it asked for from its first statement to its end, so that what it reads under them stands.
 */
export async function openDatabase(options: PostgresOptions): Promise<{ readonly database: Database; readonly pool: Pool }> {
  const { readOnly = false } = options;
  const pool = await openPool(options);

  async function transact<T>(session: Session, work: (tx: Transaction) => Promise<T>, begin: string): Promise<T> {
    // Sent with the first statement of the work, which the server reaches only with the locks in hand.
    const begun = session.exec(begin);
    begun.catch(() => undefined);
    try {
      const result = await work(transactionOf(session));
      await begun;
      await session.commit();
      return result;
    } catch (error) {
      const failure = postgresFailure(await begun.then(() => error, (first: unknown) => first), pool.name);
      // On a connection that is gone the server rolls back by itself.
      if (!isLost(failure)) await session.exec('ROLLBACK').catch(() => undefined);
      throw failure;
    }
  }

  async function write<T>(work: (tx: Transaction) => Promise<T>, given: WriteOptions = {}): Promise<T> {
    if (readOnly) throw readOnlyRefusal(pool.name);
    const begin = beginOf(given);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await pool.use((session) => transact(session, work, begin));
      } catch (error) {
        if (attempt === ATTEMPTS || !isConflict(error)) throw error;
        await delay(PAUSE_MS * attempt * (1 + Math.random()));
      }
    }
  }

  /** A connection that the pool kept over a restart of the server is found dead at its next use; a read loses nothing by it. */
  async function read<T>(work: (session: Session) => Promise<T>): Promise<T> {
    try {
      return await pool.use(work);
    } catch (error) {
      if (!isLost(error)) throw error;
      return pool.use(work);
    }
  }

  const database: Database = {
    name: pool.name,
    readOnly,
    all: (sql, values) => read(async (session) => (await session.query(sql, values)).rows),
    get: (sql, values) => read(async (session) => (await session.query(sql, values)).rows[0]),
    write,
    async touch(sql, values) {
      if (readOnly) throw readOnlyRefusal(pool.name);
      return pool.use(async (session) => (await session.query(`${sql} ${QUIETLY}`, values)).count);
    },
    snapshot: (work) => pool.use((session) => transact(session, work, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')),
    close: () => pool.close(),
  };
  return { database, pool };
}

/** Added to a statement's condition: its own small transaction does not wait for the disk. */
const QUIETLY = "AND set_config('synchronous_commit', 'off', true) IS NOT NULL";

function readOnlyRefusal(name: string): HoldfastError {
  return new HoldfastError('ReadOnly', `${name} was opened for reading only`);
}

/** One round trip for all of it. */
function beginOf({ locks = [], durable = true }: WriteOptions): string {
  return ['BEGIN', ...(durable ? [] : ['SET LOCAL synchronous_commit = off']), ...locks.map((lock) => `SELECT pg_advisory_xact_lock(${lockKey(lock)})`)].join('; ');
}

/** Two locks that share a key only wait for each other needlessly. */
export function lockKey(lock: Lock | 'migration'): string {
  return createHash('sha256').update(`${SCHEMA} ${lock}`).digest().readBigInt64BE().toString();
}

function transactionOf(session: Session): Transaction {
  const reads: Reads = {
    all: async (sql, values) => (await session.query(sql, values)).rows,
    get: async (sql, values) => (await session.query(sql, values)).rows[0],
  };
  return { ...reads, run: async (sql, values) => (await session.query(sql, values)).count };
}

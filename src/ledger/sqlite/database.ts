import { existsSync, statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { HoldfastError } from '../../domain/errors.js';
import { sqliteFailure } from './failures.js';
import type { Row } from './rows.js';

export type Values = Readonly<Record<string, string | number | undefined>>;

/**
 * An open database. Every call is synchronous, so nothing of this process can come between the
 * statements of one `write`; `BEGIN IMMEDIATE` keeps other processes out. A `write` is never held
 * across an `await`.
 */
export interface Database {
  readonly file: string;
  readonly readOnly: boolean;
  all(sql: string, values?: Values): readonly Row[];
  get(sql: string, values?: Values): Row | undefined;
  /** Returns how many rows it changed. Only inside `write`. */
  run(sql: string, values?: Values): number;
  exec(sql: string): void;
  /**
   * Runs the work in one transaction. `durable: false` may lose the transaction, never its
   * wholeness, at a power cut; it is for what the next look would store again.
   */
  write<T>(work: () => T, options?: { readonly durable?: boolean }): T;
  /** True once a writer appeared beside a reader of a file at rest: a transaction begun before is over. */
  reopened(): boolean;
  close(): void;
}

interface Connection {
  readonly handle: DatabaseSync;
  readonly statements: Map<string, StatementSync>;
}

export function openDatabase(options: { readonly file: string; readonly readOnly: boolean; readonly busyTimeoutMs: number }): Database {
  const { file, readOnly, busyTimeoutMs } = options;
  let closed = false;
  let immutable = readOnly && isAtRest(file);
  let connection = guard(() => connect({ file, readOnly, immutable, busyTimeoutMs }));
  const opened = identityOf(file);
  let durableNow = true;
  let reopened = false;

  function guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw sqliteFailure(error, file);
    }
  }

  /** A file at rest is read without creating its -wal and -shm; once a writer appears, they are needed. */
  function current(): Connection {
    if (closed) throw new HoldfastError('Unreachable', `ledger ${file} was closed`);
    if (!immutable || isAtRest(file)) return connection;
    connection.handle.close();
    immutable = false;
    reopened = true;
    connection = connect({ file, readOnly, immutable, busyTimeoutMs });
    return connection;
  }

  function statement(sql: string): StatementSync {
    const { handle, statements } = current();
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const prepared = handle.prepare(sql);
    statements.set(sql, prepared);
    return prepared;
  }

  /** The setting holds for the connection, and cannot change inside a transaction. */
  function setDurable(durable: boolean): void {
    if (durable === durableNow) return;
    connection.handle.exec(`PRAGMA synchronous = ${durable ? 'FULL' : 'NORMAL'}`);
    durableNow = durable;
  }

  function rollBack(): void {
    try {
      connection.handle.exec('ROLLBACK');
    } catch {
      // SQLite has already rolled back by itself, as it does when the disk is full.
    }
  }

  return {
    file,
    readOnly,
    all: (sql, values) => guard(() => statement(sql).all(bound(values)) as Row[]),
    get: (sql, values) => guard(() => statement(sql).get(bound(values))),
    run: (sql, values) => guard(() => Number(statement(sql).run(bound(values)).changes)),
    exec: (sql) => guard(() => current().handle.exec(sql)),
    write(work, { durable = true } = {}) {
      if (readOnly) throw readOnlyRefusal(file);
      return guard(() => {
        current();
        // SQLite would go on writing into a file that nobody will ever read again.
        if (identityOf(file) !== opened) throw replaced(file);
        setDurable(durable);
        connection.handle.exec('BEGIN IMMEDIATE');
        try {
          const result = work();
          connection.handle.exec('COMMIT');
          return result;
        } catch (error) {
          rollBack();
          throw error;
        }
      });
    },
    reopened: () => reopened,
    close() {
      if (closed) return;
      closed = true;
      connection.statements.clear();
      guard(() => connection.handle.close());
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

function connect(options: { readonly file: string; readonly readOnly: boolean; readonly immutable: boolean; readonly busyTimeoutMs: number }): Connection {
  const url = pathToFileURL(options.file);
  if (options.immutable) url.searchParams.set('immutable', '1');
  const { DatabaseSync: Handle } = sqlite();
  const handle = new Handle(url, { readOnly: options.readOnly });
  try {
    handle.exec(`PRAGMA busy_timeout = ${options.busyTimeoutMs}; PRAGMA trusted_schema = OFF`);
    if (!options.readOnly) handle.exec('PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864');
  } catch (error) {
    handle.close();
    throw error;
  }
  return { handle, statements: new Map() };
}

/** The last writer to leave removes the -wal, so without one nobody writes. */
function isAtRest(file: string): boolean {
  return existsSync(file) && !existsSync(`${file}-wal`);
}

function bound(values: Values = {}): Record<string, SQLInputValue> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value ?? null]));
}

/** Loads `node:sqlite` without the warning that Node 22 prints about it; every other warning is left alone. */
function sqlite(): typeof import('node:sqlite') {
  const before = Object.getOwnPropertyDescriptor(process, 'emitWarning') ?? {};
  const emit = process.emitWarning.bind(process);
  process.emitWarning = (warning: string | Error, ...rest: never[]) => {
    if (!String(warning).includes('SQLite is an experimental feature')) emit(warning, ...rest);
  };
  try {
    return process.getBuiltinModule('node:sqlite');
  } finally {
    Object.defineProperty(process, 'emitWarning', before);
  }
}

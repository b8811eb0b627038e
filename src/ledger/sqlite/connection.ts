import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { HoldfastError } from '../../domain/errors.js';
import type { Values } from '../sql/database.js';
import type { Row } from '../sql/rows.js';
import { sqliteFailure } from './failures.js';

export interface ConnectionOptions {
  readonly file: string;
  readonly readOnly: boolean;
  readonly busyTimeoutMs: number;
}

/** One connection to the file. Every call is synchronous, and throws what `sqliteFailure` says. */
export interface Connection {
  all(sql: string, values?: Values): readonly Row[];
  get(sql: string, values?: Values): Row | undefined;
  /** Returns how many rows it changed. */
  run(sql: string, values?: Values): number;
  exec(sql: string): void;
  /** True once a writer appeared beside a reader of a file at rest: a transaction begun before is over. */
  reopened(): boolean;
  close(): void;
}

interface Handle {
  readonly database: DatabaseSync;
  readonly statements: Map<string, StatementSync>;
}

export function openConnection(options: ConnectionOptions): Connection {
  const { file, readOnly } = options;
  let closed = false;
  let immutable = readOnly && isAtRest(file);
  let handle = guard(() => open({ ...options, immutable }));
  let reopened = false;

  function guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw sqliteFailure(error, file);
    }
  }

  /** A file at rest is read without creating its -wal and -shm; once a writer appears, they are needed. */
  function current(): Handle {
    if (closed) throw new HoldfastError('Unreachable', `ledger ${file} was closed`);
    if (!immutable || isAtRest(file)) return handle;
    handle.database.close();
    immutable = false;
    reopened = true;
    handle = open({ ...options, immutable });
    return handle;
  }

  function statement(sql: string): StatementSync {
    const { database, statements } = current();
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const prepared = database.prepare(translated(sql));
    statements.set(sql, prepared);
    return prepared;
  }

  return {
    all: (sql, values) => guard(() => statement(sql).all(bound(values)) as Row[]),
    get: (sql, values) => guard(() => statement(sql).get(bound(values))),
    run: (sql, values) => guard(() => Number(statement(sql).run(bound(values)).changes)),
    exec: (sql) => guard(() => current().database.exec(sql)),
    reopened: () => reopened,
    close() {
      if (closed) return;
      closed = true;
      handle.statements.clear();
      guard(() => handle.database.close());
    },
  };
}

function open(options: ConnectionOptions & { readonly immutable: boolean }): Handle {
  const url = pathToFileURL(options.file);
  if (options.immutable) url.searchParams.set('immutable', '1');
  const { DatabaseSync: Database } = sqlite();
  const database = new Database(url, { readOnly: options.readOnly });
  try {
    database.exec(`PRAGMA busy_timeout = ${options.busyTimeoutMs}; PRAGMA trusted_schema = OFF`);
    if (!options.readOnly) database.exec('PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864');
  } catch (error) {
    database.close();
    throw error;
  }
  return { database, statements: new Map() };
}

/** The last writer to leave removes the -wal, so without one nobody writes. */
function isAtRest(file: string): boolean {
  return existsSync(file) && !existsSync(`${file}-wal`);
}

/** SQLite has no lists: they are handed over as JSON. */
function translated(sql: string): string {
  return sql.replaceAll(/= ANY \((:\w+)\)/g, 'IN (SELECT value FROM json_each($1))');
}

function bound(values: Values = {}): Record<string, SQLInputValue> {
  const given: Record<string, SQLInputValue> = {};
  for (const [name, value] of Object.entries(values)) given[name] = value === undefined ? null : typeof value === 'object' ? JSON.stringify(value) : value;
  return given;
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

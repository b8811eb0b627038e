import type pg from 'pg';
import { sha256 } from '../../digest.js';
import { HoldfastError } from '../../domain/errors.js';
import type { Values } from '../sql/database.js';
import type { Row } from '../sql/rows.js';
import { postgresFailure } from './failures.js';

export interface PostgresOptions {
  /** Resolves the reference to the connection URL, which holds a password. */
  readonly url: () => Promise<string>;
  /** What it stores: `ledger`, `artifacts`. */
  readonly what: string;
  /** Where its tables are. Default `holdfast`. */
  readonly schema?: string;
  readonly readOnly?: boolean;
  /** How many connections at most. Default 8. */
  readonly connections?: number;
  /** Milliseconds; for tests. */
  readonly timeouts?: Partial<Timeouts>;
}

interface Timeouts {
  readonly connect: number;
  readonly statement: number;
  readonly lock: number;
}

/** Everything that is waited for has an end, so that a server which is gone is an error and never a hang. */
const TIMEOUTS: Timeouts = { connect: 5_000, statement: 30_000, lock: 10_000 };
const IDLE_IN_TRANSACTION_MS = 60_000;
const CONNECTIONS = 8;
export const SCHEMA = 'holdfast';

/** As the rules give them, and content. */
export type SessionValues = Readonly<Record<string, Values[string] | Buffer>>;

/** One connection, for as long as the work on it lasts. */
export interface Session {
  query(sql: string, values?: SessionValues): Promise<{ readonly rows: readonly Row[]; readonly count: number }>;
  /** Several statements at once, without values. */
  exec(sql: string): Promise<void>;
  /** Ends the transaction; a server that rolled it back instead says so without an error. */
  commit(): Promise<void>;
}

export interface Pool {
  /** `ledger shop on db.example.com:5432`: no user, no password. */
  readonly name: string;
  /** Hands out one connection. One on which the work failed without an answer is not used again. */
  use<T>(work: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export async function openPool(options: PostgresOptions): Promise<Pool> {
  const { default: client } = await import('pg');
  const { what, readOnly = false, connections = CONNECTIONS, schema = SCHEMA } = options;
  const timeouts = { ...TIMEOUTS, ...options.timeouts };
  const url = parseUrl(await options.url(), what);
  const name = nameOf(url, what);
  const settings = {
    search_path: schema,
    statement_timeout: timeouts.statement,
    lock_timeout: timeouts.lock,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    default_transaction_read_only: readOnly ? 'on' : 'off',
    client_min_messages: 'warning',
  };
  const types = new client.TypeOverrides();
  types.setTypeParser(client.types.builtins.INT8, Number);
  let closed = false;
  const pool = new client.Pool({
    connectionString: forClient(url),
    max: connections,
    // What is asked side by side travels in one round trip.
    pipeline: true,
    connectionTimeoutMillis: timeouts.connect,
    idleTimeoutMillis: 30_000,
    query_timeout: timeouts.statement + 2_000,
    keepAlive: true,
    application_name: 'holdfast',
    types,
    options: [url.searchParams.get('options') ?? '', ...Object.entries(settings).map(([key, value]) => `-c ${key}=${value}`)].join(' '),
  });
  // What happens to a connection shows in the query that is on it; nobody else listens.
  pool.on('connect', (connection) => connection.on('error', () => undefined));
  pool.on('error', () => undefined);

  function sessionOf(connection: pg.PoolClient): Session {
    const ask = async (query: string | pg.QueryConfig): Promise<pg.QueryResult<Row>> => {
      try {
        return await connection.query<Row>(query);
      } catch (error) {
        throw postgresFailure(error, name);
      }
    };
    return {
      async query(sql, values = {}) {
        const { text, names, id } = prepared(sql);
        const { rows, rowCount } = await ask({ name: id, text, values: names.map((each) => storable(values[each])) });
        return { rows, count: rowCount ?? 0 };
      },
      async exec(sql) {
        await ask(sql);
      },
      async commit() {
        const { command } = await ask('COMMIT');
        if (command !== 'COMMIT') throw new HoldfastError('Unreachable', `${name} did not take a transaction`, { remedy: 'nothing was written; it is tried again' });
      },
    };
  }

  return {
    name,
    async use(work) {
      if (closed) throw new HoldfastError('Unreachable', `${name} was closed`);
      let connection: pg.PoolClient;
      try {
        connection = await pool.connect();
      } catch (error) {
        throw postgresFailure(error, name);
      }
      let broken = true;
      try {
        const result = await work(sessionOf(connection));
        broken = false;
        return result;
      } catch (error) {
        broken = !(error instanceof HoldfastError) || error.failure === 'Unreachable';
        throw error;
      } finally {
        connection.release(broken);
      }
    },
    async close() {
      if (closed) return;
      closed = true;
      await pool.end();
    },
  };
}

/**
 * Only what means one thing: a character of a password that stands unescaped would move the rest of it
 * to where it is shown as a host or a database.
 */
function parseUrl(text: string, what: string): URL {
  const url = URL.parse(text);
  if (url !== null && (url.protocol === 'postgres:' || url.protocol === 'postgresql:') && isPlain(url)) return url;
  throw new HoldfastError('Invalid', `${what}: what its reference resolves to is not a URL of PostgreSQL`, { remedy: 'write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE; special characters of the password as %XX' });
}

function isPlain({ pathname, search, hash, username }: URL): boolean {
  const database = pathname.slice(1);
  return hash === '' && !/[@/]/.test(database) && !(username === '' && search.includes('@')) && decoded(database) !== undefined;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** What the client takes for `verify-full`, and says so at length, until it is called that. */
const VERIFIED = ['prefer', 'require', 'verify-ca'];

/** A URL's own `options` would replace ours; they are said together. */
function forClient(url: URL): string {
  const bare = new URL(url);
  const { searchParams } = bare;
  searchParams.delete('options');
  if (VERIFIED.includes(searchParams.get('sslmode') ?? '') && !searchParams.has('uselibpqcompat')) searchParams.set('sslmode', 'verify-full');
  return bare.href;
}

function nameOf(url: URL, what: string): string {
  return `${what} ${decoded(url.pathname.slice(1)) || 'postgres'} on ${url.hostname || 'localhost'}:${url.port || '5432'}`;
}

interface Prepared {
  readonly text: string;
  readonly names: readonly string[];
  readonly id: string;
}

const known = new Map<string, Prepared>();

/** `:name` as `$1`, the same name the same number; prepared once on each connection. */
function prepared(sql: string): Prepared {
  const before = known.get(sql);
  if (before !== undefined) return before;
  const names: string[] = [];
  const text = sql.replaceAll(/(?<![:\w]):([a-z]\w*)/gi, (_, name: string) => {
    if (!names.includes(name)) names.push(name);
    return `$${names.indexOf(name) + 1}`;
  });
  const made = { text, names, id: sha256(sql).slice(0, 24) };
  known.set(sql, made);
  return made;
}

/** PostgreSQL stores no NUL in a text. */
function storable(value: SessionValues[string]): unknown {
  if (value === undefined) return null;
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;
}

import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { openCallLog, type CallLog } from './call-log.js';

/**
 * The engine that the laboratory breaks: accounts of named resources behind an API of single calls,
 * in one file that worker processes and the laboratory share, so that any of them may be killed.
 * Reads can lag behind writes, an answer can come from another account, a call can land after its
 * caller is gone. Writes are conditional: on the version that was seen, on the account, on the fence.
 */
export interface Cloud {
  readonly log: CallLog;
  // The API, as a provider calls it. Who calls it decides how it fails.
  /** Each answer says whose it is. `total` says how many there are: a listing that was cut short is seen to be. */
  list(account: string): Listing;
  get(account: string, name: string): Found;
  /** From here on, writes with a smaller fence are refused. */
  claim(account: string, as: Caller): void;
  /** One call for several resources, each by itself: it may stop in the middle. `only` is how many it gets to. */
  putMany(account: string, items: readonly Item[], as: Caller, only?: number): void;
  // What is not the API: desired state, the world outside, and what the laboratory does to the API.
  create(account: string, state: { readonly desired: State; readonly live: State }): void;
  desired(account: string): State;
  /** What should be is something else from now on. */
  desire(account: string, desired: State): void;
  live(account: string): State;
  /** Somebody else changes it. */
  drift(account: string, changes: Readonly<Record<string, string | null>>, label?: string): void;
  /** For so long, reads see the account as it was before its last write. */
  lag(account: string, ms: number): void;
  /** For so long, another account answers. */
  stranger(account: string, ms: number): void;
  /** A write that lands after so long, whatever became of its caller. */
  later(account: string, ms: number, call: LateCall): void;
  /** Lets those writes land whose time has come; the laboratory does so all the time. */
  tick(): void;
  close(): void;
}

export type State = Readonly<Record<string, string>>;

export interface Listing {
  readonly account: string;
  readonly items: readonly Resource[];
  readonly total: number;
}

export interface Found {
  readonly account: string;
  readonly resource?: Resource;
}

export interface Resource {
  readonly name: string;
  readonly value: string;
  readonly version: number;
}

/** `value` null removes it. `version` is the one that was seen, 0 where there was none. */
export interface Item {
  readonly name: string;
  readonly value: string | null;
  readonly version: number;
}

export interface Caller {
  /** Whom the caller means to write to. */
  readonly account: string;
  readonly fence: number;
  /** The intent under which it writes. */
  readonly key: string;
  readonly attempt: string;
}

export type LateCall = { readonly call: 'claim'; readonly as: Caller } | { readonly call: 'putMany'; readonly items: readonly Item[]; readonly as: Caller };

/** `conflict`: the version is not the one seen; `fenced`: a newer attempt has written; `stranger`: another account answers. */
export class CloudError extends Error {
  readonly code: 'conflict' | 'fenced' | 'stranger';

  constructor(code: CloudError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** What lies beside the live resources is read by its name alone. */
export const BESIDE = 'beside/';
const STRANGER = 'somebody-else';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS account (name TEXT PRIMARY KEY, fence INTEGER NOT NULL DEFAULT 0, desired TEXT NOT NULL, lag_until INTEGER NOT NULL DEFAULT 0, lag_seq INTEGER NOT NULL DEFAULT 0, stranger_until INTEGER NOT NULL DEFAULT 0) STRICT;
  CREATE TABLE IF NOT EXISTS version (seq INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, value TEXT, batch INTEGER NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS version_of ON version (account, name, seq);
  CREATE TABLE IF NOT EXISTS late (id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, due INTEGER NOT NULL, call TEXT NOT NULL) STRICT;
`;

export function openDatabase(file: string): DatabaseSync {
  const db = new DatabaseSync(file);
  // A killed process loses nothing that it has written; the laboratory survives no loss of power.
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA busy_timeout = 10000');
  return db;
}

export function openCloud(file: string): Cloud {
  const db = openDatabase(file);
  db.exec(SCHEMA);
  const log = openCallLog(db);
  const statements = new Map<string, ReturnType<DatabaseSync['prepare']>>();
  const prepared = (sql: string): ReturnType<DatabaseSync['prepare']> => {
    const known = statements.get(sql) ?? db.prepare(sql);
    statements.set(sql, known);
    return known;
  };
  const run = (sql: string, ...values: SQLInputValue[]): void => void prepared(sql).run(...values);
  const rows = (sql: string, ...values: SQLInputValue[]): Record<string, unknown>[] => prepared(sql).all(...values);

  function write<T>(work: () => T): T {
    db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      db.exec('COMMIT');
      return result;
    } catch (error) {
      db.exec('ROLLBACK');
      throw error;
    }
  }

  const accountOf = (name: string): { fence: number; desired: State; lagUntil: number; lagSeq: number; strangerUntil: number } => {
    const [row] = rows('SELECT * FROM account WHERE name = ?', name);
    if (row === undefined) throw new Error(`no account ${name}`);
    return { fence: Number(row['fence']), desired: JSON.parse(String(row['desired'])) as State, lagUntil: Number(row['lag_until']), lagSeq: Number(row['lag_seq']), strangerUntil: Number(row['stranger_until']) };
  };
  /** Every resource as of that write, what was removed among them. */
  const asOf = (account: string, seq: number): { name: string; version: number; value: string | null }[] =>
    rows('SELECT name, version, value FROM version WHERE account = ?1 AND seq IN (SELECT max(seq) FROM version WHERE account = ?1 AND seq <= ?2 GROUP BY name) ORDER BY name', account, seq)
      .map((row) => ({ name: String(row['name']), version: Number(row['version']), value: typeof row['value'] === 'string' ? row['value'] : null }));
  const newest = Number.MAX_SAFE_INTEGER;

  function visible(account: string): Resource[] {
    const { lagUntil, lagSeq, strangerUntil, desired } = accountOf(account);
    if (strangerUntil > Date.now()) return Object.keys(desired).map((name) => ({ name, value: 'of somebody else', version: 1 }));
    return asOf(account, lagUntil > Date.now() ? lagSeq : newest).flatMap(({ name, version, value }) => (value === null ? [] : [{ name, version, value }]));
  }

  const answering = (account: string): string => (accountOf(account).strangerUntil > Date.now() ? STRANGER : account);

  /** What has the same batch is seen together or not at all. */
  function append(account: string, { name, value }: Pick<Item, 'name' | 'value'>, version: number, batch = last() + 1): void {
    run('INSERT INTO version (account, name, version, value, batch) VALUES (?, ?, ?, ?, ?)', account, name, version, value, batch);
  }

  function last(): number {
    return Number(rows('SELECT max(seq) AS seq FROM version')[0]?.['seq'] ?? 0);
  }

  function admit(account: string, { account: meant, fence, key, attempt }: Caller): void {
    const { fence: newestFence, strangerUntil } = accountOf(account);
    const refuse = (code: CloudError['code'], message: string): never => {
      log.add({ account, attempt, what: 'refused', label: code, key, fence });
      throw new CloudError(code, message);
    };
    if (strangerUntil > Date.now() || meant !== account) refuse('stranger', `${STRANGER} answered, and the call was for ${meant}`);
    if (fence < newestFence) refuse('fenced', `fence ${fence} is older than ${newestFence}`);
    run('UPDATE account SET fence = ? WHERE name = ?', fence, account);
  }

  function apply(account: string, { name, value, version }: Item, as: Caller): void {
    const last = asOf(account, newest).find((each) => each.name === name);
    const now = last === undefined || last.value === null ? 0 : last.version;
    if (now !== version) {
      log.add({ account, attempt: as.attempt, what: 'refused', label: 'conflict', key: as.key, fence: as.fence, resource: name });
      throw new CloudError('conflict', `${name} has version ${now}, and ${version} was seen`);
    }
    append(account, { name, value }, (last?.version ?? 0) + 1);
    log.add({ account, attempt: as.attempt, what: 'effect', label: value === null ? 'remove' : 'put', key: as.key, fence: as.fence, resource: name });
  }

  // What was refused stays in the log, so the refusal must not be rolled back with the write.
  const refusable = (work: () => void): void => {
    let problem: unknown;
    write(() => {
      try {
        work();
      } catch (error) {
        if (!(error instanceof CloudError)) throw error;
        problem = error;
      }
    });
    if (problem instanceof CloudError) throw problem;
  };

  const cloud: Cloud = {
    log,
    list(account) {
      const items = visible(account).filter((each) => !each.name.startsWith(BESIDE));
      return { account: answering(account), items, total: items.length };
    },
    get(account, name) {
      const resource = visible(account).find((each) => each.name === name);
      return { account: answering(account), ...(resource === undefined ? {} : { resource }) };
    },
    claim: (account, as) => { refusable(() => { admit(account, as); }); },
    putMany: (account, items, as, only = items.length) => {
      refusable(() => {
        admit(account, as);
        for (const item of items.slice(0, only)) apply(account, item, as);
      });
    },
    create: (account, { desired, live }) => {
      write(() => {
        run('INSERT INTO account (name, desired) VALUES (?, ?)', account, JSON.stringify(desired));
        for (const [name, value] of Object.entries(live)) append(account, { name, value }, 1);
      });
    },
    desired: (account) => accountOf(account).desired,
    desire: (account, desired) => { run('UPDATE account SET desired = ? WHERE name = ?', JSON.stringify(desired), account); },
    live: (account) => Object.fromEntries(asOf(account, newest).flatMap(({ name, value }) => (value === null ? [] : [[name, value]]))),
    drift: (account, changes, label = 'drift') => {
      write(() => {
        const now = new Map(asOf(account, newest).map((each) => [each.name, each.version]));
        const batch = last() + 1;
        for (const [name, value] of Object.entries(changes)) append(account, { name, value }, (now.get(name) ?? 0) + 1, batch);
        log.add({ account, what: 'drift', label });
      });
    },
    lag: (account, ms) => {
      const [row] = rows('SELECT batch FROM version WHERE account = ? ORDER BY seq DESC LIMIT 1', account);
      run('UPDATE account SET lag_until = ?, lag_seq = ? WHERE name = ?', Date.now() + ms, Number(row?.['batch'] ?? 1) - 1, account);
    },
    stranger: (account, ms) => { run('UPDATE account SET stranger_until = ? WHERE name = ?', Date.now() + ms, account); },
    later: (account, ms, call) => { run('INSERT INTO late (account, due, call) VALUES (?, ?, ?)', account, Date.now() + ms, JSON.stringify(call)); },
    tick: () => {
      for (const row of rows('SELECT id, account, call FROM late WHERE due <= ? ORDER BY id', Date.now())) {
        const call = JSON.parse(String(row['call'])) as LateCall;
        const account = String(row['account']);
        run('DELETE FROM late WHERE id = ?', Number(row['id']));
        try {
          if (call.call === 'claim') cloud.claim(account, call.as);
          else cloud.putMany(account, call.items, call.as);
        } catch (error) {
          if (!(error instanceof CloudError)) throw error;
        }
      }
    },
    close: () => { db.close(); },
  };
  return cloud;
}

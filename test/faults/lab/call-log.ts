import type { DatabaseSync } from 'node:sqlite';

/** One line of the log: who called what, when, and what it did. Lines are in the order in which things happened. */
export interface LogLine {
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly account: string;
  /** Empty for the world outside. */
  readonly attempt: string;
  /**
   * `call`: an external call begins; `done`: it came back; `effect`: a resource changed; `refused`: a
   * write was not let in; `strike`: a fault was acted out; `drift`: somebody else changed something.
   */
  readonly what: 'call' | 'done' | 'effect' | 'refused' | 'strike' | 'drift';
  readonly label: string;
  /** The n-th call of that label for this account, from 1. */
  readonly nth: number;
  readonly key?: string;
  readonly fence?: number;
  readonly resource?: string;
}

export interface NewLine {
  readonly account: string;
  readonly what: LogLine['what'];
  readonly label: string;
  readonly attempt?: string;
  readonly nth?: number;
  readonly key?: string;
  readonly fence?: number;
  readonly resource?: string;
}

export interface CallLog {
  add(line: NewLine): void;
  of(account: string): readonly LogLine[];
  /** How often each label of an account was called, so that a process that starts anew goes on counting. */
  counts(): ReadonlyMap<string, number>;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS line (seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, account TEXT NOT NULL, attempt TEXT NOT NULL, what TEXT NOT NULL, label TEXT NOT NULL, nth INTEGER NOT NULL, key TEXT, fence INTEGER, resource TEXT) STRICT;
  CREATE INDEX IF NOT EXISTS line_of ON line (account, seq);
`;

export function openCallLog(db: DatabaseSync): CallLog {
  db.exec(SCHEMA);
  const insert = db.prepare('INSERT INTO line (at, account, attempt, what, label, nth, key, fence, resource) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const select = db.prepare('SELECT * FROM line WHERE account = ? ORDER BY seq');
  return {
    add: ({ account, what, label, attempt = '', nth = 0, key, fence, resource }) => {
      insert.run(Date.now(), account, attempt, what, label, nth, key ?? null, fence ?? null, resource ?? null);
    },
    of: (account) => select.all(account).map(lineOf),
    counts: () => new Map(db.prepare("SELECT account, label, max(nth) AS nth FROM line WHERE what = 'call' GROUP BY account, label").all().map((row) => [`${String(row['account'])} ${String(row['label'])}`, Number(row['nth'])])),
  };
}

function lineOf(row: Record<string, unknown>): LogLine {
  const { key, fence, resource } = row;
  return {
    seq: Number(row['seq']),
    at: Number(row['at']),
    account: String(row['account']),
    attempt: String(row['attempt']),
    what: row['what'] as LogLine['what'],
    label: String(row['label']),
    nth: Number(row['nth']),
    ...(typeof key === 'string' ? { key } : {}),
    ...(typeof fence === 'number' ? { fence } : {}),
    ...(typeof resource === 'string' ? { resource } : {}),
  };
}

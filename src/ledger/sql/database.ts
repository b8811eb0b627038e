import type { TargetAddress } from '../../domain/address.js';
import { formatAddress } from '../../domain/address.js';
import type { Row } from './rows.js';

/** Values by the name that a statement has for them (`:name`). A list is for `= ANY (:name)`. */
export type Values = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/**
 * What the rules of the ledger need of a database. Statements are written once, in the SQL that
 * SQLite and PostgreSQL share: `:name` for values, `= ANY (:name)` for lists, upserts with their
 * conflict named, no parameter that only stands beside `IS NULL`.
 */
export interface Reads {
  all(sql: string, values?: Values): Promise<readonly Row[]>;
  get(sql: string, values?: Values): Promise<Row | undefined>;
}

export interface Transaction extends Reads {
  /** Returns how many rows it changed. */
  run(sql: string, values?: Values): Promise<number>;
}

/**
 * What a transaction keeps to itself until it ends. `record`: the chain's head, for whatever
 * appends. Taken in the order in which they are asked for, which is that of this list, so that no two
 * wait for each other; a store that lets one writer in at a time has them all.
 */
export type Lock = 'record' | `target ${string}` | 'outbox' | 'checkpoint';

export interface WriteOptions {
  readonly locks?: readonly Lock[];
  /**
   * False: may lose the transaction, never its wholeness, when the machine or the server fails; it
   * is for what the next look would store again.
   */
  readonly durable?: boolean;
}

export interface Database extends Reads {
  /** For messages: `ledger /srv/.holdfast/ledger.db`. Holds no secret. */
  readonly name: string;
  readonly readOnly: boolean;
  /**
   * Runs the work in one transaction. The work awaits nothing but the transaction, and may run more
   * than once. Reads of the database beside it do not see what is not committed.
   */
  write<T>(work: (tx: Transaction) => Promise<T>, options?: WriteOptions): Promise<T>;
  /**
   * One update of what the next look would store again, alone and at the least cost: as `write` with
   * `durable: false`. Its text ends in its condition. Returns how many rows it changed.
   */
  touch(sql: string, values: Values): Promise<number>;
  /** Runs the work over one state of the database that does not move. */
  snapshot<T>(work: (reads: Reads) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export function lockOf(address: TargetAddress): Lock {
  return `target ${formatAddress(address)}`;
}

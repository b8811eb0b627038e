import { existsSync } from 'node:fs';
import { HoldfastError } from '../../domain/errors.js';
import { MIGRATIONS, SCHEMA_VERSION } from '../sql/migrations.js';
import { integer } from '../sql/rows.js';
import type { Connection } from './connection.js';

/** `HOLD`: tells a ledger from any other SQLite file. */
const APPLICATION_ID = 0x484f4c44;

/** Brings a new or older file to this build's schema. Refuses another program's file and a newer schema. */
export function migrate(database: Connection, file: string): void {
  if (isCurrent(database, file)) return;
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('BEGIN IMMEDIATE');
  try {
    if (applicationId(database) === 0) {
      database.exec(`PRAGMA application_id = ${APPLICATION_ID}; CREATE TABLE schema_versions (version INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT`);
    }
    const from = schemaVersion(database);
    for (const { version, name, sql } of MIGRATIONS) {
      if (version <= from) continue;
      database.exec(sql);
      database.run('INSERT INTO schema_versions (version, name) VALUES (:version, :name)', { version, name });
    }
    database.exec('COMMIT');
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

function rollBack(database: Connection): void {
  try {
    database.exec('ROLLBACK');
  } catch {
    // SQLite has already rolled back by itself, as it does when the disk is full.
  }
}

/** For readers, who may not migrate: throws unless the file has exactly this build's schema. */
export function expectCurrent(database: Connection, file: string): void {
  if (isCurrent(database, file)) return;
  if (isEmpty(database)) throw new HoldfastError('Invalid', `ledger ${file} holds no record yet`, { remedy: 'start `holdfast up`, or run `holdfast check`' });
  throw new HoldfastError('Invalid', `ledger ${file} was written by an older version of Holdfast`, { remedy: 'start `holdfast up` or `holdfast worker` once to bring it up to date' });
}

export function expectFile(file: string): void {
  if (existsSync(file)) return;
  throw new HoldfastError('Unreachable', `ledger ${file} does not exist`, { remedy: 'start `holdfast up`, run `holdfast check`, or name another folder with --data-dir' });
}

function isCurrent(database: Connection, file: string): boolean {
  const id = applicationId(database);
  if (id === 0 && isEmpty(database)) return false;
  if (id !== APPLICATION_ID) throw new HoldfastError('Invalid', `${file} is a SQLite database, but not a ledger`, { remedy: 'name another file under `ledger.sqlite`' });
  const version = schemaVersion(database);
  if (version > SCHEMA_VERSION) throw new HoldfastError('Invalid', `ledger ${file} has schema ${version}, and this version of Holdfast knows ${SCHEMA_VERSION}`, { remedy: 'run the newer version of Holdfast that wrote it' });
  return version === SCHEMA_VERSION;
}

function isEmpty(database: Connection): boolean {
  return database.get('SELECT 1 FROM sqlite_schema LIMIT 1') === undefined;
}

function applicationId(database: Connection): number {
  const row = database.get('PRAGMA application_id');
  return row === undefined ? 0 : integer(row, 'application_id');
}

function schemaVersion(database: Connection): number {
  const row = database.get('SELECT coalesce(max(version), 0) AS version FROM schema_versions');
  return row === undefined ? 0 : integer(row, 'version');
}

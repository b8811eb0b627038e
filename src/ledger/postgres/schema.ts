import { HoldfastError } from '../../domain/errors.js';
import { NoRecordYet } from '../no-record.js';
import { MIGRATIONS, SCHEMA_VERSION } from '../sql/migrations.js';
import { lockKey } from './database.js';
import { postgresFailure } from './failures.js';
import { GUARDS } from './guards-1.js';
import { VOTE_GUARDS } from './guards-2.js';
import { SCHEMA, type Pool, type Session } from './pool.js';

/** What PostgreSQL has beside the tables that both stores share, by the version it came with. */
const OWN: Readonly<Record<number, string>> = { 1: GUARDS, 2: VOTE_GUARDS };

const REMEDY = 'run `holdfast doctor --fix` with the URL of the owner of the database';

/** Brings the database to this build's schema where that is allowed; says what to run where it is not. */
export async function migrate({ pool, readOnly }: { readonly pool: Pool; readonly readOnly: boolean }): Promise<void> {
  await pool.use(async (session) => {
    const version = await versionOf(session);
    if (version > SCHEMA_VERSION) throw newer(pool.name, version);
    if (version === SCHEMA_VERSION) return;
    if (readOnly) throw version === 0 ? new NoRecordYet(pool.name, REMEDY) : behind(pool.name, version);
    await bringUp(session, pool.name, version);
  });
}

async function bringUp(session: Session, name: string, version: number): Promise<void> {
  try {
    await session.exec(`BEGIN; SELECT pg_advisory_xact_lock(${lockKey('migration')})`);
    // Another process may have been first.
    const from = await versionOf(session);
    if (from === 0) await session.exec(`CREATE SCHEMA IF NOT EXISTS ${SCHEMA}; CREATE TABLE schema_versions (version BIGINT PRIMARY KEY, name TEXT NOT NULL)`);
    for (const migration of MIGRATIONS) {
      if (migration.version <= from) continue;
      await session.exec(inPostgres(migration.sql));
      await session.exec(OWN[migration.version] ?? '');
      await session.query('INSERT INTO schema_versions (version, name) VALUES (:version, :name)', { version: migration.version, name: migration.name });
    }
    await session.exec('COMMIT');
  } catch (error) {
    await session.exec('ROLLBACK').catch(() => undefined);
    const failure = postgresFailure(error, name);
    throw failure.failure === 'ReadOnly' ? behind(name, version, failure) : failure;
  }
}

async function versionOf(session: Session): Promise<number> {
  const { rows } = await session.query(`SELECT to_regclass('${SCHEMA}.schema_versions') IS NOT NULL AS there`);
  if (rows[0]?.['there'] !== true) return 0;
  const { rows: versions } = await session.query('SELECT coalesce(max(version), 0) AS version FROM schema_versions');
  return Number(versions[0]?.['version']);
}

function newer(name: string, version: number): HoldfastError {
  return new HoldfastError('Invalid', `${name} has schema ${version}, and this version of Holdfast knows ${SCHEMA_VERSION}`, { remedy: 'run the newer version of Holdfast that wrote it' });
}

function behind(name: string, version: number, cause?: HoldfastError): HoldfastError {
  const what = version === 0 ? 'holds no record yet' : 'was written by an older version of Holdfast';
  return new HoldfastError('Invalid', `${name} ${what}${cause === undefined ? '' : ', and this role may not change its schema'}`, { remedy: REMEDY, ...(cause === undefined ? {} : { cause }) });
}

/** Texts compare as they do in SQLite: byte by byte, whatever the language of the database. */
function inPostgres(sql: string): string {
  return sql.replaceAll(/ STRICT, WITHOUT ROWID| STRICT/g, '').replaceAll(/\bINTEGER\b/g, 'BIGINT').replaceAll(/\bTEXT\b/g, 'TEXT COLLATE "C"');
}

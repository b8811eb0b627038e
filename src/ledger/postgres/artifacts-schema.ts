import { HoldfastError } from '../../domain/errors.js';
import { lockKey } from './database.js';
import { postgresFailure } from './failures.js';
import type { Pool } from './pool.js';

export const ARTIFACTS_SCHEMA = 'holdfast_artifacts';

const VERSION = 1;
const FIRST = `
CREATE SCHEMA IF NOT EXISTS ${ARTIFACTS_SCHEMA};
CREATE TABLE schema_versions (version BIGINT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE artifacts (
  environment TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  at TEXT COLLATE "C" NOT NULL,
  content BYTEA NOT NULL,
  PRIMARY KEY (environment, name)
);
CREATE INDEX artifacts_by_time ON artifacts (at);
-- What is encrypted does not compress.
ALTER TABLE artifacts ALTER COLUMN content SET STORAGE EXTERNAL;
INSERT INTO schema_versions (version, name) VALUES (1, 'first');
`;

/** Makes the store's schema where that is allowed; says what to run where it is not. */
export async function migrateArtifacts(pool: Pool): Promise<void> {
  await pool.use(async (session) => {
    const versionOf = async (): Promise<number> => {
      const { rows } = await session.query(`SELECT to_regclass('${ARTIFACTS_SCHEMA}.schema_versions') IS NOT NULL AS there`);
      return rows[0]?.['there'] === true ? Number((await session.query('SELECT max(version) AS version FROM schema_versions')).rows[0]?.['version']) : 0;
    };
    const version = await versionOf();
    if (version > VERSION) throw new HoldfastError('Invalid', `${pool.name} has schema ${version}, and this version of Holdfast knows ${VERSION}`, { remedy: 'run the newer version of Holdfast that wrote it' });
    if (version === VERSION) return;
    try {
      await session.exec(`BEGIN; SELECT pg_advisory_xact_lock(${lockKey('migration')})`);
      if ((await versionOf()) === 0) await session.exec(FIRST);
      await session.exec('COMMIT');
    } catch (error) {
      await session.exec('ROLLBACK').catch(() => undefined);
      const failure = postgresFailure(error, pool.name);
      if (failure.failure !== 'ReadOnly') throw failure;
      throw new HoldfastError('Invalid', `${pool.name} holds no artifact store yet, and this role may not make one`, { cause: failure, remedy: 'run `holdfast doctor --fix` with the URL of the owner of the database' });
    }
  });
}

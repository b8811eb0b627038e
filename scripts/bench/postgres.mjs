// A PostgreSQL server for measuring, in a folder of its own. It writes as durably as in production.
import { startPostgres } from '../../test/support/postgres.ts';

const DATABASE = 'postgres';
const TABLES = "SELECT relname FROM pg_stat_user_tables WHERE schemaname = 'holdfast'";
/** `written`: what its log of writes has grown to since it began, in bytes. */
const SIZES = "SELECT coalesce((SELECT sum(pg_total_relation_size(relid)) FROM pg_stat_user_tables WHERE schemaname = 'holdfast'), 0) AS bytes, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS written";

/** Runs `work` with `{ url, size }`: where it answers, and the rows and bytes of Holdfast's tables. */
export async function withPostgres(work) {
  const server = await startPostgres();
  try {
    return await work({ url: server.url(DATABASE), size: () => sizeOf(server) });
  } finally {
    await server.stop();
  }
}

async function sizeOf(server) {
  let rows = 0;
  for (const { relname } of await server.sql(DATABASE, TABLES)) rows += Number((await server.sql(DATABASE, `SELECT count(*) AS count FROM holdfast."${relname}"`))[0].count);
  const [{ bytes, written }] = await server.sql(DATABASE, SIZES);
  return { rows, bytes: Number(bytes), written: Number(written) };
}

import type { Ledger } from '../ledger.js';
import { createLedger } from '../sql/ledger.js';
import { openDatabase } from './database.js';
import type { PostgresOptions } from './pool.js';
import { migrate } from './schema.js';
import { createSeals, type PostgresSealsOptions } from './seals.js';

export type PostgresLedgerOptions = Omit<PostgresOptions, 'what'> & Pick<PostgresSealsOptions, 'signingKey' | 'checkpointFile'>;

/**
 * Opens the distributed ledger: the schema `holdfast` of a PostgreSQL database, which it makes and
 * brings up to date where its role may. Throws `Unreachable` when the server does not answer within
 * seconds; `Invalid` when the schema is newer, or older and this role may not change it.
 */
export async function openPostgresLedger(options: PostgresLedgerOptions): Promise<Ledger> {
  const { readOnly = false, signingKey, checkpointFile } = options;
  const { database, pool } = await openDatabase({ ...options, what: 'ledger' });
  try {
    await migrate({ pool, readOnly });
    return createLedger(database, createSeals({ name: pool.name, readOnly, ...(signingKey === undefined ? {} : { signingKey }), ...(checkpointFile === undefined ? {} : { checkpointFile }) }));
  } catch (error) {
    await pool.close();
    throw error;
  }
}

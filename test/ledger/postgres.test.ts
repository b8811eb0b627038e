import { afterAll, beforeAll } from 'vitest';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { ledgerContract } from './ledger-contract.js';
import { openPostgresHarness } from './postgres-harness.js';

let server: Postgres;
beforeAll(async () => {
  server = await startPostgres({ fsync: false });
});
afterAll(async () => server.stop());

let database: string | undefined;
ledgerContract('PostgreSQL', async () => {
  const harness = await openPostgresHarness(server, database);
  database = harness.database;
  return harness;
});

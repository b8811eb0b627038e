import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ledger } from '../../src/ledger/ledger.js';
import { openPostgresLedger, type PostgresLedgerOptions } from '../../src/ledger/postgres/open.js';
import type { Postgres } from '../support/postgres.js';
import type { LedgerHarness } from './contract/harness.js';

export interface PostgresHarness extends LedgerHarness {
  readonly database: string;
  readonly checkpointFile: string;
  readonly open: (options?: Partial<PostgresLedgerOptions>) => Promise<Ledger>;
  readonly reader: () => Promise<Ledger>;
  /** Runs SQL with every guard of the server taken away, as its owner could. */
  readonly tamper: (sql: string) => Promise<void>;
}

export function signingKeyPem(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
}

const TABLES = 'entries, chain_head, checkpoints, signers, reports, targets, sightings, incidents, incident_changes, settled, gates, acceptances, plans, asks, decisions, votes, fences, fence_attempts, intents, steps, outbox, meta';

/** An empty ledger on the server of the test, with a key that signs. `again` empties one that is there, which is faster. */
export async function openPostgresHarness(server: Postgres, again?: string): Promise<PostgresHarness> {
  const database = again ?? (await server.createDatabase());
  if (again !== undefined) await server.sql(database, `SET search_path = holdfast; SET session_replication_role = replica; TRUNCATE ${TABLES}`);
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-ledger-'));
  const checkpointFile = join(folder, 'ledger.checkpoint');
  const pem = signingKeyPem();
  const opened: Ledger[] = [];
  const open = async (options: Partial<PostgresLedgerOptions> = {}): Promise<Ledger> => {
    const ledger = await openPostgresLedger({ url: async () => server.url(database), signingKey: async () => pem, checkpointFile, connections: 4, ...options });
    opened.push(ledger);
    return ledger;
  };
  return {
    database,
    checkpointFile,
    open,
    ledger: await open(),
    another: () => open(),
    reader: () => open({ readOnly: true }),
    async tamper(sql) {
      await server.sql(database, `SET search_path = holdfast; SET session_replication_role = replica; ${sql}`);
    },
    async dispose() {
      for (const ledger of opened) await ledger.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

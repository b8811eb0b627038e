// What the record costs, on both stores as durable as in production: entries as a repair writes them,
// looks that found nothing new, and what an audit reads. Disk and processor are of this machine.
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPostgresLedger } from '../../dist/ledger/postgres/open.js';
import { openSqliteLedger } from '../../dist/ledger/sqlite/open.js';
import { withPostgres } from './postgres.mjs';
import { row } from './table.mjs';

const WRITES = 1_000;
const LOOKS = 4_000;
const ENTRIES = 100_000;
const AT_ONCE = 50;
const CALLERS = 8;
const RUNS = 3;
const GOAL = 50_000;
const LOOK = { verdict: 'clean', revision: 'a'.repeat(64), identity: { host: 'shop-prod' }, changes: [], resources: 12, skipped: [] };

export async function ledgerRows(say) {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  try {
    say('a record in SQLite');
    const sqlite = await openSqliteLedger({ file: join(folder, 'ledger.db'), signingKeyFile: join(folder, 'ledger.key') });
    const rows = await measure('sqlite', sqlite, say);
    say('a record in PostgreSQL');
    const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    return [...rows, ...(await withPostgres(async ({ url }) => measure('postgres', await openPostgresLedger({ url: async () => url, signingKey: async () => pem }), say)))];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(store, ledger, say) {
  try {
    const alone = await rate(WRITES, 1, (index) => ledger.append(entry(index)));
    const together = await rate(WRITES, CALLERS, (index) => ledger.append(entry(WRITES + index)));
    const address = (index) => ({ environment: 'prod', target: `target-${index % 100}` });
    await rate(100, CALLERS, (index) => ledger.observed({ address: address(index), at: at(index), observation: LOOK }));
    const looks = await rate(LOOKS, CALLERS, (index) => ledger.observed({ address: address(index), at: at(1_000 + index), observation: LOOK }));
    say(`${store}: ${ENTRIES} entries to verify`);
    await fill(ledger);
    const verified = [];
    for (let run = 0; run < RUNS; run += 1) {
      const began = performance.now();
      const result = await ledger.verify();
      if (!result.ok) throw new Error(`the record of the bench does not verify: ${result.detail}`);
      verified.push(result.entries / ((performance.now() - began) / 1_000));
    }
    return [
      row({ name: `ledger.${store}.writes.one`, value: alone, unit: 'entries/s' }),
      row({ name: `ledger.${store}.writes.of-8`, value: together, unit: 'entries/s' }),
      row({ name: `ledger.${store}.looks.of-8`, value: looks, unit: 'unchanged/s' }),
      row({ name: `ledger.${store}.verify`, value: verified.sort((a, b) => a - b)[Math.floor(RUNS / 2)], unit: 'entries/s', goal: GOAL, below: false }),
    ];
  } finally {
    await ledger.close();
  }
}

/** Many entries in one transaction: the record to verify is the same, and is there sooner. */
async function fill(ledger) {
  for (let done = 0; done < ENTRIES; done += AT_ONCE) {
    await ledger.settle(Array.from({ length: AT_ONCE }, (_, index) => ({
      environment: 'prod', target: 'storefront', fingerprint: `v1:${String((done + index) % 500).padStart(64, '0')}`, revision: 'b'.repeat(64), resource: 'etc/app.yaml', path: '/port',
      outcome: 'expired', incident: 7, at: at(done + index), reason: 'nobody answered',
    })));
  }
}

function entry(index) {
  const key = `prod/storefront#7/0.1/finalize/switch-${index}`;
  return { at: at(index), kind: 'intent', environment: 'prod', target: 'storefront', incident: 7, by: 'holdfast', data: { key, step: 'prod/storefront#7/0.1/finalize', write: 'switch', resource: 'etc/app.yaml', plan: 'c'.repeat(64), fence: index, attempts: 1 } };
}

function at(index) {
  return new Date(Date.UTC(2026, 0, 1) + index * 1_000).toISOString();
}

/** Calls in a second, with that many under way at once. */
async function rate(count, callers, call) {
  let next = 0;
  const began = performance.now();
  await Promise.all(Array.from({ length: callers }, async () => {
    while (next < count) await call(next++);
  }));
  return count / ((performance.now() - began) / 1_000);
}

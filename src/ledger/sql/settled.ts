import type { TargetAddress } from '../../domain/address.js';
import { instant, optionalInstant } from '../instant.js';
import type { Ledger, Settled } from '../ledger.js';
import { storableText } from '../storable.js';
import { headOf, type AppendEntry } from './chain.js';
import type { Database, Reads, Transaction } from './database.js';
import { compact, json } from './rows.js';

/** Stores a row inside the transaction of the caller, which holds the lock `record`; false when the very same one is there already. */
export type SettleRow = (tx: Transaction, row: Settled) => Promise<boolean>;

export function createSettled(database: Database, append: AppendEntry): { readonly settleRow: SettleRow; readonly methods: Pick<Ledger, 'settle' | 'settled' | 'unsettle'> } {
  async function settleRow(tx: Transaction, given: Settled): Promise<boolean> {
    const row = compact({ ...given, at: instant(given.at), until: optionalInstant(given.until) });
    const { environment, target, fingerprint, revision, incident, until } = row;
    const stored = storableText(row);
    const key = { environment, target, fingerprint, revision };
    const same = await tx.get('SELECT 1 AS one FROM settled WHERE environment = :environment AND target = :target AND fingerprint = :fingerprint AND revision = :revision AND row = :stored', { ...key, stored });
    if (same !== undefined) return false;
    await tx.run(
      `INSERT INTO settled (environment, target, fingerprint, revision, incident, until, row) VALUES (:environment, :target, :fingerprint, :revision, :incident, :until, :stored)
       ON CONFLICT (environment, target, fingerprint, revision) DO UPDATE SET incident = excluded.incident, until = excluded.until, row = excluded.row`,
      { ...key, incident, until, stored },
    );
    return true;
  }

  return {
    settleRow,
    methods: {
      async settle(rows) {
        await database.write(async (tx) => {
          for (const row of rows) {
            if (!(await settleRow(tx, row))) continue;
            const { environment, target, incident, at, by, ...data } = row;
            await append(tx, { at, kind: 'settled', environment, target, incident, by: by ?? 'holdfast', data });
          }
        }, { locks: ['record'] });
      },

      async settled({ environment, target }, changes, given) {
        const wanted = new Set(changes.map(({ fingerprint, revision }) => JSON.stringify([fingerprint, revision])));
        const rows = await database.all(
          `SELECT row FROM settled WHERE environment = :environment AND target = :target AND (until IS NULL OR until > :at)
           AND fingerprint = ANY (:fingerprints) ORDER BY fingerprint, revision`,
          { environment, target, at: instant(given), fingerprints: changes.map((change) => change.fingerprint) },
        );
        return rows.map((row) => json<Settled>(row, 'row')).filter(({ fingerprint, revision }) => wanted.has(JSON.stringify([fingerprint, revision])));
      },

      async unsettle(address, filter, record) {
        return database.write(async (tx) => {
          const rows = await settledRows(tx, address, filter);
          const { environment, target } = address;
          for (const { fingerprint, revision } of rows) {
            await tx.run('DELETE FROM settled WHERE environment = :environment AND target = :target AND fingerprint = :fingerprint AND revision = :revision', { environment, target, fingerprint, revision });
          }
          if (rows.length === 0) return 0;
          // Without a time of its own it is recorded at that of the entry before it, so that it is recorded.
          const at = record?.at ?? (await headOf(tx)).at ?? rows[0]?.at ?? '';
          await append(tx, { at, kind: 'settled', environment, target, by: record?.by ?? 'holdfast', data: { forgotten: rows.map((row) => row.fingerprint), incident: filter.incident, reason: record?.reason } });
          return rows.length;
        }, { locks: ['record'] });
      },
    },
  };

  async function settledRows(reads: Reads, { environment, target }: TargetAddress, { incident, fingerprints }: { readonly incident?: number; readonly fingerprints?: readonly string[] }): Promise<readonly Settled[]> {
    const conditions = ['environment = :environment', 'target = :target'];
    if (incident !== undefined) conditions.push('incident = :incident');
    if (fingerprints !== undefined) conditions.push('fingerprint = ANY (:fingerprints)');
    const rows = await reads.all(`SELECT row FROM settled WHERE ${conditions.join(' AND ')} ORDER BY fingerprint, revision`, compact({ environment, target, incident, fingerprints }));
    return rows.map((row) => json<Settled>(row, 'row'));
  }
}

import type { TargetAddress } from '../../domain/address.js';
import { instant, optionalInstant } from '../instant.js';
import type { Ledger, Settled } from '../ledger.js';
import { storableText } from '../storable.js';
import { headOf, type AppendEntry } from './chain.js';
import type { Database } from './database.js';
import { compact, json } from './rows.js';

/** Stores a row inside the transaction of the caller; false when the very same one is there already. */
export type SettleRow = (row: Settled) => boolean;

export function createSettled(database: Database, append: AppendEntry): { readonly settleRow: SettleRow; readonly methods: Pick<Ledger, 'settle' | 'settled' | 'unsettle'> } {
  function settleRow(given: Settled): boolean {
    const row = compact({ ...given, at: instant(given.at), until: optionalInstant(given.until) });
    const { environment, target, fingerprint, revision, incident, until } = row;
    const stored = storableText(row);
    const key = { environment, target, fingerprint, revision };
    const same = database.get('SELECT 1 FROM settled WHERE environment = :environment AND target = :target AND fingerprint = :fingerprint AND revision = :revision AND row = :stored', { ...key, stored });
    if (same !== undefined) return false;
    database.run(
      'INSERT OR REPLACE INTO settled (environment, target, fingerprint, revision, incident, until, row) VALUES (:environment, :target, :fingerprint, :revision, :incident, :until, :stored)',
      { ...key, incident, until, stored },
    );
    return true;
  }

  return {
    settleRow,
    methods: {
      async settle(rows) {
        database.write(() => {
          for (const row of rows) {
            if (!settleRow(row)) continue;
            const { environment, target, incident, at, by, ...data } = row;
            append({ at, kind: 'settled', environment, target, incident, by: by ?? 'holdfast', data });
          }
        });
      },

      async settled({ environment, target }, changes, given) {
        const wanted = new Set(changes.map(({ fingerprint, revision }) => JSON.stringify([fingerprint, revision])));
        const rows = database.all(
          `SELECT row FROM settled WHERE environment = :environment AND target = :target AND (until IS NULL OR until > :at)
           AND fingerprint IN (SELECT value FROM json_each(:fingerprints)) ORDER BY fingerprint, revision`,
          { environment, target, at: instant(given), fingerprints: JSON.stringify(changes.map((change) => change.fingerprint)) },
        );
        return rows.map((row) => json<Settled>(row, 'row')).filter(({ fingerprint, revision }) => wanted.has(JSON.stringify([fingerprint, revision])));
      },

      async unsettle(address, filter, record) {
        return database.write(() => {
          const rows = settledRows(address, filter);
          const { environment, target } = address;
          for (const { fingerprint, revision } of rows) {
            database.run('DELETE FROM settled WHERE environment = :environment AND target = :target AND fingerprint = :fingerprint AND revision = :revision', { environment, target, fingerprint, revision });
          }
          if (rows.length === 0) return 0;
          // Without a time of its own it is recorded at that of the entry before it, so that it is recorded.
          const at = record?.at ?? headOf(database).at ?? rows[0]?.at ?? '';
          append({ at, kind: 'settled', environment, target, by: record?.by ?? 'holdfast', data: { forgotten: rows.map((row) => row.fingerprint), incident: filter.incident, reason: record?.reason } });
          return rows.length;
        });
      },
    },
  };

  function settledRows({ environment, target }: TargetAddress, filter: { readonly incident?: number; readonly fingerprints?: readonly string[] }): readonly Settled[] {
    const { incident, fingerprints } = filter;
    return database
      .all(
        `SELECT row FROM settled WHERE environment = :environment AND target = :target AND (:incident IS NULL OR incident = :incident)
         AND (:fingerprints IS NULL OR fingerprint IN (SELECT value FROM json_each(:fingerprints))) ORDER BY fingerprint, revision`,
        { environment, target, incident, fingerprints: fingerprints === undefined ? undefined : JSON.stringify(fingerprints) },
      )
      .map((row) => json<Settled>(row, 'row'));
  }
}

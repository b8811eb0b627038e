import type { Ledger } from '../ledger.js';
import type { Database } from './database.js';
import { text } from './rows.js';

export function createMeta(database: Database): Pick<Ledger, 'getMeta' | 'setMeta'> {
  return {
    async getMeta(key) {
      const row = await database.get('SELECT value FROM meta WHERE key = :key', { key });
      return row === undefined ? undefined : text(row, 'value');
    },
    async setMeta(key, value) {
      await database.write((tx) => tx.run('INSERT INTO meta (key, value) VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = excluded.value', { key, value }));
    },
  };
}

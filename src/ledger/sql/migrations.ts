import { FIRST } from './schema-1.js';

/**
 * Each migration leads from the version before it to its own, on every store. Never edit one that
 * was released: add the next. Written in SQLite's words (`INTEGER`, `TEXT`, `STRICT`, `WITHOUT
 * ROWID`), which the drivers say in their own.
 */
export const MIGRATIONS: readonly { readonly version: number; readonly name: string; readonly sql: string }[] = [
  { version: 1, name: 'first', sql: FIRST },
];

export const SCHEMA_VERSION = MIGRATIONS.at(-1)?.version ?? 0;

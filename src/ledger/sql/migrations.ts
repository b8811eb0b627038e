import { FIRST } from './schema-1.js';
import { VOTES } from './schema-2.js';
import { FIRST_LOOK } from './schema-3.js';

/**
 * Each migration leads from the version before it to its own, on every store. Never edit one that
 * was released: add the next. Written in SQLite's words (`INTEGER`, `TEXT`, `STRICT`, `WITHOUT
 * ROWID`), which the drivers say in their own.
 */
export const MIGRATIONS: readonly { readonly version: number; readonly name: string; readonly sql: string }[] = [
  { version: 1, name: 'first', sql: FIRST },
  { version: 2, name: 'votes', sql: VOTES },
  { version: 3, name: 'first look', sql: FIRST_LOOK },
];

export const SCHEMA_VERSION = MIGRATIONS.at(-1)?.version ?? 0;

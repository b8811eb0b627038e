import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * How the laboratory and its worker process speak about killing: a case that stands at its point says
 * so and waits; once all of a group stand there, the laboratory kills, and lets the living go on. Who
 * comes later waits for the next time.
 */
export interface Standstill {
  arrive(account: string): void;
  arrived(): ReadonlySet<string>;
  /** Waits until the laboratory lets it go on. */
  goOn(account: string): Promise<void>;
  /** Lets those go on who stand now. */
  release(): void;
  /** True once nothing is injected and logged any more. */
  isQuiet(): boolean;
  quieten(): void;
}

const EVERY_MS = 100;

export function openStandstill(db: DatabaseSync): Standstill {
  db.exec(`
    CREATE TABLE IF NOT EXISTS standing (account TEXT PRIMARY KEY, goes INTEGER NOT NULL DEFAULT 0) STRICT;
    CREATE TABLE IF NOT EXISTS said (word TEXT PRIMARY KEY) STRICT;
  `);
  const arrive = db.prepare('INSERT OR IGNORE INTO standing (account) VALUES (?)');
  const arrived = db.prepare('SELECT account FROM standing');
  const goes = db.prepare('SELECT 1 FROM standing WHERE account = ? AND goes = 1');
  const release = db.prepare('UPDATE standing SET goes = 1');
  const isSaid = db.prepare('SELECT 1 FROM said WHERE word = ?');
  const say = db.prepare('INSERT OR IGNORE INTO said (word) VALUES (?)');
  return {
    arrive: (account) => void arrive.run(account),
    arrived: () => new Set(arrived.all().map((row) => String(row['account']))),
    goOn: async (account) => {
      while (goes.get(account) === undefined) await sleep(EVERY_MS);
    },
    release: () => void release.run(),
    isQuiet: () => isSaid.get('quiet') !== undefined,
    quieten: () => void say.run('quiet'),
  };
}

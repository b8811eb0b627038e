import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * How the laboratory and its worker process speak about killing: a case that stands at its point says
 * so and waits; once all of a group stand there, the laboratory kills, and lets the living go on.
 */
export interface Standstill {
  arrive(account: string): void;
  arrived(): ReadonlySet<string>;
  /** Waits until the laboratory lets them go on. */
  goOn(): Promise<void>;
  release(): void;
  /** True once nothing is injected and logged any more. */
  isQuiet(): boolean;
  quieten(): void;
}

const EVERY_MS = 100;

export function openStandstill(db: DatabaseSync): Standstill {
  db.exec(`
    CREATE TABLE IF NOT EXISTS standing (account TEXT PRIMARY KEY) STRICT;
    CREATE TABLE IF NOT EXISTS said (word TEXT PRIMARY KEY) STRICT;
  `);
  const arrive = db.prepare('INSERT OR IGNORE INTO standing (account) VALUES (?)');
  const arrived = db.prepare('SELECT account FROM standing');
  const isSaid = db.prepare('SELECT 1 FROM said WHERE word = ?');
  const say = db.prepare('INSERT OR IGNORE INTO said (word) VALUES (?)');
  return {
    arrive: (account) => void arrive.run(account),
    arrived: () => new Set(arrived.all().map((row) => String(row['account']))),
    goOn: async () => {
      while (isSaid.get('go on') === undefined) await sleep(EVERY_MS);
    },
    release: () => void say.run('go on'),
    isQuiet: () => isSaid.get('quiet') !== undefined,
    quieten: () => void say.run('quiet'),
  };
}

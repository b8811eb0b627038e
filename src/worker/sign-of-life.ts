import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** In the data folder, for whoever restarts a process that hangs: absent before its workers poll and once they end. */
const FILE = 'worker.alive';

export interface SignOfLife {
  /** Writes it anew: its age says how long nothing was tended. */
  show(): Promise<void>;
  end(): Promise<void>;
}

export function openSignOfLife(dataDir: string): SignOfLife {
  const file = join(dataDir, FILE);
  return {
    async show() {
      await mkdir(dataDir, { recursive: true });
      await writeFile(file, `${process.pid}\n`);
    },
    async end() {
      await rm(file, { force: true }).catch(() => undefined);
    },
  };
}

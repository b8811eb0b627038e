import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { holdfastClient, type HoldfastClient } from '../../src/client.js';
import type { Ledger } from '../../src/ledger/ledger.js';
import { openLedger } from '../../src/ledger/open.js';
import type { Place } from './laboratory.js';
import { startNode, type Running } from './processes.js';
import { eventually } from './waiting.js';

const WORKER = join(import.meta.dirname, '..', '..', 'scripts', 'bench', 'trivial-worker.mjs');

/** Many targets of the trivial provider of scripts/bench, with real workers and a ledger of their own. */
export interface Many {
  readonly client: HoldfastClient;
  readonly temporal: Client;
  readonly ledger: Ledger;
  /** Sets the live value of a target: a number, or `hang`, `throw`, `slow`. 1 is as desired. */
  live(target: string, value: number | string): Promise<void>;
  worker(): Promise<Running>;
  /** Every call of the provider so far, as `before stage a-1`. */
  calls(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface ManyOptions {
  /** Names and keys of environments. */
  readonly environments: Readonly<Record<string, object>>;
  readonly targets: readonly string[];
  /** Keys of every target. */
  readonly more?: object;
}

export async function openMany(place: Place, { environments, targets, more = {} }: ManyOptions): Promise<Many> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-many-'));
  const config = join(folder, 'holdfast.yaml');
  const dataDir = join(folder, '.holdfast');
  const trace = join(folder, 'trace');
  await mkdir(join(folder, 'live'));
  for (const target of targets) await mkdir(join(folder, 'desired', target), { recursive: true });
  await writeFile(config, JSON.stringify({
    version: 1,
    project: 'many',
    environments,
    targets: { all: { each: { folders: './desired/*', name: '${match.1}' }, environments: Object.keys(environments), provider: 'trivial', source: { path: './desired' }, spec: { live: './live', trace }, ...more } },
  }));
  const connection = await Connection.connect({ address: place.address });
  const temporal = new Client({ connection, namespace: place.namespace });
  const ledger = await openLedger({ ledger: { type: 'sqlite', file: join(dataDir, 'ledger.db') } });
  const workers: Running[] = [];
  return {
    client: holdfastClient(temporal, 60_000),
    temporal, ledger,
    live: (target, value) => writeFile(join(folder, 'live', target), String(value)),
    async worker() {
      const running = startNode([WORKER, JSON.stringify({ ...place, config, dataDir })]);
      workers.push(running);
      await eventually('a worker polls', () => {
        if (!running.isRunning()) throw new Error(`the worker ended: ${running.said()}`);
        return running.said().includes('Working on') || undefined;
      }, { last: () => running.said() });
      return running;
    },
    calls: async () => (await readFile(trace, 'utf8').catch(() => '')).split('\n'),
    async close() {
      await Promise.all(workers.map((running) => running.stop()));
      await ledger.close();
      await connection.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

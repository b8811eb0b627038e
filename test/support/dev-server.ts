import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HoldfastError } from '../../src/domain/errors.js';
import { startTemporal } from '../../src/embedded/server.js';
import { freePort } from '../../src/embedded/ports.js';

export interface DevServer {
  /** `127.0.0.1:PORT` */
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl: string;
  /** Prometheus text; holds the server's own `action` counter. */
  readonly metricsUrl: string;
  readonly pid: number;
  readonly dataDir: string;
  /** Ends it and, unless the folder was given, removes its data. */
  stop(): Promise<void>;
  /** SIGKILL, at once; its data is kept: `devServer({ dataDir, port })` goes on with it. */
  kill(): Promise<void>;
}

export interface DevServerOptions {
  /** Keeps the database of an earlier server, or one that a test looks into; a temporary one otherwise. */
  readonly dataDir?: string;
  /** The same port again after `kill()`, so that workers and clients find it. */
  readonly port?: number;
}

/** A real development server with a file database and Holdfast's search attributes, on free ports. */
export async function devServer(options: DevServerOptions = {}): Promise<DevServer> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'holdfast-temporal-')));
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  const server = await started(async () => startTemporal({ dataDir, port: options.port ?? (await freePort()), uiPort: await freePort(), log }));
  return {
    address: server.address,
    namespace: server.namespace,
    uiUrl: server.uiUrl,
    metricsUrl: server.metricsUrl,
    pid: server.pid,
    dataDir,
    stop: async () => {
      await server.stop();
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
    },
    kill: async () => {
      process.kill(server.pid, 'SIGKILL');
      await server.stop();
    },
  };
}

/** A port that was free a moment ago may be taken by now: then with others. */
async function started<T>(start: () => Promise<T>, attempts = 3): Promise<T> {
  try {
    return await start();
  } catch (error) {
    if (attempts === 1 || !(error instanceof HoldfastError) || !/is taken|already in use/.test(error.message)) throw error;
    return started(start, attempts - 1);
  }
}

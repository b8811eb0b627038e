import type { LoadedConfig } from '../../config/load.js';
import type { EmbeddedTemporal } from '../../embedded/server.js';
import type { Logger } from '../../providers/provider.js';
import type { UpRequest, UpRunning } from '../deps.js';
import type { Io } from '../io.js';

export interface UpParts {
  readonly io: Io;
  readonly log: Logger;
  readonly load: (known?: ReadonlySet<string>) => Promise<LoadedConfig>;
}

/** How often the server's process is looked at: it may be killed like any other. */
const WATCH_MS = 1_000;

/** The embedded mode: one data folder, a Temporal server of its own, and every worker. */
export async function startUp(request: UpRequest, { io, log, load }: UpParts): Promise<UpRunning> {
  const { openDataFolder } = await import('../../embedded/data-folder.js');
  const folder = await openDataFolder(request.dataDir);
  let temporal: EmbeddedTemporal | undefined;
  try {
    const { startTemporal } = await import('../../embedded/server.js');
    const { startWorkers } = await import('../../worker.js');
    const ports = { ...(request.port === undefined ? {} : { port: request.port }), ...(request.uiPort === undefined ? {} : { uiPort: request.uiPort }) };
    temporal = await startTemporal({ dataDir: request.dataDir, ...ports, log: request.log, signal: request.signal });
    const { address, namespace, uiUrl } = temporal;
    const workers = await startWorkers({ connect: { address, namespace }, load, dataDir: request.dataDir, pools: [], access: 'both', control: true, log, env: io.env });
    const watching = keepServer(temporal, { request, startTemporal });
    return {
      temporal: address,
      ui: uiUrl,
      queues: workers.queues,
      run: workers.run.finally(async () => {
        await (await watching.stop()).stop();
        await folder.release();
      }),
      shutdown: () => workers.shutdown(),
    };
  } catch (error) {
    await temporal?.stop();
    await folder.release();
    throw error;
  }
}

interface Keeping {
  readonly request: UpRequest;
  readonly startTemporal: typeof import('../../embedded/server.js').startTemporal;
}

/** Starts the server again on the same ports when its process is gone; workers connect again by themselves. */
function keepServer(first: EmbeddedTemporal, { request, startTemporal }: Keeping): { stop(): Promise<EmbeddedTemporal> } {
  const { address, uiUrl } = first;
  let current = first;
  let restarting: Promise<void> | undefined;
  const timer = setInterval(() => {
    if (restarting !== undefined || runs(current.pid)) return;
    request.log(`the Temporal server (process ${current.pid}) is gone; starting it again`);
    restarting = startTemporal({ dataDir: request.dataDir, port: portOf(address), uiPort: portOf(uiUrl), log: request.log })
      .then((next) => { current = next; })
      .catch((error: unknown) => request.log(`the Temporal server did not start: ${error instanceof Error ? error.message : String(error)}; trying again`))
      .finally(() => { restarting = undefined; });
  }, WATCH_MS);
  return {
    async stop() {
      clearInterval(timer);
      await restarting;
      return current;
    },
  };
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function portOf(address: string): number {
  return Number(/:(\d+)\/?$/.exec(address)?.[1]);
}

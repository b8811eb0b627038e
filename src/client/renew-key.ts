import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectOptions } from './connect.js';

export interface Renewing {
  readonly connect: ConnectOptions;
  /** Those that take a new key while they are open: the client's and the workers'. */
  readonly connections: readonly object[];
  readonly log: { info(message: string): void; warn(message: string, fields?: Record<string, unknown>): void };
  readonly signal: AbortSignal;
}

const EVERY_MS = 5_000;

/** Looks for a new API key where the first one came from until the signal; one that cannot be read changes nothing. */
export async function renewApiKey({ connect, connections, log, signal }: Renewing): Promise<void> {
  const { rereadApiKey } = connect;
  if (rereadApiKey === undefined) return;
  let current = connect.apiKey;
  while (!signal.aborted) {
    try {
      const next = await rereadApiKey();
      if (next !== undefined && next !== current) {
        for (const connection of connections) if (takesKey(connection)) await connection.setApiKey(next);
        current = next;
        log.info('a new API key for Temporal is in use');
      }
    } catch (error) {
      log.warn('the API key for Temporal cannot be read again; the last one stays in use', { error: error instanceof Error ? error.message : String(error) });
    }
    await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

function takesKey(connection: object): connection is { setApiKey(key: string): void | Promise<void> } {
  return 'setApiKey' in connection && typeof connection.setApiKey === 'function';
}

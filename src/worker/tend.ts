import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config/config.js';
import type { KeptConfig } from '../config/keep.js';
import type { Logger } from '../providers/provider.js';
import type { ControlDuties } from './duties.js';

const EVERY_MS = 5_000;

export interface Tending {
  readonly kept: KeptConfig;
  /** The configuration in force, looked at anew. */
  readonly config: () => Promise<Config>;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly showLife: () => Promise<void>;
  /** Polls the pools of a configuration. */
  readonly serve: (config: Config) => Promise<void>;
  /** Learns which of these matches may be repaired; true when there are more than before. */
  readonly learn: (matches: readonly string[]) => Promise<boolean>;
  /** Absent in a process without control. */
  readonly duties?: ControlDuties;
}

/** Between steps, until the signal: shows life, takes a new configuration with its pools, and does the duties of control. */
export async function tend({ kept, config: inForceNow, log, signal, showLife, serve, learn, duties }: Tending): Promise<void> {
  let served = '';
  while (!signal.aborted) {
    await showLife().catch((error: unknown) => { log.warn('the sign of life cannot be written', { error: textOf(error) }); });
    try {
      const config = await inForceNow();
      if (config.digest !== served) {
        await serve(config);
        await duties?.taken(config);
        served = config.digest;
      }
      if (await learn(kept.current().matches)) await kept.refresh({ force: true });
      await duties?.tend(config);
    } catch (error) {
      log.warn('tending failed; it is tried again', { error: textOf(error) });
    }
    await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** A new valid configuration is taken between steps; an invalid one is refused, said once, and the last good one stays. */
export function inForce(kept: KeptConfig, log: Logger): () => Promise<Config> {
  let said: string | undefined;
  return async () => {
    const { error } = await kept.refresh();
    if (error !== undefined && error.message !== said) log.warn('the new configuration is invalid; the last good one stays in force', { error: error.message });
    said = error?.message;
    return kept.current();
  };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

import type { LoadedConfig } from './load.js';
import { ConfigError } from './problem.js';
import { type Stamp, stampOf } from './read.js';

/** The configuration in force. */
export interface KeptConfig {
  current(): LoadedConfig;
  /**
   * Loads again when a file or folder that was read looks different; otherwise it costs a look at
   * each. A valid configuration is taken at once; an invalid one is refused, said in `error` until
   * it is corrected, and the last good one stays. `force` loads in any case. Throws what is not a `ConfigError`.
   */
  refresh(options?: { readonly force?: boolean }): Promise<{ readonly changed: boolean; readonly error?: ConfigError }>;
}

/** Loads once, throwing a `ConfigError` when that first one is invalid, and keeps it. */
export async function keepConfig(load: () => Promise<LoadedConfig>): Promise<KeptConfig> {
  let kept = await load();
  let stamps: readonly Stamp[] = kept.stamps;
  let error: ConfigError | undefined;
  let underWay: Promise<{ changed: boolean; error?: ConfigError }> | undefined;

  async function refresh(force: boolean): Promise<{ changed: boolean; error?: ConfigError }> {
    if (!force && !(await differs(stamps))) return error === undefined ? { changed: false } : { changed: false, error };
    try {
      const next = await load();
      const changed = next.digest !== kept.digest;
      [kept, stamps, error] = [next, next.stamps, undefined];
      return { changed };
    } catch (problem) {
      if (!(problem instanceof ConfigError)) throw problem;
      [stamps, error] = [problem.stamps, problem];
      return { changed: false, error: problem };
    }
  }

  return {
    current: () => kept,
    // Callers at the same time share one look; one that must load does not take a look that began before it asked.
    async refresh({ force = false } = {}) {
      while (force && underWay !== undefined) await underWay.catch(() => undefined);
      return (underWay ??= refresh(force).finally(() => { underWay = undefined; }));
    },
  };
}

async function differs(stamps: readonly Stamp[]): Promise<boolean> {
  const now = await Promise.all(stamps.map(async ({ path, state }) => (await stampOf(path)) !== state));
  return now.includes(true);
}

import type { Config } from '../config/config.js';
import { windowRules } from '../config/windows.js';
import type { Change } from '../domain/change.js';
import type { GateFacts } from '../domain/gates.js';
import type { Target } from '../domain/target.js';
import type { Ledger } from '../ledger/ledger.js';

export interface Gating {
  readonly config: Config;
  readonly target: Target;
  /** What wants to be repaired, or is drifted. */
  readonly changes: readonly Pick<Change, 'fingerprint'>[];
  /** ISO, UTC. */
  readonly at: string;
  /** Without a record only what the configuration closes is known. */
  readonly ledger?: Pick<Ledger, 'closedGates'>;
}

/** Everything that gates look at, gathered once. Steps and `holdfast plan` ask with the same. */
export async function gateFacts({ config, target, at, ledger }: Gating): Promise<GateFacts> {
  const environment = config.environments.find((each) => each.name === target.environment);
  const windows = environment?.windows ?? [];
  const budget = environment?.limits.budget;
  return {
    at,
    rows: (await ledger?.closedGates(target, at)) ?? [],
    environment: target.environment,
    ...(budget === undefined ? {} : { budget }),
    ...(windows.length === 0 ? {} : { windows: windowRules(windows) }),
  };
}

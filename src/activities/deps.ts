import type { Client } from '@temporalio/client';
import { targetOf, type Config } from '../config/config.js';
import type { Sources } from '../config/sources.js';
import { formatAddress, type TargetAddress } from '../domain/address.js';
import { HoldfastError } from '../domain/errors.js';
import type { DecideChange } from '../domain/deciding/decision.js';
import type { Target } from '../domain/target.js';
import type { Probe } from '../health/probe.js';
import type { ArtifactStore } from '../ledger/artifacts.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Notice } from '../notify/sink.js';
import type { Logger, Provider } from '../providers/provider.js';

/** Everything that steps use of the world, made once by the composition root. */
export interface Dependencies {
  /** The configuration in force; a new valid one is taken between steps. */
  readonly config: () => Promise<Config>;
  readonly sources: Sources;
  readonly ledger: Ledger;
  readonly artifacts: ArtifactStore;
  readonly providers: Readonly<Record<string, Provider>>;
  /** How changes are decided under a configuration. */
  readonly decide: (config: Config) => DecideChange;
  readonly probe: Probe;
  /** The Temporal client, for starting incidents and reading event times. */
  readonly client: Client;
  readonly resolveSecret: (reference: string) => Promise<string>;
  /** Queues messages to people; never waits for a sink. */
  readonly tell: (notice: Notice, sequence: string) => Promise<void>;
  readonly log: Logger;
  readonly now: () => Date;
  /** Where steps make their work folders. */
  readonly workRoot: string;
  /** The version of the running code. */
  readonly build: string;
  readonly readOnly: boolean;
}

/** The target as configured now; a target that is configured no more is `Invalid`. */
export async function configured(deps: Dependencies, address: TargetAddress): Promise<{ readonly config: Config; readonly target: Target; readonly provider: Provider }> {
  const config = await deps.config();
  const target = targetOf(config, address.environment, address.target);
  if (target === undefined) throw new HoldfastError('Invalid', `${formatAddress(address)} is not in the configuration any more`);
  return { config, target, provider: providerOf(deps, target) };
}

export function providerOf(deps: Dependencies, target: Target): Provider {
  const provider = deps.providers[target.provider];
  if (provider === undefined) throw new HoldfastError('Invalid', `provider ${target.provider} of ${formatAddress(target)} is not known to this worker`);
  return provider;
}

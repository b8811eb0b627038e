import { environmentOf, targetOf, type Config } from '../../config/config.js';
import { formatAddress, type TargetAddress } from '../../domain/address.js';
import { dependenciesOf } from '../../domain/gates/after.js';
import type { Json } from '../../domain/json.js';
import { CLEAN } from '../../domain/deciding/sighting.js';
import type { Target } from '../../domain/target.js';
import { hashJson } from '../../digest.js';
import type { IncidentRow } from '../../ledger/ledger.js';

/** Enough to tell one configuration from another, in a row beside a fingerprint. */
const LENGTH = 16;

/** What every target of an environment is decided under, hashed once per configuration. */
const shared = new WeakMap<Config, Map<string, string>>();

/**
 * Digest of everything in the configuration by which changes of this target are decided, asked about
 * and held: its own settings, those of its environment, the rules, and who is who. Schedules,
 * messages, other environments and the line of a rule in its file are not among it.
 */
export function decidedUnder(config: Config, target: Target): string {
  const names = config.environments.map((each) => each.name);
  const after = dependenciesOf(target, names).filter((each) => targetOf(config, each.environment, each.target) !== undefined).map(formatAddress);
  return digest({ shared: sharedIn(config, target.environment), target, after }).slice(0, LENGTH);
}

function sharedIn(config: Config, environment: string): string {
  const known = shared.get(config) ?? new Map<string, string>();
  shared.set(config, known);
  const hash = known.get(environment) ?? hashShared(config, environment);
  known.set(environment, hash);
  return hash;
}

function hashShared(config: Config, name: string): string {
  const { people = null, policies = [] } = config;
  const rules = policies.flatMap((file) => file.rules).map(({ at: _at, when, ...rule }) => ({ ...rule, when: when?.text ?? null }));
  return digest({ people, rules, environment: decidingPart(config, name) });
}

/** When an environment is looked at, and how many targets at once, decides nothing. */
function decidingPart(config: Config, name: string): unknown {
  const environment = environmentOf(config, name);
  if (environment === undefined) return null;
  const { schedule: _schedule, limits: { reads: _reads, ...limits }, ...rest } = environment;
  return { ...rest, limits };
}

/** The configuration is data, whose absent members are left out. */
function digest(value: unknown): string {
  return hashJson(value as Json);
}

/** What an incident is told, as its row remembers it: a drift, and what it is decided under. */
export function toldText(drift: string, under: string | undefined): string {
  return drift === CLEAN || under === undefined ? drift : `${drift} ${under}`;
}

/** What the incident was last decided under; `undefined` where its row does not say. */
export function underOf({ drift }: Pick<IncidentRow, 'drift'>): string | undefined {
  return drift.split(' ')[1];
}

/** Those whose targets are decided under another configuration now than when they were told last. */
export function decidedElse(config: Config, rows: readonly IncidentRow[]): readonly TargetAddress[] {
  return rows.filter((row) => {
    const target = targetOf(config, row.environment, row.target);
    return target !== undefined && row.kind === 'drift' && underOf(row) !== decidedUnder(config, target);
  });
}

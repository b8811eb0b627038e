import type { Config } from '../config/config.js';
import type { Change } from '../domain/change.js';
import type { ChangeHistory, DecisionInput, EnvironmentFacts } from '../domain/decision.js';
import type { Target } from '../domain/target.js';
import type { Ledger, Sighting } from '../ledger/ledger.js';

export interface Knowing {
  readonly config: Pick<Config, 'environments'>;
  readonly target: Target;
  readonly changes: readonly Change[];
  /** ISO, UTC. */
  readonly at: string;
  /** Without a record nothing is remembered. */
  readonly ledger?: Pick<Ledger, 'sightings'>;
  readonly baseline?: DecisionInput['baseline'];
}

/** What rules may look at, for each change, in order. Steps and `holdfast plan` ask with the same. */
export async function decisionInputs({ config, target, changes, at, ledger, baseline }: Knowing): Promise<readonly DecisionInput[]> {
  const environment = factsOf(config, target);
  const sightings = await ledger?.sightings(target, changes.map((change) => change.fingerprint)) ?? [];
  const known = new Map(sightings.map((each) => [each.fingerprint, each]));
  return changes.map((change) => ({ target, environment, change, at, history: historyOf(known.get(change.fingerprint)), ...(baseline === undefined ? {} : { baseline }) }));
}

function factsOf(config: Pick<Config, 'environments'>, { environment: name }: Target): EnvironmentFacts {
  const environment = config.environments.find((each) => each.name === name);
  if (environment === undefined) throw new TypeError(`environment ${name} is not configured`);
  const { owner, production, remediation, timezone, firstSeen } = environment;
  return { name, remediation, timezone, ...(firstSeen === undefined ? {} : { firstSeen }), ...(owner === undefined ? {} : { owner }), ...(production === undefined ? {} : { production }) };
}

function historyOf(sighting: Sighting | undefined): ChangeHistory {
  if (sighting === undefined) return { recurrence: 0, firstLook: false };
  const ended = sighting.incidents.filter((each) => each.outcome !== undefined);
  const lastOutcome = ended.at(-1)?.outcome;
  return { firstSeen: sighting.firstSeen, recurrence: ended.length, firstLook: false, ...(lastOutcome === undefined ? {} : { lastOutcome }) };
}

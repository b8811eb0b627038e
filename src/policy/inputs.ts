import type { Config } from '../config/config.js';
import type { Change } from '../domain/change.js';
import type { ChangeHistory, DecisionInput, EnvironmentFacts } from '../domain/deciding/decision.js';
import type { GateRow } from '../domain/gates/facts.js';
import type { Target } from '../domain/target.js';
import { classOf } from '../domain/deciding/class.js';
import { stepsBack } from '../domain/deciding/step-back.js';
import type { Ledger, Sighting } from '../ledger/ledger.js';

/** In place of an instant: the target was never read. */
const NEVER = 'never';

export interface Knowing {
  readonly config: Pick<Config, 'environments'>;
  readonly target: Target;
  readonly changes: readonly Change[];
  /** ISO, UTC. */
  readonly at: string;
  /** Without a record nothing is remembered. */
  readonly ledger?: Pick<Ledger, 'sightings' | 'lastObservation' | 'closedGates'>;
  /** Of the ledger's closed gates, where they were read already. */
  readonly rows?: readonly GateRow[];
  readonly baseline?: DecisionInput['baseline'];
}

/** What rules may look at, for each change, in order. Steps and `holdfast plan` ask with the same. */
export async function decisionInputs({ config, target, changes, at, ledger, rows, baseline }: Knowing): Promise<readonly DecisionInput[]> {
  const environment = environmentFacts(config, target);
  const sightings = await ledger?.sightings(target, changes.map((change) => change.fingerprint)) ?? [];
  const known = new Map(sightings.map((each) => [each.fingerprint, each]));
  const last = await ledger?.lastObservation(target);
  // What nobody has read yet is looked at for the first time now.
  const firstKnownAt = ledger !== undefined && last?.lastKnownAt === undefined ? NEVER : last?.firstKnownAt;
  const steps = stepsBack(rows ?? (await ledger?.closedGates(target, at)) ?? []);
  return changes.map((change) => {
    const steppedBack = steps.size === 0 ? undefined : steps.get(classOf(change, target.provider));
    return {
      target, environment, change, at, history: historyOf(known.get(change.fingerprint), firstKnownAt),
      ...(baseline === undefined ? {} : { baseline }), ...(steppedBack === undefined ? {} : { steppedBack }),
    };
  });
}

/** What rules may know of the environment of a target. */
export function environmentFacts(config: Pick<Config, 'environments'>, { environment: name }: Target): EnvironmentFacts {
  const environment = config.environments.find((each) => each.name === name);
  if (environment === undefined) throw new TypeError(`environment ${name} is not configured`);
  const { owner, production, remediation, timezone, firstSeen } = environment;
  return { name, remediation, timezone, ...(firstSeen === undefined ? {} : { firstSeen }), ...(owner === undefined ? {} : { owner }), ...(production === undefined ? {} : { production }) };
}

/** What stood there at the first look and ever since; what went and came back has a sighting that began later. */
function historyOf(sighting: Sighting | undefined, firstKnownAt: string | undefined): ChangeHistory {
  if (sighting === undefined) return { recurrence: 0, firstLook: firstKnownAt === NEVER };
  const ended = sighting.incidents.filter((each) => each.outcome !== undefined);
  const lastOutcome = ended.at(-1)?.outcome;
  return { firstSeen: sighting.firstSeen, recurrence: ended.length, firstLook: sighting.firstSeen === firstKnownAt, ...(lastOutcome === undefined ? {} : { lastOutcome }) };
}

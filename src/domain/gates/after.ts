import { formatAddress, type TargetAddress } from '../address.js';
import { askedAgainBy, closedBy, releasedBy, type ClosedAnswer, type GateAnswer } from './gate.js';
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import type { Asking, DependencyState, GateFacts } from './facts.js';
import type { Outcome } from '../phase.js';

/** Who is repaired before a target: the target that bears its name in another environment, or another target of its own. */
export interface Dependency extends TargetAddress {
  /** As the configuration names it: an environment or a target. */
  readonly name: string;
}

type Ordered = TargetAddress & { readonly after: readonly string[] };

/** A name of an environment means the same target there; the own environment's name means nothing, so that all environments may share the list. */
export function dependenciesOf({ environment, target, after }: Ordered, environments: readonly string[]): readonly Dependency[] {
  return after.flatMap((name) => {
    if (name === environment) return [];
    return [environments.includes(name) ? { name, environment: name, target } : { name, environment, target: name }];
  });
}

/** Which of these come after the one that is named. */
export function dependantsOf<T extends Ordered>(targets: readonly T[], of: TargetAddress, environments: readonly string[]): readonly T[] {
  return targets.filter((each) => each.after.length > 0 && dependenciesOf(each, environments).some((dependency) => formatAddress(dependency) === formatAddress(of)));
}

/** The keys of what an incident's parts have in common with changes elsewhere, as its row keeps them. */
export function causesIn(parts: readonly JsonObject[]): ReadonlySet<string> {
  const causes = parts.flatMap((part) => (Array.isArray(part['causes']) && part['outcome'] === undefined ? (part['causes'] as readonly Json[]) : []));
  return new Set(causes.flatMap((cause) => (isJsonObject(cause) && typeof cause['key'] === 'string' ? [cause['key']] : [])));
}

/** Ends after which nobody knows that the repair is good: what depends on it waits for more than its end. */
const STOPS: readonly Outcome[] = ['rolled-back', 'needs-human', 'terminated', 'cancelled'];

/** Whether an incident that ended so holds what comes after it. */
export function stopsDependants(outcome: Outcome | undefined): boolean {
  return outcome !== undefined && STOPS.includes(outcome);
}

/** As many are told at once: of one cause there may be hundreds. */
const TOLD = 5;

/**
 * Waits for the open incident of each dependency, its soak included, and stops where that was put
 * back. What never drifted, was repaired, or is configured no more, holds nobody.
 */
export function afterGate({ dependencies = [], address = '' }: GateFacts, { changes }: Pick<Asking, 'changes'>): GateAnswer {
  const concerned = dependencies.filter(({ fingerprints }) => fingerprints === undefined || changes.some((change) => fingerprints.includes(change.fingerprint)));
  return closedBy(concerned.flatMap((each) => heldBehind(each, address) ?? []).slice(0, TOLD));
}

function heldBehind({ address: of, incident, passed }: DependencyState, address: string): ClosedAnswer | undefined {
  if (incident === undefined || passed === true) return undefined;
  if (incident.open) {
    return { allowed: false, gate: 'after', reason: `after ${of}: ${incident.id} is open; it goes on when that is repaired and has soaked; see what it waits for: holdfast incident ${incident.id}` };
  }
  if (!stopsDependants(incident.outcome)) return undefined;
  return {
    allowed: false,
    gate: 'after',
    reason: `after ${of}: ${incident.id} ended ${incident.outcome ?? ''}; it stays stopped until ${of} is repaired or clean (${askedAgainBy(incident.id, incident.outcome)}), or a person lets it go on`,
    command: releasedBy('after', address),
  };
}

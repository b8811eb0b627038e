import { formatIncident } from '../../domain/address.js';
import type { Decided, DecisionInput } from '../../domain/deciding/decision.js';
import { gatesText } from '../../domain/gates/gate.js';
import type { JsonObject } from '../../domain/json.js';
import { oneLine } from '../../domain/plain-text.js';
import { type AssessedPart as Proposed, factsOf } from '../../policy/assess.js';
import { givenOf, NAMED, restOf } from '../../policy/recorded.js';
import { classesOf, toldRisk, trialsOf } from '../../policy/telling.js';
import type { Dependencies } from '../deps.js';
import type { AssessInput } from '../types.js';
import { askedInRow } from './unplanned.js';

/** So many rules on trial stand in the row, in so many characters each; the entry has them all. */
const MOST_TRIALS = 5;
const LONGEST_TRIAL = 300;

/** What an incident's row says of a deciding, beside its decision, beyond the end of the part. */
export function decidedInRow(proposed: Proposed): JsonObject {
  const { reason, rules, would, changes, decided, plan } = proposed;
  const risk = toldRisk(decided);
  const trials = trialsOf(decided).slice(0, MOST_TRIALS).map((each) => oneLine(each, LONGEST_TRIAL));
  return {
    because: reason, rules: [...rules], changes: changes.length, classes: classesOf(decided),
    ...(would === undefined ? {} : { would }), ...(risk === undefined ? {} : { riskOf: risk }), ...(trials.length === 0 ? {} : { trials }),
    ...(plan === undefined ? askedInRow(decided) : {}),
  };
}

interface Assessing {
  readonly part: number;
  readonly at: string;
  readonly proposed: Proposed;
  readonly inputs: readonly DecisionInput[];
}

/**
 * Puts on record what was decided for each change, with what was looked at and what would have been
 * decided: for reports on readiness, and for whoever decides the same again under other rules.
 */
export async function recordAssessed(deps: Dependencies, { incident }: AssessInput, { part, at, proposed, inputs }: Assessing): Promise<void> {
  const { plan, decision, would, gate, wouldGate, changes, decided } = proposed;
  const known = new Map(inputs.map((input) => [input.change, input]));
  const asked = changes.map((change) => known.get(change));
  const given = givenOf(asked);
  // Without a plan nothing else has the changes that the entry does not say.
  const rest = plan === undefined ? undefined : restOf(given, decided, asked);
  const closed = [gate, wouldGate ?? gate].flatMap((each) => (each.allowed ? [] : [each.gate]))[0];
  await deps.ledger.append({
    at, kind: 'assessed', environment: incident.environment, target: incident.target, incident: incident.number, by: 'holdfast',
    data: {
      incident: formatIncident(incident), part, decision, rules: [...proposed.rules], classes: classesOf(decided), count: changes.length,
      ...(plan === undefined ? {} : { plan: plan.hash, planned: { ...factsOf(plan, changes), blastRadius: { ...plan.blastRadius } } }),
      ...(would === undefined ? {} : { would }),
      ...(rest === undefined ? {} : { rest }),
      ...(closed === undefined ? {} : { gate: closed, waits: gatesText(gate.allowed ? (wouldGate ?? gate) : gate) }),
      changes: changes.slice(0, NAMED).map((change, index) => ({
        fingerprint: change.fingerprint, revision: change.revision, resource: change.resource, path: change.path, kind: change.kind, effect: change.effect,
        ...(decided[index] === undefined ? {} : saidOf(decided[index])),
        ...(given[index] === undefined ? {} : { given: given[index] }),
      })),
    },
  });
}

function saidOf({ decision, risk, rules, reason, would, inputs, shadow }: Decided): JsonObject {
  return {
    decision, risk, rules: [...rules], reason,
    ...(would === undefined ? {} : { would: { ...would, rules: [...would.rules] } }),
    ...(inputs === undefined ? {} : { inputs }),
    ...(shadow === undefined ? {} : { shadow: shadow.map((each) => ({ ...each })) }),
  };
}

import { afterGate } from './after.js';
import { breakerGate } from './breaker.js';
import { budgetGate } from './budget.js';
import { busyGate, ENGINE } from './busy.js';
import { closedBy, closedOf, OPEN, releasedBy, scopeText, unfrozenBy, withKey, type ClosedAnswer, type GateAnswer, type GateName } from './gate.js';
import type { Asking, GateFacts, GateRow } from './facts.js';
import { settlingGate } from './settling.js';
import { windowGate } from './window.js';

type Gate = (facts: GateFacts, asking: Asking) => GateAnswer;

/** They hold a change, not its target. */
const OF_CHANGES: readonly Gate[] = [
  rowGate('quarantine', holdsSome),
  rowGate('flapping', holdsSome),
  settlingGate,
  busyGate,
];

/** Asked in this order; the first that is closed answers. */
const GATES: readonly Gate[] = [rowGate('freeze', () => true), breakerGate, ...OF_CHANGES, budgetGate, windows, afterGate];

/** Whether a repair of these changes may go on now. */
export function askGates(facts: GateFacts, asking: Asking): GateAnswer {
  const answers = GATES.map((gate) => gate(facts, asking)).filter((answer) => answer.allowed || !(asking.breakGlass === true && answer.gate === 'window'));
  const [first, ...also] = answers.flatMap(closedOf).map((answer) => (facts.signed !== true || answer.command === undefined ? answer : { ...answer, command: withKey(answer.command) }));
  if (first !== undefined) return also.length === 0 ? first : { ...first, also };
  const [closesAt] = answers.flatMap((answer) => (answer.allowed && answer.closesAt !== undefined ? [answer.closesAt] : [])).sort();
  return closesAt === undefined ? OPEN : { allowed: true, closesAt };
}

function windows({ at, environment = '', address = environment, windows: known = [], glass = false }: GateFacts, { action, begunAt }: Asking): GateAnswer {
  const answer = known.length === 0 ? OPEN : windowGate(known, { at, action, scope: environment, ...(begunAt === undefined ? {} : { begunAt }) });
  return answer.allowed || !glass ? answer : { ...answer, command: `holdfast approve ${address} --plan HASH --break-glass --reason WHY` };
}

/** Whether a row that holds single changes holds this one: a quarantine that very change, flapping its field. */
export function holdsChange(row: Pick<GateRow, 'gate' | 'fingerprint' | 'revision' | 'resource' | 'path'>, change: Asking['changes'][number]): boolean {
  if (row.gate === 'quarantine') return change.fingerprint === row.fingerprint && change.revision === row.revision;
  return change.resource === row.resource && change.path === row.path;
}

function holdsSome(row: GateRow, { changes }: Asking): boolean {
  return changes.some((change) => holdsChange(row, change));
}

/** Which of the gates that hold single changes is closed for this one: those that are held are repaired apart from those that are not. */
export function heldBy(facts: GateFacts, change: Asking['changes'][number]): GateName | undefined {
  const answers = OF_CHANGES.map((gate) => gate(facts, { action: 'stage', changes: [change], automatic: false }));
  return answers.find((answer) => !answer.allowed)?.gate;
}

/** A gate that somebody or something closed, as rows say it: once for each command that has to be given. */
function rowGate(gate: GateName, holdsFor: (row: GateRow, asking: Asking) => boolean): Gate {
  return ({ rows }, asking) => {
    const all = rows.filter((each) => each.gate === gate && each.holder === undefined && holdsFor(each, asking)).map(closed);
    return closedBy(all.filter((each, index) => all.findIndex((other) => other.command === each.command) === index));
  };
}

function closed(row: GateRow): ClosedAnswer {
  const opens = row.until === undefined ? `until it is ${row.gate === 'freeze' ? 'unfrozen' : 'released'}` : `until ${row.until}`;
  return {
    allowed: false,
    gate: row.gate,
    reason: `${row.gate} of ${scopeText(row.scope)} by ${row.by}, ${opens}: ${row.reason}`,
    ...(row.until === undefined ? {} : { opensAt: row.until }),
    command: commandOf(row),
  };
}

/** What `release` clears, as people name it; other gates open by themselves or by their own command. `needs-human` is the breaker that a failed rollback closed. */
export const RELEASABLE: Readonly<Record<string, GateName>> = {
  quarantine: 'quarantine', flapping: 'flapping', breaker: 'breaker', 'needs-human': 'breaker', budget: 'budget', busy: 'busy', after: 'after', 'step-back': 'step-back',
};

/** What opens a gate that the record closed: for work under way what ends it, or what looks at the engine again. */
export function commandOf({ gate, scope, path }: Pick<GateRow, 'gate' | 'scope' | 'path'>): string {
  if (gate === 'busy' && path === ENGINE) return `holdfast schedules trigger ${scope}`;
  if (gate === 'freeze' || gate === 'busy') return unfrozenBy(scope);
  return releasedBy(gate, scope);
}

import type { Change } from './change.js';
import { afterGate, type DependencyState } from './after.js';
import { breakerGate } from './breaker.js';
import { budgetGate, type Budget } from './budget.js';
import { busyGate, ENGINE, type Busy } from './busy.js';
import { closedBy, closedOf, OPEN, releasedBy, scopeText, unfrozenBy, withKey, type ClosedAnswer, type GateAnswer, type GateName } from './gate.js';
import { settlingGate, type Settling } from './settling.js';
import { windowGate, type WindowRule } from './window.js';

/** A gate that somebody or something closed, as the ledger remembers it. */
export interface GateRow {
  readonly scope: string;
  readonly gate: GateName;
  readonly by: string;
  readonly reason: string;
  readonly until?: string;
  /** For `quarantine` and `flapping`: the change that it holds for. */
  readonly fingerprint?: string;
  readonly revision?: string;
  /** For `step-back`: the class of change. */
  readonly resource?: string;
  readonly path?: string;
  /** ISO, UTC. */
  readonly at?: string;
  /** A breaker that failed repairs closed: from then on (ISO, UTC) one repair is let through. */
  readonly halfOpenAt?: string;
  /** Not a closed gate, but a place that it has given: `prod/storefront#7/1`, which counts for `budget` and was let through by `breaker`. */
  readonly holder?: string;
}

/** What is known of a target, its environment and everything, when gates are asked. */
export interface GateFacts {
  /** ISO, UTC. */
  readonly at: string;
  /** Those past their time are not handed in. */
  readonly rows: readonly GateRow[];
  readonly environment?: string;
  /** `limits.budget` of the environment. */
  readonly budget?: Budget;
  /** Of the environment; absent means none. */
  readonly windows?: readonly WindowRule[];
  /** The environment names who may break the glass. */
  readonly glass?: boolean;
  /** Decisions must be signed there, and so must what opens a gate. */
  readonly signed?: boolean;
  /** `prod/storefront`. */
  readonly address?: string;
  /** Who is repaired before it, in the order of the configuration; those that are configured no more are left out. */
  readonly dependencies?: readonly DependencyState[];
  /** Absent: what settles opens nothing, or `settle` is 0. */
  readonly settling?: Settling;
  /** What the engine is doing now, where it was asked; absent: what the rows remember of it. */
  readonly engine?: readonly Busy[];
}

/** What wants to go on. */
export interface Asking {
  readonly action: 'stage' | 'finalize';
  readonly changes: readonly Pick<Change, 'fingerprint' | 'revision' | 'resource' | 'path'>[];
  /** True when no person approved: the breaker stops only what is automatic. */
  readonly automatic: boolean;
  /** Which part asks, `prod/storefront#7/1`: what was let through stays so. Absent: nobody in particular. */
  readonly holder?: string;
  /** Approved by somebody who may go through a closed window and a breaker of failed repairs, and through nothing else. */
  readonly breakGlass?: boolean;
  /** ISO, UTC: when its staging began; absent before it. */
  readonly begunAt?: string;
}

type Gate = (facts: GateFacts, asking: Asking) => GateAnswer;

/** They hold a change, not its target. */
const OF_CHANGES: readonly Gate[] = [
  rowGate('quarantine', (row, { changes }) => changes.some((change) => change.fingerprint === row.fingerprint && change.revision === row.revision)),
  rowGate('flapping', (row, { changes }) => changes.some((change) => change.resource === row.resource && change.path === row.path)),
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

function windows({ at, environment = '', address = environment, windows: known = [], glass = false }: GateFacts, { action, automatic, begunAt }: Asking): GateAnswer {
  const answer = known.length === 0 ? OPEN : windowGate(known, { at, action, scope: environment, ...(begunAt === undefined ? {} : { begunAt }) });
  // What the rules allow is approved by nobody, and so nobody breaks the glass for it.
  return answer.allowed || !glass || automatic ? answer : { ...answer, command: `holdfast approve ${address} --plan HASH --break-glass --reason WHY` };
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

export function fieldKey(change: Pick<Change, 'resource' | 'path'>): string {
  return `${change.resource} ${change.path}`;
}

import type { Change } from './change.js';
import { afterGate, type DependencyState } from './after.js';
import { breakerGate } from './breaker.js';
import { budgetGate, type Budget } from './budget.js';
import { OPEN, type GateAnswer, type GateName } from './gate.js';
import { windowGate, type WindowRule } from './window.js';

/** A gate that somebody or something closed, as the ledger remembers it. */
export interface GateRow {
  readonly scope: string;
  readonly gate: GateName;
  readonly by: string;
  readonly reason: string;
  readonly until?: string;
  readonly fingerprint?: string;
  readonly revision?: string;
  readonly resource?: string;
  readonly path?: string;
  /** ISO, UTC. */
  readonly at?: string;
  /** A breaker that failed repairs closed: from then on (ISO, UTC) one repair is let through. */
  readonly halfOpenAt?: string;
  /** Not a closed gate, but a place that it has given: the part that was let through, or that counts. */
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
  /** `prod/storefront`. */
  readonly address?: string;
  /** Who is repaired before it, in the order of the configuration; those that are configured no more are left out. */
  readonly dependencies?: readonly DependencyState[];
}

/** What wants to go on. */
export interface Asking {
  readonly action: 'stage' | 'finalize';
  readonly changes: readonly Pick<Change, 'fingerprint' | 'revision' | 'resource' | 'path'>[];
  /** True when no person approved: the breaker stops only what is automatic. */
  readonly automatic: boolean;
  /** Which part asks, `prod/storefront#7/1`: what was let through stays so. Absent: nobody in particular. */
  readonly holder?: string;
  /** Approved by somebody who may go through a breaker. */
  readonly breakGlass?: boolean;
  /** ISO, UTC: when its staging began; absent before it. */
  readonly begunAt?: string;
}

type Gate = (facts: GateFacts, asking: Asking) => GateAnswer;

/** Asked in this order; the first that is closed answers. */
const GATES: readonly Gate[] = [
  rowGate('freeze', () => true),
  breakerGate,
  rowGate('quarantine', (row, { changes }) => changes.some((change) => change.fingerprint === row.fingerprint && change.revision === row.revision)),
  rowGate('flapping', (row, { changes }) => changes.some((change) => change.resource === row.resource && change.path === row.path)),
  budgetGate,
  windows,
  afterGate,
];

/** Whether a repair of these changes may go on now. */
export function askGates(facts: GateFacts, asking: Asking): GateAnswer {
  const answers = GATES.map((gate) => gate(facts, asking));
  const [first, ...also] = answers.filter((answer) => !answer.allowed);
  if (first !== undefined) return also.length === 0 ? first : { ...first, also };
  const [closesAt] = answers.flatMap((answer) => (answer.allowed && answer.closesAt !== undefined ? [answer.closesAt] : [])).sort();
  return closesAt === undefined ? OPEN : { allowed: true, closesAt };
}

function windows({ at, environment = '', windows: known = [] }: GateFacts, { action, begunAt }: Asking): GateAnswer {
  return known.length === 0 ? OPEN : windowGate(known, { at, action, scope: environment, ...(begunAt === undefined ? {} : { begunAt }) });
}

/** A gate that somebody or something closed, as a row says it. */
function rowGate(gate: GateName, holdsFor: (row: GateRow, asking: Asking) => boolean): Gate {
  return ({ rows }, asking) => {
    const row = rows.find((each) => each.gate === gate && each.holder === undefined && holdsFor(each, asking));
    return row === undefined ? OPEN : closed(row);
  };
}

function closed(row: GateRow): GateAnswer {
  const opens = row.until === undefined ? `until it is ${row.gate === 'freeze' ? 'unfrozen' : 'released'}` : `until ${row.until}`;
  return {
    allowed: false,
    gate: row.gate,
    reason: `${row.gate} of ${row.scope} by ${row.by}, ${opens}: ${row.reason}`,
    ...(row.until === undefined ? {} : { opensAt: row.until }),
    command: row.gate === 'freeze' ? `holdfast unfreeze ${row.scope === '*' ? '--all' : row.scope} --reason WHY` : `holdfast release ${row.scope} --gate ${row.gate} --reason WHY`,
  };
}

/** How many repairs of the same field within the period are a fight with another writer. */
const FLAPPING = { repairs: 3, withinMs: 60 * 60 * 1000 } as const;

/** The fields among `changes` that were repaired that often lately: another writer keeps putting them back. */
export function flappingFields(
  changes: readonly Pick<Change, 'resource' | 'path'>[],
  repairs: readonly { readonly at: string; readonly fields: readonly string[] }[],
  now: string,
): readonly { readonly resource: string; readonly path: string; readonly repairs: number }[] {
  const recent = repairs.filter((repair) => Date.parse(now) - Date.parse(repair.at) <= FLAPPING.withinMs);
  return changes.flatMap(({ resource, path }) => {
    const count = recent.filter((repair) => repair.fields.includes(fieldKey({ resource, path }))).length;
    return count >= FLAPPING.repairs ? [{ resource, path, repairs: count }] : [];
  });
}

export function fieldKey(change: Pick<Change, 'resource' | 'path'>): string {
  return `${change.resource} ${change.path}`;
}

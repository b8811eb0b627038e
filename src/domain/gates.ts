import type { Change } from './change.js';
import { OPEN, type GateAnswer, type GateName } from './gate.js';

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
}

export interface GateInput {
  readonly rows: readonly GateRow[];
  readonly changes: readonly Pick<Change, 'fingerprint' | 'revision' | 'resource' | 'path'>[];
  /** True when no person approved: the breaker stops only what is automatic. */
  readonly automatic: boolean;
}

/** Asked in this order; the first that is closed answers. */
const ORDER: readonly GateName[] = ['freeze', 'breaker', 'quarantine', 'flapping'];

/** Whether a repair of these changes may go on now. Rows past their time are not handed in. */
export function askGates(input: GateInput): GateAnswer {
  for (const gate of ORDER) {
    const row = input.rows.find((each) => each.gate === gate && holdsFor(each, input));
    if (row !== undefined) return closed(row);
  }
  return OPEN;
}

function holdsFor(row: GateRow, input: GateInput): boolean {
  if (row.gate === 'freeze') return true;
  if (row.gate === 'breaker') return input.automatic;
  if (row.gate === 'flapping') return input.changes.some((change) => change.resource === row.resource && change.path === row.path);
  return input.changes.some((change) => change.fingerprint === row.fingerprint && change.revision === row.revision);
}

function closed(row: GateRow): GateAnswer {
  const opens = row.until === undefined ? `until it is ${row.gate === 'freeze' ? 'unfrozen' : 'released'}` : `until ${row.until}`;
  return {
    allowed: false,
    gate: row.gate,
    reason: `${row.gate} of ${row.scope} by ${row.by}, ${opens}: ${row.reason}`,
    ...(row.until === undefined ? {} : { opensAt: row.until }),
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

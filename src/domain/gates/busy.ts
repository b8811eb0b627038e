import type { Change } from '../change.js';
import { closedBy, unfrozenBy, type ClosedAnswer, type GateAnswer } from './gate.js';
import type { Asking, Busy, GateFacts, GateRow } from './facts.js';

/** The path of a row that remembers what a look at the engine said, not what a person did. */
export const ENGINE = '@engine';

/** Held by whoever said that they work on it, and by what the engine is doing with the same resources. */
export function busyGate({ at, rows, engine, address = '' }: GateFacts, { changes }: Asking): GateAnswer {
  const closed = rows.filter((row) => row.gate === 'busy' && row.holder === undefined);
  const workers = closed.filter((row) => row.path !== ENGINE);
  // A look of this moment knows better than what was remembered.
  const under = engine ?? closed.filter((row) => row.path === ENGINE);
  const concerned = under.filter((each) => (each.until === undefined || Date.parse(each.until) > Date.parse(at)) && (each.resource === undefined || changes.some((change) => change.resource === each.resource)));
  return closedBy([...workers.map(workedOn), ...concerned.map((each) => atWork(each, address))]);
}

function workedOn({ scope, by, reason, until }: GateRow): ClosedAnswer {
  return {
    allowed: false,
    gate: 'busy',
    reason: `busy: ${by} works on ${scope}${until === undefined ? '' : ` until ${until}`}: ${reason}`,
    ...(until === undefined ? {} : { opensAt: until }),
    command: unfrozenBy(scope),
  };
}

function atWork({ resource, reason, until }: Busy, address: string): ClosedAnswer {
  return {
    allowed: false,
    gate: 'busy',
    reason: `busy: the engine is at work on ${resource ?? address}, ${until === undefined ? 'until a check finds it done' : `until ${until} at the latest`}: ${reason}`,
    ...(until === undefined ? {} : { opensAt: until }),
    command: `holdfast schedules trigger ${address}`,
  };
}

/** What changed since it was remembered: what is new, and what is over. Equal input changes nothing. */
export function compareBusy(remembered: readonly GateRow[], now: readonly Busy[]): { readonly begun: readonly Busy[]; readonly over: readonly GateRow[] } {
  const engine = remembered.filter((row) => row.gate === 'busy' && row.path === ENGINE);
  const same = (row: GateRow, busy: Busy): boolean => row.resource === busy.resource && row.reason === busy.reason && row.until === busy.until;
  return {
    begun: now.filter((busy) => !engine.some((row) => same(row, busy))),
    over: engine.filter((row) => !now.some((busy) => busy.resource === row.resource)),
  };
}

/** The resources of changes, each once. */
export function resourcesOf(changes: readonly Pick<Change, 'resource'>[]): readonly string[] {
  return [...new Set(changes.map((change) => change.resource))];
}

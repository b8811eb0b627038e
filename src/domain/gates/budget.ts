import { OPEN, releasedBy, type GateAnswer } from './gate.js';
import type { Asking, GateFacts } from './facts.js';

/** What a person approved neither counts nor waits. A repair that has a place keeps it until its time has passed. */
export function budgetGate({ at, rows, budget, environment }: GateFacts, { automatic, holder }: Asking): GateAnswer {
  if (!automatic || budget === undefined || environment === undefined) return OPEN;
  const leaves = rows
    .filter((row) => row.gate === 'budget' && row.holder !== undefined && row.at !== undefined)
    .map((row) => ({ holder: row.holder, until: Date.parse(row.at ?? at) + budget.withinMs }))
    .filter((row) => row.until > Date.parse(at))
    .sort((one, other) => one.until - other.until);
  if (leaves.length < budget.max || leaves.some((row) => row.holder === holder)) return OPEN;
  const opensAt = new Date(leaves[leaves.length - budget.max]?.until ?? Date.parse(at)).toISOString();
  return {
    allowed: false,
    gate: 'budget',
    reason: `budget of ${environment}: ${leaves.length} of ${budget.max} automatic repairs are used up, the next one can begin at ${opensAt}`,
    opensAt,
    command: releasedBy('budget', environment),
  };
}

import type { ChangeClass } from './class.js';
import type { GateRow } from '../gates/facts.js';
import { releasedBy } from '../gates/gate.js';

/** Why classes of change in an environment are asked about, though a setting or a rule would repair them. */
export function stepsBack(rows: readonly Pick<GateRow, 'gate' | 'scope' | 'resource' | 'reason'>[]): ReadonlyMap<ChangeClass, { readonly reason: string }> {
  const found = rows.filter((row) => row.gate === 'step-back' && row.resource !== undefined);
  return new Map(found.map(({ resource, scope, reason }) => [resource as ChangeClass, { reason: `${resource ?? ''} is a step back in ${scope}: ${reason}; until it is released, a person decides: ${releasedBy('step-back', scope)}` }]));
}

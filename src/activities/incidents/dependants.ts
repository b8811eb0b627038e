import { startCheck } from '../../client.js';
import type { Config } from '../../config/config.js';
import { formatAddress, formatIncident, type IncidentId, type TargetAddress } from '../../domain/address.js';
import { causesIn, dependantsOf } from '../../domain/gates/after.js';
import type { JsonObject } from '../../domain/json.js';
import type { Outcome } from '../../domain/phase.js';
import type { Target } from '../../domain/target.js';
import type { Dependencies } from '../deps.js';
import { openIn, wakeAll } from './waking.js';

/** What was written may have changed what comes after it. */
const WRITTEN: readonly Outcome[] = ['fixed', 'rolled-back', 'needs-human', 'cancelled', 'terminated'];

/** An incident has ended: what comes after its target asks its gates again, and is looked at where something was written. */
export async function tellDependants(deps: Dependencies, incident: IncidentId, outcomes: readonly Outcome[]): Promise<void> {
  const dependants = await wakeDependants(deps, incident);
  if (!outcomes.some((outcome) => WRITTEN.includes(outcome))) return;
  for (const environment of new Set(dependants.map((each) => each.environment))) {
    const targets = dependants.filter((each) => each.environment === environment).map((each) => each.target);
    await startCheck(deps.client, {
      id: `after-${incident.environment}-${incident.target}-${incident.number}`,
      input: { environment, targets },
      summary: `check of ${targets.length} of ${environment} that come after ${formatIncident(incident)}`,
    });
  }
}

/** Those of them that are open ask their gates again. */
export async function wakeDependants(deps: Dependencies, of: TargetAddress): Promise<readonly Target[]> {
  const config = await deps.config();
  const dependants = dependantsIn(config, of);
  const names = new Set(dependants.map(formatAddress));
  const later = new Set(config.targets.filter((each) => each.environment !== of.environment && each.after.includes(of.environment)).map((each) => each.environment));
  const causes = later.size === 0 ? new Set<string>() : causesOfEnded((await deps.ledger.incident(of))?.parts ?? []);
  for (const environment of new Set([...dependants.map((each) => each.environment), ...later])) {
    await wakeAll(deps, (await openIn(deps, environment)).filter((row) => names.has(formatAddress(row)) || [...causesIn(row.parts)].some((key) => causes.has(key))));
  }
  return dependants;
}

/** What has ended says of its parts how, and has the same causes all the same. */
function causesOfEnded(parts: readonly JsonObject[]): ReadonlySet<string> {
  return causesIn(parts.map(({ outcome: _outcome, ...part }) => part));
}

function dependantsIn({ targets, environments }: Config, of: TargetAddress): readonly Target[] {
  return dependantsOf(targets, of, environments.map((each) => each.name));
}

import { formatAddress, formatIncident } from '../../domain/address.js';
import { classOf } from '../../domain/deciding/class.js';
import { oneLine } from '../../domain/plain-text.js';
import type { Plan } from '../../domain/plan.js';
import { releasedBy } from '../../domain/gates/gate.js';
import type { Dependencies } from '../deps.js';
import { tellAbout } from '../telling.js';
import type { RollbackInput } from '../types.js';

/**
 * A repair that nobody was asked about did not prove healthy: its classes are asked about from now on,
 * in the whole environment, until a person releases them. Who approved a repair keeps what was earned.
 */
export async function stepBack(deps: Dependencies, { incident, cause, reason }: RollbackInput, plan: Plan): Promise<void> {
  if (cause !== 'unhealthy' || !(await wasAutomatic(deps, incident, plan))) return;
  const at = deps.now().toISOString();
  const scope = plan.environment;
  const name = formatIncident(incident);
  const classes = [...new Set(plan.changes.map((change) => classOf(change, plan.provider)))];
  const standing = new Set((await deps.ledger.closedGates(plan, at)).filter((row) => row.gate === 'step-back').map((row) => row.resource));
  const fresh = classes.filter((each) => !standing.has(each));
  if (fresh.length === 0) return;
  // First told: an attempt that was cut short finds by the gates what is left to do, and is told once by its key.
  const what = fresh.join(', ');
  await tellAbout(deps, plan, {
    event: 'needs-human',
    subject: name,
    at,
    title: `${scope} asks about ${what} again: an automatic repair was rolled back`,
    text: `The repair of ${formatAddress(plan)} did not prove healthy and was put back: ${reason}. Changes of ${what} in ${scope} are repaired by nobody but a person until this is released.`,
    commands: [`holdfast incident ${name}`, releasedBy('step-back', scope)],
    key: `step-back-${classes.join('-')}`,
  });
  for (const each of fresh) {
    await deps.ledger.closeGate({ scope, gate: 'step-back', by: 'holdfast', at, incident: incident.number, resource: each, reason: `the automatic repair of ${name} was rolled back: ${oneLine(reason, 300)}` });
  }
}

async function wasAutomatic(deps: Dependencies, incident: RollbackInput['incident'], plan: Plan): Promise<boolean> {
  const decisions = await deps.ledger.decisions(incident);
  return decisions.findLast((each) => each.plan === plan.hash)?.decision === 'policy';
}

import { formatAddress, type TargetAddress } from '../../domain/address.js';
import type { Target } from '../../domain/target.js';
import { incidentWorkflowId } from '../../workflows/messages.js';
import type { Dependencies } from '../deps.js';
import { isGone } from './gone.js';
import { tellAbout } from '../telling.js';

/**
 * Finds a run of this target whose incident the record does not know, as when the ledger was lost or
 * an older one was put back. No step of it can write, since its plan and its decision are on record
 * nowhere: it is cancelled, so that it ends where everybody sees it. Returns the number of the newest
 * run that Temporal knows, 0 without one: no later incident may carry it again.
 */
export async function endLost(deps: Dependencies, target: Target): Promise<number> {
  const handle = deps.client.workflow.getHandle(incidentWorkflowId(target.environment, target.target));
  const run = await handle.describe().catch((error: unknown) => {
    if (isGone(error)) return undefined;
    throw error;
  });
  const number = run?.memo?.['incident'];
  if (run === undefined || typeof number !== 'number') return 0;
  if (run.status.name === 'RUNNING' && (await deps.ledger.incident(target, number)) === undefined) {
    await handle.cancel();
    await tellLost(deps, target, number);
  }
  return number;
}

async function tellLost(deps: Dependencies, target: TargetAddress & Pick<Target, 'owner'>, number: number): Promise<void> {
  const name = `${formatAddress(target)}#${number}`;
  deps.log.warn('a run was cancelled: the record does not know its incident', { incident: name });
  await tellAbout(deps, target, {
    event: 'needs-human',
    subject: name,
    at: deps.now().toISOString(),
    title: `${name} was cancelled: the record does not know it`,
    text: 'The ledger was lost, or an older one was put back. Nothing of that incident can be written any more. What it had switched over stays as it is: the next check says what differs, and opens a new incident for it.',
    commands: [`holdfast check ${formatAddress(target)}`],
    key: 'lost',
  });
}

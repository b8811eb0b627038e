import { startEnvironment } from '../../client.js';
import { INCIDENT_SIGNALS, ENVIRONMENT_SIGNALS, environmentWorkflowId, incidentWorkflowId, WORKFLOW_QUEUE } from '../../workflows/messages.js';
import type { Dependencies } from '../deps.js';
import { stuckFor } from './ended.js';
import { isGone } from './gone.js';
import { inLanes } from '../lanes.js';

const BUILD = 'build';
const AT_ONCE = 20;

/**
 * A guard whose workflow task keeps failing would hold everybody who waits to write. What must
 * outlive it is in the ledger, so it is ended and started anew; the new one asks who waits.
 */
export async function replaceStuckGuards({ client, config, log }: Pick<Dependencies, 'client' | 'config' | 'log'>): Promise<void> {
  for (const { name } of (await config()).environments) {
    const handle = client.workflow.getHandle(environmentWorkflowId(name));
    try {
      const description = await handle.describe();
      // Anyone who reaches the namespace may take the id while it is free: who runs elsewhere hears no freeze.
      const isStrange = description.type !== 'environment' || description.taskQueue !== WORKFLOW_QUEUE;
      if (description.status.name !== 'RUNNING' || (!isStrange && stuckFor(description) === undefined)) continue;
      log.warn('the guard of an environment could not go on and is started anew', { environment: name });
      // That run alone: another worker may have been first, and the new guard is at work.
      await client.workflow.getHandle(environmentWorkflowId(name), description.runId).terminate(isStrange ? 'it is no guard of Holdfast; one takes over' : 'its workflow task kept failing; a new run takes over');
      await startEnvironment(client, name);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
}

/**
 * Once for each change of build or payload key: open runs that wait go on in new ones, so that an
 * old patch or key is soon needed by nobody. An incident looks again, and continues as new by itself.
 * Returns whether it was due.
 */
export async function renewRuns({ ledger, client, config, build }: Pick<Dependencies, 'ledger' | 'client' | 'config' | 'build'>): Promise<boolean> {
  if ((await ledger.getMeta(BUILD)) === build) return false;
  const tell = async (workflowId: string, signal: string): Promise<void> => {
    try {
      await client.workflow.getHandle(workflowId).signal(signal, {});
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  };
  for (const { name } of (await config()).environments) await tell(environmentWorkflowId(name), ENVIRONMENT_SIGNALS.renew);
  const open = await ledger.incidents({ open: true });
  await inLanes(open, AT_ONCE, (row) => tell(incidentWorkflowId(row.environment, row.target), INCIDENT_SIGNALS.observed));
  await ledger.setMeta(BUILD, build);
  return true;
}

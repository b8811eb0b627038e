import { randomUUID } from 'node:crypto';
import { addressOf, type Laboratory } from './laboratory.js';
import { incidentWorkflowId } from '../../src/workflows/messages.js';
import { eventually } from './waiting.js';

/** Sends a signal as Temporal's own tools would; the payload is whatever the caller makes of it. */
export async function signalRaw({ temporal }: Laboratory, address: string, signalName: string, payloads: readonly { readonly encoding: string; readonly data: Uint8Array }[]): Promise<void> {
  const { environment, target } = addressOf(address);
  await temporal.workflowService.signalWorkflowExecution({
    namespace: temporal.options.namespace,
    workflowExecution: { workflowId: incidentWorkflowId(environment, target) },
    signalName,
    input: { payloads: payloads.map(({ encoding, data }) => ({ metadata: { encoding: Buffer.from(encoding) }, data })) },
    requestId: randomUUID(),
  });
}

/** Ends the run and replays it up to the last workflow task that `until` accepts, as `temporal workflow reset` does. */
export async function resetBefore(laboratory: Laboratory, address: string, event: 'approve' | 'last task'): Promise<string> {
  const { temporal } = laboratory;
  const { environment, target } = addressOf(address);
  const workflowId = incidentWorkflowId(environment, target);
  const { runId } = await temporal.workflow.getHandle(workflowId).describe();
  const { events = [] } = await temporal.workflow.getHandle(workflowId, runId).fetchHistory();
  const signalled = (events ?? []).findIndex((each) => each.workflowExecutionSignaledEventAttributes?.signalName === 'approve');
  const before = (events ?? []).slice(0, event === 'approve' ? signalled : undefined);
  const point = before.findLast((each) => each.workflowTaskCompletedEventAttributes != null)?.eventId;
  const answer = await temporal.workflowService.resetWorkflowExecution({
    namespace: temporal.options.namespace, workflowExecution: { workflowId, runId }, reason: 'a test', requestId: randomUUID(), ...(point == null ? {} : { workflowTaskFinishEventId: point }),
  });
  return eventually(`${address} goes on in a new run`, () => (answer.runId === '' ? undefined : answer.runId));
}

import { condition, getExternalWorkflowHandle, patched, workflowInfo } from '@temporalio/workflow';
import type { Phase } from '../domain/phase.js';
import { note, type Answer } from './answer.js';
import { describeIncident } from './details.js';
import { askGatesAgain } from './gates.js';
import { ENVIRONMENT_SIGNALS, environmentWorkflowId } from './messages.js';
import { endingReason } from './run.js';
import type { IncidentRun, PartState } from './state.js';
import { told, untilOpen, type Steps } from './steps.js';

/** Waits until gates are open, no other part of the incident writes, and the environment has given the slot. */
export async function awaitTurn(part: PartState, run: IncidentRun, steps: Steps): Promise<Answer> {
  const stopped = (): Answer | undefined => {
    if (part.superseded !== undefined) return note(part, part.superseded.reason, part.superseded.event);
    const reason = part.stop?.reason ?? endingReason(run);
    if (reason !== undefined) return note(part, reason, 'cancelled');
    return undefined;
  };
  while (!part.gateNow.allowed) {
    part.note = part.gateNow.reason;
    describeIncident(run);
    const stirred = (): boolean => stopped() !== undefined || run.continuing || run.gatesSignals !== (part.gatesSeen ?? 0);
    const opensAt = part.gateNow.opensAt;
    if (opensAt === undefined) await condition(stirred);
    else await condition(stirred, untilOpen(opensAt), { summary: `${part.gateNow.gate} opens at ${opensAt}` });
    const event = stopped() ?? (run.continuing ? 'rest' : undefined);
    if (event !== undefined) return event;
    await askGatesAgain(part, steps, run);
  }
  return takeTurn(part, { run, steps, stopped });
}

/** Waits until no other part of the incident writes and the environment has given the slot. `stopped` says what ends the wait. */
export async function takeTurn(part: PartState, { run, steps, stopped }: { readonly run: IncidentRun; readonly steps: Steps; readonly stopped: () => Answer | undefined }): Promise<Answer> {
  part.note = 'waiting for its turn to write';
  do {
    await condition(() => run.writer === undefined || stopped() !== undefined || run.continuing);
    const event = stopped() ?? (run.continuing ? 'rest' : undefined);
    if (event !== undefined) return event;
  } while (isTaken(part, run));
  run.writer = part.part;
  for (let seen = -1; run.slot !== 'granted'; ) {
    // A guard that was started anew has forgotten who waits, and says so by asking to ask again.
    if (run.gatesSignals !== seen) await requestSlot(run, steps);
    seen = run.gatesSignals;
    await condition(() => run.slot === 'granted' || stopped() !== undefined || run.gatesSignals !== seen);
    if (stopped() !== undefined) break;
  }
  part.note = '';
  return stopped() ?? 'slot-granted';
}

/** Of several parts that wait, all wake at once when the turn is free, and the first of them takes it. */
export function isTaken(part: PartState, { writer }: IncidentRun): boolean {
  return writer !== undefined && writer !== part.part && patched('one-part-writes');
}

async function requestSlot(run: IncidentRun, steps: Steps): Promise<void> {
  run.slot = 'requested';
  if (await tellGuard(run, ENVIRONMENT_SIGNALS.requestSlot)) return;
  await steps.control.startGuard.executeWithOptions(told('start the guard of the environment, which is gone'), [{ environment: run.input.incident.environment }]);
  await tellGuard(run, ENVIRONMENT_SIGNALS.requestSlot);
}

/** False when there is no guard to hear it. */
async function tellGuard(run: IncidentRun, signal: string): Promise<boolean> {
  run.slotMessages += 1;
  const message = { workflowId: workflowInfo().workflowId, runId: run.runId, limit: run.concurrent, ordinal: run.slotMessages };
  const guard = getExternalWorkflowHandle(environmentWorkflowId(run.input.incident.environment));
  return guard.signal(signal, message).then(() => true, () => false);
}

/** Gives the turn and the slot back as soon as a part no longer writes. */
export async function leaveWriting(part: PartState, run: IncidentRun): Promise<void> {
  const writing: readonly Phase[] = ['staging', 'validating', 'finalizing', 'verifying', 'rolling-back'];
  if (run.writer !== part.part || writing.includes(part.phase)) return;
  delete run.writer;
  if (run.slot === 'none') return;
  run.slot = 'none';
  await tellGuard(run, ENVIRONMENT_SIGNALS.returnSlot);
}

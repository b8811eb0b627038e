import type { AskingAgain, PartRef } from '../activities/types.js';
import { describeIncident } from './details.js';
import type { IncidentRun, PartState } from './state.js';
import { told, type Steps } from './steps.js';

/** Gates are asked after every wait; the end of a question runs only while they are open. */
export async function askGatesAgain(part: PartState, steps: Steps, run: IncidentRun): Promise<void> {
  part.gatesSeen = run.gatesSignals;
  if (part.plan === undefined) return;
  const answer = await steps.control.askGates.executeWithOptions(told(`ask the gates for part ${part.part}`), [again(part, run)]);
  part.gateNow = answer.gate;
  keepFor(part, answer.keepUntil);
  if (answer.leftMs !== undefined) part.askLeftMs = answer.leftMs;
  if (!answer.gate.allowed) delete part.askExpiresAt;
  else if (part.phase === 'awaiting-approval' && part.adopting === undefined && answer.expiresAt !== undefined) part.askExpiresAt ??= answer.expiresAt;
  describeIncident(run);
}

function again(part: PartState, run: IncidentRun): AskingAgain {
  const { askExpiresAt, askLeftMs } = part;
  return {
    ...partRef(part, run),
    ...(part.phase === 'kept' ? { kept: true as const } : {}),
    ...(askExpiresAt === undefined ? {} : { expiresAt: askExpiresAt }),
    ...(askLeftMs === undefined ? {} : { leftMs: askLeftMs }),
  };
}

/** Until when what was staged is kept; `undefined`: it is not. */
export function keepFor(part: PartState, until: string | undefined): void {
  if (until === undefined) delete part.keepUntil;
  else part.keepUntil = until;
}

/** What a step is told of a part: which plan, and which answered question allows it. */
export function partRef(part: PartState, run: IncidentRun): PartRef {
  return { incident: run.input.incident, part: part.part, plan: part.plan ?? '', ask: part.ask ?? '', run: part.decidedRun ?? run.runId, round: part.round };
}

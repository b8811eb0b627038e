import type { PhaseEvent } from '../domain/phase.js';
import { note, type Answer } from './answer.js';
import { endingReason } from './run.js';
import type { IncidentRun, PartState } from './state.js';

/** A stop that a person or a cancellation asked for takes effect between steps, never inside one. */
export function stopping(part: PartState, run: IncidentRun): Answer | undefined {
  if (part.stop !== undefined) return backOut(part, part.stop.cause, part.stop.reason, 'cancelled');
  const reason = endingReason(run);
  if (reason !== undefined) return backOut(part, 'cancelled', reason, 'cancelled');
  return undefined;
}

export function backOut(part: PartState, cause: NonNullable<PartState['rollingBack']>['cause'], reason: string, event: PhaseEvent): PhaseEvent {
  part.rollingBack = { cause, reason };
  return note(part, reason, event);
}

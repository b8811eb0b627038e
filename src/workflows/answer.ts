import type { PhaseEvent } from '../domain/phase.js';
import type { PartState } from './state.js';

/** What a phase answers with: an event of the phase table, or `rest` when the incident continues as new. */
export type Answer = PhaseEvent | 'rest';

/** Says why, in a line, along with what happened. */
export function note(part: PartState, text: string, event: PhaseEvent): PhaseEvent {
  part.note = text;
  return event;
}

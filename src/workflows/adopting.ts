import { ActivityFailure } from '@temporalio/workflow';
import type { AdoptResult } from '../activities/types.js';
import { note, type Answer } from './answer.js';
import { describeIncident } from './details.js';
import { leaveWriting } from './turn.js';
import type { IncidentRun, PartState } from './state.js';
import { told, type Steps } from './steps.js';

/** What no write worker does within this time is given back to whoever asked; the question stays. */
const ADOPT_LIMIT = '1 hour';

/** A person asked for it, and it is not made yet. */
export function wantsAdopting(part: PartState): boolean {
  return part.adopting !== undefined && part.adopting.where === undefined;
}

/**
 * Writes what drifted into the source of the desired state, while no other part writes. Made, the part
 * rests until a look finds the change gone; refused, it stands where it stood. Returns what ends the wait.
 */
export async function adoptNow(part: PartState, run: IncidentRun, steps: Steps): Promise<Answer | undefined> {
  const { adopting } = part;
  if (adopting === undefined) return undefined;
  run.writer = part.part;
  part.adoptions = (part.adoptions ?? 0) + 1;
  const { plan, phase } = part;
  const input = { incident: run.input.incident, part: part.part, phase, id: adopting.id, run: adopting.run, round: part.adoptions, ...(plan === undefined ? {} : { plan }) };
  const answer = await steps.write.adopt
    .executeWithOptions({ ...told(`make part ${part.part} the desired state, as ${adopting.by} asked`), scheduleToCloseTimeout: ADOPT_LIMIT }, [input])
    .catch((error: unknown) => givenUp(error));
  await leaveWriting(part, run);
  switch (answer.result) {
    case 'made':
      part.adopting = { ...adopting, where: answer.where };
      part.note = answer.message;
      // Nobody is waited for any more but whoever takes it in.
      delete part.askExpiresAt;
      if (answer.lookNow === true) run.sighted = true;
      describeIncident(run);
      return undefined;
    case 'refused':
      delete part.adopting;
      part.note = `not adopted: ${answer.reason}`;
      describeIncident(run);
      return undefined;
    case 'moved':
    case 'cleared':
      return note(part, answer.reason, answer.result);
  }
}

function givenUp(error: unknown): AdoptResult {
  if (!(error instanceof ActivityFailure)) throw error;
  return { result: 'refused', reason: error.cause?.message ?? `the step was given up: ${error.message}` };
}

import { ActivityFailure, ApplicationFailure, condition } from '@temporalio/workflow';
import { nextPhase, REST_PHASES, type Outcome, type Phase, type PhaseEvent } from '../domain/phase.js';
import { note, type Answer } from './answer.js';
import { describeIncident } from './details.js';
import { keepFor, partRef } from './gates.js';
import { keep } from './keep.js';
import { backOut, stopping } from './stopping.js';
import { awaitDecision } from './question.js';
import { endingReason, endOf } from './run.js';
import type { IncidentRun, PartState } from './state.js';
import { PROOF_LIMIT, told, type Steps } from './steps.js';
import { awaitTurn, isTaken, leaveWriting } from './turn.js';

type Step = (part: PartState, run: IncidentRun, steps: Steps) => Promise<Answer>;

/** The story of a part, in the order in which it usually happens. */
const STORY: Readonly<Record<Exclude<Phase, 'deciding' | 'closed'>, Step>> = {
  observed: awaitDecision,
  'awaiting-approval': awaitDecision,
  waiting: awaitTurn,
  staging: stage,
  validating: validate,
  finalizing: finalize,
  kept: keep,
  verifying: verify,
  soaking: soak,
  'rolling-back': rollBack,
};

/** Carries a part from where it stands until it is closed, superseded, or at rest for continue-as-new. */
export async function runPart(part: PartState, run: IncidentRun, steps: Steps): Promise<void> {
  while (part.phase !== 'closed' && part.phase !== 'deciding') {
    const from = part.phase;
    const event = await STORY[from](part, run, steps).catch((error: unknown) => failed(part, error));
    if (event === 'rest') return;
    part.phase = movesTooOften(part, run, { from, event }) ? 'closed' : nextPhase(from, event);
    const outcome = outcomeOf(from, event, part);
    if (part.phase === 'closed') part.outcome = outcome;
    if (event === 'soaked') run.moves = 0;
    await leaveWriting(part, run);
    describeIncident(run);
  }
}

/** What looks different at every look cannot be repaired as it was reviewed: after a few rounds a person must see why. */
const MOST_MOVES = 10;

/** Counts moves before the write alone: what is put back after it is looked at again at once, and counted as flapping. */
function movesTooOften(part: PartState, run: IncidentRun, { from, event }: { readonly from: Phase; readonly event: PhaseEvent }): boolean {
  if (event !== 'moved' || part.superseded !== undefined || from === 'verifying' || from === 'soaking') return false;
  run.moves += 1;
  if (run.moves < MOST_MOVES) return false;
  part.note = `what drifted was different at every look, ${run.moves} times between the decision and the write: ${part.note}`;
  return true;
}

async function stage(part: PartState, run: IncidentRun, steps: Steps): Promise<Answer> {
  part.round += 1;
  delete part.staged;
  delete part.rollingBack;
  delete part.keepUntil;
  part.gatesSeen = run.gatesSignals;
  const answer = await steps.write.stage.executeWithOptions(told(`stage ${what(part)}`), [partRef(part, run)]);
  switch (answer.result) {
    case 'staged':
      part.staged = answer.staged;
      return stopping(part, run) ?? 'staged';
    case 'gate-closed':
      part.gateNow = answer.gate;
      return 'gate-closed';
    case 'moved':
    case 'cleared':
      return note(part, answer.reason, answer.result);
  }
}

/** Without a shadow there is nothing to measure before the switch: the staged release was checked as it was made. */
async function validate(part: PartState, run: IncidentRun, steps: Steps): Promise<Answer> {
  if (part.staged?.shadow === undefined) return 'healthy';
  const report = await steps.read.validate.executeWithOptions(told(`measure the health of the staged ${what(part)}`), [{ ...partRef(part, run), staged: part.staged }]);
  const stopped = stopping(part, run);
  if (stopped !== undefined) return stopped;
  if (report.verdict === 'healthy') return 'healthy';
  return backOut(part, 'unhealthy', `the staged release is ${report.verdict}: ${report.checks.find((check) => check.verdict !== 'healthy')?.message ?? ''}`, 'unhealthy');
}

async function finalize(part: PartState, run: IncidentRun, steps: Steps): Promise<Answer> {
  part.gatesSeen = run.gatesSignals;
  const answer = await steps.write.finalize.executeWithOptions(told(`switch over to ${what(part)}`), [partRef(part, run)]);
  switch (answer.result) {
    case 'finalized':
      return stopping(part, run) ?? 'finalized';
    case 'gate-closed':
      part.gateNow = answer.gate;
      keepFor(part, answer.keepUntil);
      if (answer.keepUntil !== undefined) return 'kept';
      return backOut(part, 'gate-closed', answer.gate.allowed ? '' : answer.gate.reason, 'gate-closed');
    case 'moved':
      return backOut(part, 'moved', answer.reason, 'moved');
  }
}

async function verify(part: PartState, run: IncidentRun, steps: Steps): Promise<Answer> {
  const final = part.soakMs === 0;
  const answer = await steps.read.verify.executeWithOptions({ ...told(`prove that ${what(part)} holds and is healthy`), scheduleToCloseTimeout: PROOF_LIMIT }, [{ ...partRef(part, run), final }]);
  part.note = answer.message;
  if (answer.result === 'unhealthy') return backOut(part, 'unhealthy', answer.message, 'unhealthy');
  return stopping(part, run) ?? answer.result;
}

/** Keeps watching after the switch, without a slot; the last look and measurement end it. */
async function soak(part: PartState, run: IncidentRun, steps: Steps): Promise<Answer> {
  if (part.soakMs === 0) return 'soaked';
  part.note = `watching for ${Math.round(part.soakMs / 1000)} s, until ${new Date(Date.now() + part.soakMs).toISOString()}, before it counts as fixed`;
  describeIncident(run);
  const summary = `soak of part ${part.part}: keep watching before it counts as fixed`;
  const stopped = await condition(() => endingReason(run) !== undefined || part.stop !== undefined, part.soakMs, { summary });
  if (stopped) return stopping(part, run) ?? 'cancelled';
  const last = run.parts.length === 1 && run.inbox.length === 0 && !run.sighted && !run.assessing;
  run.ending = last;
  const answer = await steps.read.verify.executeWithOptions({ ...told(`look and measure again after the soak of part ${part.part}`), scheduleToCloseTimeout: PROOF_LIMIT }, [
    { ...partRef(part, run), final: true, ...(last ? { end: endOf(run, part) } : {}) },
  ]).finally(() => { run.ending = false; });
  part.note = answer.message;
  if (answer.ended === true) {
    run.recorded = true;
    return 'soaked';
  }
  if (answer.result === 'healthy') return stopping(part, run) ?? 'soaked';
  return answer.result === 'unhealthy' ? backOut(part, 'unhealthy', answer.message, 'unhealthy') : 'moved';
}

async function rollBack(part: PartState, run: IncidentRun, steps: Steps): Promise<Answer> {
  do await condition(() => run.writer === undefined || run.writer === part.part);
  while (isTaken(part, run));
  run.writer = part.part;
  const { cause, reason } = part.rollingBack ?? { cause: 'failed' as const, reason: part.note };
  const answer = await steps.write.rollback.executeWithOptions(told(`put back what was live before ${what(part)}: ${reason}`), [
    {
      incident: run.input.incident,
      part: part.part,
      plan: part.plan ?? '',
      round: part.round,
      cause,
      reason,
      ...(run.input.undoes === undefined ? {} : { undoes: { number: run.input.undoes.number } }),
    },
  ]);
  part.note = answer.message;
  if (answer.result === 'not-restored') return 'not-restored';
  return cause === 'moved' ? 'moved' : cause === 'gate-closed' ? 'gate-closed' : 'restored';
}

/**
 * A step that was given up: before the switch and after it alike, what was live comes back; a
 * rollback that fails needs a person. At rest there is nothing to put back: the gate stays closed,
 * and no timer asks again what would be refused again.
 */
function failed(part: PartState, error: unknown): PhaseEvent {
  if (!(error instanceof ActivityFailure)) throw error;
  const cause = error.cause;
  const text = cause instanceof ApplicationFailure ? cause.message : `the step was given up: ${cause?.message ?? error.message}`;
  if (part.phase === 'rolling-back') return note(part, text, 'not-restored');
  if (part.phase === 'kept') return backOut(part, 'gate-closed', text, 'gate-closed');
  if (REST_PHASES.includes(part.phase)) {
    part.gateNow = { allowed: false, gate: part.gateNow.allowed ? 'busy' : part.gateNow.gate, reason: text };
    return 'gate-closed';
  }
  return backOut(part, 'failed', text, 'failed');
}

function outcomeOf(from: Phase, event: PhaseEvent, part: PartState): Outcome {
  switch (event) {
    case 'soaked':
      return 'fixed';
    case 'moved':
      return 'needs-human';
    case 'restored':
      return part.rollingBack?.cause === 'cancelled' ? 'cancelled' : 'rolled-back';
    case 'rejected':
    case 'accepted':
    case 'adopted':
    case 'cleared':
    case 'expired':
    case 'cancelled':
    case 'terminated':
      return event;
    default:
      return from === 'rolling-back' ? 'needs-human' : 'rolled-back';
  }
}

function what(part: PartState): string {
  return `part ${part.part} (${part.changes} ${part.changes === 1 ? 'change' : 'changes'})`;
}

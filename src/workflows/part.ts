import { ActivityFailure, ApplicationFailure, condition, getExternalWorkflowHandle, workflowInfo } from '@temporalio/workflow';
import type { PartRef } from '../activities/types.js';
import { nextPhase, REST_PHASES, type Outcome, type Phase, type PhaseEvent } from '../domain/phase.js';
import { describeIncident } from './details.js';
import { ENVIRONMENT_SIGNALS, environmentWorkflowId } from './messages.js';
import { endingReason, endOf } from './run.js';
import type { IncidentRun, PartState } from './state.js';
import { PROOF_LIMIT, told, type Steps } from './steps.js';

/** What a phase answers with: an event of the phase table, or `rest` when the incident continues as new. */
type Answer = PhaseEvent | 'rest';
type Step = (part: PartState, run: IncidentRun, steps: Steps) => Promise<Answer>;

/** The story of a part, in the order in which it usually happens. */
const STORY: Readonly<Record<Exclude<Phase, 'deciding' | 'closed'>, Step>> = {
  observed: awaitDecision,
  'awaiting-approval': awaitDecision,
  waiting: awaitTurn,
  staging: stage,
  validating: validate,
  finalizing: finalize,
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
    part.phase = movesTooOften(part, run, event) ? 'closed' : nextPhase(from, event);
    const outcome = outcomeOf(from, event, part);
    if (part.phase === 'closed') part.outcome = outcome;
    await leaveWriting(part, run);
    describeIncident(run);
  }
}

/** What looks different at every look cannot be repaired as it was reviewed: after a few rounds a person must see why. */
const MOST_MOVES = 10;

function movesTooOften(part: PartState, run: IncidentRun, event: PhaseEvent): boolean {
  if (event !== 'moved' || part.superseded !== undefined) return false;
  run.moves += 1;
  if (run.moves < MOST_MOVES) return false;
  part.note = `what drifted was different at every look, ${run.moves} times between the decision and the write: ${part.note}`;
  return true;
}

/** Waits for a person, without polling; reminders and expiry are durable timers, and the judge alone says what came in time. */
async function awaitDecision(part: PartState, run: IncidentRun, steps: Steps): Promise<Answer> {
  for (;;) {
    const stirred = (): boolean => settledEvent(part, run) !== undefined || run.gatesSignals !== (part.gatesSeen ?? 0);
    const due = nextDue(part);
    const woke = due === undefined ? await condition(stirred).then(() => true) : await condition(stirred, due.inMs, { summary: due.summary });
    // A decision that came with the timer, or before it while no worker was there, is judged first.
    await condition(() => (run.inbox.length === 0 && !run.judging) || run.continuing);
    const event = settledEvent(part, run);
    if (event !== undefined) return event;
    if (woke || due?.kind === 'gate') await askGatesAgain(part, steps, run);
    else if (due?.kind === 'reminder') await remind(part, run, steps);
    else return 'expired';
  }
}

function settledEvent(part: PartState, run: IncidentRun): Answer | undefined {
  if (part.superseded !== undefined) return note(part, part.superseded.reason, part.superseded.event);
  const stopped = part.stop?.reason ?? endingReason(run);
  if (stopped !== undefined) return note(part, stopped, 'cancelled');
  if (part.decided?.decision === 'approve') return note(part, `approved by ${part.decided.by}`, 'approved');
  if (part.decided?.decision === 'reject') return note(part, `rejected by ${part.decided.by}: ${part.decided.reason ?? ''}`, 'rejected');
  if (part.decided?.decision === 'accept') return note(part, `accepted by ${part.decided.by} until ${part.decided.until ?? ''}`, 'accepted');
  return run.continuing ? 'rest' : undefined;
}

/** The next reminder or the end of the question; `undefined` while the repair could not start, since then nothing runs out. */
function nextDue(part: PartState): { readonly inMs: number; readonly kind: 'gate' | 'reminder' | 'expiry'; readonly summary: string } | undefined {
  if (part.phase !== 'awaiting-approval') return undefined;
  if (!part.gateNow.allowed) {
    const { gate, opensAt } = part.gateNow;
    return opensAt === undefined ? undefined : { inMs: untilInstant(opensAt), kind: 'gate', summary: `${gate} opens at ${opensAt}` };
  }
  if (part.askExpiresAt === undefined) return undefined;
  const leftMs = untilInstant(part.askExpiresAt);
  const reminder = part.remindMs[part.reminders];
  const untilReminder = reminder === undefined ? undefined : leftMs - (part.expiresMs - reminder);
  if (untilReminder !== undefined && untilReminder < leftMs) {
    return { inMs: Math.max(1, untilReminder), kind: 'reminder', summary: `reminder ${part.reminders + 1} that part ${part.part} waits for approval` };
  }
  return { inMs: leftMs, kind: 'expiry', summary: `the question about part ${part.part} expires at ${part.askExpiresAt}` };
}

/** Only the length of a timer comes from this clock, which replays the same; who was in time is judged by event times. */
function untilInstant(at: string): number {
  return Math.max(1, Date.parse(at) - Date.now());
}

async function remind(part: PartState, run: IncidentRun, steps: Steps): Promise<void> {
  part.reminders += 1;
  await steps.control.remind.executeWithOptions(told(`remind people of part ${part.part}`), [
    { incident: run.input.incident, part: part.part, plan: part.plan ?? '', ordinal: part.reminders },
  ]);
}

/** Waits until gates are open, no other part of the incident writes, and the environment has given the slot. */
async function awaitTurn(part: PartState, run: IncidentRun, steps: Steps): Promise<Answer> {
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
    else await condition(stirred, untilInstant(opensAt), { summary: `${part.gateNow.gate} opens at ${opensAt}` });
    const event = stopped() ?? (run.continuing ? 'rest' : undefined);
    if (event !== undefined) return event;
    await askGatesAgain(part, steps, run);
  }
  part.note = 'waiting for its turn to write';
  await condition(() => run.writer === undefined || stopped() !== undefined || run.continuing);
  const event = stopped() ?? (run.continuing ? 'rest' : undefined);
  if (event !== undefined) return event;
  run.writer = part.part;
  for (let seen = -1; run.slot !== 'granted'; ) {
    // A guard that was started anew has forgotten who waits, and says so by asking to ask again.
    if (run.gatesSignals !== seen) await requestSlot(run, steps);
    seen = run.gatesSignals;
    await condition(() => run.slot === 'granted' || stopped() !== undefined || run.gatesSignals !== seen);
    if (stopped() !== undefined) break;
  }
  return stopped() ?? 'slot-granted';
}

async function askGatesAgain(part: PartState, steps: Steps, run: IncidentRun): Promise<void> {
  part.gatesSeen = run.gatesSignals;
  if (part.plan === undefined) return;
  const answer = await steps.control.askGates.executeWithOptions(told(`ask the gates for part ${part.part}`), [partRef(part, run)]);
  part.gateNow = answer.gate;
  if (!answer.gate.allowed) delete part.askExpiresAt;
  else if (answer.expiresAt !== undefined) part.askExpiresAt ??= answer.expiresAt;
  describeIncident(run);
}

async function requestSlot(run: IncidentRun, steps: Steps): Promise<void> {
  run.slot = 'requested';
  if (await tellGuard(run, ENVIRONMENT_SIGNALS.requestSlot)) return;
  await steps.control.startGuard.executeWithOptions(told('start the guard of the environment, which is gone'), [{ environment: run.input.incident.environment }]);
  await tellGuard(run, ENVIRONMENT_SIGNALS.requestSlot);
}

/** False when there is no guard to hear it. */
async function tellGuard(run: IncidentRun, signal: string): Promise<boolean> {
  const message = { workflowId: workflowInfo().workflowId, runId: run.runId, limit: run.concurrent };
  const guard = getExternalWorkflowHandle(environmentWorkflowId(run.input.incident.environment));
  return guard.signal(signal, message).then(() => true, () => false);
}

async function stage(part: PartState, run: IncidentRun, steps: Steps): Promise<Answer> {
  part.round += 1;
  delete part.staged;
  delete part.rollingBack;
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
  part.note = `watching for ${Math.round(part.soakMs / 1000)} s before it counts as fixed`;
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
  await condition(() => run.writer === undefined || run.writer === part.part);
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

/** A stop that a person or a cancellation asked for takes effect between steps, never inside one. */
function stopping(part: PartState, run: IncidentRun): Answer | undefined {
  if (part.stop !== undefined) return backOut(part, part.stop.cause, part.stop.reason, 'cancelled');
  const reason = endingReason(run);
  if (reason !== undefined) return backOut(part, 'cancelled', reason, 'cancelled');
  return undefined;
}

function backOut(part: PartState, cause: NonNullable<PartState['rollingBack']>['cause'], reason: string, event: PhaseEvent): PhaseEvent {
  part.rollingBack = { cause, reason };
  return note(part, reason, event);
}

function note(part: PartState, text: string, event: PhaseEvent): PhaseEvent {
  part.note = text;
  return event;
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

/** Gives the turn and the slot back as soon as a part no longer writes. */
async function leaveWriting(part: PartState, run: IncidentRun): Promise<void> {
  const writing: readonly Phase[] = ['staging', 'validating', 'finalizing', 'verifying', 'rolling-back'];
  if (run.writer !== part.part || writing.includes(part.phase)) return;
  delete run.writer;
  if (run.slot === 'none') return;
  run.slot = 'none';
  await tellGuard(run, ENVIRONMENT_SIGNALS.returnSlot);
}

function partRef(part: PartState, run: IncidentRun): PartRef {
  return { incident: run.input.incident, part: part.part, plan: part.plan ?? '', ask: part.ask ?? '', run: part.decidedRun ?? run.runId, round: part.round };
}

function what(part: PartState): string {
  return `part ${part.part} (${part.changes} ${part.changes === 1 ? 'change' : 'changes'})`;
}

import { ActivityFailure, allHandlersFinished, ApplicationFailure, CancellationScope, CancelledFailure, condition } from '@temporalio/workflow';
import type { Assessment } from '../activities/types.js';
import { REST_PHASES, SETTLING_OUTCOMES } from '../domain/phase.js';
import { describeIncident, statusOf, tellSearchAttributes } from './details.js';
import { judge, listen, MALFORMED_UNTOLD } from './inbox.js';
import type { IncidentStatus } from './messages.js';
import { expectUnlocked } from './locked.js';
import { runPart } from './part.js';
import { endingReason, endOf, MESSAGES_PER_RUN, needsRenewal, newRun, renew, undoPart } from './run.js';
import type { IncidentInput, IncidentRun, PartState } from './state.js';
import { stepsOf, told, type Steps } from './steps.js';

/** After so many moves the next look is a check's, so that what never stands still costs no more than the schedule. */
const MOVES_AT_ONCE = 3;

/**
 * One drift incident, from first sight to closed record: assess what drifted, split it into parts,
 * carry each part through its story, judge what people say in order, close.
 */
export async function incident(input: IncidentInput): Promise<IncidentStatus> {
  expectUnlocked(input);
  if (!isIncidentInput(input)) throw ApplicationFailure.nonRetryable('this run was not started as an incident: its input names none', 'Invalid');
  const run = newRun(input);
  const steps = stepsOf(input.pool);
  listen(run);
  watchCancellation(run);
  await CancellationScope.nonCancellable(async () => {
    if (input.carried === undefined) await begin(run, steps);
    const carried = new Map<number, Promise<void>>();
    for (;;) {
      for (const part of run.parts) {
        if (!carried.has(part.part)) carried.set(part.part, runPart(part, run, steps).finally(() => carried.delete(part.part)));
      }
      describeIncident(run);
      await condition(() => attention(run) !== 'none');
      const next = attention(run);
      if (next === 'messages') await judge(run, steps);
      else if (next === 'ended') retire(run);
      else if (next === 'assess') await assess(run, steps);
      else if (next === 'renew') await renew(run, carried);
      else break;
    }
    await end(run, steps);
  });
  if (run.cancelled && !run.recorded) throw new CancelledFailure('cancelled: what was staged is undone and the record is closed');
  return statusOf(run);
}

/** Anyone can start a workflow of this type with anything; one that is none ends at once. */
function isIncidentInput(input: unknown): input is IncidentInput {
  const { incident: id, pool } = (input ?? {}) as Partial<IncidentInput>;
  return typeof id === 'object' && typeof id.environment === 'string' && typeof id.target === 'string' && typeof id.number === 'number' && typeof pool === 'string';
}

/** What the incident turns to next. People come before sightings, and what ended is put away first. */
function attention(run: IncidentRun): 'messages' | 'ended' | 'assess' | 'renew' | 'close' | 'none' {
  if (run.ending) return 'none';
  if (run.parts.some((part) => hasEnded(part, run))) return 'ended';
  if (run.inbox.length > 0 || run.malformed >= MALFORMED_UNTOLD) return 'messages';
  if (run.recorded) return 'close';
  const decidable = !run.stale && run.moves < MOVES_AT_ONCE && run.parts.some((part) => part.phase === 'deciding');
  if (run.sighted || decidable) return 'assess';
  if (run.parts.length === 0 && (endingReason(run) !== undefined || !run.stale)) return 'close';
  if (needsRenewal(run) && run.parts.every((part) => REST_PHASES.includes(part.phase) && run.writer === undefined)) return 'renew';
  return 'none';
}

async function begin(run: IncidentRun, steps: Steps): Promise<void> {
  const { undoes } = run.input;
  if (undoes === undefined) return assess(run, steps);
  run.parts.push(undoPart(undoes));
}

/** Looks, decides and plans; keeps the parts whose plan still stands, and marks those whose changes moved or are gone. */
async function assess(run: IncidentRun, steps: Steps): Promise<void> {
  run.sighted = false;
  run.assessing = true;
  run.assessments += 1;
  const gatesSeen = run.gatesSignals;
  const again = run.parts.filter((part) => part.phase === 'deciding');
  const assessed = run.parts.filter((part) => part.phase !== 'deciding');
  const looked = steps.read.assess.executeWithOptions(told('look at what drifted, decide and plan'), [
    {
      incident: run.input.incident,
      kind: run.input.kind,
      run: run.runId,
      ordinal: run.assessments,
      nextPart: run.nextPart,
      settled: run.ended.flatMap((part) => (part.outcome !== undefined && SETTLING_OUTCOMES.includes(part.outcome) && part.plan !== undefined ? [part.plan] : [])),
      parts: assessed.map(({ part, phase, decision, plan, ask }) => ({ part, phase, decision, ...(plan === undefined ? {} : { plan }), ...(ask === undefined ? {} : { ask }) })),
    },
  ]);
  const answer = await looked.catch((error: unknown) => abandon(run, error));
  run.assessing = false;
  if (answer === undefined) return;
  const isElse = noteLook(run, answer);
  if (answer.verdict === 'unknown') return;
  tellStanding(run, answer);
  // A part that moved while this looked was still left out of it, and is decided by the next look.
  run.parts = run.parts.filter((part) => !again.includes(part));
  // What is decided under another configuration has asked its gates already.
  addParts(run, answer.parts, isElse ? gatesSeen + 1 : gatesSeen);
}

/** What holds for the whole incident. True where its parts were decided under another configuration: they ask their gates again. */
function noteLook(run: IncidentRun, answer: Assessment): boolean {
  run.concurrent = answer.concurrent;
  run.stale = answer.verdict === 'unknown';
  if (answer.details !== '') run.details = answer.details;
  if (run.build !== '' && run.build !== answer.build) run.messages = MESSAGES_PER_RUN;
  run.build = answer.build;
  const isElse = answer.isElse === true || run.isElse === true;
  delete run.isElse;
  if (isElse) run.gatesSignals += 1;
  return isElse;
}

/** Parts that stood before the look hear who is asked now, and that their changes moved or are gone. */
function tellStanding(run: IncidentRun, { told: asked = [], gone }: Assessment): void {
  for (const { part, ...now } of asked) {
    const known = run.parts.find((each) => each.part === part);
    if (known !== undefined) Object.assign(known, now);
  }
  for (const { part, event, reason } of gone) {
    const known = run.parts.find((each) => each.part === part);
    if (known !== undefined) known.superseded = { event, reason };
  }
}

function addParts(run: IncidentRun, parts: Assessment['parts'], gatesSeen: number): void {
  for (const part of parts) {
    const phase = part.decision === 'remediate' ? 'waiting' : part.decision === 'ask' ? 'awaiting-approval' : 'observed';
    const state: PartState = { ...part, phase, round: 0, reminders: 0, gateNow: part.gate, gatesSeen, note: '', ...(part.expiresAt === undefined ? {} : { askExpiresAt: part.expiresAt }) };
    if (part.decision === 'remediate') state.decidedRun = run.runId;
    run.parts.push(state);
    run.nextPart = Math.max(run.nextPart, part.part + 1);
  }
  if (parts.some((part) => part.decision === 'ask' || part.impossible !== undefined)) tellSearchAttributes(run);
}

/** What can never be decided ends: what was staged is undone, and the record says why. */
function abandon(run: IncidentRun, error: unknown): undefined {
  if (!(error instanceof ActivityFailure)) throw error;
  run.stale = true;
  run.abandoned = `it cannot be decided any more: ${error.cause?.message ?? error.message}`;
}

/** A part whose changes moved has its successors already; one that was to be decided again when a cancellation came ends with it. */
function hasEnded(part: PartState, run: IncidentRun): boolean {
  return part.phase === 'closed' || (part.phase === 'deciding' && (part.superseded !== undefined || endingReason(run) !== undefined));
}

/** Puts ended parts away; their outcome stays for the status and the record. */
function retire(run: IncidentRun): void {
  for (const part of run.parts.filter((each) => hasEnded(each, run))) {
    if (part.phase === 'deciding' && part.superseded === undefined) {
      part.phase = 'closed';
      part.outcome = 'cancelled';
    }
    if (part.outcome !== undefined) run.ended.push(part);
  }
  run.parts = run.parts.filter((part) => !hasEnded(part, run));
}

async function end(run: IncidentRun, steps: Steps): Promise<void> {
  const input = endOf(run);
  run.outcome = input.outcome;
  tellSearchAttributes(run);
  if (!run.recorded) await steps.control.close.executeWithOptions(told(`record the end: ${input.outcome}`), [input]);
  while (run.inbox.length > 0) await judge(run, steps);
  await condition(allHandlersFinished);
  describeIncident(run);
}

/** Cancelling rolls back what is staged or switched, then ends; nothing is torn down in the middle of a step. */
function watchCancellation(run: IncidentRun): void {
  CancellationScope.current().cancelRequested.catch(() => {
    run.cancelled = true;
  });
}

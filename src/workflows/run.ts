import { allHandlersFinished, condition, continueAsNew, workflowInfo } from '@temporalio/workflow';
import type { CloseInput } from '../activities/types.js';
import { OPEN } from '../domain/gates/gate.js';
import { foremostOutcome } from '../domain/phase.js';
import type { CarriedState, IncidentInput, IncidentRun, PartState } from './state.js';

/** A run goes on as a new one before its history or its count of signals grows past what a server bears. */
export const MESSAGES_PER_RUN = 1000;

export function newRun(input: IncidentInput): IncidentRun {
  const { carried } = input;
  return {
    input,
    runId: workflowInfo().runId,
    inbox: [],
    parts: [...(carried?.parts ?? [])],
    ended: [...(carried?.ended ?? [])],
    sighted: carried?.sighted ?? false,
    cancelled: false,
    continuing: false,
    judging: false,
    assessing: false,
    ending: false,
    slot: 'none',
    slotMessages: 0,
    gatesSignals: carried?.gatesSignals ?? 0,
    ...(carried?.isElse === undefined ? {} : { isElse: carried.isElse }),
    assessments: carried?.assessments ?? 0,
    nextPart: carried?.nextPart ?? 1,
    concurrent: carried?.concurrent ?? 1,
    build: carried?.build ?? '',
    stale: carried?.stale ?? false,
    malformed: carried?.malformed ?? 0,
    messages: 0,
    moves: carried?.moves ?? 0,
    recorded: false,
    details: carried?.details ?? '',
  };
}

/** Why nothing new may begin and what was begun is undone; `undefined` while the incident goes on. */
export function endingReason(run: IncidentRun): string | undefined {
  return run.cancelled ? 'the incident was cancelled' : run.abandoned;
}

export function needsRenewal(run: IncidentRun): boolean {
  return run.messages >= MESSAGES_PER_RUN || workflowInfo().continueAsNewSuggested;
}

/**
 * Continues as new from rest. Everything that came is judged and every handler has answered
 * before: a message that comes while the parts come to rest is judged by this run. What comes in
 * the same instant makes the server hand it over and ask again.
 */
export async function renew(run: IncidentRun, carried: ReadonlyMap<number, Promise<void>>): Promise<void> {
  run.continuing = true;
  await Promise.all(carried.values());
  await condition(() => allHandlersFinished() || run.inbox.length > 0);
  // A cancellation is asked of this run, and the next one would know nothing of it.
  if (run.inbox.length > 0 || run.cancelled) {
    run.continuing = false;
    return;
  }
  const state: CarriedState = {
    parts: run.parts,
    ended: run.ended,
    assessments: run.assessments,
    nextPart: run.nextPart,
    build: run.build,
    stale: run.stale,
    details: run.details,
    malformed: run.malformed,
    concurrent: run.concurrent,
    moves: run.moves,
    sighted: run.sighted,
    gatesSignals: run.gatesSignals,
    ...(run.isElse === undefined ? {} : { isElse: run.isElse }),
  };
  await continueAsNew<(input: IncidentInput) => Promise<unknown>>({ ...run.input, carried: state });
}

/** How the incident ends: every part with its outcome. `fixed` counts a part that is about to be; without a part there is nothing left, or it was cancelled before there was one. */
export function endOf(run: IncidentRun, fixed?: PartState): CloseInput {
  const ended = fixed === undefined ? run.ended : [...run.ended, { ...fixed, outcome: 'fixed' as const }];
  const outcome = ended.length === 0 && endingReason(run) !== undefined ? 'cancelled' : foremostOutcome(ended.flatMap((part) => (part.outcome === undefined ? [] : [part.outcome])));
  const parts = ended.map(({ part, decision, plan, ask, note, decided, adopting, rollingBack, outcome: own }) => ({
    part,
    decision,
    outcome: own ?? outcome,
    reason: note,
    ...(plan === undefined ? {} : { plan }),
    ...(ask === undefined ? {} : { ask }),
    ...(rollingBack === undefined ? {} : { cause: rollingBack.cause }),
    ...(decided === undefined ? (adopting === undefined ? {} : { by: adopting.by }) : { by: decided.by }),
    ...(decided?.until === undefined ? {} : { until: decided.until }),
    ...(decided?.decision !== 'accept' || decided.reason === undefined ? {} : { given: decided.reason }),
    ...(decided?.ticket === undefined ? {} : { ticket: decided.ticket }),
  }));
  return { incident: run.input.incident, run: run.runId, outcome, parts, malformed: run.malformed };
}

/** Undoing a closed repair is one part that begins where a failed repair would: with putting the snapshot back. */
export function undoPart(undoes: NonNullable<IncidentInput['undoes']>): PartState {
  const reason = `${undoes.by} undoes incident ${undoes.number}: ${undoes.reason}`;
  return {
    part: undoes.part,
    phase: 'rolling-back',
    decision: 'ask',
    risk: 'medium',
    reason,
    rules: ['undo'],
    changes: 1,
    plan: undoes.plan,
    expiresMs: 0,
    remindMs: [],
    gate: OPEN,
    gateNow: OPEN,
    causedBy: [],
    soakMs: 0,
    details: '',
    round: 1,
    reminders: 0,
    note: reason,
    rollingBack: { cause: 'asked', reason },
  };
}

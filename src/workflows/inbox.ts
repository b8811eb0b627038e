import { condition, currentUpdateInfo, defineQuery, defineSignal, defineUpdate, setHandler } from '@temporalio/workflow';
import type { InboxMessage, Judged } from '../activities/types.js';
import { DECIDED, parseDecision, type DecisionKind } from '../domain/message.js';
import { describeIncident, statusOf } from './details.js';
import { DECIDE_UPDATE, INCIDENT_SIGNALS, STATUS_QUERY, type DecideAnswer, type IncidentStatus } from './messages.js';
import type { IncidentRun, PartState } from './state.js';
import { told, type Steps } from './steps.js';

/** How many messages are judged at once. */
const BATCH = 100;
/** So many messages that made no sense are put on record even when no other comes. */
export const MALFORMED_UNTOLD = 10 * BATCH;

/** Handlers only take in: a single consumer judges what came, in order. */
export function listen(run: IncidentRun): void {
  const counts = new Map<string, number>();
  const take = (signal: DecisionKind, payload: unknown): void => {
    const ordinal = (counts.get(signal) ?? 0) + 1;
    counts.set(signal, ordinal);
    run.messages += 1;
    const parsed = parseDecision(payload, signal);
    if (parsed.ok) {
      run.inbox.push({ item: { message: parsed.value, via: { signal, ordinal } } });
      return;
    }
    run.malformed += 1;
    run.lastProblem = parsed.problem;
  };
  for (const signal of ['approve', 'reject', 'adopt', 'accept', 'rollback'] as const) {
    setHandler(defineSignal<[unknown]>(INCIDENT_SIGNALS[signal]), (payload) => { take(signal, payload); }, { description: `A person's decision: ${signal}` });
  }
  setHandler(defineSignal<[unknown]>(INCIDENT_SIGNALS.observed), (payload) => {
    run.sighted = true;
    run.messages += 1;
    if ((payload as { readonly configuration?: unknown } | null | undefined)?.configuration === true) run.isElse = true;
  }, { description: 'From a check: the changes moved or are gone, or are decided under another configuration' });
  setHandler(defineSignal<[unknown]>(INCIDENT_SIGNALS.slot), (payload) => { if (run.slot === 'requested' && isOfNow(payload, run)) run.slot = 'granted'; }, { description: 'From the environment: it may write now' });
  setHandler(defineSignal<[unknown]>(INCIDENT_SIGNALS.gates), () => { run.gatesSignals += 1; run.messages += 1; }, { description: 'From the environment: ask the gates again' });
  setHandler(defineUpdate<DecideAnswer, [unknown]>(DECIDE_UPDATE), (payload) => decide(run, payload), {
    description: 'A decision with an answer',
    validator: (payload) => { const parsed = parseDecision(payload); if (!parsed.ok) throw new TypeError(parsed.problem); },
  });
  setHandler(defineQuery<IncidentStatus>(STATUS_QUERY), () => statusOf(run), { description: 'Phase, parts and what each waits for' });
}

/** What was given for an earlier request is on its way back already: a guard of an earlier release does not say. */
function isOfNow(payload: unknown, run: IncidentRun): boolean {
  const { ordinal } = (payload ?? {}) as { readonly ordinal?: unknown };
  return ordinal === undefined || ordinal === run.slotMessages;
}

async function decide(run: IncidentRun, payload: unknown): Promise<DecideAnswer> {
  const parsed = parseDecision(payload);
  if (!parsed.ok) return { result: 'refused', message: parsed.problem };
  const update = currentUpdateInfo()?.id ?? '';
  const entry: IncidentRun['inbox'][number] = { item: { message: parsed.value, via: { update } } };
  run.messages += 1;
  run.inbox.push(entry);
  await condition(() => entry.answer !== undefined);
  const answer = entry.answer;
  if (answer === undefined) return { result: 'refused', message: 'not judged' };
  return { result: answer.result, message: answer.message, ...(answer.plan === undefined ? {} : { plan: answer.plan }), ...(answer.unauthorised === true ? { unauthorised: true } : {}) };
}

/** Judges the inbox in the order in which messages came, and applies what was decided. */
export async function judge(run: IncidentRun, steps: Steps): Promise<void> {
  const batch = run.inbox.slice(0, BATCH);
  const { malformed } = run;
  run.judging = true;
  const answers = await steps.control.judge.executeWithOptions(told(`judge ${batch.length} ${batch.length === 1 ? 'message' : 'messages'}`), [
    {
      incident: run.input.incident,
      run: run.runId,
      messages: batch.map((entry) => entry.item),
      questions: [...run.parts, ...run.ended].map(questionOf),
      malformed,
      ...(run.lastProblem === undefined ? {} : { lastProblem: run.lastProblem }),
    },
  ]);
  run.malformed -= malformed;
  batch.forEach((entry, index) => {
    const answer = answers[index];
    if (answer === undefined) return;
    entry.answer = answer;
    if (answer.replayed === true) run.sighted = true;
    const voted = answer.vote === undefined ? undefined : run.parts.find((part) => part.part === answer.vote?.part);
    if (voted !== undefined && answer.vote !== undefined) voted.approvals = answer.vote.standing;
    for (const number of answer.parts) apply(run, number, entry.item, answer);
  });
  run.inbox.splice(0, batch.length);
  run.judging = false;
  describeIncident(run);
}

function apply(run: IncidentRun, number: number, { message }: InboxMessage, { by, at, adoption, breakGlass, afterwards }: Judged): void {
  const part = run.parts.find((each) => each.part === number);
  if (part === undefined) return;
  if (message.decision === 'rollback') {
    part.stop = { cause: 'asked', by, reason: `${by} asked to roll back: ${message.reason ?? ''}` };
    return;
  }
  if (message.decision === 'adopt') {
    if (adoption !== undefined) part.adopting = { id: adoption, by, at, run: run.runId };
    return;
  }
  const { reason, until, ticket } = message;
  if (afterwards === true && breakGlass !== undefined) {
    // What the rules allowed has its first word from a person now.
    const before = part.decided ?? { decision: 'approve', by, at, ...(reason === undefined ? {} : { reason }) };
    part.decided = { ...before, breakGlass, brokenBy: by };
    part.gatesSeen = -1;
    return;
  }
  part.decided = { decision: message.decision, by, at, ...(reason === undefined ? {} : { reason }), ...(until === undefined ? {} : { until }), ...(ticket === undefined ? {} : { ticket }), ...(breakGlass === undefined ? {} : { breakGlass }) };
  // What was closed when it was asked may be open to this: the gates are asked at once.
  if (breakGlass !== undefined) part.gatesSeen = -1;
  part.decidedRun = run.runId;
  delete part.askExpiresAt;
}

function questionOf(part: PartState): Parameters<Steps['control']['judge']>[0]['questions'][number] {
  const { plan, ask, impossible, outcome, decided, adopting, askExpiresAt } = part;
  const by = decided !== undefined ? `${DECIDED[decided.decision]} by ${decided.by}` : part.decision === 'remediate' ? 'allowed by policy' : undefined;
  return {
    part: part.part,
    phase: part.phase,
    causedBy: part.causedBy,
    ...(plan === undefined ? {} : { plan }),
    ...(ask === undefined ? {} : { ask }),
    ...(impossible === undefined ? {} : { impossible }),
    ...(outcome === undefined ? {} : { outcome }),
    ...(adopting === undefined ? {} : { adopting: { by: adopting.by, ...(adopting.where === undefined ? {} : { where: adopting.where }) } }),
    ...(by === undefined ? {} : { decided: by }),
    ...(decided?.decision === 'approve' || part.decision === 'remediate' ? { approved: brokenIn(decided) } : {}),
    ...(askExpiresAt === undefined ? {} : { expiresAt: askExpiresAt }),
  };
}

/** An approval that broke the glass itself is asked again when it lapses; what it was broken for afterwards goes on waiting. */
function brokenIn(decided: PartState['decided']): { readonly brokenBy?: string; readonly startBy?: string } {
  if (decided?.breakGlass === undefined) return {};
  return decided.brokenBy === undefined ? { brokenBy: decided.by } : { brokenBy: decided.brokenBy, startBy: decided.breakGlass.startBy };
}

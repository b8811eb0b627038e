import { targetOf, trustOf } from '../../config/config.js';
import { hashJson } from '../../digest.js';
import { judge, type Question } from '../../domain/approving/judge.js';
import { isHoldfastError } from '../../domain/errors.js';
import { DECIDED, type DecisionMessage } from '../../domain/message.js';
import { incidentWorkflowId } from '../../workflows/messages.js';
import { recordAdoption } from '../adopting/adoption.js';
import { inStep } from '../context.js';
import type { Dependencies } from '../deps.js';
import { unspent } from '../gates/let-through.js';
import { expectOwnStep } from '../repairing/guard.js';
import type { ControlActivities, InboxMessage, JudgeBatch, Judged } from '../types.js';
import { namedPoll } from './poll.js';
import { type Judging, pollsFor, recordBreak, recordDecision, recordUnasked, recordVote, refuse, replayOf, type Said, where } from './recording.js';
import { settleNow } from './settle-now.js';
import { whoDecides } from './who.js';

/** Judges what people say. */
export function judgeActivities(deps: Dependencies): Pick<ControlActivities, 'judge'> {
  return {
    judge: (batch) => inStep(deps, async () => {
      expectOwnStep(batch.incident);
      const times = batch.messages.length === 0 ? undefined : await eventTimes(deps, batch);
      const answers: Judged[] = [];
      const judging: Judging = { ...batch, config: await deps.config(), needed: new Map() };
      let questions = batch.questions;
      for (const item of batch.messages) {
        const at = times?.get(keyOf(item)) ?? deps.now().toISOString();
        const answer = await judgeOne(deps, { ...judging, questions }, item, at).catch((error: unknown) => unjudgeable(error, item, at));
        answers.push(answer);
        questions = questions.map((question) => (answer.parts.includes(question.part) ? after(question, item, answer) : question));
      }
      if (batch.malformed > 0) await refuse(deps, batch, `${batch.malformed} messages made no sense: ${batch.lastProblem ?? ''}`);
      return answers;
    }),
  };
}

/** How a question stands for the messages that are judged after this one. */
function after(question: Question, { message }: InboxMessage, { by, afterwards, breakGlass }: Judged): Question {
  if (message.decision === 'rollback') return question;
  if (afterwards === true) return { ...question, approved: { brokenBy: by, ...breakGlass } };
  if (message.decision === 'adopt') return { ...question, adopting: { by } };
  return { ...question, decided: `${DECIDED[message.decision]} by ${by}` };
}

async function judgeOne(deps: Dependencies, batch: Judging, item: InboxMessage, at: string): Promise<Judged> {
  const { message } = item;
  const { config } = batch;
  const trust = trustOf(config, batch.incident.environment);
  const who = whoDecides({ batch, message, at, config });
  const said: Said = { batch, message, at, who, digest: who.proved?.digest ?? digestOf(message) };
  const source = targetOf(config, batch.incident.environment, batch.incident.target)?.source.type;
  const named = namedPoll(config, batch.incident.environment);
  const judgement = judge({ message, who, at, trust, questions: batch.questions, polls: await pollsFor(deps, said), ruled: named !== undefined, ...(named === undefined ? {} : { named }), ...(source === undefined ? {} : { source }) });
  const answer = { ...judgement, by: message.by, at };
  if (judgement.result !== 'accepted') {
    await refuse(deps, batch, `${message.decision} by ${message.by}: ${judgement.message}`);
    return answer;
  }
  if (message.decision === 'rollback') {
    await deps.ledger.append({ at, kind: 'decided', ...where(batch), by: message.by, data: { decision: 'rollback', reason: message.reason ?? '', parts: [...judgement.parts], verified: who.verified } });
    // Stopped before it began: its place is another's now, and not only once the whole incident is closed.
    for (const part of judgement.parts.filter((each) => isWaiting(batch, each))) {
      await deps.ledger.updateIncident(batch.incident, { part: { part, phase: 'closed' } });
      await unspent(deps, { incident: batch.incident, part });
    }
    return answer;
  }
  if (message.decision === 'adopt') {
    const adoption = await recordAdoption(deps, said, { via: item.via, parts: judgement.parts });
    return adoption === undefined ? replayOf(deps, said, answer) : { ...answer, adoption };
  }
  if (judgement.vote !== undefined) return recordVote(deps, said, { ...answer, vote: judgement.vote });
  if (!(await recordUnasked(deps, said, judgement.parts))) return replayOf(deps, said, answer);
  if (judgement.afterwards === true && judgement.breakGlass !== undefined) {
    const [part = 0] = judgement.parts;
    return (await recordBreak(deps, said, { part, ...judgement.breakGlass })) ? answer : replayOf(deps, said, answer);
  }
  for (const part of judgement.parts) {
    const before = await recordDecision(deps, said, { part, ...(judgement.breakGlass === undefined ? {} : { breakGlass: judgement.breakGlass }) });
    if (before === undefined) continue;
    if (before.run === batch.run) return { ...answer, result: 'already-decided', parts: [], message: `plan ${before.plan.slice(0, 12)} was decided before, by ${before.by}` };
    return replayOf(deps, said, answer);
  }
  await settleNow(deps, said, judgement.parts);
  return answer;
}

/** The same for the same words, however they came: members that older releases did not know are left out where they are absent. */
function digestOf({ decision, by, plan, reason, until, ticket, write, breakGlass }: DecisionMessage): string {
  return hashJson({ decision, by, plan: plan ?? null, reason: reason ?? null, until: until ?? null, ...(ticket === undefined ? {} : { ticket }), ...(write === undefined ? {} : { write }), ...(breakGlass === undefined ? {} : { breakGlass }) });
}

function isWaiting({ questions }: JudgeBatch, part: number): boolean {
  return questions.some((question) => question.part === part && question.phase === 'waiting');
}

/** What the record refuses decides nothing, and stops no other message; what may pass is tried again with the whole batch. */
function unjudgeable(error: unknown, { message }: InboxMessage, at: string): Judged {
  if (!isHoldfastError(error) || error.retryable) throw error;
  return { result: 'refused', parts: [], message: error.message, by: message.by, at };
}

/** The server's event times: the clock of whoever handles a message says nothing about when it was sent. */
async function eventTimes(deps: Dependencies, batch: JudgeBatch): Promise<ReadonlyMap<string, string>> {
  const { environment, target } = batch.incident;
  const history = await deps.client.workflow.getHandle(incidentWorkflowId(environment, target), batch.run).fetchHistory();
  const times = new Map<string, string>();
  const counts = new Map<string, number>();
  for (const event of history.events ?? []) {
    const signal = event.workflowExecutionSignaledEventAttributes?.signalName;
    const update = event.workflowExecutionUpdateAcceptedEventAttributes?.protocolInstanceId;
    const time = new Date(Number(event.eventTime?.seconds ?? 0) * 1000 + Math.floor((event.eventTime?.nanos ?? 0) / 1e6)).toISOString();
    if (typeof signal === 'string') {
      const ordinal = (counts.get(signal) ?? 0) + 1;
      counts.set(signal, ordinal);
      times.set(`signal ${signal} ${ordinal}`, time);
    }
    if (typeof update === 'string') times.set(`update ${update}`, time);
  }
  return times;
}

function keyOf({ via }: InboxMessage): string {
  return 'update' in via ? `update ${via.update}` : `signal ${via.signal} ${via.ordinal}`;
}

import { targetOf, type Config } from '../../config/config.js';
import { formatIncident } from '../../domain/address.js';
import type { DecisionMessage } from '../../domain/message.js';
import type { Poll } from '../../domain/approving/quorum.js';
import type { Ask, DecisionRow, VoteRow } from '../../ledger/ledger.js';
import { BREAK_GLASS } from './break-glass.js';
import type { Dependencies } from '../deps.js';
import { readablePlan } from '../repairing/guard.js';
import { neededBy, withVotes } from './poll.js';
import { tellAbout } from '../telling.js';
import type { Judged, JudgeBatch } from '../types.js';
import { unplannedPoll } from '../deciding/unplanned.js';
import type { whoDecides } from './who.js';

/** Messages that are judged under one configuration. */
export interface Judging extends JudgeBatch {
  readonly config: Config;
  /** Whose approval each question needs, by its id: found once, since every message of the batch asks. */
  readonly needed: Map<string, Promise<Needed | undefined>>;
}

interface Needed {
  readonly ask: Ask;
  readonly poll: Poll;
}

/** One message as it is judged: who sent it, when, and the digest by which it is known again. */
export interface Said {
  readonly batch: Judging;
  readonly message: DecisionMessage;
  readonly at: string;
  readonly who: ReturnType<typeof whoDecides>;
  readonly digest: string;
}

/** Whose approval each question that the message may mean needs and has. What cannot be read any more has no poll, and nothing is written under it. */
export async function pollsFor(deps: Dependencies, { batch, message, digest, at }: Said): Promise<ReadonlyMap<number, Poll>> {
  const polls = new Map<number, Poll>();
  if (message.decision === 'rollback') return polls;
  const unplanned = batch.questions.filter((each) => each.plan === undefined);
  const row = unplanned.length === 0 ? undefined : await deps.ledger.incident(batch.incident, batch.incident.number);
  for (const question of unplanned) {
    const poll = unplannedPoll(batch.config, row, question);
    if (poll !== undefined) polls.set(question.part, poll);
  }
  for (const { part, ask: id, plan: hash } of batch.questions) {
    if (id === undefined || hash === undefined || (message.plan !== undefined && !hash.startsWith(message.plan))) continue;
    const finding = batch.needed.get(id) ?? neededFor(deps, batch, { id, hash });
    batch.needed.set(id, finding);
    const needed = await finding;
    if (needed === undefined) continue;
    // A retried step judges as the first did: what it recorded itself does not count before it is judged.
    const isOwn = (vote: VoteRow): boolean => vote.message === digest && vote.run === batch.run && vote.at === at;
    polls.set(part, await withVotes(deps, needed.poll, { config: batch.config, ask: needed.ask, isOwn }));
  }
  return polls;
}

async function neededFor(deps: Dependencies, { config, incident }: Judging, { id, hash }: { readonly id: string; readonly hash: string }): Promise<Needed | undefined> {
  const target = targetOf(config, incident.environment, incident.target);
  const [ask, plan] = await Promise.all([deps.ledger.askOf(id), readablePlan(deps, hash)]);
  return target === undefined || ask === undefined || plan === undefined ? undefined : { ask, poll: await neededBy(deps, { config, target, plan, ask }) };
}

/** Puts an approval on record that does not decide alone. One that another run has used is answered as replayed. */
export async function recordVote(deps: Dependencies, said: Said, answer: Judged & { readonly vote: NonNullable<Judged['vote']> }): Promise<Judged> {
  const { batch, message, at, who, digest } = said;
  const question = batch.questions.find((each) => each.part === answer.vote.part);
  if (question?.ask === undefined || question.plan === undefined) return answer;
  const { first, vote } = await deps.ledger.vote({
    ...batch.incident, ask: question.ask, plan: question.plan, person: who.person, by: message.by, verified: who.verified, at, run: batch.run, message: digest,
    ...proofOf(said),
    ...(message.reason === undefined ? {} : { reason: message.reason }),
  });
  if (!first && vote.run !== batch.run) return replayOf(deps, said, answer);
  await deps.ledger.updateIncident(batch.incident, { part: { part: question.part, phase: question.phase, approvals: answer.vote.standing } });
  return answer;
}

/** Puts the decision about one part on record; returns the one that was there before it. */
export async function recordDecision(deps: Dependencies, said: Said, { part, breakGlass }: { readonly part: number; readonly breakGlass?: DecisionRow['breakGlass'] }): Promise<DecisionRow | undefined> {
  const { batch, message, at, who, digest } = said;
  const question = batch.questions.find((each) => each.part === part);
  if (question?.ask === undefined || question.plan === undefined || message.decision === 'rollback' || message.decision === 'adopt') return undefined;
  const earlier = message.decision === 'approve' ? (await deps.ledger.votes(question.ask)).map((vote) => vote.person) : [];
  const { first, decision } = await deps.ledger.decide({
    ...batch.incident,
    ask: question.ask,
    decision: message.decision,
    plan: question.plan,
    by: message.by,
    ...(who.person === message.by ? {} : { person: who.person }),
    ...(earlier.length === 0 ? {} : { with: earlier }),
    ...(breakGlass === undefined ? {} : { breakGlass }),
    verified: who.verified,
    ...proofOf(said),
    at,
    run: batch.run,
    message: digest,
    ...(message.reason === undefined ? {} : { reason: message.reason }),
    ...(message.until === undefined ? {} : { until: message.until }),
    ...(message.ticket === undefined ? {} : { ticket: message.ticket }),
  });
  if (!first) return decision;
  if (breakGlass !== undefined) await tellBroken(deps, said, { plan: question.plan, ask: question.ask, startBy: breakGlass.startBy });
  await deps.ledger.updateIncident(batch.incident, { part: { part, phase: message.decision === 'approve' ? 'waiting' : 'closed', ...(breakGlass === undefined ? {} : { brokenBy: message.by, ...breakGlass }) } });
  return undefined;
}

interface Broken {
  readonly part: number;
  /** ISO, UTC. */
  readonly startBy: string;
}

/**
 * Puts on record that a plan which is approved or allowed already goes on now. False when another run has
 * used the same words, since a reset replays nothing, or the same signature was used before.
 */
export async function recordBreak(deps: Dependencies, said: Said, { part, startBy }: Broken): Promise<boolean> {
  const { batch, message, at, who, digest } = said;
  const question = batch.questions.find((each) => each.part === part);
  if (question?.ask === undefined || question.plan === undefined) return false;
  const { ask, plan, phase } = question;
  const { key, signed } = proofOf(said);
  for await (const { at: before, data } of deps.ledger.entries({ ...where(batch), kinds: ['decided'] })) {
    if (data['decision'] !== BREAK_GLASS || data['message'] !== digest || data['ask'] !== ask) continue;
    if (data['run'] !== batch.run || before === at) return data['run'] === batch.run;
    if (signed !== undefined) return false;
  }
  await tellBroken(deps, said, { plan, ask, startBy });
  await deps.ledger.updateIncident(batch.incident, { part: { part, phase, brokenBy: message.by, startBy } });
  await deps.ledger.append({
    at, kind: 'decided', ...where(batch), by: message.by,
    data: { decision: BREAK_GLASS, message: digest, run: batch.run, part, ask, plan, reason: message.reason ?? '', breakGlass: { startBy }, verified: who.verified, ...(key === undefined ? {} : { key }), ...(signed === undefined ? {} : { signed: { ...signed } }) },
  });
  return true;
}

/**
 * The same about parts without a plan, which nobody was asked about: what keeps drift quiet is on record
 * too. False when another run has used the same words: a reset replays nothing.
 */
export async function recordUnasked(deps: Dependencies, said: Said, parts: readonly number[]): Promise<boolean> {
  const { batch, message, at, who, digest } = said;
  const unasked = parts.filter((part) => batch.questions.some((each) => each.part === part && (each.ask === undefined || each.plan === undefined)));
  if (unasked.length === 0) return true;
  for await (const { data } of deps.ledger.entries({ ...where(batch), kinds: ['decided'] })) {
    if (data['message'] === digest && data['decision'] === message.decision) return data['run'] === batch.run;
  }
  const { by, decision, reason = '', until, ticket } = message;
  const { key, signed } = proofOf(said);
  await deps.ledger.append({
    at, kind: 'decided', ...where(batch), by,
    data: { decision, message: digest, run: batch.run, parts: unasked, reason, verified: who.verified, ...(until === undefined ? {} : { until }), ...(ticket === undefined ? {} : { ticket }), ...(key === undefined ? {} : { key }), ...(signed === undefined ? {} : { signed: { ...signed } }) },
  });
  return true;
}

function proofOf({ who: { proved } }: Said): Pick<DecisionRow, 'key' | 'signed'> {
  return proved === undefined ? {} : { key: proved.key, signed: proved.signed };
}

/** Refuses, on record, what another run has used before: a reset replays nothing. */
export async function replayOf(deps: Dependencies, { batch, message }: Said, answer: Judged): Promise<Judged> {
  const replay = 'this decision was used before: it is replayed and decides nothing; give it again with a reason of its own';
  await refuse(deps, batch, `${message.decision} by ${message.by}: ${replay}`);
  const { vote: _vote, ...rest } = answer;
  return { ...rest, result: 'refused', parts: [], message: replay, replayed: true };
}

/** Loud, whatever routes say: somebody went on alone. */
async function tellBroken(deps: Dependencies, { batch, message, at, who }: Said, { plan, ask, startBy }: { readonly plan: string; readonly ask: string; readonly startBy: string }): Promise<void> {
  const name = formatIncident(batch.incident);
  const owner = targetOf(await deps.config(), batch.incident.environment, batch.incident.target)?.owner;
  await tellAbout(deps, { ...batch.incident, owner }, {
    event: 'break-glass',
    subject: name,
    at,
    title: `${name}: ${message.by} broke the glass`,
    text: `${message.by}${who.verified ? '' : ' (unverified)'} let plan ${plan.slice(0, 12)} go on alone, through a closed window too, at ${at}: ${message.reason ?? ''}. The repair must start by ${startBy}.`,
    commands: [`holdfast incident ${name}`, `holdfast rollback ${name} --reason WHY`],
    key: `break-glass-${ask}-${at}`,
  });
}

/** What was refused is on record, with why. */
export async function refuse(deps: Dependencies, batch: JudgeBatch, reason: string): Promise<void> {
  await deps.ledger.append({ at: deps.now().toISOString(), kind: 'refused', ...where(batch), data: { reason, incident: formatIncident(batch.incident) } });
}

/** The place of an entry about this batch's incident. */
export function where({ incident }: JudgeBatch): { environment: string; target: string; incident: number } {
  return { environment: incident.environment, target: incident.target, incident: incident.number };
}

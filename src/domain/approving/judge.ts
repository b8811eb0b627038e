import { inUtc } from '../instant.js';
import type { DecisionMessage } from '../message.js';
import type { Outcome, Phase } from '../phase.js';
import { isAsked, requiredText, startBy, tally, whoMay, whyNoBreakGlass, whyNot, type Poll } from './quorum.js';
import { onlyStops } from './signed.js';

/** What a decision may be about: one part of the incident as it stands when the message is judged. */
export interface Question {
  readonly part: number;
  readonly phase: Phase;
  readonly plan?: string;
  readonly ask?: string;
  /** ISO, UTC; absent while expiry is not running. */
  readonly expiresAt?: string;
  /** Set once it was decided, by whom and how. */
  readonly decided?: string;
  readonly outcome?: Outcome;
  /** Names of those who caused the changes, when the engine knows. */
  readonly causedBy: readonly string[];
  /** People have approved it, or the rules allow it, and it waits for its gates; by whom the glass was broken for it since, and until when (ISO, UTC) that lets it start. */
  readonly approved?: { readonly brokenBy?: string; readonly startBy?: string };
  /** It is being adopted, or has been and waits to be merged: by whom, and where to once that is done. */
  readonly adopting?: { readonly by: string; readonly where?: string };
  /** Why the repair cannot be made, when the provider said so: then there is nothing to approve. */
  readonly impossible?: string;
}

export type JudgedResult = 'accepted' | 'already-decided' | 'stale-plan' | 'refused' | 'expired';

export interface Judgement {
  readonly result: JudgedResult;
  /** The parts that the decision applies to; empty unless accepted. */
  readonly parts: readonly number[];
  /** What it means, or why not, in a line. */
  readonly message: string;
  /** The plan that stands now. */
  readonly plan?: string;
  /** With `refused`: for who decides, not for what. */
  readonly unauthorised?: true;
  /** With `accepted`: it counts for that part, and more people are needed before anything happens. */
  readonly vote?: { readonly part: number; readonly standing: string };
  /** With `accepted`: on one word alone; the repair must start by then (ISO, UTC). */
  readonly breakGlass?: { readonly startBy: string };
  /** With `breakGlass`: it was approved or allowed before, and that stands. */
  readonly afterwards?: true;
}

/** Who sent a decision, as far as that is known. */
export interface Who {
  /** The principal, or the name as given where nobody is known by it. */
  readonly person: string;
  /** True when a signature proves it. */
  readonly verified: boolean;
  /** Why the signature that came with it proves nothing. */
  readonly problem?: string;
  /** The part that was signed: a signature is about one question. */
  readonly part?: number;
}

export interface JudgeInput {
  readonly message: DecisionMessage;
  /** Absent: the name is taken as given. */
  readonly who?: Who;
  /** The server's event time of the message (ISO, UTC): never the handler's clock. */
  readonly at: string;
  readonly trust: 'namespace' | 'signed';
  readonly questions: readonly Question[];
  /** Whose approval each part needs and has, by part; of one that is not in it, anybody's but a causer's will do. */
  readonly polls?: ReadonlyMap<number, Poll>;
  /** The environment has rules about who approves: what has no poll then nobody may write alone. */
  readonly ruled?: boolean;
  /** Whom those rules name, whatever their conditions say: who speaks about what has no poll. */
  readonly named?: Poll;
  /** Where the desired state of the target lives, which `adopt` changes. */
  readonly source?: 'git' | 'folder';
}

const UNDECIDED: readonly Phase[] = ['observed', 'awaiting-approval', 'waiting'];
const STAGED: readonly Phase[] = ['staging', 'validating', 'finalizing', 'kept', 'verifying', 'soaking'];

/** Judges one decision against the parts as they stand. Pure: equal input, equal judgement. */
export function judge(input: JudgeInput): Judgement {
  const { message, questions } = input;
  const standing = questions.find((question) => question.plan !== undefined && UNDECIDED.includes(question.phase))?.plan;
  const say = (result: JudgedResult, text: string, parts: readonly number[] = []): Judgement => ({
    result,
    parts,
    message: text,
    ...(standing === undefined ? {} : { plan: standing }),
  });

  const { who } = input;
  if (input.trust === 'signed' && who?.verified !== true && who?.problem === undefined && !onlyStops(message)) {
    return { ...say('refused', 'approvals.trust is signed and this decision carries no signature; holdfast incident shows how to sign it'), unauthorised: true };
  }
  if (message.decision === 'rollback') return judgeRollback(questions, say);

  const named = questions.filter((question) => message.plan === undefined || question.plan?.startsWith(message.plan));
  if (named.length === 0) {
    const remedy = standing === undefined ? 'no plan of this incident is waiting' : `review the plan that stands now, ${standing.slice(0, 12)}, and decide again`;
    return say('stale-plan', `plan ${message.plan ?? ''} is not a plan of this incident; ${remedy}`);
  }
  const open = named.filter((question) => (UNDECIDED.includes(question.phase) && question.decided === undefined) || mayStillBreak(question, input));
  if (open.length === 0) {
    const first = named[0];
    if (first?.outcome === 'expired') return say('expired', `the question about plan ${short(first)} expired; a retry asks again`);
    return say('already-decided', `plan ${short(first)} is ${first?.decided ?? first?.outcome ?? first?.phase ?? 'closed'} already`);
  }
  const inTime = open.filter((question) => question.expiresAt === undefined || Date.parse(input.at) < Date.parse(question.expiresAt));
  if (inTime.length === 0) return say('expired', `the question about plan ${short(open[0])} expired at ${open[0]?.expiresAt ?? ''}; this decision came at ${input.at}`);
  if (who?.problem !== undefined) return { ...say('refused', who.problem), unauthorised: true };
  const meant = who?.part === undefined ? inTime : inTime.filter((question) => question.part === who.part);
  if (meant.length === 0) return { ...say('refused', 'the signature is about a question of this incident that is closed; sign the one that stands now'), unauthorised: true };
  if (message.decision === 'adopt') return judgeAdoption(meant, input, say);
  return message.decision === 'approve' ? judgeApproval(meant, input, say) : judgeRefusal(meant, input, say);
}

type Say = (result: JudgedResult, text: string, parts?: readonly number[]) => Judgement;

function judgeApproval(open: readonly Question[], input: JudgeInput, say: Say): Judgement {
  const { message } = input;
  const [question, second] = open;
  if (question === undefined) return say('refused', 'there is nothing to approve');
  if (second !== undefined) return say('refused', `"${message.plan ?? ''}" names more than one plan of this incident; give more of the hash`);
  if (question.impossible !== undefined) return say('refused', `there is no repair to approve: ${question.impossible}`);
  if (question.causedBy.includes(message.by) || question.causedBy.includes(personOf(input))) return { ...say('refused', `${message.by} caused this change and cannot approve its repair; somebody else must`), unauthorised: true };
  const poll = input.polls?.get(question.part);
  if (message.breakGlass === true) return judgeBreakGlass(question, poll, input, say);
  return poll === undefined ? say('accepted', goesOn(question), [question.part]) : judgeVote(question, poll, input, say);
}

/** One of those who are asked says yes: enough, or not yet. */
function judgeVote(question: Question, poll: Poll, input: JudgeInput, say: Say): Judgement {
  const person = personOf(input);
  const problem = whyNot(poll, person);
  if (problem !== undefined) return { ...say('refused', problem), unauthorised: true };
  const { met, standing, needed } = tally({ ...poll, votes: [...poll.votes, person] });
  if (met) return say('accepted', `${goesOn(question)}${poll.requirements.length === 0 ? '' : `: ${standing}`}`, [question.part]);
  const text = `${standing}; still needed: ${needed}`;
  if (poll.votes.includes(person)) return say('already-decided', `${person} has approved plan ${short(question)} already, and counts once: ${text}`);
  return { ...say('accepted', `the approval of plan ${short(question)} counts: ${text}`), vote: { part: question.part, standing: text } };
}

/** What is approved or allowed, and waits, may need to start now: an emergency does not wait for the window either. What was let start and could not in time may be again. */
function mayStillBreak({ phase, approved }: Question, { message, at }: JudgeInput): boolean {
  if (message.decision !== 'approve' || message.breakGlass !== true || approved === undefined || (phase !== 'waiting' && phase !== 'kept')) return false;
  return approved.brokenBy === undefined || (approved.startBy !== undefined && Date.parse(at) > Date.parse(approved.startBy));
}

function judgeBreakGlass(question: Question, poll: Poll | undefined, input: JudgeInput, say: Say): Judgement {
  if (poll?.breakGlass === undefined) return say('refused', 'nobody may break the glass here: approvals.breakGlass of the environment must name who may');
  const problem = whyNoBreakGlass(poll, personOf(input));
  if (problem !== undefined) return { ...say('refused', problem), unauthorised: true };
  const latest = startBy(poll, input.at);
  return { ...say('accepted', `the glass is broken: plan ${short(question)} goes on, through a closed window too, and must start by ${latest}; everybody is told`, [question.part]), breakGlass: { startBy: latest }, ...(question.approved === undefined ? {} : { afterwards: true }) };
}

function goesOn(question: Question): string {
  return `approved: plan ${short(question)} goes on as soon as its gates are open`;
}

function personOf({ who, message }: JudgeInput): string {
  return who?.person ?? message.by;
}

function judgeRefusal(open: readonly Question[], input: JudgeInput, say: Say): Judgement {
  // Who caused a change may say that it stays; who is not asked at all may not.
  const problem = open.map((question) => whyNotAsked(question, input)).find((each) => each !== undefined);
  if (problem !== undefined) return { ...say('refused', problem), unauthorised: true };
  const parts = open.map((question) => question.part);
  if (input.message.decision === 'reject') return say('accepted', 'rejected: nothing is changed, and the same changes are not asked about again', parts);
  const until = inUtc(input.message.until ?? '');
  if (until === undefined || Date.parse(until) <= Date.parse(input.at)) return say('refused', `"until" must lie in the future; ${input.message.until ?? ''} does not`);
  return say('accepted', `accepted until ${until}: the changes are left alone`, parts);
}

/** Why this person has no say in the question; `undefined` where they, or everybody, have one. */
function whyNotAsked({ part }: Question, input: JudgeInput): string | undefined {
  const poll = input.polls?.get(part) ?? input.named;
  return poll === undefined || isAsked(poll, personOf(input)) ? undefined : `${personOf(input)} is not among those who decide about this: ${requiredText(poll)}; ${whoMay(poll)}`;
}

/**
 * A branch or a patch is reviewed by whoever takes it in, so that also the one who made the change may
 * ask for it. What is written into a folder nobody reviews: there an adoption is what an approval is.
 */
function judgeAdoption(open: readonly Question[], input: JudgeInput, say: Say): Judgement {
  const { message, source } = input;
  const named = open.filter((question) => question.phase !== 'waiting');
  const write = message.write === true;
  if (write && source === 'git') return say('refused', 'the source is a Git repository, which gets a branch; adopt without --write');
  const problem = named.map((question) => (write ? whyNotWrite(question, input) : whyNotAsked(question, input))).find((each) => each !== undefined);
  if (problem !== undefined) return { ...say('refused', problem), unauthorised: true };
  const fresh = named.filter((question) => question.adopting === undefined || (write && question.adopting.where !== undefined));
  if (fresh.length === 0) {
    const standing = named[0]?.adopting;
    return say('already-decided', standing === undefined ? 'nothing of this incident is left to adopt' : `adopted by ${standing.by} already${standing.where === undefined ? '' : `: ${standing.where}`}`);
  }
  const how = source === 'git' ? 'as a commit on a new branch; closes as adopted once that is merged' : write ? 'into the folder; closes as adopted once it is there' : 'as a patch; closes as adopted once that is applied';
  return say('accepted', `to be adopted ${how} and a check is clean`, fresh.map((question) => question.part));
}

/** Whose one word is enough for a repair may write into the folder alone. */
function whyNotWrite(question: Question, input: JudgeInput): string | undefined {
  const poll = input.polls?.get(question.part);
  const person = personOf(input);
  const instead = 'adopt without --write, and let the patch be reviewed';
  if (question.causedBy.includes(input.message.by) || question.causedBy.includes(person)) return `${input.message.by} caused this change and cannot write it into the desired state; somebody else must, or ${instead}`;
  const problem = poll === undefined ? undefined : whyNot(poll, person);
  if (problem !== undefined) return `${problem}; or ${instead}`;
  // What has no plan is put to no vote: one word is enough only where nobody in particular is asked.
  if (poll === undefined || question.plan === undefined) return input.ruled === true || (poll?.requirements.length ?? 0) > 0 ? `nobody may write this into the desired state alone where rules say who approves; ${instead}` : undefined;
  const { met, standing, needed } = tally({ ...poll, votes: [...poll.votes, person] });
  return met ? undefined : `a change of the folder needs what a repair needs (${standing}; still needed: ${needed}); ${instead}`;
}

function judgeRollback(questions: readonly Question[], say: Say): Judgement {
  const waiting = questions.filter((question) => question.phase === 'waiting');
  const staged = questions.filter((question) => STAGED.includes(question.phase));
  if (staged.length > 0) return say('accepted', 'rolling back: what was live before comes back', staged.map((question) => question.part));
  if (questions.some((question) => question.phase === 'rolling-back')) return say('already-decided', 'a rollback is under way already');
  if (waiting.length > 0) return say('accepted', 'stopped before anything was changed', waiting.map((question) => question.part));
  return say('refused', 'nothing has been changed yet, so there is nothing to roll back; reject the plan instead');
}

function short(question: Question | undefined): string {
  return question?.plan?.slice(0, 12) ?? '(none)';
}

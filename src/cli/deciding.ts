import type { DecideInput, HoldfastClient } from '../client.js';
import { mustSign } from '../config/config.js';
import { formatAddress, formatIncident, type TargetAddress } from '../domain/address.js';
import { isHoldfastError } from '../domain/errors.js';
import { askedAgainBy } from '../domain/gates/gate.js';
import { NOBODY, principalOf } from '../domain/approving/people.js';
import { onlyStops } from '../domain/approving/signed.js';
import type { IncidentRow, Ledger } from '../ledger/ledger.js';
import type { Context } from './context.js';
import { CliError } from './errors.js';
import { EXIT } from './exit.js';
import { asksAgain, endOf, findIncident, isClosed } from './incident-row.js';
import { decider, planPrefix } from './options.js';
import { adoptionsOf, readPart, type RecordedPart } from './parts.js';
import { questionOf } from './question.js';
import { plain, shellWord } from './render/escape.js';
import { printStatement, provesItself, signed, type Signing } from './signing.js';
import { sayEnd, waitForEnd } from './waiting.js';

export interface DecideRequest {
  readonly id: string;
  readonly decision: DecideInput['decision'];
  readonly plan?: string;
  readonly by?: string;
  readonly reason?: string;
  /** ISO, UTC. */
  readonly until?: string;
  /** Of an acceptance: where it is followed up. */
  readonly ticket?: string;
  readonly breakGlass?: true;
  /** Of an adoption: into the folder itself. */
  readonly write?: true;
  /** What is said goes to stderr: stdout is for something else. */
  readonly aside?: true;
  readonly wait: boolean;
  readonly signing?: Signing;
}

type Answer = Awaited<ReturnType<HoldfastClient['decide']>>;

interface Deciding {
  readonly request: DecideRequest;
  readonly client: HoldfastClient;
  readonly address: TargetAddress;
  readonly plan?: string;
  readonly ledger?: Ledger;
  readonly row?: IncidentRow;
}

/** Sends one person's decision to an open incident, says what it will do, and waits for the end when asked to. */
export async function decide(context: Context, request: DecideRequest): Promise<number> {
  const plan = planPrefix(request.plan);
  if (request.by !== undefined || !provesItself(request.signing)) decider(context, request.by);
  const asked = context.incidentAddress(request.id);
  const ledger = await context.ledger();
  try {
    const row = ledger === undefined ? undefined : await findIncident(context, ledger, request.id);
    if (row !== undefined && isClosed(row)) throw closedAlready(row, request);
    const address: TargetAddress = { environment: asked.environment, target: asked.target };
    const { client } = await context.connect();
    try {
      return await decideOpen(context, { request, client, address, ...(plan === undefined ? {} : { plan }), ...(ledger === undefined ? {} : { ledger }), ...(row === undefined ? {} : { row }) });
    } finally {
      await client.close();
    }
  } finally {
    await ledger?.close();
  }
}

async function decideOpen(context: Context, deciding: Deciding): Promise<number> {
  const { request, client, address, ledger, row } = deciding;
  const name = nameOf(deciding);
  const { decision } = request;
  const answered = await answerOpen(context, deciding);
  if (typeof answered === 'number') return answered;
  const { by, verified, answer, code } = answered;
  if (!context.json) await sayAnswer(context, { name, ...(request.aside === undefined ? {} : { aside: request.aside }), by: verified ? `${by}, signed` : `${by}, unverified`, answer, code });
  const waits = code === EXIT.done && request.wait;
  const end = waits ? await waitForEnd(context, { client, address, wanted: request.decision, ...(ledger === undefined ? {} : { ledger }), ...(row === undefined ? {} : { number: row.number }) }) : undefined;
  const exitCode = end?.exitCode ?? code;
  if (context.json) await context.printJson('decision', { incident: name, decision, by, verified, ...answer, ...(end === undefined ? {} : { end: end.standing ?? null }), exitCode });
  else if (end !== undefined) await sayEnd(context, end);
  return exitCode;
}

function nameOf({ row, address }: Deciding): string {
  return row === undefined ? formatAddress(address) : formatIncident(row);
}

export interface Answered {
  readonly by: string;
  /** A signature proved who speaks. */
  readonly verified: boolean;
  readonly answer: Answer;
  readonly code: number;
}

/** Signs where it must be, sends, and says what came of it; or the exit code where nothing was to be sent. */
export async function answerOpen(context: Context, deciding: Deciding): Promise<Answered | number> {
  const { request, client, address, plan } = deciding;
  const { decision, reason, until, ticket, breakGlass, write } = request;
  const said = { decision, ...(reason === undefined ? {} : { reason }), ...(until === undefined ? {} : { until }), ...(ticket === undefined ? {} : { ticket }), ...(breakGlass === undefined ? {} : { breakGlass }), ...(write === undefined ? {} : { write }) };
  const signing = await signedDecision(context, { said, deciding, name: nameOf(deciding) });
  if (typeof signing === 'number') return signing;
  const { by, signature } = signing;
  const answer = await sendDecision(client, address, { ...said, by, ...(plan === undefined ? {} : { plan }), ...(signature === undefined ? {} : { signature }) });
  return { by, verified: signature !== undefined, answer, code: await exitOfAnswer(context, { ...deciding, answer, by }) };
}

interface Saying {
  readonly said: Omit<DecideInput, 'by'>;
  readonly deciding: Deciding;
  readonly name: string;
}

/** Who decides, with their signature; or, where only the words were asked for or they were said before, the exit code. */
async function signedDecision(context: Context, { said, deciding, name }: Saying): Promise<{ readonly by: string; readonly signature?: string } | number> {
  const { request, address, row, plan, client } = deciding;
  const { signing = {}, by, decision } = request;
  const { decisionStatement } = await import('../trust/statement.js');
  const config = await context.config();
  const needed = mustSign(config, address.environment) && !onlyStops({ decision });
  const isSigned = provesItself(signing) || signing.printStatement === true;
  if (isSigned && (await sameDecisionStands(deciding, context.io.now()))) {
    if (!context.json) await context.say(`${name}: ${decision} stands already`);
    else await context.printJson('decision', { incident: name, decision, result: 'already-decided', message: 'it stands already', exitCode: EXIT.done });
    return EXIT.done;
  }
  const about = isSigned ? await questionOf({ client, address, decision, ...(row === undefined ? {} : { row }), ...(plan === undefined ? {} : { plan }) }) : undefined;
  const statementOf = (speaker: string): string => (about === undefined ? '' : decisionStatement({ project: config.project, ...about }, { ...said, by: speaker }));
  const what = `${decision} ${name}`;
  if (signing.printStatement === true) return printStatement(context, { statementOf, what, again: `${said.until === undefined ? '' : ` --until ${said.until}`}${said.write === undefined ? '' : ' --write'}`, ...(by === undefined ? {} : { by }) });
  return signed(context, { signing, needed, statementOf, what, ...(by === undefined ? {} : { by }) });
}

export function closedAlready(row: IncidentRow, request: { readonly decision: string }): CliError {
  const name = formatIncident(row);
  const ended = row.outcome === undefined ? '' : ` (${row.outcome})`;
  const remedy =
    row.outcome === 'fixed' ? `Undo its repair with: holdfast rollback ${shellWord(name)} --reason WHY` : asksAgain(row) ? `To have its changes asked about again: ${askedAgainBy(shellWord(name), endOf(row))}` : `Look at it now with: holdfast check ${shellWord(formatAddress(row))}`;
  return new CliError(`${name} is closed${ended}, so there is nothing to ${request.decision}`, { remedy });
}

async function sendDecision(client: HoldfastClient, address: TargetAddress, input: DecideInput): Promise<Answer> {
  try {
    return await client.decide(address, input);
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    throw new CliError(error.message, { cause: error, remedy: error.remedy ?? 'See whether everything runs with: holdfast doctor' });
  }
}

interface Judged extends Deciding {
  readonly answer: Answer;
  readonly by: string;
}

async function exitOfAnswer(context: Context, judged: Judged): Promise<number> {
  switch (judged.answer.result) {
    case 'accepted':
      return EXIT.done;
    case 'already-decided':
      return (await sameDecisionStands(judged, context.io.now())) || (await sameVoteStands(context, judged)) ? EXIT.done : EXIT.error;
    case 'refused':
      return judged.answer.unauthorised === true ? EXIT.unauthorised : EXIT.error;
    case 'stale-plan':
    case 'expired':
      return EXIT.error;
  }
}

/** Saying again what was decided is no failure: a retried command ends as the first did. */
async function sameDecisionStands({ ledger, row, request }: Deciding, now: Date): Promise<boolean> {
  if (request.decision === 'rollback') return true;
  if (ledger === undefined || row === undefined) return false;
  if (request.decision === 'adopt') return adoptionsOf((await ledger.incident(row, row.number)) ?? row).some((each) => request.write === undefined || each.to === 'folder');
  if (request.breakGlass === true) return ((await ledger.incident(row, row.number)) ?? row).parts.map(readPart).some((part) => holdsBroken(part, now) && (request.plan === undefined || part.plan?.startsWith(request.plan.toLowerCase())));
  const decisions = await ledger.decisions(row);
  return decisions.some((each) => each.decision === request.decision && (request.plan === undefined || each.plan.startsWith(request.plan.toLowerCase())));
}

/** A broken glass that lapsed before the repair could start may be broken again. */
function holdsBroken({ brokenBy, startBy }: RecordedPart, now: Date): boolean {
  return brokenBy !== undefined && (startBy === undefined || now.getTime() <= Date.parse(startBy));
}

/** Nor is it, where the approval counts already and more people are needed. */
async function sameVoteStands(context: Context, { ledger, row, request, by }: Judged): Promise<boolean> {
  if (request.decision !== 'approve' || ledger === undefined || row === undefined) return false;
  const person = principalOf((await context.config()).people ?? NOBODY, by);
  return (await ledger.votes(row)).some((vote) => vote.person === person && request.plan !== undefined && vote.plan.startsWith(request.plan.toLowerCase()));
}

interface Said {
  readonly name: string;
  readonly by: string;
  readonly answer: Answer;
  readonly code: number;
  readonly aside?: true;
}

async function sayAnswer(context: Context, { name, by, answer, code, aside }: Said): Promise<void> {
  const line = `${name}: ${plain(answer.message)} (by ${plain(by)})`;
  if (code === EXIT.done && aside !== true) return context.say(line);
  if (code === EXIT.done) {
    context.note(line);
    return;
  }
  const stale = answer.result === 'stale-plan' && answer.plan !== undefined;
  throw new CliError(`${name}: ${answer.message}`, { exit: code, ...(stale ? { remedy: `Review the plan that stands now with: holdfast incident ${shellWord(name)}` } : {}) });
}

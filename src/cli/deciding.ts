import type { DecideInput, HoldfastClient } from '../client.js';
import { formatAddress, formatIncident, type TargetAddress } from '../domain/address.js';
import { isHoldfastError } from '../domain/errors.js';
import type { IncidentRow, Ledger } from '../ledger/ledger.js';
import type { Context } from './context.js';
import { CliError } from './errors.js';
import { EXIT } from './exit.js';
import { findIncident, isClosed } from './incident-row.js';
import { decider, planPrefix } from './options.js';
import { plain, shellWord } from './render/escape.js';
import { sayEnd, waitForEnd } from './waiting.js';

export interface DecideRequest {
  readonly id: string;
  readonly decision: DecideInput['decision'];
  readonly plan?: string;
  readonly by?: string;
  readonly reason?: string;
  /** ISO, UTC. */
  readonly until?: string;
  readonly wait: boolean;
}

type Answer = Awaited<ReturnType<HoldfastClient['decide']>>;

/** Sends one person's decision to an open incident, says what it will do, and waits for the end when asked to. */
export async function decide(context: Context, request: DecideRequest): Promise<number> {
  const by = decider(context, request.by);
  const plan = planPrefix(request.plan);
  const asked = context.incidentAddress(request.id);
  const ledger = await context.ledger();
  try {
    const row = ledger === undefined ? undefined : await findIncident(context, ledger, request.id);
    if (row !== undefined && isClosed(row)) throw closedAlready(row, request);
    const address: TargetAddress = { environment: asked.environment, target: asked.target };
    const { client } = await context.connect();
    try {
      const answer = await sendDecision(client, address, {
        decision: request.decision,
        by,
        ...(plan === undefined ? {} : { plan }),
        ...(request.reason === undefined ? {} : { reason: request.reason }),
        ...(request.until === undefined ? {} : { until: request.until }),
      });
      const code = await exitOfAnswer(context, { answer, request, address, ...(ledger === undefined ? {} : { ledger }), ...(row === undefined ? {} : { row }) });
      const name = row === undefined ? formatAddress(address) : formatIncident(row);
      if (!context.json) await sayAnswer(context, { name, by, answer, code });
      const waits = code === EXIT.done && request.wait;
      const end = waits ? await waitForEnd(context, { client, address, wanted: request.decision, ...(ledger === undefined ? {} : { ledger }), ...(row === undefined ? {} : { number: row.number }) }) : undefined;
      const exitCode = end?.exitCode ?? code;
      if (context.json) await context.printJson('decision', { incident: name, decision: request.decision, by, verified: false, ...answer, ...(end === undefined ? {} : { end: end.standing ?? null }), exitCode });
      else if (end !== undefined) await sayEnd(context, end);
      return exitCode;
    } finally {
      await client.close();
    }
  } finally {
    await ledger?.close();
  }
}

export function closedAlready(row: IncidentRow, request: { readonly decision: string }): CliError {
  const name = formatIncident(row);
  const ended = row.outcome === undefined ? '' : ` (${row.outcome})`;
  const remedy =
    row.outcome === 'fixed' ? `Undo its repair with: holdfast rollback ${shellWord(name)} --reason WHY` : `To have its changes asked about again: holdfast retry ${shellWord(name)} --reason WHY`;
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

interface Judged {
  readonly answer: Answer;
  readonly request: DecideRequest;
  readonly address: TargetAddress;
  readonly ledger?: Ledger;
  readonly row?: IncidentRow;
}

async function exitOfAnswer(context: Context, judged: Judged): Promise<number> {
  switch (judged.answer.result) {
    case 'accepted':
      return EXIT.done;
    case 'already-decided':
      return (await sameDecisionStands(judged)) ? EXIT.done : EXIT.error;
    case 'refused':
      return (await unauthorised(context, judged)) ? EXIT.unauthorised : EXIT.error;
    case 'stale-plan':
    case 'expired':
      return EXIT.error;
  }
}

/** Saying again what was decided is no failure: a retried command ends as the first did. */
async function sameDecisionStands({ ledger, row, request }: Judged): Promise<boolean> {
  if (request.decision === 'rollback') return true;
  if (ledger === undefined || row === undefined) return false;
  const decisions = await ledger.decisions(row);
  return decisions.some((each) => each.decision === request.decision && (request.plan === undefined || each.plan.startsWith(request.plan.toLowerCase())));
}

async function unauthorised(context: Context, { answer, address }: Judged): Promise<boolean> {
  if (answer.unauthorised === true) return true;
  const config = await context.config();
  return config.environments.find((each) => each.name === address.environment)?.approvals.trust === 'signed';
}

interface Said {
  readonly name: string;
  readonly by: string;
  readonly answer: Answer;
  readonly code: number;
}

async function sayAnswer(context: Context, { name, by, answer, code }: Said): Promise<void> {
  if (code === EXIT.done) return context.say(`${name}: ${plain(answer.message)} (by ${plain(by)}, unverified)`);
  const stale = answer.result === 'stale-plan' && answer.plan !== undefined;
  throw new CliError(`${name}: ${answer.message}`, { exit: code, ...(stale ? { remedy: `Review the plan that stands now with: holdfast incident ${shellWord(name)}` } : {}) });
}

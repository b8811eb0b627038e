import { Option, type Command } from 'commander';
import { formatIncident, parseAddress } from '../domain/address.js';
import type { IncidentRow, Ledger } from '../ledger/ledger.js';
import type { CauseGroup, CausePart } from './causes.js';
import { causeGroups, causeNamed, causeText, together, wholeParts } from './causes.js';
import { badAddress, type Context } from './context.js';
import { answerOpen, type DecideRequest } from './deciding.js';
import { CliError, oneLine } from './errors.js';
import { EXIT, worstExit } from './exit.js';
import { count } from './render/changes.js';
import { plain, shellWord } from './render/escape.js';
import { planLines, shortHash } from './render/plan.js';
import { indent } from './render/table.js';
import type { Signing } from './signing.js';

/** What is decided about everything that one cause has done. */
export interface CauseOptions extends Signing {
  readonly cause?: string;
  /** True, or the digest of the list that was shown. */
  readonly yes?: boolean | string;
  readonly plan?: string;
  readonly wait?: boolean;
}

export function addCause(command: Command): Command {
  return command
    .addOption(new Option('--cause <keys>', 'every open incident of this cause, or of these with commas between them (holdfast incidents --by-cause), each with its own plan; lists them, and decides with --yes').conflicts(['plan', 'wait', 'signature', 'printStatement', 'resource', 'path']))
    .addOption(new Option('--yes [list]', 'with --cause: decide; with the digest that the list ends in, only if exactly that is still what stands'));
}

/** What the options of a command say, for a decision by cause. */
export function causeSaid(options: CauseOptions & { readonly by?: string; readonly reason?: string }, cause: string, address: string | undefined): Omit<CauseRequest, 'decision'> {
  const { yes, by, reason } = options;
  return { cause, signing: options, ...(address === undefined ? {} : { address }), ...(yes === undefined ? {} : { yes }), ...(by === undefined ? {} : { by }), ...(reason === undefined ? {} : { reason }) };
}

/** The argument of a decision about one incident. */
export function requireIncident(named: string | undefined): string {
  if (named !== undefined) return named;
  throw new CliError('no incident is named', { remedy: 'Name ENVIRONMENT/TARGET#NUMBER, or everything of one cause with --cause KEY.' });
}

export interface CauseRequest extends Omit<DecideRequest, 'id' | 'plan' | 'wait'> {
  readonly cause: string;
  /** `prod` or `prod/storefront`: only there. */
  readonly address?: string;
  readonly yes?: boolean | string;
}

/** Lists what would be decided, or decides each incident with the whole hash of its own plan. */
export async function decideCause(context: Context, request: CauseRequest): Promise<number> {
  const within = request.address === undefined ? undefined : parseAddress(request.address);
  if (request.address !== undefined && within === undefined) throw badAddress(request.address);
  const ledger = await context.requireLedger();
  try {
    const open = await ledger.incidents({ open: true, ...within });
    const groups = causeGroups(open);
    const group = together(request.cause.split(',').map((key) => causeNamed(groups, key.trim())));
    const { whole, mixed } = wholeParts(group);
    const ready = whole.filter(isAsked);
    const apart = [...mixed, ...whole.filter((each) => !isAsked(each))];
    const listed = await digestOf(ready);
    if (request.yes === undefined || request.yes === false) return await list(context, { request, ledger, group, ready, apart, listed });
    if (typeof request.yes === 'string' && request.yes !== listed) {
      throw new CliError(`what would be decided is not what was listed as ${request.yes}: it is ${listed} now`, { remedy: 'Look at the list again, without --yes.' });
    }
    return await decideEach(context, { request, ledger, group, ready, apart, listed });
  } finally {
    await ledger.close();
  }
}

interface Found {
  readonly request: CauseRequest;
  readonly ledger: Ledger;
  readonly group: CauseGroup;
  /** Parts that are wholly of the cause and wait for a person. */
  readonly ready: readonly CausePart[];
  /** Those to be decided alone. */
  readonly apart: readonly CausePart[];
  readonly listed: string;
}

/** The command that was given, with the digest of what it listed. */
function sameWith({ decision, address, cause, by, reason, until, ticket, signing }: CauseRequest, listed: string): string {
  const options = { cause, yes: listed, until, ticket, reason, by, key: signing?.key };
  const words = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, shellWord(value)]));
  return ['holdfast', decision, ...(address === undefined ? [] : [shellWord(address)]), ...words].join(' ');
}

function isAsked({ part }: CausePart): boolean {
  return part.plan !== undefined && (part.phase === 'awaiting-approval' || part.phase === 'observed');
}

/** Wholly of the cause, and past its question. */
function isUnderWay(each: CausePart): boolean {
  return each.others === 0 && each.part.plan !== undefined && !isAsked(each);
}

/** The same for the same plans of the same incidents: what was looked at. */
async function digestOf(parts: readonly CausePart[]): Promise<string> {
  const { hashJson } = await import('../digest.js');
  return hashJson(parts.map(({ row, part }) => `${formatIncident(row)} ${part.plan ?? ''}`).sort()).slice(0, 12);
}

async function list(context: Context, { request, ledger, group, ready, apart, listed }: Found): Promise<number> {
  const { decision } = request;
  if (context.json) {
    await context.printJson('cause', { cause: group.key, decision, decided: false, list: listed, incidents: ready.map(asJson), apart: apart.map((each) => ({ ...asJson(each), why: whyApart(each, group) })), exitCode: EXIT.waiting });
    return EXIT.waiting;
  }
  const { style } = context;
  const lines = [causeLine(group, style.bold(shortHash(group.key)))];
  for (const { row, part } of ready) {
    const plan = part.plan === undefined ? undefined : await ledger.plan(part.plan);
    lines.push(`  ${style.bold(plain(formatIncident(row)))}  plan ${shortHash(part.plan ?? '')}  risk ${plain(part.risk ?? '-')}  ${plain(part.phase ?? '')}`);
    if (plan !== undefined) lines.push(...indent(planLines(plan, style).slice(1), 6));
  }
  if (apart.length > 0) lines.push('', 'To be decided alone:', ...apart.map((each) => `  ${plain(formatIncident(each.row))}: ${whyApart(each, group)}; see holdfast incident ${shellWord(formatIncident(each.row))}`));
  await context.say(lines.join('\n'));
  if (ready.length > 0) context.note(`\nNothing was decided. To ${decision} ${ready.length === 1 ? 'this plan' : `each of these ${ready.length} plans`} as it stands: ${sameWith(request, listed)}`);
  else context.note('\nNothing was decided: none of these can be decided together.');
  return EXIT.waiting;
}

/** One after the other, each judged for itself: a refusal of one stops no other. */
async function decideEach(context: Context, { request, ledger, group, ready, apart }: Found): Promise<number> {
  const { address: _address, cause: _cause, yes: _yes, ...said } = request;
  const results: { incident: string; plan: string; result: string; message: string; exitCode: number }[] = [];
  const { client } = await context.connect();
  try {
    for (const { row, part } of ready) {
      const plan = part.plan ?? '';
      const result = await decideOne(context, { request: { ...said, id: formatIncident(row), plan, wait: false }, row, plan, ledger, client });
      results.push({ incident: formatIncident(row), plan, ...result });
      if (!context.json) await context.say(`${plain(formatIncident(row))}: ${plain(result.message)}`);
    }
  } finally {
    await client.close();
  }
  // What is repaired already was approved, maybe by this command before it was cut short: told again, it leaves nothing to do.
  const isLeft = apart.some((each) => request.decision !== 'approve' || !isUnderWay(each)) || (ready.length === 0 && apart.length === 0);
  const exitCode = worstExit([...results.map((each) => each.exitCode), ...(isLeft ? [EXIT.waiting] : [])]);
  if (context.json) await context.printJson('cause', { cause: group.key, decision: request.decision, decided: true, results, apart: apart.map((each) => ({ ...asJson(each), why: whyApart(each, group) })), exitCode });
  else for (const each of apart) context.note(`${plain(formatIncident(each.row))} was not decided: ${whyApart(each, group)}; see holdfast incident ${shellWord(formatIncident(each.row))}`);
  return exitCode;
}

interface One extends Omit<Parameters<typeof answerOpen>[1], 'address'> {
  readonly row: IncidentRow;
}

async function decideOne(context: Context, one: One): Promise<{ readonly result: string; readonly message: string; readonly exitCode: number }> {
  const { environment, target } = one.row;
  try {
    const answered = await answerOpen(context, { ...one, address: { environment, target } });
    if (typeof answered === 'number') return { result: 'already-decided', message: 'it stands already', exitCode: answered };
    const { answer, by, verified, code } = answered;
    return { result: answer.result, message: `${answer.message} (by ${by}, ${verified ? 'signed' : 'unverified'})`, exitCode: code };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { result: 'refused', message: oneLine(error), exitCode: error.exit };
  }
}

/** `3fa9c1d204b7  etc/app.yaml /limits/rps 100 -> 500, by alice: 3 incidents of 3 targets in dev, prod, staging`. */
function causeLine(group: CauseGroup, key: string): string {
  const by = group.by === undefined ? '' : `, by ${plain(group.by)}`;
  return `${key}  ${causeText(group)}${by}: ${count(group.incidents.length, 'incident')} of ${count(group.targets.length, 'target')} in ${group.environments.map(plain).join(', ')}`;
}

function whyApart({ others, part, all }: CausePart, { keys }: CauseGroup): string {
  const missing = all.filter((key) => !keys.includes(key));
  // With the whole of it named, the plan could be decided with the others.
  const named = missing.length === 0 || missing.length > 5 ? '' : ` (--cause ${[...keys, ...missing].map(shortHash).join(',')} names them all)`;
  if (others > 0) return `its plan has ${count(others, 'change')} of another cause too${named}`;
  return part.plan === undefined ? 'it has no plan that could be named' : `it is ${plain(part.phase ?? 'under way')}`;
}

function asJson({ row, part, changes, others }: CausePart): Record<string, unknown> {
  return { incident: formatIncident(row), part: part.part, plan: part.plan, risk: part.risk, phase: part.phase, changes, otherChanges: others };
}

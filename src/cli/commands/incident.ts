import { Command } from 'commander';
import { formatAddress, formatIncident } from '../../domain/address.js';
import type { Change } from '../../domain/change.js';
import { askedAgainBy, KEY } from '../../domain/gates/gate.js';
import { intentLines, type Intent } from '../../domain/deciding/intent.js';
import type { Plan } from '../../domain/plan.js';
import { wouldText } from '../../policy/telling.js';
import { mustSign, targetOf } from '../../config/config.js';
import type { DecisionRow, Entry, IncidentRow, IntentRow, Ledger, VoteRow } from '../../ledger/ledger.js';
import { type Cli, define, example } from '../command.js';
import type { Context } from '../context.js';
import { EXIT } from '../exit.js';
import { askedParts, asksAgain, endOf, findIncident, isClosed, isUnread, partsOf } from '../incident-row.js';
import { adoptionsOf, adoptionText, textOf, type RecordedPart } from '../parts.js';
import { withLiveStatus } from '../live.js';
import { changeLines, count } from '../render/changes.js';
import { entryCells, formatTime } from '../render/entry.js';
import { plain, plainLines, shellWord } from '../render/escape.js';
import { healthOf, healthLines } from '../render/health.js';
import { leadLines, storyOf } from '../render/lead.js';
import { planLines, shortHash } from '../render/plan.js';
import { paintWord } from '../render/style.js';
import { indent } from '../render/table.js';

interface Full {
  readonly row: IncidentRow;
  /** What the target is for, as the configuration says now. */
  readonly intent?: Intent;
  readonly entries: readonly Entry[];
  readonly plans: readonly Plan[];
  readonly drift: readonly Change[];
  /** Why it could not be read, when it was looked at last. */
  readonly unread?: string;
  readonly decisions: readonly DecisionRow[];
  /** Approvals that did not decide alone. */
  readonly votes: readonly VoteRow[];
  readonly writes: readonly IntentRow[];
}

/** A record larger than this is read with `audit export`. */
const ENTRY_LIMIT = 2_000;

export function incidentCommand(cli: Cli): Command {
  const command = new Command('incident')
    .summary('one incident in full')
    .description('Shows what drifted, what was decided and approved, what was done and measured, and what to do next.')
    .argument('<incident>', 'ENVIRONMENT/TARGET#NUMBER; without the number, the open or last one');
  example(command, 'holdfast incident prod/storefront', 'holdfast incident prod/storefront#7 -o json');
  return define(cli, { command, run: ({ context, args: [id = ''] }) => incident(context, id) });
}

async function incident(context: Context, id: string): Promise<number> {
  context.incidentAddress(id);
  const ledger = await context.requireLedger();
  try {
    const found = await findIncident(context, ledger, id);
    const row = isClosed(found) ? found : await live(context, found);
    const config = await context.config().catch(() => undefined);
    const intent = config === undefined ? undefined : targetOf(config, row.environment, row.target)?.intent;
    const full: Full = { ...(await gather(ledger, row)), ...(intent === undefined ? {} : { intent }) };
    if (context.json) {
      const { row: bare, ...rest } = full;
      await context.printJson('incident', { id: formatIncident(bare), incident: bare, ...rest, commands: commandsOf(bare, await signsIn(context, bare)) });
    } else await print(context, full);
    return EXIT.done;
  } finally {
    await ledger.close();
  }
}

/** Whether decisions must be signed there. */
async function signsIn(context: Context, { environment }: IncidentRow): Promise<boolean> {
  return mustSign(await context.config(), environment);
}

async function live(context: Context, row: IncidentRow): Promise<IncidentRow> {
  const connection = await context.connect({ glance: true }).catch(() => undefined);
  if (connection === undefined) {
    context.note('Temporal is not reachable: this is what the record says, and nothing moves it now.');
    return row;
  }
  try {
    const [current] = await withLiveStatus(connection.client, [row], context.io.now());
    return current ?? row;
  } finally {
    await connection.client.close();
  }
}

async function gather(ledger: Ledger, row: IncidentRow): Promise<Full> {
  const entries: Entry[] = [];
  for await (const entry of ledger.entries({ environment: row.environment, target: row.target, incident: row.number, limit: ENTRY_LIMIT })) entries.push(entry);
  const hashes = [...new Set(partsOf(row).flatMap((part) => (part.plan === undefined ? [] : [part.plan])))];
  const plans = (await Promise.all(hashes.map((hash) => ledger.plan(hash)))).filter((plan) => plan !== undefined);
  const planned = onceEach(plans.flatMap((plan) => plan.changes));
  const last = row.kind === 'blind' ? await ledger.lastObservation(row) : undefined;
  return {
    row,
    ...(last?.verdict !== 'unknown' || last.reason === undefined ? {} : { unread: last.reason }),
    entries,
    plans,
    drift: planned.length > 0 || isClosed(row) ? planned : await lastDrift(ledger, row),
    decisions: await ledger.decisions(row),
    votes: await ledger.votes(row),
    writes: await ledger.intents({ incident: row }),
  };
}

/** A field that came back is in the plan of each part that repaired it. */
function onceEach(changes: readonly Change[]): readonly Change[] {
  return [...new Map(changes.map((change) => [change.fingerprint, change])).values()];
}

async function lastDrift(ledger: Ledger, row: IncidentRow): Promise<readonly Change[]> {
  const last = await ledger.lastObservation(row);
  const report = last === undefined ? undefined : await ledger.report(last.digest);
  return report?.changes ?? [];
}

async function print(context: Context, full: Full): Promise<void> {
  const { style } = context;
  const { row } = full;
  const signs = await signsIn(context, row);
  const sections: (readonly string[])[] = [[...header(context, row), ...intentLines(full.intent).map(plain)]];
  const section = (title: string, lines: readonly string[]) => {
    if (lines.length > 0) sections.push([style.bold(title), ...indent(lines, 2)]);
  };
  const { story, next } = storyOf(row);
  section('Now', leadLines(row, full.unread));
  section('What to do next', next);
  section('What drifted (what should be → what is)', changeLines(full.drift, style));
  section('Parts', partLines(context, full));
  section('Adopted', adoptionLines(full));
  section('Approvals, of several that are needed', full.votes.map((each) => `${formatTime(each.at)}  ${plain(each.by)}${proofText({ ...each, decision: 'approve' })}, plan ${shortHash(each.plan)}${each.reason === undefined ? '' : `: ${plain(each.reason)}`}`));
  section('Decisions', full.decisions.map((each) => `${formatTime(each.at)}  ${each.decision === 'policy' ? 'allowed by the rules' : `${each.decision} by ${plain([...(each.with ?? []), each.by].join(' and '))}`}${proofText(each)}${each.breakGlass === undefined ? '' : ' (break-glass)'}, plan ${shortHash(each.plan)}${each.reason === undefined ? '' : `: ${plain(each.reason)}`}`));
  section('Health', full.entries.flatMap((entry) => { const report = healthOf(entry); return report === undefined ? [] : healthLines(formatTime(entry.at), report, style); }));
  section('Writes', full.writes.map((write) => `${formatTime(write.at)}  ${plain(write.step)}: ${plain(write.write)}${write.resource === undefined ? '' : ` (${plain(write.resource)})`}  ${write.closedAt === undefined ? style.yellow('not known to have ended') : write.ok === true ? 'done' : style.red(`failed: ${plain(write.error ?? '')}`)}`));
  // Writes have their own section, with the beginning and the end of each on one line.
  const told = withoutUnasked(full.entries).filter((entry) => entry.kind !== 'intent' && entry.kind !== 'outcome');
  const timeline = told.length === 0 ? [] : context.table(['TIME (UTC)', 'WHAT', 'BY', 'HOW'], told.map((entry) => entryCells(entry, style))).trimEnd().split('\n');
  section('Timeline', timeline);
  section('In words', story);
  section('Commands', commandsOf(row, signs, { namesParts: true }));
  section('To sign', isClosed(row) || !signs ? [] : await signingLines((await context.config()).project, row));
  await context.say(sections.map((lines) => lines.join('\n')).join('\n\n'));
}

/** Nobody is asked about what is only observed, though its plan may be answered. */
function withoutUnasked(entries: readonly Entry[]): readonly Entry[] {
  const decisions = new Map<string, string | undefined>();
  return entries.filter(({ kind, data }) => {
    const plan = textOf(data, 'plan');
    if (plan !== undefined && kind === 'assessed') decisions.set(plan, textOf(data, 'decision'));
    return kind !== 'asked' || plan === undefined || !['hold', 'adopt'].includes(decisions.get(plan) ?? '');
  });
}

/** Whose word it is: a key's, or only a name's. */
function proofText({ decision, verified, key }: Pick<DecisionRow, 'decision' | 'verified' | 'key'>): string {
  if (key !== undefined) return ` (signed with ${plain(key)})`;
  return verified || decision === 'policy' ? '' : ' (unverified)';
}

/** The exact words of each approval, for whoever signs elsewhere. */
async function signingLines(project: string, row: IncidentRow): Promise<readonly string[]> {
  const { showApproval } = await import('../../trust/showing.js');
  return askedParts(row).flatMap(({ plan, ask }) => (plan === undefined || ask === undefined ? [] : [plain(showApproval({ project, incident: row, question: { plan, ask } }).command)]));
}

function header(context: Context, row: IncidentRow): readonly string[] {
  const { style } = context;
  const undoes = row.undoes === undefined ? '' : `, undoes #${row.undoes}`;
  const kind = row.kind === 'drift' || (row.kind === 'blind' && !isClosed(row) && !isUnread(row)) ? '' : ` (${row.kind}${undoes})`;
  const closed = row.closedAt === undefined ? '' : `, closed ${formatTime(row.closedAt)}`;
  return [`${style.bold(formatIncident(row))}  ${paintWord(row.outcome ?? row.phase, style)}${kind}${row.risk === undefined ? '' : `  risk ${plain(row.risk)}`}`, `opened ${formatTime(row.openedAt)} UTC${closed}`];
}

function partLines(context: Context, { row, plans }: Full): readonly string[] {
  const parts = [...partsOf(row)].sort((one, other) => (one.part ?? 0) - (other.part ?? 0));
  return parts.flatMap((part, index) => {
    const plan = plans.find((each) => each.hash === part.plan);
    const state = part.outcome ?? part.phase ?? '';
    const decided = [part.decision, part.changes === undefined ? undefined : count(part.changes, 'change'), part.risk === undefined ? undefined : `risk ${plain(part.risk)}`].filter((each) => each !== undefined);
    return [
      `${part.part ?? index + 1}. ${paintWord(state, context.style)}  ${decided.map(plain).join(', ')}`,
      ...indent(
        [
          ...(part.brief === undefined || parts.length === 1 ? [] : [`about:    ${plain(part.brief)}`]),
          ...(part.because === undefined ? [] : [`decided:  ${plain(part.because)}${part.rules === undefined || part.rules.join() === part.because ? '' : ` (${part.rules.map(plain).join(', ')})`}`]),
          ...(part.would === undefined ? [] : [`would:    ${plain(wouldText(part.would))}`]),
          ...(part.riskOf === undefined ? [] : [`risk:     ${plain(part.risk ?? '')}, ${plain(part.riskOf)}`]),
          ...(part.trials ?? []).map((each) => `on trial: ${plain(each)}`),
          ...(part.reason === undefined ? [] : [`why:      ${plain(part.reason)}`]),
          ...(part.waitsFor === undefined ? [] : [`waits:    ${plain(part.waitsFor)}`]),
          ...(part.blocked === undefined ? [] : [`stopped:  ${context.style.yellow(plain(part.blocked))}`]),
          ...(part.since === undefined || part.outcome !== undefined ? [] : [`changed:  since it was asked before: ${plain(part.since)}`]),
          ...(part.outcome !== undefined || (part.requires === undefined && part.phase !== 'awaiting-approval') ? [] : [`requires: ${plain(part.requires ?? '1 person; anybody may approve')}`]),
          ...(part.brokenBy === undefined ? [] : [`alone:    ${context.style.yellow(`${plain(part.brokenBy)} broke the glass`)}${part.startBy === undefined || part.outcome !== undefined ? '' : `, for a repair that starts by ${formatTime(part.startBy)} UTC`}`]),
          ...(part.approvals === undefined || part.outcome !== undefined ? [] : [`approved: ${plain(part.approvals)}`]),
          ...(part.expiresAt === undefined || part.outcome !== undefined ? [] : [`expires:  ${formatTime(part.expiresAt)} UTC`]),
          ...(plan === undefined ? (part.plan === undefined ? [] : [`plan:     ${shortHash(part.plan)}`]) : planLines(plan, context.style)),
        ],
        3,
      ),
    ];
  });
}

/** What was made of the desired state, and the patch of it where there is one. */
function adoptionLines({ row, entries }: Full): readonly string[] {
  const made = adoptionsOf(row).map((each) => plain(adoptionText(each, { taken: isClosed(row) })));
  const last = entries.findLast((entry) => entry.kind === 'adopted' && typeof entry.data['patch'] === 'string');
  const patch = last === undefined ? undefined : textOf(last.data, 'patch');
  const unusable = last === undefined ? undefined : textOf(last.data, 'unusable');
  return [...made, ...(patch === undefined ? [] : ['', ...plainLines(patch.trimEnd())]), ...(unusable === undefined ? [] : ['', `This picture cannot be applied as it is, since ${plain(unusable)}: use --write.`])];
}

/** `namesParts`: with a comment above the commands of each part that asks, where several do. */
function commandsOf(row: IncidentRow, signs: boolean, { namesParts = false } = {}): readonly string[] {
  const key = signs ? KEY : '';
  const name = shellWord(formatIncident(row));
  const answersTo = ({ plan = '', decision }: RecordedPart): readonly string[] => {
    const about = `${name} --plan ${shortHash(plan)}`;
    const answers = [`approve ${about}`, `reject ${about} --reason WHY`, `adopt ${about} --reason WHY`, `accept ${about} --until 7d --reason WHY`];
    // What rules want adopted is not to be repaired by whoever pastes the first line.
    return decision === 'adopt' ? [...answers].sort((one, other) => Number(other.startsWith('adopt')) - Number(one.startsWith('adopt'))) : answers;
  };
  if (isUnread(row)) return [`holdfast check ${formatAddress(row)}`, `holdfast check ${formatAddress(row)} --remote`];
  if (isClosed(row)) {
    const undo = row.outcome === 'fixed' ? [`holdfast rollback ${name} --reason WHY`] : [];
    const repaired = endOf(row) === 'needs-human' ? [`holdfast release ${formatAddress(row)} --gate needs-human --reason WHY${key}`] : [];
    const again = asksAgain(row) ? [`${askedAgainBy(name, endOf(row))}${key}`] : [];
    return [...repaired, ...undo.map((each) => `${each}${key}`), ...(endOf(row) === 'rolled-back' && row.kind === 'drift' ? [`holdfast adopt ${name} --reason WHY${key}`] : []), ...again, `holdfast check ${formatAddress(row)}`];
  }
  const asking = askedParts(row).filter((part) => part.plan !== undefined);
  const named = namesParts && asking.length > 1;
  const asked = asking.flatMap((part) => [...(named ? [`# part ${part.part ?? ''}${part.brief === undefined ? '' : `: ${plain(part.brief)}`}`] : []), ...answersTo(part).map((each) => `holdfast ${each}${key}`)]);
  const unrepaired = partsOf(row).some((part) => part.outcome === undefined && part.phase === 'observed' && part.plan === undefined);
  if (asked.length === 0 && unrepaired) return [`holdfast adopt ${name} --reason WHY${key}`, `holdfast check ${formatAddress(row)}`];
  return asked.length > 0 ? asked : [`holdfast rollback ${name} --reason WHY`, `holdfast freeze ${formatAddress(row)} --reason WHY`];
}

import { Command } from 'commander';
import { formatAddress, formatIncident } from '../../domain/address.js';
import type { IncidentRow, Ledger } from '../../ledger/ledger.js';
import { type Cli, define, example } from '../command.js';
import type { Context } from '../context.js';
import { decide } from '../deciding.js';
import { CliError } from '../errors.js';
import { EXIT } from '../exit.js';
import { findIncident, isClosed } from '../incident-row.js';
import { byOption, decider, planOption, reasonOption, requireReason, waitOption } from '../options.js';
import { adoptionsOf, adoptionText, type RecordedAdoption, textOf } from '../parts.js';
import { plain, shellWord } from '../render/escape.js';
import { addSigning, type Signing } from '../signing.js';

interface AdoptOptions extends Signing {
  readonly plan?: string;
  readonly by?: string;
  readonly reason?: string;
  readonly write?: boolean;
  readonly patch?: boolean;
  readonly wait?: boolean;
}

/** How long a branch, a patch or a new incident is waited for; it comes without this command as well. */
const MADE_WITHIN_MS = 60_000;
const POLL_MS = 500;

export function adoptCommand(cli: Cli): Command {
  const command = new Command('adopt')
    .summary('make a change the desired state')
    .description('Writes what drifted into the source of the desired state: a commit on a new branch of a Git repository, or a patch of a folder. Nothing live is changed. It closes as adopted once a check is clean.')
    .argument('<incident>', 'ENVIRONMENT/TARGET#NUMBER; without the number, the open or last one. A closed one is asked about again first')
    .addOption(planOption())
    .option('--write', 'of a folder: write the change there, rather than make a patch')
    .option('--patch', 'of a folder: print the patch, for git apply or patch -p1')
    .addOption(byOption())
    .addOption(reasonOption())
    .addOption(waitOption());
  addSigning(command);
  example(command, 'holdfast adopt prod/storefront#7 --reason "raised in the night, and right"', 'holdfast adopt prod/storefront --patch --reason "as the night shift set it" | git apply --directory=desired/prod');
  return define<AdoptOptions>(cli, { command, run: ({ context, args: [id = ''], options }) => adopt(context, id, options) });
}

async function adopt(context: Context, id: string, options: AdoptOptions): Promise<number> {
  const reason = requireReason(options.reason);
  if (options.write === true && options.patch === true) throw new CliError('--write and --patch are given together', { remedy: 'Write the change, or print what to change.' });
  const open = await openOne(context, id, { ...options, reason });
  const before = await adoptedAlready(context, open);
  const request = { ...options, id: open, reason, signing: options, wait: false, decision: 'adopt' as const };
  const { write: _write, patch: _patch, ...said } = request;
  const code = await decide(context, { ...said, ...(options.write === true ? { write: true as const } : {}), ...(options.patch === true ? { aside: true as const } : {}) });
  if (code !== EXIT.done || options.printStatement === true || context.json) return code;
  const told = await sayMade(context, open, { before, again: options.write === true && before.every((each) => each.to !== 'folder'), patch: options.patch === true });
  if (told !== EXIT.done || options.wait !== true) return told;
  return decide(context, { ...said, ...(options.write === true ? { write: true as const } : {}), wait: true, aside: true });
}

/** The open incident itself; for a closed one, a new one that asks about the same changes. */
async function openOne(context: Context, id: string, { by, reason }: { readonly by?: string; readonly reason: string }): Promise<string> {
  context.incidentAddress(id);
  const ledger = await context.ledger();
  if (ledger === undefined) return id;
  try {
    const row = await findIncident(context, ledger, id);
    if (!isClosed(row)) return formatIncident(row);
    if (row.outcome === 'fixed' || row.outcome === 'cleared' || row.outcome === 'adopted') throw new CliError(`${formatIncident(row)} is closed (${row.outcome}), so there is nothing to adopt`, { remedy: `Look at the target now with: holdfast check ${formatAddress(row)}` });
    return await askAgain(context, ledger, row, { by: decider(context, by), reason });
  } finally {
    await ledger.close();
  }
}

/** What ended stays quiet until somebody asks: that is done, a check looks, and the incident that it opens is the one to adopt in. */
async function askAgain(context: Context, ledger: Ledger, row: IncidentRow, { by, reason }: { readonly by: string; readonly reason: string }): Promise<string> {
  const scope = formatAddress(row);
  const newer = await ledger.incident(row);
  if (newer !== undefined && newer.number > row.number && !isClosed(newer)) return formatIncident(newer);
  const { client } = await context.connect();
  try {
    const answer = await client.command(row.environment, { command: 'retry', scope, incident: row.number, by, reason, gate: 'quarantine' });
    if (!answer.ok && !answer.message.includes('left nothing that is kept quiet')) throw new CliError(answer.message);
    await client.waitForCheck(await client.startCheck(row.environment, row.target));
    const found = await until(context, async () => {
      const next = await ledger.incident(row);
      return next !== undefined && next.number > row.number && next.parts.length > 0 && !isClosed(next) ? next : undefined;
    });
    if (found === undefined) throw new CliError(`no new incident of ${scope} asks about what ${formatIncident(row)} was about`, { remedy: `See what is there now with: holdfast check ${scope}; then: holdfast adopt ${scope} --reason WHY` });
    context.note(`${formatIncident(row)} is closed; ${formatIncident(found)} asks about the same target again.`);
    return formatIncident(found);
  } finally {
    await client.close();
  }
}

interface Made {
  /** What was made before this was asked. */
  readonly before: readonly RecordedAdoption[];
  /** Something else is to be made than stands there. */
  readonly again: boolean;
  readonly patch: boolean;
}

/** What happened, in a line: the branch, the patch or the folder; or why not. */
async function sayMade(context: Context, id: string, { before, again, patch }: Made): Promise<number> {
  const ledger = await context.ledger();
  if (ledger === undefined) return EXIT.done;
  const connection = await context.connect({ glance: true }).catch(() => undefined);
  try {
    const asked = context.incidentAddress(id);
    const end = await until(context, async () => {
      const row = await findIncident(context, ledger, id);
      const made = adoptionsOf(row);
      const isMade = before.length > 0 && !again ? true : made.some((each) => !before.some((old) => old.part === each.part && old.at === each.at));
      if (isMade || isClosed(row)) return { row, made };
      const status = await connection?.client.incidentStatus(asked).catch(() => undefined);
      const refused = status?.parts.find((part) => part.waitsFor?.startsWith('not adopted: '))?.waitsFor;
      return refused === undefined ? undefined : { row, made: [], refused };
    });
    if (end === undefined) {
      context.note(`${plain(id)}: not made yet; a write worker does it without this command. See: holdfast incident ${shellWord(id)}`);
      return EXIT.waiting;
    }
    if (end.refused !== undefined) throw new CliError(`${id}: ${end.refused}`, { remedy: `Decide otherwise, or adopt again: holdfast incident ${shellWord(id)}` });
    const say = (line: string): Promise<void> | void => (patch ? context.note(line) : context.say(line));
    for (const each of end.made) await say(`${plain(id)}: ${plain(adoptionText(each))}`);
    return patch ? await printPatch(context, ledger, end.row) : EXIT.done;
  } finally {
    await connection?.client.close();
    await ledger.close();
  }
}

async function adoptedAlready(context: Context, id: string): Promise<readonly RecordedAdoption[]> {
  const ledger = await context.ledger();
  try {
    return ledger === undefined ? [] : adoptionsOf(await findIncident(context, ledger, id));
  } finally {
    await ledger?.close();
  }
}

async function printPatch(context: Context, ledger: Ledger, row: IncidentRow): Promise<number> {
  let patch: string | undefined;
  let unusable: string | undefined;
  for await (const { data } of ledger.entries({ environment: row.environment, target: row.target, incident: row.number, kinds: ['adopted'] })) {
    patch = textOf(data, 'patch') ?? patch;
    unusable = textOf(data, 'unusable');
  }
  if (patch === undefined) throw new CliError(`${formatIncident(row)} has no patch: its source is a Git repository`, { remedy: 'Adopt without --patch, and merge the branch.' });
  if (unusable !== undefined) throw new CliError(`the patch of ${formatIncident(row)} cannot be applied as it is: ${unusable}`, { remedy: 'Adopt with --write.' });
  await context.say(patch.replace(/\n$/, ''));
  return EXIT.done;
}

async function until<T>(context: Context, look: () => Promise<T | undefined>): Promise<T | undefined> {
  const end = context.io.now().getTime() + (context.options.timeout ?? MADE_WITHIN_MS);
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (context.io.signal.aborted || context.io.now().getTime() >= end) return undefined;
    await context.io.sleep(POLL_MS);
  }
}

import { Command, Option } from 'commander';
import { formatIncident, parseAddress } from '../../domain/address.js';
import type { Outcome } from '../../domain/phase.js';
import { FIRST_SEEN } from '../../domain/deciding/safeguards.js';
import type { IncidentRow } from '../../ledger/ledger.js';
import { type CauseGroup, causeGroups, causeJson, causeText } from '../causes.js';
import { type Cli, define, example, integerOption } from '../command.js';
import { badAddress, type Context } from '../context.js';
import { CliError } from '../errors.js';
import { EXIT } from '../exit.js';
import { partsOf } from '../incident-row.js';
import { sinceOf } from '../options.js';
import { plain } from '../render/escape.js';
import { shortHash } from '../render/plan.js';
import { paintWord } from '../render/style.js';
import { formatAge } from '../render/time.js';

interface IncidentsOptions {
  readonly open?: boolean;
  readonly closed?: boolean;
  readonly outcome?: Outcome;
  readonly since?: string;
  readonly byCause?: boolean;
  readonly firstSeen?: boolean;
  readonly limit: number;
}

const EVERY = 10_000;
const OUTCOMES: readonly Outcome[] = ['fixed', 'rolled-back', 'adopted', 'accepted', 'rejected', 'expired', 'cleared', 'needs-human', 'cancelled', 'terminated'];

export function incidentsCommand(cli: Cli): Command {
  const command = new Command('incidents')
    .summary('list incidents')
    .description('Lists incidents, the newest first.')
    .argument('[address]', 'ENVIRONMENT or ENVIRONMENT/TARGET')
    .option('--open', 'only those that have not ended')
    .option('--closed', 'only those that have ended')
    .addOption(new Option('--outcome <outcome>', 'only those that ended so').choices([...OUTCOMES]))
    .option('--since <when>', 'only those opened since then: a duration (7d) or a time')
    .addOption(new Option('--by-cause', 'what open incidents have in common: one line for each cause').conflicts(['closed', 'outcome']))
    .addOption(new Option('--first-seen', 'only open ones with something that stood there when their target was first looked at').conflicts(['closed', 'outcome']))
    .addOption(integerOption('--limit <n>', 'at most so many', { min: 1, max: 10_000 }).default(50));
  example(command, 'holdfast incidents --open', 'holdfast incidents prod --outcome rolled-back --since 7d', 'holdfast incidents --by-cause');
  return define<IncidentsOptions>(cli, { command, run: ({ context, args: [address], options }) => list(context, address, options) });
}

async function list(context: Context, address: string | undefined, options: IncidentsOptions): Promise<number> {
  if (options.open === true && (options.closed === true || options.outcome !== undefined)) {
    throw new CliError('--open is given with --closed or --outcome', { remedy: 'An open incident has no outcome yet: give one of them.' });
  }
  const parsed = address === undefined ? undefined : parseAddress(address);
  if (address !== undefined && parsed === undefined) throw badAddress(address);
  const ledger = await context.requireLedger();
  try {
    const open = options.open === true || options.byCause === true || options.firstSeen === true ? true : options.closed === true || options.outcome !== undefined ? false : undefined;
    const rows = await ledger.incidents({
      ...(parsed === undefined ? {} : { environment: parsed.environment }),
      ...(parsed?.target === undefined ? {} : { target: parsed.target }),
      ...(open === undefined ? {} : { open }),
      ...(options.outcome === undefined ? {} : { outcome: options.outcome }),
      ...(options.since === undefined ? {} : { since: sinceOf(context, options.since) }),
      // A cause is counted wherever it is.
      limit: options.byCause === true || options.firstSeen === true ? EVERY : options.limit,
    });
    const kept = options.firstSeen === true ? rows.filter(isFirstSeen) : rows;
    await (options.byCause === true ? printCauses(context, causeGroups(kept)) : print(context, kept.slice(0, options.limit)));
    return EXIT.done;
  } finally {
    await ledger.close();
  }
}

function isFirstSeen(row: IncidentRow): boolean {
  return partsOf(row).some((part) => part.outcome === undefined && part.rules?.includes(FIRST_SEEN) === true);
}

async function printCauses(context: Context, groups: readonly CauseGroup[]): Promise<void> {
  if (context.json) return context.printJson('causes', { causes: groups.map(causeJson) });
  if (groups.length === 0) {
    context.note('No open incident has a cause on record.');
    return;
  }
  const now = context.io.now();
  const cells = groups.map((group) => [
    shortHash(group.key),
    String(group.incidents.length),
    group.environments.map(plain).join(','),
    String(group.targets.length),
    plain(group.risk ?? '-'),
    formatAge(group.firstSeen, now),
    plain(group.by ?? '-'),
    causeText(group),
  ]);
  await context.say(context.table(['CAUSE', 'INCIDENTS', 'ENVIRONMENTS', 'TARGETS', 'RISK', 'FIRST SEEN', 'BY', 'CHANGE'], cells));
  const [first] = groups;
  if (first !== undefined && first.incidents.length > 1) context.note(`\nDecide all of one with: holdfast approve --cause ${shortHash(first.key)} (or reject, accept); it lists them first`);
}

async function print(context: Context, rows: readonly IncidentRow[]): Promise<void> {
  if (context.json) {
    return context.printJson('incidents', { incidents: rows.map(({ narrative: _narrative, ...row }) => ({ id: formatIncident(row), ...row })) });
  }
  if (rows.length === 0) {
    context.note('There are none.');
    return;
  }
  const now = context.io.now();
  const cells = rows.map((row) => [
    formatIncident(row),
    paintWord(row.outcome ?? row.phase, context.style),
    row.kind,
    plain(row.risk ?? '-'),
    formatAge(row.openedAt, now),
    row.closedAt === undefined ? '-' : formatAge(row.closedAt, now),
    plain(partsOf(row).find((part) => part.waitsFor !== undefined)?.waitsFor ?? (row.phase === 'awaiting-approval' ? 'an approval' : '-')),
  ]);
  return context.say(context.table(['INCIDENT', 'STATE', 'KIND', 'RISK', 'OPENED', 'CLOSED', 'WAITS FOR'], cells));
}

import { Command } from 'commander';
import { formatAddress, formatIncident, parseAddress } from '../../domain/address.js';
import { isJsonObject } from '../../domain/json.js';
import type { Entry, IntentRow, Ledger } from '../../ledger/ledger.js';
import { type Cli, define, example } from '../command.js';
import { badAddress, type Context } from '../context.js';
import { EXIT } from '../exit.js';
import { sinceOf } from '../options.js';
import { entryText, formatTime } from '../render/entry.js';
import { plain } from '../render/escape.js';

interface ChangesOptions {
  readonly since: string;
}

interface Happening {
  readonly at: string;
  readonly what: 'write' | 'drift' | 'break-glass';
  readonly address: string;
  readonly incident?: string;
  readonly resource?: string;
  readonly text: string;
  readonly ok?: boolean;
}

export function changesCommand(cli: Cli): Command {
  const command = new Command('changes')
    .summary('what was written, and drift first seen')
    .description('Everything that Holdfast wrote outside itself, every drift when it was first seen, and every broken glass, the oldest first.')
    .argument('[address]', 'ENVIRONMENT or ENVIRONMENT/TARGET')
    .option('--since <when>', 'since then: a duration (2h) or a time', '24h');
  example(command, 'holdfast changes --since 2h', 'holdfast changes prod/storefront --since 2030-01-31T12:00:00Z -o json');
  return define<ChangesOptions>(cli, { command, run: ({ context, args: [address], options }) => changes(context, address, options) });
}

async function changes(context: Context, address: string | undefined, options: ChangesOptions): Promise<number> {
  const since = sinceOf(context, options.since);
  const scope = address === undefined ? undefined : parseAddress(address);
  if (address !== undefined && scope === undefined) throw badAddress(address);
  const ledger = await context.requireLedger();
  try {
    const happenings = [...(await writes(ledger, since, scope)), ...(await drifts(ledger, since, scope)), ...(await brokenGlass(ledger, since, scope))].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
    await print(context, happenings, since);
    return EXIT.done;
  } finally {
    await ledger.close();
  }
}

type Scope = ReturnType<typeof parseAddress>;

async function writes(ledger: Ledger, since: string, scope: Scope): Promise<readonly Happening[]> {
  const address = scope?.target === undefined ? {} : { address: { environment: scope.environment, target: scope.target } };
  const rows = await ledger.intents({ since, ...address });
  return rows.filter((row) => scope === undefined || row.environment === scope.environment).map(writeOf);
}

function writeOf(row: IntentRow): Happening {
  const end = row.closedAt === undefined ? 'not known to have ended' : row.ok === true ? 'done' : `failed: ${row.error ?? ''}`;
  return {
    at: row.at,
    what: 'write',
    address: formatAddress(row),
    incident: formatIncident(row),
    ...(row.resource === undefined ? {} : { resource: row.resource }),
    text: `${row.write}: ${end}`,
    ...(row.ok === undefined ? {} : { ok: row.ok }),
  };
}

async function drifts(ledger: Ledger, since: string, scope: Scope): Promise<readonly Happening[]> {
  const found: Happening[] = [];
  const filter = { since, kinds: ['drift'] as const, ...(scope === undefined ? {} : { environment: scope.environment }), ...(scope?.target === undefined ? {} : { target: scope.target }) };
  for await (const entry of ledger.entries(filter)) found.push(driftOf(entry));
  return found;
}

function driftOf(entry: Entry): Happening {
  const address = `${entry.environment ?? ''}/${entry.target ?? ''}`;
  return { at: entry.at, what: 'drift', address, ...(entry.incident === undefined ? {} : { incident: `${address}#${entry.incident}` }), text: entryText(entry) };
}

/** Whoever let a repair start alone: as loud as what was written. */
async function brokenGlass(ledger: Ledger, since: string, scope: Scope): Promise<readonly Happening[]> {
  const found: Happening[] = [];
  for await (const entry of ledger.entries({ since, kinds: ['approved', 'decided'], ...(scope === undefined ? {} : { environment: scope.environment }), ...(scope?.target === undefined ? {} : { target: scope.target }) })) {
    if (!isJsonObject(entry.data['breakGlass'])) continue;
    found.push({ ...driftOf(entry), what: 'break-glass', text: `${entry.by ?? ''}: ${entryText(entry)}` });
  }
  return found;
}

async function print(context: Context, happenings: readonly Happening[], since: string): Promise<void> {
  if (context.json) return context.printJson('changes', { since, changes: happenings });
  if (happenings.length === 0) {
    context.note(`Nothing was written and no drift was first seen since ${formatTime(since)} UTC.`);
    return;
  }
  const rows = happenings.map((each) => [formatTime(each.at), each.what, plain(each.incident ?? each.address), plain(each.resource ?? '-'), plain(each.text)]);
  return context.say(context.table(['TIME (UTC)', 'WHAT', 'WHERE', 'RESOURCE', 'HOW'], rows));
}

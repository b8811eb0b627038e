import { Command, Option } from 'commander';
import { formatAddress, parseIncident } from '../../domain/address.js';
import { type Cli, define, example } from '../command.js';
import { addCommandSigning, command as send, type CommandSigning } from '../commanding.js';
import type { Context } from '../context.js';
import { decide } from '../deciding.js';
import { addCause, type CauseOptions, causeSaid, decideCause, requireIncident } from '../deciding-cause.js';
import { CliError } from '../errors.js';
import { listKept } from '../exceptions.js';
import { byOption, decider, planOption, reasonOption, requireReason, requireUntil, untilOption, waitOption } from '../options.js';

interface AcceptOptions extends CauseOptions, CommandSigning {
  readonly list?: boolean;
  readonly end?: boolean;
  readonly resource?: string;
  readonly path?: string;
  readonly until?: string;
  readonly ticket?: string;
  readonly by?: string;
  readonly reason?: string;
}

const LONGEST_TICKET = 200;

export function acceptCommand(cli: Cli): Command {
  const command = new Command('accept')
    .summary('leave a change alone until a date')
    .description(
      'Leaves the changes of an incident alone until a date, or until they change. With --resource it announces a change of a target before it is made. With --end it ends what was accepted; with --list it shows that.',
    )
    .argument('[incident-or-address]', 'ENVIRONMENT/TARGET#NUMBER; without the number, the open one')
    .addOption(planOption())
    .option('--resource <name>', 'announce a change of this resource')
    .option('--path <path>', 'with --resource: only this field')
    .addOption(untilOption('until when'))
    .addOption(new Option('--ticket <id>', 'where it is followed up: OPS-12, or an address'))
    .addOption(new Option('--list', 'show what is accepted, the next to lapse first').conflicts(['end', 'plan', 'resource', 'until', 'cause']))
    .addOption(new Option('--end', 'end what was accepted in an incident, or for --resource, before its date').conflicts(['plan', 'until', 'ticket', 'cause']))
    .addOption(reasonOption())
    .addOption(byOption())
    .addOption(waitOption());
  addCommandSigning(command);
  addCause(command);
  example(
    command,
    'holdfast accept prod/storefront --until 7d --ticket OPS-12 --reason "emergency limit"',
    'holdfast accept prod/storefront --resource etc/app.yaml --path /limits/rps --until 2h --reason "load test"',
    'holdfast accept --list prod',
    'holdfast accept prod/storefront --end --resource etc/app.yaml --reason "the test is over"',
  );
  return define<AcceptOptions>(cli, { command, run: ({ context, args: [named], options }) => run(context, named, options) });
}

async function run(context: Context, named: string | undefined, options: AcceptOptions): Promise<number> {
  if (options.list === true) return listKept(context, named);
  const reason = requireReason(options.reason);
  if (options.end === true) return end(context, requireIncident(named), { ...options, reason });
  const until = requireUntil(context, options.until);
  const ticket = ticketOf(options.ticket);
  const said = { reason, until, ...(ticket === undefined ? {} : { ticket }) };
  if (options.cause !== undefined) return decideCause(context, { ...causeSaid(options, options.cause, named), ...said, decision: 'accept' });
  const id = requireIncident(named);
  if (options.resource !== undefined) return announce(context, id, { ...options, ...said, resource: options.resource });
  if (options.path !== undefined) throw new CliError('--path is given without --resource', { remedy: 'Name the resource it is in.' });
  return decide(context, { ...options, ...said, id, decision: 'accept', signing: options, wait: options.wait === true });
}

function ticketOf(ticket: string | undefined): string | undefined {
  if (ticket === undefined) return undefined;
  if (ticket.trim() === '' || ticket.length > LONGEST_TICKET || /\p{Cc}/u.test(ticket)) throw new CliError(`--ticket is not a ticket of at most ${LONGEST_TICKET} characters`, { remedy: 'Write its number or address: --ticket OPS-12' });
  return ticket;
}

interface Announcement extends AcceptOptions {
  readonly resource: string;
  readonly reason: string;
  readonly until: string;
}

async function announce(context: Context, address: string, announcement: Announcement): Promise<number> {
  const { resource, path, reason, until, ticket } = announcement;
  if (announcement.plan !== undefined || announcement.wait === true) {
    throw new CliError('--plan and --wait belong to an incident, and --resource announces a change before there is one', { remedy: 'Leave out --resource, or --plan and --wait.' });
  }
  const by = decider(context, announcement.by);
  const target = await context.target(address);
  const scope = formatAddress(target);
  return send(context, target.environment, { command: 'accept', scope, resource, ...(path === undefined ? {} : { path }), until, by, reason, ...(ticket === undefined ? {} : { ticket }) }, announcement);
}

async function end(context: Context, named: string, options: AcceptOptions & { readonly reason: string }): Promise<number> {
  const { resource, path, reason, by: given } = options;
  const by = decider(context, given);
  const incident = parseIncident(named)?.number;
  if ((incident === undefined) === (resource === undefined)) {
    throw new CliError(incident === undefined ? '--end does not say what is to end' : '--end names both an incident and a resource', { remedy: 'Name ENVIRONMENT/TARGET#NUMBER, or a target with --resource NAME; holdfast accept --list shows both.' });
  }
  if (path !== undefined && resource === undefined) throw new CliError('--path is given without --resource', { remedy: 'Name the resource it is in.' });
  const target = await context.target(incident === undefined ? named : named.slice(0, named.indexOf('#')));
  return send(context, target.environment, {
    command: 'accept', end: true, scope: formatAddress(target), by, reason,
    ...(incident === undefined ? {} : { incident }), ...(resource === undefined ? {} : { resource }), ...(path === undefined ? {} : { path }),
  }, options);
}

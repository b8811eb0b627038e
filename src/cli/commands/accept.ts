import { Command } from 'commander';
import { formatAddress } from '../../domain/address.js';
import { type Cli, define, example } from '../command.js';
import { command as send } from '../commanding.js';
import type { Context } from '../context.js';
import { decide } from '../deciding.js';
import { CliError } from '../errors.js';
import { byOption, decider, planOption, reasonOption, requireReason, requireUntil, untilOption, waitOption } from '../options.js';
import { addSigning, type Signing } from '../signing.js';

interface AcceptOptions extends Signing {
  readonly plan?: string;
  readonly resource?: string;
  readonly path?: string;
  readonly until?: string;
  readonly by?: string;
  readonly reason?: string;
  readonly wait?: boolean;
}

export function acceptCommand(cli: Cli): Command {
  const command = new Command('accept')
    .summary('leave a change alone until a date')
    .description('Leaves the changes of an incident alone until a date. With --resource it announces a change of a target before it is made.')
    .argument('<incident-or-address>', 'ENVIRONMENT/TARGET#NUMBER; without the number, the open one')
    .addOption(planOption())
    .option('--resource <name>', 'announce a change of this resource')
    .option('--path <path>', 'with --resource: only this field')
    .addOption(untilOption('until when'))
    .addOption(reasonOption())
    .addOption(byOption())
    .addOption(waitOption());
  addSigning(command);
  example(command, 'holdfast accept prod/storefront --until 7d --reason "emergency limit"', 'holdfast accept prod/storefront --resource etc/app.yaml --path /limits/rps --until 2h --reason "load test"');
  return define<AcceptOptions>(cli, {
    command,
    run: async ({ context, args: [id = ''], options }) => {
      const reason = requireReason(options.reason);
      const until = requireUntil(context, options.until);
      if (options.resource !== undefined) return announce(context, id, { ...options, resource: options.resource, reason, until });
      if (options.path !== undefined) throw new CliError('--path is given without --resource', { remedy: 'Name the resource it is in.' });
      return decide(context, { ...options, id, decision: 'accept', reason, until, signing: options, wait: options.wait === true });
    },
  });
}

interface Announcement extends AcceptOptions {
  readonly resource: string;
  readonly reason: string;
  readonly until: string;
}

async function announce(context: Context, address: string, announcement: Announcement): Promise<number> {
  const { resource, path, reason, until } = announcement;
  if (announcement.plan !== undefined || announcement.wait === true) {
    throw new CliError('--plan and --wait belong to an incident, and --resource announces a change before there is one', { remedy: 'Leave out --resource, or --plan and --wait.' });
  }
  const by = decider(context, announcement.by);
  const target = await context.target(address);
  const scope = formatAddress(target);
  return send(context, target.environment, { command: 'accept', scope, resource, ...(path === undefined ? {} : { path }), until, by, reason });
}

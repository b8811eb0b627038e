import { Command } from 'commander';
import { formatAddress, formatIncident } from '../../domain/address.js';
import { type Cli, define, example } from '../command.js';
import { addCommandSigning, command as send, type CommandSigning } from '../commanding.js';
import { CliError } from '../errors.js';
import { findIncident, isClosed } from '../incident-row.js';
import { byOption, decider, reasonOption, requireReason } from '../options.js';
import { shellWord } from '../render/escape.js';

interface RetryOptions extends CommandSigning {
  readonly by?: string;
  readonly reason?: string;
}

export function retryCommand(cli: Cli): Command {
  const command = new Command('retry')
    .summary('ask again about a closed incident')
    .description('Forgets how a closed incident ended, so that the next check that still finds its changes opens a new one.')
    .argument('<incident>', 'ENVIRONMENT/TARGET#NUMBER; without the number, the last one')
    .addOption(reasonOption())
    .addOption(byOption());
  addCommandSigning(command);
  example(command, 'holdfast retry prod/storefront#7 --reason "the disk is no longer full"');
  return define<RetryOptions>(cli, {
    command,
    run: async ({ context, args: [id = ''], options }) => {
      const by = decider(context, options.by);
      const reason = requireReason(options.reason);
      context.incidentAddress(id);
      const ledger = await context.requireLedger();
      const row = await findIncident(context, ledger, id).finally(() => ledger.close());
      const name = formatIncident(row);
      if (!isClosed(row)) throw new CliError(`${name} is open (${row.phase}), so there is nothing to retry yet`, { remedy: `See what it waits for with: holdfast incident ${shellWord(name)}` });
      return send(context, row.environment, { command: 'retry', scope: formatAddress(row), incident: row.number, by, reason }, options);
    },
  });
}

import { Command } from 'commander';
import { formatAddress, formatIncident } from '../../domain/address.js';
import { type Cli, define, example } from '../command.js';
import { addCommandSigning, command as send, type CommandSigning } from '../commanding.js';
import type { Context } from '../context.js';
import { decide } from '../deciding.js';
import { CliError } from '../errors.js';
import { findIncident, isClosed } from '../incident-row.js';
import { byOption, decider, reasonOption, requireReason, waitOption } from '../options.js';
import { shellWord } from '../render/escape.js';

interface RollbackOptions extends CommandSigning {
  readonly by?: string;
  readonly reason?: string;
  readonly wait?: boolean;
}

export function rollbackCommand(cli: Cli): Command {
  const command = new Command('rollback')
    .summary('put back what was live before')
    .description('Stops the repair of an open incident and puts back what was live before it. On a closed incident that was fixed, undoes the repair while its snapshot is kept.')
    .argument('<incident>', 'ENVIRONMENT/TARGET#NUMBER; without the number, the open or last one')
    .addOption(reasonOption())
    .addOption(byOption())
    .addOption(waitOption());
  addCommandSigning(command);
  example(command, 'holdfast rollback prod/storefront#7 --reason "orders fail since the repair"');
  return define<RollbackOptions>(cli, {
    command,
    run: async ({ context, args: [id = ''], options }) => rollback(context, id, { ...options, reason: requireReason(options.reason) }),
  });
}

async function rollback(context: Context, id: string, options: RollbackOptions & { readonly reason: string }): Promise<number> {
  context.incidentAddress(id);
  const ledger = await context.ledger();
  const row = ledger === undefined ? undefined : await findIncident(context, ledger, id).finally(() => ledger.close());
  if (row === undefined || !isClosed(row)) return decide(context, { ...options, id, decision: 'rollback', wait: options.wait === true });
  const name = formatIncident(row);
  if (row.outcome !== 'fixed') {
    throw new CliError(`${name} is closed (${row.outcome ?? 'without an outcome'}), and only a repair that was made can be undone`, { remedy: `Read it with: holdfast incident ${shellWord(name)}` });
  }
  if (options.wait === true) throw new CliError('an undo is an incident of its own, so there is nothing to wait for yet', { remedy: `Leave out --wait, then follow it with: holdfast status ${formatAddress(row)}` });
  const by = decider(context, options.by);
  return send(context, row.environment, { command: 'undo', scope: formatAddress(row), incident: row.number, by, reason: options.reason }, options);
}

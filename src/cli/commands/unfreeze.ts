import { Command } from 'commander';
import { type Cli, define, example } from '../command.js';
import { addCommandSigning, command as send, type CommandSigning } from '../commanding.js';
import { byOption, decider, reasonOption, requireReason } from '../options.js';
import { scopeOf } from '../scope.js';

interface UnfreezeOptions extends CommandSigning {
  readonly all?: boolean;
  readonly by?: string;
  readonly reason?: string;
}

export function unfreezeCommand(cli: Cli): Command {
  const command = new Command('unfreeze')
    .summary('let repairs go on')
    .description('Ends a freeze of the same scope: what was frozen with --all is unfrozen with --all.')
    .argument('[address]', 'ENVIRONMENT or ENVIRONMENT/TARGET')
    .option('--all', 'everything')
    .addOption(reasonOption())
    .addOption(byOption());
  addCommandSigning(command);
  example(command, 'holdfast unfreeze prod --reason "release 4.2 is out"');
  return define<UnfreezeOptions>(cli, {
    command,
    run: async ({ context, args: [address], options }) => {
      const by = decider(context, options.by);
      const reason = requireReason(options.reason);
      const { scope, environment } = await scopeOf(context, address, options.all === true);
      return send(context, environment, { command: 'unfreeze', scope, by, reason }, options);
    },
  });
}

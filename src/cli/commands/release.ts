import { Command, Option } from 'commander';
import { RELEASABLE } from '../../domain/gates/ask.js';
import { type Cli, define, example } from '../command.js';
import { addCommandSigning, command as send, type CommandSigning } from '../commanding.js';
import { CliError } from '../errors.js';
import { byOption, decider, reasonOption, requireReason } from '../options.js';
import { scopeOf } from '../scope.js';

interface ReleaseOptions extends CommandSigning {
  readonly gate?: string;
  readonly by?: string;
  readonly reason?: string;
}

const NAMES = Object.keys(RELEASABLE);

export function releaseCommand(cli: Cli): Command {
  const command = new Command('release')
    .summary('clear a quarantine, flapping, breaker, budget, busy, after, step-back or needs-human')
    .description('Opens a gate that only a person opens, once its cause is dealt with.')
    .argument('<address>', 'ENVIRONMENT or ENVIRONMENT/TARGET')
    .addOption(new Option('--gate <name>', 'what to clear').choices(NAMES))
    .addOption(reasonOption())
    .addOption(byOption());
  addCommandSigning(command);
  example(command, 'holdfast release prod/storefront --gate quarantine --reason "the desired state is corrected"');
  return define<ReleaseOptions>(cli, {
    command,
    run: async ({ context, args: [address], options }) => {
      const { gate } = options;
      if (gate === undefined) throw new CliError('--gate is missing', { remedy: `Name what to clear: ${NAMES.join(', ')}.` });
      const by = decider(context, options.by);
      const reason = requireReason(options.reason);
      const { scope, environment } = await scopeOf(context, address, false);
      return send(context, environment, { command: 'release', scope, gate, by, reason }, options);
    },
  });
}

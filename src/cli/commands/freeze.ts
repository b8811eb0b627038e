import { Command } from 'commander';
import { type Cli, define, example } from '../command.js';
import { command as send } from '../commanding.js';
import { byOption, decider, reasonOption, requireReason, requireUntil, untilOption } from '../options.js';
import { scopeOf } from '../scope.js';

interface FreezeOptions {
  readonly all?: boolean;
  readonly by?: string;
  readonly reason?: string;
  readonly until?: string;
}

export function freezeCommand(cli: Cli): Command {
  const command = new Command('freeze')
    .summary('stop all repairs of an environment or target')
    .description('Stops repairs; detection goes on. A repair that has not switched over yet is taken back, one that has finishes its validation.')
    .argument('[address]', 'ENVIRONMENT or ENVIRONMENT/TARGET')
    .option('--all', 'everything')
    .addOption(reasonOption())
    .addOption(untilOption('when it ends by itself'))
    .addOption(byOption());
  example(command, 'holdfast freeze prod --reason "release 4.2" --until 2h', 'holdfast freeze --all --reason "incident 311"');
  return define<FreezeOptions>(cli, {
    command,
    run: async ({ context, args: [address], options }) => {
      const by = decider(context, options.by);
      const reason = requireReason(options.reason);
      const until = options.until === undefined ? {} : { until: requireUntil(context, options.until) };
      const { scope, environment } = await scopeOf(context, address, options.all === true);
      return send(context, environment, { command: 'freeze', scope, by, reason, ...until });
    },
  });
}

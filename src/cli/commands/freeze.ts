import { Command } from 'commander';
import { type Cli, define, example } from '../command.js';
import { command as send } from '../commanding.js';
import type { Context } from '../context.js';
import { CliError } from '../errors.js';
import { byOption, decider, reasonOption, requireReason, requireUntil, untilOption } from '../options.js';
import { positiveDuration } from '../render/time.js';
import { scopeOf } from '../scope.js';

interface FreezeOptions {
  readonly all?: boolean;
  readonly by?: string;
  readonly reason?: string;
  readonly until?: string;
  readonly for?: string;
}

export function freezeCommand(cli: Cli): Command {
  const command = new Command('freeze')
    .summary('stop all repairs of an environment or target')
    .description('Stops repairs; detection goes on. A repair that has not switched over yet is taken back, one that has finishes its validation.')
    .argument('[address]', 'ENVIRONMENT or ENVIRONMENT/TARGET')
    .option('--all', 'everything')
    .addOption(reasonOption())
    .addOption(untilOption('when it ends by itself'))
    .option('--for <duration>', 'for a pipeline: what you do here takes at most this long (30m); repairs wait meanwhile')
    .addOption(byOption());
  example(command, 'holdfast freeze prod/storefront --for 30m --reason "pipeline 311 deploys"', 'holdfast freeze prod --reason "release 4.2" --until 2h', 'holdfast freeze --all --reason "incident 311"');
  return define<FreezeOptions>(cli, {
    command,
    run: async ({ context, args: [address], options }) => {
      const by = decider(context, options.by);
      const reason = requireReason(options.reason);
      if (options.for !== undefined && options.until !== undefined) throw new CliError('both --for and --until are given', { remedy: 'Give --for for work that you do yourself, --until for a freeze.' });
      if (options.for !== undefined) return busy(context, { ...(address === undefined ? {} : { address }), all: options.all === true, by, reason, for: options.for });
      const until = options.until === undefined ? {} : { until: requireUntil(context, options.until) };
      const { scope, environment } = await scopeOf(context, address, options.all === true);
      return send(context, environment, { command: 'freeze', scope, by, reason, ...until });
    },
  });
}

interface Working {
  readonly address?: string;
  readonly all: boolean;
  readonly by: string;
  readonly reason: string;
  readonly for: string;
}

/** Named as what it is: a repair that waits for it says `busy`, with the time. */
async function busy(context: Context, { address, all, by, reason, for: duration }: Working): Promise<number> {
  const ms = positiveDuration(duration);
  if (ms === undefined) throw new CliError(`--for ${duration} is not a duration`, { remedy: 'Write 30m, 2h or 1d.' });
  const { scope, environment } = await scopeOf(context, address, all);
  return send(context, environment, { command: 'freeze', gate: 'busy', scope, by, reason, until: new Date(context.io.now().getTime() + ms).toISOString() });
}

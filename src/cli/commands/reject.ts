import { Command } from 'commander';
import { type Cli, define, example } from '../command.js';
import { decide } from '../deciding.js';
import { addCause, type CauseOptions, causeSaid, decideCause, requireIncident } from '../deciding-cause.js';
import { byOption, planOption, reasonOption, requireReason, waitOption } from '../options.js';
import { addSigning } from '../signing.js';

interface RejectOptions extends CauseOptions {
  readonly plan?: string;
  readonly by?: string;
  readonly reason?: string;
  readonly wait?: boolean;
}

export function rejectCommand(cli: Cli): Command {
  const command = new Command('reject')
    .summary('refuse a repair')
    .description('Refuses the repair of an incident: nothing is changed, and the same changes are not asked about again until they or the desired state change.')
    .argument('[incident]', 'ENVIRONMENT/TARGET#NUMBER; without the number, the open one. With --cause: ENVIRONMENT or ENVIRONMENT/TARGET, only there')
    .addOption(planOption())
    .addOption(byOption())
    .addOption(reasonOption())
    .addOption(waitOption());
  addSigning(command);
  addCause(command);
  example(command, 'holdfast reject prod/storefront --reason "emergency value, kept until the release"');
  return define<RejectOptions>(cli, {
    command,
    run: async ({ context, args: [named], options }) => {
      const reason = requireReason(options.reason);
      if (options.cause !== undefined) return decideCause(context, { ...causeSaid(options, options.cause, named), decision: 'reject', reason });
      return decide(context, { ...options, id: requireIncident(named), decision: 'reject', reason, signing: options, wait: options.wait === true });
    },
  });
}

import { Command } from 'commander';
import { type Cli, define, example } from '../command.js';
import { decide } from '../deciding.js';
import { byOption, planOption, reasonOption, requireReason, waitOption } from '../options.js';
import { addSigning, type Signing } from '../signing.js';

interface RejectOptions extends Signing {
  readonly plan?: string;
  readonly by?: string;
  readonly reason?: string;
  readonly wait?: boolean;
}

export function rejectCommand(cli: Cli): Command {
  const command = new Command('reject')
    .summary('refuse a repair')
    .description('Refuses the repair of an incident: nothing is changed, and the same changes are not asked about again until they or the desired state change.')
    .argument('<incident>', 'ENVIRONMENT/TARGET#NUMBER; without the number, the open one')
    .addOption(planOption())
    .addOption(byOption())
    .addOption(reasonOption())
    .addOption(waitOption());
  addSigning(command);
  example(command, 'holdfast reject prod/storefront --reason "emergency value, kept until the release"');
  return define<RejectOptions>(cli, {
    command,
    run: async ({ context, args: [id = ''], options }) => decide(context, { ...options, id, decision: 'reject', reason: requireReason(options.reason), signing: options, wait: options.wait === true }),
  });
}

import { Command } from 'commander';
import { mustSign } from '../../config/config.js';
import { formatIncident } from '../../domain/address.js';
import { KEY } from '../../domain/gates/gate.js';
import { type Cli, define, example } from '../command.js';
import type { Context } from '../context.js';
import { closedAlready, decide, type DecideRequest } from '../deciding.js';
import { addCause, type CauseOptions, causeSaid, decideCause, requireIncident } from '../deciding-cause.js';
import { CliError } from '../errors.js';
import { EXIT } from '../exit.js';
import { askedParts, findIncident, isClosed, waitingParts } from '../incident-row.js';
import { byOption, planOption, reasonOption, requireReason, waitOption } from '../options.js';
import { changeLines } from '../render/changes.js';
import { plain, shellWord } from '../render/escape.js';
import { planLines, shortHash } from '../render/plan.js';
import { indent } from '../render/table.js';
import { addSigning } from '../signing.js';

interface ApproveOptions extends CauseOptions {
  readonly plan?: string;
  readonly by?: string;
  readonly reason?: string;
  readonly wait?: boolean;
  readonly breakGlass?: boolean;
}

export function approveCommand(cli: Cli): Command {
  const command = new Command('approve')
    .summary('let a repair go on')
    .description('Approves one plan of an incident: what was not reviewed cannot be approved, so the plan is named. Without --plan it shows the plan that stands and approves nothing.')
    .argument('[incident]', 'ENVIRONMENT/TARGET#NUMBER; without the number, the open one. With --cause: ENVIRONMENT or ENVIRONMENT/TARGET, only there')
    .addOption(planOption())
    .addOption(byOption())
    .addOption(reasonOption())
    .addOption(waitOption())
    .option('--break-glass', 'let it start now, on your word alone and through a closed window or breaker, also for what is approved or allowed and waits; needs --reason, everybody is told');
  addSigning(command);
  addCause(command);
  example(command, 'holdfast approve prod/storefront --plan 3f9ac2d1', 'holdfast approve prod/storefront#7 --plan 3f9ac2d1 --wait --timeout 30m', 'holdfast approve --cause 8c1f2ab4', 'holdfast approve prod/storefront --plan 3f9ac2d1 --break-glass --reason "checkout is down"');
  return define<ApproveOptions>(cli, {
    command,
    run: ({ context, args: [named], options }) => {
      if (options.cause !== undefined) return decideCause(context, { ...causeSaid(options, options.cause, named), decision: 'approve' });
      const id = requireIncident(named);
      return options.plan === undefined ? showPlan(context, id, options) : decide(context, requestOf(id, options));
    },
  });
}

function requestOf(id: string, { breakGlass, ...options }: ApproveOptions): DecideRequest {
  const request = { ...options, id, decision: 'approve' as const, signing: options, wait: options.wait === true };
  return breakGlass === true ? { ...request, reason: requireReason(options.reason), breakGlass: true } : request;
}

/** What there is to review, with the command that approves exactly it. */
async function showPlan(context: Context, id: string, { breakGlass = false }: Pick<ApproveOptions, 'breakGlass'>): Promise<number> {
  context.incidentAddress(id);
  const ledger = await context.requireLedger();
  try {
    const row = await findIncident(context, ledger, id);
    if (isClosed(row)) throw closedAlready(row, { decision: 'approve' });
    const name = formatIncident(row);
    const shown = [...askedParts(row), ...(breakGlass ? waitingParts(row) : [])];
    const hashes = shown.flatMap((part) => (part.plan === undefined ? [] : [part.plan]));
    if (hashes.length === 0) throw new CliError(`${name} has no plan that waits for an approval; it is ${row.phase}`, { remedy: `See it with: holdfast incident ${shellWord(name)}` });
    const plans = await Promise.all(hashes.map(async (hash) => ({ hash, plan: await ledger.plan(hash) })));
    const asks = (hash: string): boolean => askedParts(row).some((part) => part.plan === hash);
    if (context.json) {
      await context.printJson('review', { incident: name, approved: false, plans: plans.map(({ hash, plan }) => plan ?? { hash }), exitCode: EXIT.error });
      return EXIT.error;
    }
    const signs = mustSign(await context.config(), row.environment);
    for (const { hash, plan } of plans) {
      context.note(`${plain(name)} ${asks(hash) ? 'asks about' : 'waits with'} plan ${shortHash(hash)}:`);
      if (plan !== undefined) context.note(indent([...changeLines(plan.changes, context.style), ...planLines(plan, context.style).slice(1)], 2).join('\n'));
      context.note(`Nothing was approved. To approve exactly this plan:\n  holdfast approve ${shellWord(name)} --plan ${shortHash(hash)}${breakGlass ? ' --break-glass --reason WHY' : ''}${signs ? KEY : ''}\n`);
    }
    return EXIT.error;
  } finally {
    await ledger.close();
  }
}

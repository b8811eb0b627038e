import { Command } from 'commander';
import { formatAddress, parseAddress } from '../../domain/address.js';
import { type Cli, define, example, integerOption } from '../command.js';
import type { Context } from '../context.js';
import { EXIT, worstExit } from '../exit.js';
import { exitOf, lookAt, type Looked } from '../looking.js';
import { changeLines, changeMarkdown, count, verdictLine } from '../render/changes.js';
import { markdown, plain } from '../render/escape.js';
import { paintWord } from '../render/style.js';
import { indent } from '../render/table.js';
import { remoteCheck } from '../remote.js';

interface CheckOptions {
  readonly remote?: boolean;
  readonly wait?: boolean;
  readonly driftExitCode?: number;
}

export function checkCommand(cli: Cli): Command {
  const command = new Command('check')
    .summary('look now, from here')
    .description(
      'Looks at targets now and says what differs. Runs from here: it needs no Temporal, no worker and no record, and writes nothing. Health is not probed.\n' +
        'Exit codes: 0 as desired, 2 drift, 3 could not tell, 1 error; of several targets 1 before 3 before 2.',
    )
    .argument('[address]', 'ENVIRONMENT or ENVIRONMENT/TARGET; everything without it')
    .option('--remote', 'let the workers look, as the schedule does')
    .option('--wait', 'with --remote: wait for what they find')
    .addOption(integerOption('--drift-exit-code <n>', 'exit with this code on drift instead of 2', { min: 0, max: 255 }));
  example(command, 'holdfast check', 'holdfast check prod/storefront', 'holdfast check prod -o markdown >> "$GITHUB_STEP_SUMMARY"');
  return define<CheckOptions>(cli, { command, formats: ['table', 'json', 'markdown'], run: ({ context, args: [address], options }) => check(context, address, options) });
}

async function check(context: Context, address: string | undefined, options: CheckOptions): Promise<number> {
  const driftExit = options.driftExitCode ?? EXIT.drift;
  const targets = await context.targets(address);
  if (options.remote === true) {
    const parsed = address === undefined ? undefined : parseAddress(address);
    const environments = [...new Set(targets.map((target) => target.environment))];
    return remoteCheck(context, { environments, ...(parsed?.target === undefined ? {} : { target: parsed.target }), wait: options.wait === true, driftExit });
  }
  if (targets.length === 0) context.note('There are no targets to look at.');
  const looked = await lookAt(context, targets);
  await print(context, looked, driftExit);
  return worstExit(looked.map((each) => exitOf(each, driftExit)));
}

async function print(context: Context, looked: readonly Looked[], driftExit: number): Promise<void> {
  switch (context.options.output) {
    case 'json':
      return context.printJson('check', { exitCode: worstExit(looked.map((each) => exitOf(each, driftExit))), targets: looked.map((each) => asJson(each, driftExit)) });
    case 'markdown':
      return context.say(asMarkdown(looked));
    case 'table':
      return printTable(context, looked);
  }
}

function asJson({ target, observation, error, ms }: Looked, driftExit: number): object {
  const exitCode = exitOf({ target, ms, ...(observation === undefined ? {} : { observation }) }, driftExit);
  const address = { address: formatAddress(target), environment: target.environment, target: target.target, provider: target.provider };
  if (observation === undefined) return { ...address, verdict: 'error', reason: error, exitCode, milliseconds: ms };
  return { ...address, ...observation, exitCode, milliseconds: ms };
}

async function printTable(context: Context, looked: readonly Looked[]): Promise<void> {
  const { style } = context;
  const rows = looked.map(({ target, observation, error }) => [
    formatAddress(target),
    paintWord(observation?.verdict ?? 'error', style),
    observation === undefined ? plain(error ?? '') : verdictLine(observation),
  ]);
  if (rows.length > 0) await context.say(context.table(['TARGET', 'VERDICT', 'FOUND'], rows));
  for (const { target, observation } of looked) {
    if (observation === undefined || observation.changes.length === 0) continue;
    await context.say(`\n${style.bold(formatAddress(target))}  ${style.dim('(what should be → what is)')}\n${indent(changeLines(observation.changes, style), 2).join('\n')}`);
  }
  const skipped = looked.reduce((sum, { observation }) => sum + (observation?.skipped.length ?? 0), 0);
  if (skipped > 0) context.note(`${count(skipped, 'place')} left out of the comparison; -o json names each with its reason.`);
  const drifted = looked.find(({ observation }) => observation?.verdict === 'drifted');
  if (drifted !== undefined) context.note(`Next: holdfast plan ${formatAddress(drifted.target)}`);
}

function asMarkdown(looked: readonly Looked[]): string {
  const rows = looked.map(({ target, observation, error }) => {
    const found = observation === undefined ? (error ?? '') : verdictLine(observation);
    return `| ${formatAddress(target)} | ${observation?.verdict ?? 'error'} | ${markdown(found)} |`;
  });
  const details = looked.flatMap(({ target, observation }) =>
    observation === undefined || observation.changes.length === 0 ? [] : [`\n#### ${formatAddress(target)}\n\n${changeMarkdown(observation.changes)}`],
  );
  return ['### Holdfast check', '', '| Target | Verdict | Found |', '| --- | --- | --- |', ...rows, ...details].join('\n');
}

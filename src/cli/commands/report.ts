import { Command } from 'commander';
import type { Config } from '../../config/config.js';
import type { ChangeClass } from '../../domain/deciding/class.js';
import { READINESS, readinessOf, type ReadinessLine } from '../../domain/deciding/readiness.js';
import { REMEDIATIONS, remediationOf } from '../../domain/deciding/remediation.js';
import { stepsBack } from '../../domain/deciding/step-back.js';
import type { ClosedGate } from '../../ledger/ledger.js';
import { type Cli, define, example } from '../command.js';
import type { Context } from '../context.js';
import { CliError } from '../errors.js';
import { EXIT } from '../exit.js';
import { sinceOf } from '../options.js';
import { markdown, plain } from '../render/escape.js';
import { formatTime } from '../render/entry.js';
import { paintWord } from '../render/style.js';
import { indent } from '../render/table.js';

interface ReportOptions {
  readonly readiness?: boolean;
  readonly since?: string;
}

export function reportCommand(cli: Cli): Command {
  const command = new Command('report')
    .summary('what has earned automation')
    .description('Counts, from the record, how often what Holdfast would have done was approved unchanged, passed health, was rolled back, rejected or left to expire, for each class of change, and recommends observe, ask or auto.')
    .argument('[environment]', 'only this ENVIRONMENT')
    .option('--readiness', 'what has earned automation')
    .option('--since <when>', 'since then: a duration (30d) or a time (default: readiness.within of the configuration)');
  example(command, 'holdfast report --readiness', 'holdfast report --readiness prod -o markdown');
  return define<ReportOptions>(cli, { command, formats: ['table', 'json', 'markdown'], run: ({ context, args: [environment], options }) => report(context, environment, options) });
}

async function report(context: Context, environment: string | undefined, options: ReportOptions): Promise<number> {
  if (options.readiness !== true) throw new CliError('--readiness is missing', { remedy: 'It is the report that there is: holdfast report --readiness' });
  if (environment !== undefined) await context.environment(environment);
  const config = await context.config();
  const thresholds = config.readiness ?? READINESS;
  const since = options.since === undefined ? new Date(context.io.now().getTime() - thresholds.withinMs).toISOString() : sinceOf(context, options.since);
  const { readinessCases } = await import('../../policy/readiness.js');
  const ledger = await context.requireLedger();
  try {
    const gates = await ledger.allClosedGates(context.io.now().toISOString());
    const lines = readinessOf({
      cases: await readinessCases(ledger, { since, ...(environment === undefined ? {} : { environment }) }),
      environments: config.environments.map((each) => each.name),
      settings: settingsIn(config),
      steppedBack: stepsIn(gates),
      thresholds,
    });
    await print(context, lines, since);
    return EXIT.done;
  } finally {
    await ledger.close();
  }
}

function settingsIn({ targets }: Config) {
  return (environment: string, of: ChangeClass) => targets.filter((each) => each.environment === environment).map((target) => remediationOf(target, of).remediation);
}

function stepsIn(gates: readonly ClosedGate[]) {
  return (environment: string, of: ChangeClass): string | undefined => stepsBack(gates.filter((gate) => gate.scope === environment)).get(of)?.reason;
}

async function print(context: Context, lines: readonly ReadinessLine[], since: string): Promise<void> {
  switch (context.options.output) {
    case 'json':
      return context.printJson('readiness', { since, classes: lines });
    case 'markdown':
      return context.say(asMarkdown(lines, since));
    case 'table':
      return printTable(context, lines, since);
  }
}

const HEAD = ['ENVIRONMENT', 'CLASS', 'NOW', 'WOULD', 'APPROVED', 'AUTO', 'HEALTHY', 'BACK', 'REFUSED', 'EXPIRED', 'RECOMMEND'];

async function printTable(context: Context, lines: readonly ReadinessLine[], since: string): Promise<void> {
  if (lines.length === 0) {
    context.note(`Nothing was decided since ${formatTime(since)} UTC.`);
    return;
  }
  const { style } = context;
  await context.say(context.table(HEAD, lines.map((line) => [...cells(line).slice(0, -1), paintWord(line.recommend, style)])));
  const why = lines.map((line) => `${line.environment} ${line.class}: ${line.recommend}: ${plain(line.because)}`);
  await context.say(`\n${style.bold('Why')}\n${indent(why, 2).join('\n')}`);
  context.note(`\nSince ${formatTime(since)} UTC. WOULD: repairs that needed no person by themselves; deletes, replaces and what was first seen are always asked about.`);
}

function asMarkdown(lines: readonly ReadinessLine[], since: string): string {
  const head = `### Holdfast: what has earned automation\n\nSince ${formatTime(since)} UTC.`;
  if (lines.length === 0) return `${head}\n\nNothing was decided.`;
  const row = (texts: readonly string[]): string => `| ${texts.join(' | ')} |`;
  return [head, '', row([...HEAD.map((each) => each.toLowerCase()), 'why']), row([...HEAD, ''].map(() => '---')), ...lines.map((line) => row([...cells(line), line.because].map(markdown)))].join('\n');
}

function cells({ environment, class: of, now, counts, recommend }: ReadinessLine): readonly string[] {
  const modes = REMEDIATIONS.flatMap((mode) => (now[mode] === undefined ? [] : [{ mode, count: now[mode] }]));
  const [only] = modes;
  const standing = modes.length === 1 && only !== undefined ? only.mode : modes.map(({ mode, count }) => `${mode} ${count}`).join(', ');
  const { would, approved, automatic, healthy, rolledBack, rejected, undone, accepted, expired } = counts;
  return [environment, of, standing === '' ? '-' : standing, ...[would, approved, automatic, healthy, rolledBack, rejected + undone + accepted, expired].map(String), recommend];
}

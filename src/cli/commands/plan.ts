import { Command } from 'commander';
import { formatAddress, formatIncident } from '../../domain/address.js';
import type { Observation } from '../../domain/change.js';
import { intentLines } from '../../domain/deciding/intent.js';
import { KEY } from '../../domain/gates/gate.js';
import type { Target } from '../../domain/target.js';
import { type Cli, define, example } from '../command.js';
import type { Context } from '../context.js';
import { mustSign } from '../../config/config.js';
import type { IncidentRow } from '../../ledger/ledger.js';
import type { Assessed, AssessedPart } from '../deps.js';
import { CliError } from '../errors.js';
import { EXIT } from '../exit.js';
import { askedParts, isClosed, partsOf } from '../incident-row.js';
import { exitOf, lookAt } from '../looking.js';
import { changeLines, changeMarkdown, verdictLine } from '../render/changes.js';
import { markdown, markdownCode, plain, shellWord } from '../render/escape.js';
import { nextOf, partLines, partMarkdown, shortHash } from '../render/plan.js';
import { paintWord } from '../render/style.js';
import { indent } from '../render/table.js';

export function planCommand(cli: Cli): Command {
  const command = new Command('plan')
    .summary('what would be decided and done now')
    .description('Looks at one target, decides, and shows the repair that would be made: its rules, steps, gates and what would happen next. Changes nothing.')
    .argument('<address>', 'ENVIRONMENT/TARGET');
  example(command, 'holdfast plan prod/storefront', 'holdfast plan prod/storefront -o markdown');
  return define(cli, { command, formats: ['table', 'json', 'markdown'], run: ({ context, args: [address] }) => plan(context, address ?? '') });
}

interface Found {
  readonly target: Target;
  readonly observation: Observation;
  readonly assessed: Assessed;
  /** False: there is no record, so that gates and what was settled are not known. */
  readonly record: boolean;
}

async function plan(context: Context, address: string): Promise<number> {
  const target = await context.target(address);
  const [looked] = await lookAt(context, [target]);
  if (looked?.observation === undefined) throw new CliError(looked?.error ?? `${address} was not looked at`, { exit: EXIT.error });
  const { observation } = looked;
  const config = await context.config();
  const ledger = await context.ledger();
  try {
    const signal = context.io.signal;
    const assessed =
      observation.verdict === 'drifted'
        ? await context.deps.assess({ config, target, observation, signal, now: context.io.now(), ...(ledger === undefined ? {} : { ledger }) })
        : { parts: [], quiet: [] };
    const open = await ledger?.incident(target);
    const signs = mustSign(config, target.environment);
    const parts = ledger === undefined ? assessed.parts : assessed.parts.map((part) => ({ ...part, now: nowOf(part, { target, row: open, signs }) }));
    await print(context, { target, observation, assessed: { ...assessed, parts }, record: ledger !== undefined });
  } finally {
    await ledger?.close();
  }
  return exitOf(looked, EXIT.drift);
}

interface Standing {
  readonly target: Target;
  readonly row: IncidentRow | undefined;
  /** Decisions must be signed there. */
  readonly signs: boolean;
}

/** Where the open incident stands with this very plan, and the command that moves it. */
function nowOf(part: AssessedPart, { target, row, signs }: Standing): string {
  const address = shellWord(formatAddress(target));
  if (row === undefined || isClosed(row)) return `no incident is open; ${openedBy(part, address)}`;
  const name = shellWord(formatIncident(row));
  const known = partsOf(row).filter((each) => each.plan !== undefined && each.plan === part.plan?.hash);
  const same = known.find((each) => each.outcome === undefined && each.phase !== 'closed');
  const key = signs ? KEY : '';
  if (same?.plan === undefined) {
    const ended = known.some((each) => each.outcome === 'rolled-back' || each.phase === 'closed');
    return ended ? `${name} has ended this plan, and is open with other parts; why it ended: holdfast incident ${name}` : `${name} is open with other parts; the next check tells it what moved, at once with: holdfast check ${address} --remote`;
  }
  if (!askedParts(row).some((each) => each.plan === same.plan)) return `${name} has this plan and is ${same.phase ?? 'at work'}; follow it with: holdfast incident ${name}`;
  const say = (decision: string, more = ''): string => `holdfast ${decision} ${name} --plan ${shortHash(same.plan ?? '')}${more}${key}`;
  if (part.decision === 'adopt') return `${name} waits for who adopts it: ${say('adopt', ' --reason WHY')}`;
  if (part.decision === 'hold') return `${name} has it in sight, and nobody is asked; to repair it all the same: ${say('approve')}`;
  return `${name} waits with this plan: ${say('approve')}, or: ${say('reject', ' --reason WHY')}`;
}

/** What settles opens no incident before its time, however often a check looks. */
function openedBy({ gates }: AssessedPart, address: string): string {
  const settling = gates.find((each) => each.gate === 'settling');
  if (settling?.opensAt !== undefined) return `the first check after ${settling.opensAt} opens one, then at once with: holdfast check ${address} --remote`;
  const later = settling === undefined ? 'opens one' : 'begins to count';
  return `the next check ${later}, at once with: holdfast check ${address} --remote`;
}

async function print(context: Context, found: Found): Promise<void> {
  switch (context.options.output) {
    case 'json':
      return context.printJson('plan', asJson(found));
    case 'markdown':
      return context.say(asMarkdown(found));
    case 'table':
      return printText(context, found);
  }
}

function asJson({ target, observation, assessed, record }: Found): Record<string, unknown> {
  return {
    address: formatAddress(target),
    record,
    ...(target.intent === undefined ? {} : { intent: target.intent }),
    observation,
    parts: assessed.parts.map((part) => ({ ...part, next: nextOf(part) })),
    quiet: assessed.quiet,
  };
}

async function printText(context: Context, { target, observation, assessed, record }: Found): Promise<void> {
  const { style } = context;
  const { parts, quiet } = assessed;
  const head = [`${style.bold(formatAddress(target))}  ${paintWord(observation.verdict, style)}  ${verdictLine(observation)}`, ...intentLines(target.intent).map(plain)].join('\n');
  const blocks = parts.map((part, index) => {
    const lines = partLines(part, index + 1, style);
    return [lines[0] ?? '', ...indent(changeLines(part.changes, style), 2), ...lines.slice(1)].join('\n');
  });
  const left = quiet.length === 0 ? [] : [`${style.bold('Left alone')}\n${quiet.map(({ change, why }) => `  ${plain(change.resource)} ${plain(change.path)}: ${plain(why)}`).join('\n')}`];
  await context.say([head, ...blocks, ...left].join('\n\n'));
  if (!record && parts.length > 0) context.note('There is no record yet: freezes, quarantines, what is first seen and what people decided before are not known here.');
  if (parts.length > 0) context.note('Nothing was changed.');
}

function asMarkdown({ target, observation, assessed: { parts, quiet } }: Found): string {
  const head = `### Holdfast plan: ${formatAddress(target)}\n\n${observation.verdict}: ${markdown(verdictLine(observation))}${intentLines(target.intent).map((line) => `\n- ${markdown(line)}`).join('')}`;
  const left = quiet.length === 0 ? [] : [`**Left alone**\n\n${quiet.map(({ change, why }) => `- ${markdownCode(change.resource)} ${markdownCode(change.path)}: ${markdown(why)}`).join('\n')}`];
  return [head, ...parts.map((part, index) => `${partMarkdown(part, index + 1)}\n\n${changeMarkdown(part.changes)}`), ...left].join('\n\n');
}

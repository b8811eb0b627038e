import { resolve } from 'node:path';
import { Command } from 'commander';
import type { Config } from '../../config/config.js';
import { isHoldfastError } from '../../domain/errors.js';
import type { Replay, Said } from '../../policy/replay.js';
import { targetOf } from '../../config/config.js';
import { decisionText } from '../../policy/telling.js';
import { type Cli, define, example } from '../command.js';
import type { Context } from '../context.js';
import { EXIT } from '../exit.js';
import { sinceOf } from '../options.js';
import { count } from '../render/changes.js';
import { plain } from '../render/escape.js';
import { explainCommand } from './policy-explain.js';

/** Decisions that move are listed up to here; JSON has them all. */
const MOST_LISTED = 50;

interface ReplayOptions {
  readonly since: string;
  readonly rules?: readonly string[];
}

export function policyCommand(cli: Cli): Command {
  const command = new Command('policy').summary('rules: test them, ask why, try others').description('Runs the tests of rule files, says why a change is decided as it is, and shows what other rules would have decided.');
  command.addCommand(testCommand(cli));
  command.addCommand(explainCommand(cli));
  command.addCommand(replayCommand(cli));
  return example(command, 'holdfast policy test', 'holdfast policy explain prod/storefront', 'holdfast policy replay --since 30d --rules policies/next.yaml');
}

function testCommand(cli: Cli): Command {
  const command = new Command('test')
    .description('Run the tests that rule files carry, each file against its own rules: all files in force, or those named. Exits 1 when one fails.')
    .argument('[files...]', 'rule files; `default` is the one that comes with Holdfast');
  example(command, 'holdfast policy test', 'holdfast policy test policies/network.yaml');
  return define(cli, { command, run: ({ context }) => test(context, command.args) });
}

function replayCommand(cli: Cli): Command {
  const command = new Command('replay')
    .description('Decide again what is on record, under the rules in force or others, and show which decisions would change. Changes nothing.')
    .requiredOption('--since <when>', 'what was decided since then: a duration (30d) or a time')
    .option('--rules <file...>', 'rule files in place of those in force; the default ones stay unless `!default` is among them');
  example(command, 'holdfast policy replay --since 30d', 'holdfast policy replay --since 30d --rules policies/*.yaml');
  return define<ReplayOptions>(cli, { command, run: ({ context, options }) => replayRecord(context, options) });
}

/** The configuration with other rule files; paths count from where the command runs. */
function configWith(context: Context, files: readonly string[]): Promise<Config> {
  const policies = files.map((file) => (file === 'default' || file === '!default' ? file : resolve(context.io.cwd, file)));
  return context.deps.loadConfig({ ...context.configPlace(), policies });
}

async function test(context: Context, named: readonly string[]): Promise<number> {
  const config = named.length === 0 ? await context.config() : await configWith(context, named.includes('default') ? named : ['!default', ...named]);
  for (const { where, message } of config.warnings.filter((warning) => warning.where.startsWith('rule '))) context.note(`warning: ${plain(where)}: ${plain(message)}`);
  const { runTests } = await import('../../policy/testing.js');
  const files = (config.policies ?? []).map((file) => ({ file: file.name, rules: file.rules.length, results: runTests(file) }));
  const results = files.flatMap((file) => file.results);
  const failed = results.filter((result) => !result.passed);
  const exitCode = failed.length === 0 ? EXIT.done : EXIT.error;
  if (context.json) {
    await context.printJson('policy-test', { files: files.map(({ file, rules, results: own }) => ({ file, rules, tests: own.map(({ decided, ...result }) => ({ ...result, decision: decided.decision, risk: decided.risk, rules: decided.rules })) })), passed: results.length - failed.length, failed: failed.length, exitCode });
    return exitCode;
  }
  if (files.length === 0) {
    await context.say('There are no rules.');
    return exitCode;
  }
  await context.say(context.table(['FILE', 'RULES', 'TESTS', 'FAILED'], files.map(({ file, rules, results: own }) => [plain(file), String(rules), String(own.length), String(own.filter((result) => !result.passed).length)])));
  for (const { name, at, differs } of failed) await context.say(`\n${context.style.red('failed')}  ${plain(name)} (${plain(at)})\n${differs.map((each) => `  ${plain(each)}`).join('\n')}`);
  context.note(`${results.length - failed.length} passed, ${failed.length} failed`);
  return exitCode;
}

async function replayRecord(context: Context, { since: text, rules = [] }: ReplayOptions): Promise<number> {
  const since = sinceOf(context, text);
  const config = rules.length === 0 ? await context.config() : await configWith(context, rules);
  const ledger = await context.requireLedger();
  try {
    const { deciderOf } = await import('../../policy/decide.js');
    const { replay } = await import('../../policy/replay.js');
    const { environmentFacts } = await import('../../policy/inputs.js');
    const result = await replay(ledger.entries({ kinds: ['assessed'], since }), {
      decide: deciderOf(config),
      changesOf: async (hash) => (await ledger.plan(hash).catch(unreadable))?.changes,
      find: (address) => {
        const target = targetOf(config, address.environment, address.target);
        return target === undefined ? undefined : { target, environment: environmentFacts(config, target) };
      },
    });
    if (context.json) await context.printJson('policy-replay', { since, ...result });
    else await printReplay(context, since, result);
    return EXIT.done;
  } finally {
    await ledger.close();
  }
}

/** A plan that is not what was hashed says nothing of what was decided. */
function unreadable(error: unknown): undefined {
  if (!isHoldfastError(error, 'Invalid')) throw error;
  return undefined;
}

async function printReplay(context: Context, since: string, { decided, same, moved, counts, risks, notKept, gone }: Replay): Promise<void> {
  if (decided === 0 && notKept === 0 && gone === 0) return context.say(`Nothing was decided since ${since}: an earlier --since may find more.`);
  await context.say(`${count(decided, 'change')} decided again since ${since}: ${same} as before, ${moved.length} otherwise`);
  for (const [title, counted] of [['DECISION', counts], ['RISK', risks]] as const) {
    const rows = Object.entries(counted).sort(([, one], [, other]) => other - one).map(([key, number]) => [plain(key), String(number)]);
    if (rows.length > 0) await context.say(`\n${context.table([title, 'CHANGES'], rows)}`);
  }
  if (moved.length > 0) {
    const told = (said: Said): string => plain(`${decisionText(said)}, ${said.risk}`);
    await context.say(`\n${context.table(['INCIDENT', 'CHANGE', 'WAS', 'NOW', 'BY'], moved.slice(0, MOST_LISTED).map(({ incident, resource, path, was, now }) => [
      plain(incident), plain(`${resource} ${path}`.trim()), told(was), told(now), plain(now.rules.join(', ')),
    ]))}`);
  }
  if (moved.length > MOST_LISTED) context.note(`… and ${moved.length - MOST_LISTED} more; -o json has them all`);
  if (notKept > 0) context.note(`${count(notKept, 'change')} could not be decided again: the record does not hold all that rules knew of them`);
  if (gone > 0) context.note(`${count(gone, 'change')} of targets that are configured no more were passed over`);
}

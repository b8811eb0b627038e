import { Command } from 'commander';
import { type Cli, define, example } from '../command.js';
import type { Context } from '../context.js';
import { CliError, oneLine } from '../errors.js';
import { EXIT } from '../exit.js';
import { plain } from '../render/escape.js';
import { paintWord } from '../render/style.js';

export function notifyCommand(cli: Cli): Command {
  const command = new Command('notify').summary('try the notification sinks').description('Tries where messages to people go.');
  command.addCommand(testCommand(cli));
  return example(command, 'holdfast notify test', 'holdfast notify test on-call');
}

function testCommand(cli: Cli): Command {
  const command = new Command('test').description('Send a test event through one sink, or through all of them, now.').argument('[sink]', 'its name under notifications.sinks');
  example(command, 'holdfast notify test on-call');
  return define(cli, { command, run: ({ context, args: [sink] }) => test(context, sink) });
}

async function test(context: Context, only: string | undefined): Promise<number> {
  const config = await context.config();
  const names = config.notifications.sinks.map((sink) => sink.name).filter((name) => only === undefined || name === only);
  if (names.length === 0) {
    if (only === undefined) throw new CliError('the configuration has no notification sink', { remedy: 'Add one under notifications.sinks.' });
    throw new CliError(`the configuration has no sink ${only}`, { remedy: `Its sinks: ${config.notifications.sinks.map((sink) => sink.name).join(', ') || 'none'}.` });
  }
  const results = await Promise.all(names.map((name) => send(context, name)));
  if (context.json) await context.printJson('notify-test', { sinks: results });
  else for (const { sink, ok, error } of results) await context.say(`${paintWord(ok ? 'ok' : 'fail', context.style)}  ${plain(sink)}${error === undefined ? '' : `: ${plain(error)}`}`);
  return results.every((result) => result.ok) ? EXIT.done : EXIT.error;
}

async function send(context: Context, sink: string): Promise<{ readonly sink: string; readonly ok: boolean; readonly error?: string }> {
  const signal = context.options.timeout === undefined ? context.io.signal : AbortSignal.any([context.io.signal, AbortSignal.timeout(context.options.timeout)]);
  try {
    await context.deps.notifyTest(await context.config(), sink, signal);
    return { sink, ok: true };
  } catch (error) {
    return { sink, ok: false, error: oneLine(error) };
  }
}

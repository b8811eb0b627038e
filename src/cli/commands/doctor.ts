import { Command, Option } from 'commander';
import { type Cli, define, example } from '../command.js';
import type { Context } from '../context.js';
import { type DoctorLine, EXAMINED, examine } from '../examine.js';
import { EXIT } from '../exit.js';
import { plain } from '../render/escape.js';
import { paintWord } from '../render/style.js';

interface DoctorOptions {
  readonly fix?: boolean;
  readonly only?: readonly string[];
}

const TIMEOUT_MS = 10_000;

export function doctorCommand(cli: Cli): Command {
  const command = new Command('doctor')
    .summary('is everything as it must be')
    .description('Looks at everything Holdfast needs, says what is wrong and how to put it right. Exits 1 when something fails.')
    .option('--fix', 'put right what it can: register search attributes')
    .addOption(new Option('--only <what...>', 'look at these alone').choices(EXAMINED));
  example(command, 'holdfast doctor', 'holdfast doctor --fix', 'holdfast doctor --only record artifacts');
  return define<DoctorOptions>(cli, { command, run: ({ context, options }) => doctor(context, options) });
}

async function doctor(context: Context, options: DoctorOptions): Promise<number> {
  const lines: DoctorLine[] = [];
  for await (const line of examine(context, { fix: options.fix === true, ...(options.only === undefined ? {} : { only: options.only }), timeoutMs: context.options.timeout ?? TIMEOUT_MS })) {
    lines.push(line);
    if (!context.json) await context.say(lineText(context, line));
  }
  const failed = lines.some((line) => line.result === 'fail');
  if (context.json) await context.printJson('doctor', { checks: lines, exitCode: failed ? EXIT.error : EXIT.done });
  return failed ? EXIT.error : EXIT.done;
}

function lineText(context: Context, line: DoctorLine): string {
  const word = paintWord(line.result, context.style) + ' '.repeat(5 - line.result.length);
  const remedy = line.remedy === undefined || line.result === 'ok' ? '' : `\n      ${plain(line.remedy)}`;
  return `${word} ${plain(line.check)}: ${plain(line.message)}${remedy}`;
}

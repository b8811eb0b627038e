import { Argument, Command, Option } from 'commander';
import { formatAddress } from '../../domain/address.js';
import { type Cli, define, example } from '../command.js';
import type { Context } from '../context.js';
import { CliError } from '../errors.js';
import { EXIT } from '../exit.js';
import { completionScript, type Completable, SHELLS, type Shell } from '../completion-scripts.js';

interface CompletionOptions {
  readonly targets?: boolean;
}

export function completionCommand(cli: Cli): Command {
  const command = new Command('completion')
    .summary('completion for your shell')
    .description('Prints a script that completes commands, options and addresses.')
    .addArgument(new Argument('[shell]', 'your shell').choices([...SHELLS]))
    .addOption(new Option('--targets', 'print what an address can be').hideHelp());
  example(command, 'source <(holdfast completion bash)', 'holdfast completion fish > ~/.config/fish/completions/holdfast.fish');
  return define<CompletionOptions>(cli, {
    command,
    formats: [],
    run: async ({ context, args: [shell], options }) => {
      if (options.targets === true) return printTargets(context);
      if (shell === undefined) throw new CliError('no shell is named', { remedy: `Name one: ${SHELLS.join(', ')}.` });
      await context.io.out(completionScript(shell as Shell, completable(command)));
      return EXIT.done;
    },
  });
}

/** Whoever presses Tab in a folder without a configuration gets nothing, and no error on the line being typed. */
async function printTargets(context: Context): Promise<number> {
  try {
    const config = await context.config();
    const addresses = [...config.environments.map((each) => each.name), ...config.targets.map(formatAddress)];
    await context.io.out(addresses.map((address) => `${address}\n`).join(''));
  } catch {
    return EXIT.done;
  }
  return EXIT.done;
}

function completable(command: Command): readonly Completable[] {
  const program = command.parent;
  if (program === null) return [];
  const common = longFlags(program);
  return program.commands.map((each) => ({
    name: each.name(),
    summary: each.summary() || each.description(),
    options: [...longFlags(each), ...common],
    subcommands: each.commands.map((child) => child.name()),
  }));
}

function longFlags(command: Command): readonly string[] {
  return command.options.flatMap((option) => (option.hidden || option.long == null ? [] : [option.long]));
}

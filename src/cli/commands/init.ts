import { resolve } from 'node:path';
import { Command } from 'commander';
import { type Cli, define, example } from '../command.js';
import type { Context } from '../context.js';
import { EXIT } from '../exit.js';
import { plain } from '../render/escape.js';

interface InitOptions {
  readonly capture?: boolean;
  readonly root?: string;
}

export function initCommand(cli: Cli): Command {
  const command = new Command('init')
    .summary('write a configuration for this folder')
    .description('Recognises what is in this folder and writes a commented holdfast.yaml that check accepts. With --capture it also writes the desired state from what is live. Overwrites nothing.')
    .option('--capture', 'write the desired state from what is live')
    .option('--root <folder>', 'what is live: the folder to watch (default: what is recognised)');
  example(command, 'holdfast init --root /srv/shop', 'holdfast init --capture --root /etc/nginx');
  return define<InitOptions>(cli, { command, run: ({ context, options }) => init(context, options) });
}

async function init(context: Context, options: InitOptions): Promise<number> {
  const root = options.root === undefined ? {} : { root: resolve(context.io.cwd, options.root) };
  const file = context.options.config === undefined ? {} : { file: resolve(context.io.cwd, context.options.config) };
  const result = await context.deps.init({ folder: context.io.cwd, capture: options.capture === true, signal: context.io.signal, ...root, ...file });
  if (context.json) {
    await context.printJson('init', { written: result.written });
    return EXIT.done;
  }
  for (const { path, what } of result.written) await context.say(`wrote ${plain(path)}  ${plain(what)}`);
  const address = result.example ?? 'ENVIRONMENT/TARGET';
  const lines = [[`holdfast check ${address}`, 'look now, from here'], [`holdfast plan ${address}`, 'what would be done about it'], ['holdfast up', 'check on a schedule, and repair']] as const;
  const width = Math.max(...lines.map(([command]) => command.length));
  context.note(`\nNext:\n${lines.map(([command, what]) => `  ${command.padEnd(width)}  ${what}`).join('\n')}`);
  return EXIT.done;
}

import { Command } from 'commander';
import { formatAddress } from '../../domain/address.js';
import { type Cli, define, example, integerOption } from '../command.js';
import type { Context } from '../context.js';
import { plain } from '../render/escape.js';
import { formatDuration } from '../render/time.js';
import { untilStopped } from '../running.js';

interface UpOptions {
  readonly port?: number;
  readonly temporalUiPort?: number;
}

const PORTS = { min: 1, max: 65_535 } as const;

export function upCommand(cli: Cli): Command {
  const command = new Command('up')
    .summary('everything in one command, on this machine')
    .description('Runs the embedded mode until Ctrl-C: a Temporal development server, workers and schedules, with all state in one folder. Killed at any moment, the next start goes on where it stood.')
    .addOption(integerOption('--port <n>', "the Temporal server's port (default: 7233, or another that is free)", PORTS))
    .addOption(integerOption('--temporal-ui-port <n>', "the Temporal UI's port (default: 8233, or another that is free)", PORTS));
  example(command, 'holdfast up', 'holdfast up --config shop/holdfast.yaml --temporal-ui-port 8080');
  return define<UpOptions>(cli, { command, formats: [], longRunning: true, run: ({ context, options }) => up(context, options) });
}

async function up(context: Context, options: UpOptions): Promise<number> {
  const started = context.io.now().getTime();
  const config = await context.config();
  for (const warning of config.warnings) context.note(`warning: ${plain(warning.where)}: ${plain(warning.message)}`);
  const running = await context.deps.up({
    config,
    dataDir: context.dataDir(),
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.temporalUiPort === undefined ? {} : { uiPort: options.temporalUiPort }),
    signal: context.io.signal,
    log: (line) => context.note(plain(line)),
  });
  await banner(context, { temporal: running.temporal, ui: running.ui, readyMs: context.io.now().getTime() - started });
  return untilStopped(context, running);
}

async function banner(context: Context, at: { readonly temporal: string; readonly ui: string; readonly readyMs: number }): Promise<void> {
  const { style } = context;
  const config = await context.config();
  const [first] = config.targets;
  const environments = config.environments.map((each) => `${each.name} (${each.remediation})`).join(', ');
  await context.say(
    [
      `${style.bold('Holdfast is up')} for ${plain(config.project)}, ready in ${formatDuration(at.readyMs)}`,
      `  environments  ${environments || 'none'}`,
      `  targets       ${config.targets.length}`,
      `  Temporal      ${plain(at.temporal)}`,
      `  Temporal UI   ${style.cyan(plain(at.ui))}`,
      `  state         ${plain(context.dataDir())}`,
      '',
      `Next, in another terminal: holdfast status${configFlag(context)}${first === undefined ? '' : ` — or: holdfast check ${formatAddress(first)}${configFlag(context)}`}`,
      'Ctrl-C ends.',
    ].join('\n'),
  );
}

/** The commands to try must find the same state when this one was pointed to it. */
function configFlag(context: Context): string {
  const { config, dataDir } = context.options;
  return `${config === undefined ? '' : ` --config ${plain(config)}`}${dataDir === undefined ? '' : ` --data-dir ${plain(dataDir)}`}`;
}

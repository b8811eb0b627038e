import { Command, Option } from 'commander';
import { type Cli, durationOption, refuseRepeats } from './command.js';
import { acceptCommand } from './commands/accept.js';
import { adoptCommand } from './commands/adopt.js';
import { approveCommand } from './commands/approve.js';
import { auditCommand } from './commands/audit.js';
import { changesCommand } from './commands/changes.js';
import { checkCommand } from './commands/check.js';
import { completionCommand } from './commands/completion.js';
import { configCommand } from './commands/config.js';
import { doctorCommand } from './commands/doctor.js';
import { freezeCommand } from './commands/freeze.js';
import { incidentCommand } from './commands/incident.js';
import { incidentsCommand } from './commands/incidents.js';
import { initCommand } from './commands/init.js';
import { notifyCommand } from './commands/notify.js';
import { planCommand } from './commands/plan.js';
import { policyCommand } from './commands/policy.js';
import { rejectCommand } from './commands/reject.js';
import { releaseCommand } from './commands/release.js';
import { retryCommand } from './commands/retry.js';
import { reportCommand } from './commands/report.js';
import { rollbackCommand } from './commands/rollback.js';
import { schedulesCommand } from './commands/schedules.js';
import { statusCommand } from './commands/status.js';
import { unfreezeCommand } from './commands/unfreeze.js';
import { upCommand } from './commands/up.js';
import { workerCommand } from './commands/worker.js';
import type { Deps } from './deps.js';
import { describeError, describeStack } from './errors.js';
import { EXIT } from './exit.js';
import type { Io } from './io.js';
import { version } from './version.js';

/** In the order in which a newcomer meets them. */
const COMMANDS: readonly ((cli: Cli) => Command)[] = [
  initCommand, upCommand, statusCommand, checkCommand, planCommand,
  incidentsCommand, incidentCommand, approveCommand, rejectCommand, adoptCommand, acceptCommand, rollbackCommand, retryCommand,
  freezeCommand, unfreezeCommand, releaseCommand, changesCommand, reportCommand, schedulesCommand, policyCommand, auditCommand, notifyCommand,
  workerCommand, configCommand, doctorCommand, completionCommand,
];

/** Runs one command line (without the program's own name) and returns its exit code. Never throws. */
export async function run(argv: readonly string[], io: Io, deps: Deps): Promise<number> {
  let code: number = EXIT.done;
  const program = buildProgram({ io, deps, finish: (exit) => (code = exit) });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    const debug = argv.includes('--debug');
    const described = describeError(error, { formatConfigError: (each) => deps.formatConfigError(each) });
    const lines = debug && described.lines.length > 0 ? [...described.lines, ...describeStack(error)] : described.lines;
    for (const line of lines) io.err(`${line}\n`);
    return described.exit;
  }
}

function buildProgram(cli: Cli): Command {
  const program = new Command('holdfast')
    .description('Finds drift between what infrastructure should be and what it is, and repairs it or puts everything back.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [COMMAND]', 'show help for a command')
    .addOption(new Option('--config <file>', 'the configuration (default: holdfast.yaml here or in a folder above)'))
    .addOption(new Option('--data-dir <folder>', 'where the embedded mode keeps its state (default: .holdfast beside the configuration)'))
    .addOption(new Option('-o, --output <format>', 'how data is printed').choices(['table', 'json', 'markdown']).default('table'))
    .addOption(durationOption('--timeout <duration>', 'how long to wait at most'))
    .addOption(new Option('--debug', 'show where an error came from').default(false))
    .addOption(new Option('--no-color', 'print without colours'));
  const commands = COMMANDS.map((command) => command(cli));
  for (const command of commands) program.addCommand(command);
  for (const command of [program, ...descendants(program)]) prepare(command, cli.io);
  refuseRepeats(program);
  return program;
}

function prepare(command: Command, io: Io): void {
  command
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void io.out(text),
      writeErr: (text) => io.err(text),
      // `run` says errors, in one place.
      outputError: () => undefined,
      getOutHelpWidth: () => io.columns,
      getErrHelpWidth: () => io.columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
}

function descendants(command: Command): readonly Command[] {
  return command.commands.flatMap((child) => [child, ...descendants(child)]);
}

import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Format } from './context.js';
import { Context, globalOptions } from './context.js';
import type { Deps } from './deps.js';
import { CliError } from './errors.js';
import { EXIT } from './exit.js';
import { interruptionOf, type Io } from './io.js';
import { positiveDuration } from './render/time.js';

export interface Invocation<Options> {
  readonly context: Context;
  /** Arguments in order; an optional one that was not given is `undefined`. */
  readonly args: readonly (string | undefined)[];
  readonly options: Options;
}

export interface Definition<Options> {
  readonly command: Command;
  /** The formats it can print; without `json` it prints no data. */
  readonly formats?: readonly Format[];
  /** Ends itself on a signal, and takes its time. */
  readonly longRunning?: boolean;
  /** Returns the exit code. */
  readonly run: (invocation: Invocation<Options>) => Promise<number>;
}

/** Binds commands to one run of the program. */
export interface Cli {
  readonly io: Io;
  readonly deps: Deps;
  readonly finish: (code: number) => void;
}

const DEFAULT_FORMATS: readonly Format[] = ['table', 'json'];
/** How long a command that was interrupted may take to put its things away. */
const GRACE_MS = 3_000;

export function define<Options>(cli: Cli, definition: Definition<Options>): Command {
  const { command, formats = DEFAULT_FORMATS, longRunning = false, run } = definition;
  return command.action(async () => {
    const context = new Context({ io: cli.io, deps: cli.deps, options: globalOptions(command) });
    refuseFormat(command, context.options.output, formats);
    const args = command.processedArgs.map((each: unknown) => (typeof each === 'string' ? each : undefined));
    const work = run({ context, args, options: command.opts() as Options });
    cli.finish(longRunning ? await unlessAbandoned(work, cli.io.signal) : await unlessInterrupted(work, cli.io.signal));
  });
}

export function durationOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text: string) => {
    const ms = positiveDuration(text);
    if (ms === undefined) throw new InvalidArgumentError('Write a duration such as 500ms, 30s, 5m, 4h or 7d.');
    return ms;
  });
}

export function integerOption(flags: string, description: string, range: { readonly min: number; readonly max: number }): Option {
  return new Option(flags, description).argParser((text: string) => {
    const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= range.min && value <= range.max) return value;
    throw new InvalidArgumentError(`Write a whole number from ${range.min} to ${range.max}.`);
  });
}

/** Refuses an option that was given twice: the second would silently win. */
export function refuseRepeats(command: Command): void {
  for (const option of command.options) {
    let seen = 0;
    command.on(`option:${option.name()}`, () => {
      seen += 1;
      if (seen > 1 && !option.variadic) {
        throw new CliError(`${option.long ?? option.short ?? option.name()} is given twice`, { remedy: 'Give it once.' });
      }
    });
  }
  for (const child of command.commands) refuseRepeats(child);
}

export function example(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`);
}

function refuseFormat(command: Command, asked: Format, formats: readonly Format[]): void {
  if (asked === 'table' || formats.includes(asked)) return;
  throw new CliError(`holdfast ${pathOf(command)} does not print ${asked}`, {
    remedy: formats.length > 0 ? `Choose -o ${formats.join(' or -o ')}.` : 'Leave out -o.',
  });
}

function pathOf(command: Command): string {
  const names: string[] = [];
  for (let each = command; each.parent !== null; each = each.parent) names.unshift(each.name());
  return names.join(' ');
}

/** Ends a command that a signal asked to end: by itself if it can, else after the grace. */
async function unlessInterrupted(work: Promise<number>, signal: AbortSignal): Promise<number> {
  let timer: NodeJS.Timeout | undefined;
  const interrupted = new Promise<number>((resolve) => {
    const later = () => {
      timer = setTimeout(() => resolve(interruptedExit(signal)), GRACE_MS);
    };
    if (signal.aborted) later();
    else signal.addEventListener('abort', later, { once: true });
  });
  try {
    const code = await Promise.race([work, interrupted]);
    return signal.aborted ? interruptedExit(signal) : code;
  } catch (error) {
    if (signal.aborted) return interruptedExit(signal);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** A start that was given up because the signal said so is no failure; an end that failed is one. */
async function unlessAbandoned(work: Promise<number>, signal: AbortSignal): Promise<number> {
  try {
    return await work;
  } catch (error) {
    const abandoned = signal.aborted && (error === signal.reason || (error instanceof Error && error.name === 'AbortError'));
    if (abandoned) return interruptedExit(signal);
    throw error;
  }
}

/** A reader that has seen enough (`| head`) is no failure. */
function interruptedExit(signal: AbortSignal): number {
  return interruptionOf(signal) === 'stdout-closed' ? EXIT.done : EXIT.interrupted;
}

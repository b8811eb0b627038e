import { CommanderError } from 'commander';
import { HoldfastError } from '../domain/errors.js';
import { EXIT } from './exit.js';
import { plain, plainLines } from './render/escape.js';

/** So many characters of the beginning and of the end of a long complaint say what it is about. */
const ENDS_SHOWN = 250;

/** A refusal of the command line itself, with the code it ends with. */
export class CliError extends Error {
  readonly remedy: string | undefined;
  readonly exit: number;

  constructor(message: string, options: { remedy?: string; exit?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CliError';
    this.remedy = options.remedy;
    this.exit = options.exit ?? EXIT.error;
  }
}

export interface Described {
  /** Ready for standard error: escaped, no stack. Empty for what has already been said (help, version). */
  readonly lines: readonly string[];
  readonly exit: number;
}

/** What a person is told of any failure. Nothing else in the command line turns errors into text. */
export function describeError(error: unknown, options: { readonly formatConfigError?: (error: unknown) => string | undefined } = {}): Described {
  if (error instanceof CommanderError) return describeUsage(error);
  const configuration = options.formatConfigError?.(error);
  if (configuration !== undefined) return { lines: plainLines(configuration), exit: EXIT.error };
  if (error instanceof CliError) return { lines: withRemedy(error.message, error.remedy), exit: error.exit };
  if (error instanceof HoldfastError) return { lines: withRemedy(error.message, error.remedy), exit: EXIT.error };
  if (isFullDisk(error)) return { lines: withRemedy("the disk under Temporal's database is full, so that it takes nothing", 'Free some space there; everything goes on where it stood. holdfast check looks without it.'), exit: EXIT.error };
  const system = describeSystem(error);
  if (system !== undefined) return { lines: withRemedy(...system), exit: EXIT.error };
  const message = error instanceof Error ? error.message : String(error);
  return { lines: withRemedy(firstLine(message), 'Run it again with --debug to see where it came from.'), exit: EXIT.error };
}

/** The stack and every cause, for --debug. Escaped line by line: causes quote what others wrote. */
export function describeStack(error: unknown): readonly string[] {
  const lines: string[] = [];
  const seen = new Set<unknown>();
  for (let each = error; each instanceof Error && !seen.has(each); each = each.cause) {
    seen.add(each);
    lines.push(...plainLines(`${lines.length === 0 ? '' : 'caused by '}${each.stack ?? each.message}`));
  }
  return lines;
}

/** One line of an error, for a place that goes on in spite of it. */
export function oneLine(error: unknown): string {
  if (error instanceof Error) return plain(firstLine(error.message));
  return plain(firstLine(String(error)));
}

function describeUsage(error: CommanderError): Described {
  const said = error.code === 'commander.helpDisplayed' || error.code === 'commander.version';
  if (said) return { lines: [], exit: EXIT.done };
  if (error.code === 'commander.help') return { lines: [], exit: EXIT.error };
  const message = inShort(error.message.replace(/^error: /, '').trim());
  return { lines: [...plainLines(`holdfast: ${message}`), 'See holdfast --help, or holdfast COMMAND --help.'], exit: EXIT.error };
}

/** What was typed stands in it, however long that is. */
function inShort(message: string): string {
  return message.length <= 2 * ENDS_SHOWN ? message : `${message.slice(0, ENDS_SHOWN)}…${message.slice(-ENDS_SHOWN)}`;
}

function describeSystem(error: unknown): readonly [string, string] | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  const where = 'path' in error && typeof error.path === 'string' ? error.path : undefined;
  const what = where ?? firstLine(error.message);
  switch (error.code) {
    case 'ENOENT':
      return [`${what} does not exist`, 'Check the path; relative ones start at the folder of the configuration.'];
    case 'EACCES':
    case 'EPERM':
      return [`${what} may not be opened by this user`, 'Give this user access, or run as one who has it.'];
    case 'EROFS':
      return [`${what} is on a read-only file system`, 'Choose a folder that can be written with --data-dir.'];
    case 'ENOSPC':
      return [`no space is left to write ${what}`, 'Free some space, then run it again.'];
    case 'EISDIR':
      return [`${what} is a folder where a file is expected`, 'Name a file.'];
    default:
      return undefined;
  }
}

/** The server passes on what its database says, wrapped in calls and codes that nobody needs to read. */
function isFullDisk(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) if (/database or disk is full/.test(each.message)) return true;
  return false;
}

function withRemedy(message: string, remedy: string | undefined): readonly string[] {
  const lines = plainLines(`holdfast: ${message}`);
  return remedy === undefined ? lines : [...lines, ...plainLines(remedy)];
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? '';
}

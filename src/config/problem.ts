import { isAbsolute, relative } from 'node:path';
import { HoldfastError } from '../domain/errors.js';
import type { Stamp } from './read.js';

/** A file that was read, with what is needed to say where in it something stands. */
export interface SourceFile {
  /** Absolute. */
  readonly path: string;
  readonly text: string;
  /** Offset of the first character of each line. */
  readonly lineStarts: readonly number[];
}

/** Where something stands; without an offset, the file as a whole. */
export interface Place {
  readonly file: SourceFile;
  readonly offset?: number;
}

/** One thing that is wrong. `line` and `column` count from 1; 0 means the file as a whole. */
export interface Problem {
  /** Absolute. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The field and what is wrong with it; never a secret. */
  readonly message: string;
  readonly remedy: string;
  /** The line as written, what looks like a secret masked; absent where the line itself may not be shown. */
  readonly source?: string;
}

const MOST_PROBLEMS = 20;

/** The configuration cannot be used. Holds every problem found, at most 20. */
export class ConfigError extends HoldfastError {
  readonly problems: readonly Problem[];
  /** How many more there were. */
  readonly omitted: number;
  /** The files that were read, so that a caller knows when to try again. */
  readonly stamps: readonly Stamp[];

  constructor(problems: readonly Problem[], options: { readonly omitted?: number; readonly stamps?: readonly Stamp[] } = {}) {
    const [first] = problems;
    const omitted = options.omitted ?? 0;
    const others = problems.length + omitted - 1;
    const where = first === undefined ? '' : `${placeText(first)}: ${first.message}`;
    super('Invalid', others > 0 ? `${where} (and ${others} more)` : where, first === undefined ? {} : { remedy: first.remedy });
    this.name = 'ConfigError';
    this.problems = problems;
    this.omitted = omitted;
    this.stamps = options.stamps ?? [];
  }
}

/** Every problem with its place, the line with a caret under it, and the remedy. */
export function formatConfigError(error: ConfigError): string {
  const blocks = error.problems.map((problem) => {
    const lines = [`${placeText(problem)}: ${problem.message}`];
    if (problem.source !== undefined) lines.push(...caret(problem.source, problem.column));
    lines.push(`  ${problem.remedy}`);
    return lines.join('\n');
  });
  if (error.omitted > 0) blocks.push(`… and ${error.omitted} more; fix these first`);
  return blocks.join('\n');
}

function placeText(problem: Problem): string {
  const short = relative(process.cwd(), problem.file);
  const file = printable(short === '' || short.startsWith('..') || isAbsolute(short) ? problem.file : short);
  return problem.line === 0 ? file : `${file}:${problem.line}:${problem.column}`;
}

const CARET_WIDTH = 100;

/** Shows at most 100 characters around the column, so that a minified file stays readable. */
function caret(source: string, column: number): string[] {
  const from = Math.max(0, column - 1 - CARET_WIDTH / 2);
  const shown = printable(source.slice(from, from + CARET_WIDTH));
  return [`    ${shown}`, `    ${' '.repeat(column - 1 - from)}^`];
}

/** One column per character, so that the caret stays under its place. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ');
}

export interface NewProblem {
  readonly at: Place;
  readonly message: string;
  readonly remedy: string;
  /** The line holds a secret: do not show it. */
  readonly secret?: boolean;
}

/** Gathers problems; the same one found for several environments counts once. */
export interface Report {
  add(problem: NewProblem): void;
  readonly failed: boolean;
  toError(stamps: readonly Stamp[]): ConfigError;
}

export function createReport(): Report {
  const found = new Map<string, Problem>();
  return {
    add(problem) {
      const made = makeProblem(problem);
      const key = `${made.file}:${made.line}:${made.column}:${made.message}`;
      if (!found.has(key)) found.set(key, made);
    },
    get failed() {
      return found.size > 0;
    },
    toError(stamps) {
      const sorted = [...found.values()].sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column);
      return new ConfigError(withoutHidden(sorted).slice(0, MOST_PROBLEMS), { omitted: Math.max(0, sorted.length - MOST_PROBLEMS), stamps });
    },
  };
}

/** A line that one problem does not show, no other one shows. */
function withoutHidden(problems: readonly Problem[]): readonly Problem[] {
  const placeOf = ({ file, line }: Problem): string => `${file}:${line}`;
  const hidden = new Set(problems.filter((each) => each.source === undefined).map(placeOf));
  return problems.map((each) => {
    if (each.source === undefined || !hidden.has(placeOf(each))) return each;
    const { source: _, ...bare } = each;
    return bare;
  });
}

function makeProblem({ at, message, remedy, secret }: NewProblem): Problem {
  const base = { file: at.file.path, message, remedy };
  if (at.offset === undefined) return { ...base, line: 0, column: 0 };
  const { line, column } = positionOf(at.file, at.offset);
  if (secret === true) return { ...base, line, column };
  const start = at.file.lineStarts[line - 1] ?? 0;
  const end = (at.file.lineStarts[line] ?? at.file.text.length + 1) - 1;
  return { ...base, line, column, source: maskSecrets(at.file.text.slice(start, end)) };
}

/** Line and column, from 1, by binary search. */
export function positionOf(file: SourceFile, offset: number): { readonly line: number; readonly column: number } {
  let low = 0;
  let high = file.lineStarts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((file.lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - (file.lineStarts[low] ?? 0) + 1 };
}

const SECRET_KEY = /((?:secret|token|passw|passphrase|credential|authorization|api[-_]?key|ssh[-_]?key|signing[-_]?key|private)[\w-]*["']?\s*:\s*)("[^"]*"?|'[^']*'?|(?:(?!\$\{)[^,}\]])+)/gi;

/** 32 bytes, as the tools that make keys print them. */
const KEY_ITSELF = /(?<![\w+/-])(?:[\w+/-]{43}=|[0-9a-fA-F]{64})(?![\w=])/g;

/** A line may stand near a mistake and still hold a secret: values under such names, passwords in addresses and keys are masked. */
export function maskSecrets(line: string): string {
  if (line.includes('-----BEGIN')) return line.replace(/-----BEGIN.*/, (rest) => '*'.repeat(Math.min(rest.length, 8)));
  const masked = line.replace(SECRET_KEY, (whole: string, key: string, value: string) => (/^["']?\$\{/.test(value) ? whole : `${key}********`));
  return masked.replace(KEY_ITSELF, '********').replace(/(:\/\/[^/\s:@]*:)[^/\s@]+@/g, '$1********@');
}

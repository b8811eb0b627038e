import { cronOf } from './occurrences.js';

/**
 * Cron expressions of five fields. Where both day-of-month and day-of-week are given, both must
 * match, as in Temporal's schedules. Everything is computed from one fixed instant, so that the same
 * file always means the same.
 */
const REFERENCE = new Date('2024-01-01T00:00:00Z');
const FIELD = /^(?:[\d*,/-]|MON|TUE|WED|THU|FRI|SAT|SUN|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)+$/i;
const RUNS_LOOKED_AT = 100;

/** Why an expression cannot be used; `undefined` when it can. */
export function cronProblem(expression: string): { readonly message: string; readonly remedy: string } | undefined {
  const fields = expression.trim().split(/\s+/);
  const remedy = 'write five fields, such as "*/15 * * * *": minute, hour, day of month, month, day of week';
  if (expression.length > 200 || fields.length !== 5 || !fields.every((field) => FIELD.test(field))) {
    return { message: 'is not a cron expression', remedy };
  }
  try {
    if (cronOf(expression, 'UTC').nextRun(REFERENCE) !== null) return undefined;
    return { message: 'names a day that never comes', remedy: 'check the day of month against the month: there is no February 30, for one' };
  } catch (error) {
    return { message: `is not a cron expression: ${detailOf(error).slice(0, 100)}`, remedy };
  }
}

/** The library counts days and months from 0 and tells them so. */
function detailOf(error: unknown): string {
  const detail = error instanceof Error ? error.message.replace(/^CronPattern: (?:Syntax error, )?/, '') : 'not understood';
  const [, part = '', value = ''] = /^Invalid value for (\w+): (-?\d+)/.exec(detail) ?? [];
  if (value === '') return detail;
  const written = Number(value) + (part === 'day' || part === 'month' ? 1 : 0);
  return `there is no ${part === 'day' ? 'day of the month' : part === 'dayOfWeek' ? 'day of the week' : part} ${written}`;
}

/** The shortest time between two runs of all expressions together, looking at the next hundred; 0 without any. */
export function shortestInterval(expressions: readonly string[], timezone: string): number {
  const runs = expressions
    .flatMap((expression) => cronOf(expression, timezone).nextRuns(RUNS_LOOKED_AT, REFERENCE).map((run) => run.getTime()))
    .sort((a, b) => a - b);
  let shortest = Number.POSITIVE_INFINITY;
  for (const [index, run] of runs.entries()) {
    const gap = run - (runs[index - 1] ?? Number.NEGATIVE_INFINITY);
    if (gap > 0) shortest = Math.min(shortest, gap);
  }
  return Number.isFinite(shortest) ? shortest : 0;
}

/** No names of IANA: what understands them takes BST for Dhaka and AST for Anchorage, and others mean London and Halifax. */
const ABBREVIATED = /^(?:ACT|AET|AGT|ART|AST|BET|BST|CAT|CNT|CST|CTT|EAT|ECT|IET|IST|JST|MIT|NET|NST|PLT|PNT|PRT|PST|SST|VST)$/;

/** Why a time zone cannot be used; `undefined` when it can. */
export function timezoneProblem(name: string, nearest: (word: string, known: readonly string[]) => string | undefined): { readonly message: string; readonly remedy: string } | undefined {
  const known = Intl.supportedValuesOf('timeZone');
  if (name === 'UTC' || known.includes(name)) return undefined;
  if (ABBREVIATED.test(name)) return { message: 'is not a time zone: its letters mean several', remedy: 'use an IANA name such as Europe/London or UTC' };
  const otherCase = known.find((zone) => zone.toLowerCase() === name.toLowerCase());
  const meant = otherCase ?? nearest(name, known);
  const unknown = { message: 'is not a time zone', remedy: meant === undefined ? 'use an IANA name such as Europe/London or UTC' : `did you mean "${meant}"?` };
  if (otherCase !== undefined || !/^[A-Za-z][\w+/-]*$/.test(name)) return unknown;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return undefined;
  } catch {
    return unknown;
  }
}

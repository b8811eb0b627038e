import { Cron } from 'croner';

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
    if (parse(expression, 'UTC').nextRun(REFERENCE) !== null) return undefined;
    return { message: 'names a day that never comes', remedy: 'check the day of month against the month: there is no February 30, for one' };
  } catch (error) {
    const detail = error instanceof Error ? error.message.replace(/^CronPattern: /, '') : 'not understood';
    return { message: `is not a cron expression: ${detail.slice(0, 100)}`, remedy };
  }
}

/** The shortest time between two runs of all expressions together, looking at the next hundred; 0 without any. */
export function shortestInterval(expressions: readonly string[], timezone: string): number {
  const runs = expressions
    .flatMap((expression) => parse(expression, timezone).nextRuns(RUNS_LOOKED_AT, REFERENCE).map((run) => run.getTime()))
    .sort((a, b) => a - b);
  let shortest = Number.POSITIVE_INFINITY;
  for (const [index, run] of runs.entries()) {
    const gap = run - (runs[index - 1] ?? Number.NEGATIVE_INFINITY);
    if (gap > 0) shortest = Math.min(shortest, gap);
  }
  return Number.isFinite(shortest) ? shortest : 0;
}

export interface TimeWindow {
  readonly kind: 'allow' | 'deny';
  readonly start: string;
  readonly durationMs: number;
  readonly timezone: string;
}

const DAY_MS = 86_400_000;
const HORIZON_MS = 400 * DAY_MS;
/** Minute after minute of two days; each takes some 40 µs. */
const MOST_STEPS = 3_000;

/**
 * True when no instant is left in which a change could be made: every allow window lies within
 * denies, or the denies follow each other without a gap. What would take long to prove counts as open.
 */
export function neverOpens(windows: readonly TimeWindow[]): boolean {
  const allows = windows.filter((window) => window.kind === 'allow');
  const denies = windows.filter((window) => window.kind === 'deny').map((window) => ({ ...window, cron: parse(window.start, window.timezone) }));
  if (denies.length === 0) return false;
  const start = REFERENCE.getTime();
  const budget = { steps: MOST_STEPS };
  if (allows.length === 0) return covered(start, start + HORIZON_MS, denies, budget);
  return allows.every((window) =>
    parse(window.start, window.timezone)
      .nextRuns(RUNS_LOOKED_AT, REFERENCE)
      .every((run) => covered(run.getTime(), run.getTime() + window.durationMs, denies, budget)),
  );
}

type Deny = TimeWindow & { readonly cron: Cron };

/** Walks from one deny to the next that is active where the last one ends, until none is or the end is reached. */
function covered(from: number, to: number, denies: readonly Deny[], budget: { steps: number }): boolean {
  let at = from;
  while (at < to) {
    budget.steps -= 1;
    // Who covers two days by rules that are the same every day covers all; anything else is not proven.
    if (budget.steps < 0) return denies.every((deny) => /(?:\s\*){3}\s*$/.test(deny.start));
    const ends = denies.map((deny) => activeUntil(deny, at)).filter((end) => end !== undefined);
    const next = Math.max(...ends, at);
    if (next === at) return false;
    at = next;
  }
  return true;
}

/** When the deny that began last before this instant, and is still active, ends. */
function activeUntil(deny: Deny, at: number): number | undefined {
  const begun = deny.cron.nextRun(new Date(at - deny.durationMs))?.getTime();
  return begun === undefined || begun > at ? undefined : begun + deny.durationMs;
}

function parse(expression: string, timezone: string): Cron {
  return new Cron(expression.trim(), { paused: true, mode: '5-part', domAndDow: true, timezone });
}

/** Why a time zone cannot be used; `undefined` when it can. */
export function timezoneProblem(name: string, nearest: (word: string, known: readonly string[]) => string | undefined): { readonly message: string; readonly remedy: string } | undefined {
  const known = Intl.supportedValuesOf('timeZone');
  if (name === 'UTC' || known.includes(name)) return undefined;
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

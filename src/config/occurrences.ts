import { Cron } from 'croner';

/** The starts of a cron expression in a time zone: instants in milliseconds. */
export interface Occurrences {
  /** The first after an instant; `undefined` when none comes any more. */
  readonly next: (after: number) => number | undefined;
  /** The last at or before an instant. */
  readonly last: (at: number) => number | undefined;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** No change of the clocks repeats more than this, minute by minute. */
const MOST_REPEATED = 24 * 60;

/** An expression of five fields; where both day-of-month and day-of-week are given, both must match. */
export function cronOf(expression: string, timezone: string): Cron {
  return new Cron(expression.trim(), { paused: true, mode: '5-part', domAndDow: true, timezone });
}

/**
 * When the clocks change, a start at a fixed hour happens once, always: in an hour that is skipped, as
 * soon as it is over; in one that comes twice, the first time. Where the hour field is `*`, starts follow
 * elapsed time instead: both of two equal hours have theirs, and an hour that is skipped has none.
 */
export function occurrencesOf(expression: string, timezone: string): Occurrences {
  return remembering(startsOf(expression, timezone));
}

/** From a start up to the next one, there is no other; as long as that is not known, none up to `seen`. */
interface Gap {
  readonly from: number;
  readonly to?: number;
  readonly seen: number;
}

/**
 * Whoever walks through time asks about the same gap again and again; a start is computed in some 50 µs.
 * Who takes small steps has the next start looked up once for each, who takes long ones only the last.
 */
function remembering({ next, last }: Occurrences): Occurrences {
  const [firstAfter, lastUpTo] = [(at: number) => next(at) ?? Number.POSITIVE_INFINITY, (at: number) => last(at) ?? Number.NEGATIVE_INFINITY];
  let known: Gap | undefined;
  /** The gap that an instant lies in, where it is the known one or the one after. */
  const nearby = (at: number): Gap | undefined => {
    if (known?.to !== undefined && at >= known.to) {
      const to = firstAfter(known.to);
      if (at < to) known = { from: known.to, to, seen: at };
    }
    return known !== undefined && at >= known.from && at < (known.to ?? known.seen + 1) ? known : undefined;
  };
  return {
    next(at) {
      const gap = nearby(at);
      known = { from: gap?.from ?? lastUpTo(at), to: gap?.to ?? firstAfter(at), seen: at };
      return finite(known.to);
    },
    last(at) {
      const gap = nearby(at);
      if (gap !== undefined) return finite(gap.from);
      const from = lastUpTo(at);
      known = known?.from === from ? { from, to: firstAfter(at), seen: at } : { from, seen: at };
      return finite(from);
    },
  };
}

function finite(instant = Number.NaN): number | undefined {
  return Number.isFinite(instant) ? instant : undefined;
}

function startsOf(expression: string, timezone: string): Occurrences {
  if (expression.trim().split(/\s+/)[1] === '*') {
    const cron = cronOf(expression, timezone);
    return {
      next: (after) => cron.nextRun(new Date(after))?.getTime(),
      last: (at) => cron.previousRuns(1, new Date(at + MINUTE_MS)).map((run) => run.getTime()).find((run) => run <= at) ?? cron.previousRuns(1, new Date(at))[0]?.getTime(),
    };
  }
  // Matched against what a clock on the wall shows, which knows of no change; then each is placed in time.
  const cron = cronOf(expression, 'UTC');
  return {
    next(after) {
      let wall = cron.nextRun(new Date(after + offsetAt(timezone, after)))?.getTime();
      for (let tries = 0; wall !== undefined && tries < MOST_REPEATED; tries += 1) {
        const at = instantOf(wall, timezone);
        if (at > after) return at;
        wall = cron.nextRun(new Date(wall))?.getTime();
      }
      return undefined;
    },
    last(at) {
      // In the second of two equal hours the clock has shown later times already.
      const shown = at + Math.max(offsetAt(timezone, at), offsetAt(timezone, at - DAY_MS));
      let wall = cron.previousRuns(1, new Date(shown + MINUTE_MS))[0]?.getTime();
      for (let tries = 0; wall !== undefined && tries < MOST_REPEATED; tries += 1) {
        const start = instantOf(wall, timezone);
        if (start <= at) return start;
        wall = cron.previousRuns(1, new Date(wall))[0]?.getTime();
      }
      return undefined;
    },
  };
}

/** The first instant at which a clock on the wall of a zone shows this time, or, where it never does, the first after. */
function instantOf(wall: number, timezone: string): number {
  const before = offsetAt(timezone, wall - DAY_MS);
  const after = offsetAt(timezone, wall + DAY_MS);
  if (before === after) return wall - before;
  const shown = [wall - before, wall - after].sort((one, other) => one - other).find((at) => at + offsetAt(timezone, at) === wall);
  return shown ?? changeBetween(wall - Math.max(before, after), wall - Math.min(before, after), timezone);
}

/** When the clocks change between two instants. */
function changeBetween(from: number, to: number, timezone: string): number {
  const offset = offsetAt(timezone, from);
  let [low, high] = [from, to];
  while (high - low > 1_000) {
    const middle = Math.floor((low + high) / 2_000) * 1_000;
    if (middle <= low) break;
    if (offsetAt(timezone, middle) === offset) low = middle;
    else high = middle;
  }
  return high;
}

/** The instants at which the clocks of a zone change, in order. */
export function clockChanges(timezone: string, from: number, to: number): readonly number[] {
  const days = Array.from({ length: Math.max(0, Math.ceil((to - from) / DAY_MS)) }, (_, day) => from + day * DAY_MS);
  return days.flatMap((day) => (offsetAt(timezone, day) === offsetAt(timezone, day + DAY_MS) ? [] : [changeBetween(day, day + DAY_MS, timezone)]));
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** How far the clocks of a zone are ahead of UTC at an instant, in milliseconds. */
function offsetAt(timezone: string, at: number): number {
  if (timezone === 'UTC') return 0;
  const known = formats.get(timezone) ?? new Intl.DateTimeFormat('en-US', { timeZone: timezone, timeZoneName: 'longOffset' });
  formats.set(timezone, known);
  const [, sign = '+', hours = '0', minutes = '0', seconds = '0'] = /GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?/.exec(known.formatToParts(at).find((part) => part.type === 'timeZoneName')?.value ?? '') ?? [];
  const size = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000;
  return sign === '-' ? -size : size;
}

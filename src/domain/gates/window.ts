import { OPEN, type GateAnswer } from './gate.js';
import { STAGE_KEPT_MS } from './keeping.js';

export type WindowAction = 'stage' | 'finalize';

/** A window as the configuration has it. */
export interface TimeWindow {
  readonly kind: 'allow' | 'deny';
  /** Cron expression of five fields, in `timezone`. */
  readonly start: string;
  /** Elapsed time, also over a change of the clocks. */
  readonly durationMs: number;
  /** IANA name. */
  readonly timezone: string;
  readonly actions: readonly WindowAction[];
  /** On a deny: what was begun before it may finish. On an allow: what was begun in it may finish after it, where every allow says so. */
  readonly overrun: boolean;
}

/** A window with its starts: instants in milliseconds, computed by whoever knows calendars. */
export interface WindowRule extends Omit<TimeWindow, 'start'> {
  /** As people know it: `"0 9 * * 1-5" for 8h (Europe/London)`. */
  readonly name: string;
  /** The first start after an instant; `undefined` when none comes any more. */
  readonly next: (after: number) => number | undefined;
  /** The last start at or before an instant. */
  readonly last: (at: number) => number | undefined;
}

export interface AskingWindows {
  /** ISO, UTC. */
  readonly at: string;
  readonly action: WindowAction;
  /** ISO, UTC: when staging of this part began; absent before it. */
  readonly begunAt?: string;
  /** How the gate's answer names the place: `prod`. */
  readonly scope: string;
}

const DAY_MS = 86_400_000;
/** Over this time leap years come round: what does not open within it never does. */
export const HORIZON_MS = 9 * 366 * DAY_MS;
/** How far ahead the end of an open time is looked for: questions end sooner. */
const CLOSING_HORIZON_MS = 31 * DAY_MS;
/** Minute after minute of a day; each takes some 100 µs. */
const MOST_STEPS = 1_500;
/** Each step looks at every window: where there are more than ten, there are fewer steps. */
const MOST_LOOKS = 10 * MOST_STEPS;

/** When something next opens; `reached` is as far as was looked where that would take too long. */
export type Opening = { readonly at: number } | { readonly never: true } | { readonly reached: number };

/**
 * Argo CD's sync windows: an active deny beats any allow, no window allows, and where allows are
 * defined for an action it may be taken inside one only. A repair is not staged when its switch could
 * not follow while the stage is kept: it would be unstaged again.
 */
export function windowGate(rules: readonly WindowRule[], asking: AskingWindows): GateAnswer {
  const at = Date.parse(asking.at);
  const begunAt = asking.begunAt === undefined ? undefined : Date.parse(asking.begunAt);
  const own = rulesOf(rules, asking.action);
  const foreign = asking.action === 'stage' ? rulesOf(rules, 'finalize') : [];
  const next = openingFor(rules, { action: asking.action, from: at, ...(begunAt === undefined ? {} : { begunAt }) });
  if ('at' in next && next.at === at) return begunAt === undefined ? openAnswer(rules, asking.action, at) : OPEN;
  const closed = closedBy(own, at, begunAt) ?? closedBy(foreign, at) ?? OUTSIDE;
  return { allowed: false, gate: 'window', reason: `${whyClosed(closed, asking.scope)}; ${whatOpens([...own, ...foreign], next, closed)}`, ...opensAtOf(next) };
}

export interface Seeking {
  readonly action: WindowAction;
  /** Milliseconds. */
  readonly from: number;
  readonly begunAt?: number;
  /** Milliseconds; what does not open within it counts as never. */
  readonly horizonMs?: number;
}

/** The first instant at or after `from` at which a step may be taken; however many windows there are, it looks only so often. */
export function openingFor(rules: readonly WindowRule[], { action, from, begunAt, horizonMs = HORIZON_MS }: Seeking): Opening {
  const finalize = rulesOf(rules, 'finalize');
  const until = from + horizonMs;
  const mayLook = lookingAt(rules.length);
  if (action === 'finalize') return opening(finalize, { from, until, mayLook, ...(begunAt === undefined ? {} : { begunAt }) });
  const stage = rulesOf(rules, 'stage');
  let reached = from;
  while (mayLook()) {
    const staged = opening(stage, { from: reached, until, mayLook });
    if (!('at' in staged)) return staged;
    const switched = opening(finalize, { from: staged.at, until, mayLook });
    if (!('at' in switched)) return switched;
    const isNear = switched.at - staged.at <= STAGE_KEPT_MS;
    if (isNear && staged.at === from) return staged;
    // What need not be kept is staged when its switch may follow at once.
    if (closedBy(stage, switched.at) === undefined) return switched;
    if (isNear) return staged;
    reached = switched.at - STAGE_KEPT_MS;
  }
  return { reached };
}

function rulesOf(rules: readonly WindowRule[], action: WindowAction): readonly WindowRule[] {
  return rules.filter((rule) => rule.actions.includes(action));
}

/** One allowance for all of a search: true until its steps are used up. */
function lookingAt(windows: number): () => boolean {
  let left = MOST_LOOKS;
  return () => {
    left -= Math.max(windows, MOST_LOOKS / MOST_STEPS);
    return left >= 0;
  };
}

interface Sought {
  readonly from: number;
  readonly until: number;
  readonly mayLook: () => boolean;
  readonly begunAt?: number;
}

function opening(rules: readonly WindowRule[], { from, until, mayLook, begunAt }: Sought): Opening {
  let at = from;
  while (mayLook()) {
    const closed = closedBy(rules, at, begunAt);
    if (closed === undefined) return { at };
    const next = closed.deny === undefined ? earliest(closed.allows.map((rule) => rule.next(at))) : closed.until;
    if (next === undefined || next > until) return { never: true };
    at = next;
  }
  return { reached: at };
}

/** Inside this deny until then, or outside all of these allows. */
type Closed = { readonly deny: WindowRule; readonly until: number } | { readonly deny?: undefined; readonly allows: readonly WindowRule[] };

const OUTSIDE: Closed = { allows: [] };

function closedBy(rules: readonly WindowRule[], at: number, begunAt?: number): Closed | undefined {
  const active = rules.flatMap((rule): { deny: WindowRule; until: number }[] => {
    const until = rule.kind === 'deny' ? activeUntil(rule, at) : undefined;
    return until === undefined ? [] : [{ deny: rule, until }];
  });
  const [deny] = active.filter((each) => begunAt === undefined || !begunBefore(each.deny, begunAt)).sort((one, other) => other.until - one.until);
  if (deny !== undefined) return deny;
  const allows = rules.filter((rule) => rule.kind === 'allow');
  if (allows.length === 0 || allows.some((rule) => activeUntil(rule, at) !== undefined)) return undefined;
  // As in Argo CD: a deny that lets it finish speaks for the time after an allow too, and allows let it finish together or not at all.
  const mayOverrun = active.length > 0 || allows.every((rule) => rule.overrun);
  return begunAt !== undefined && mayOverrun && closedBy(rules, begunAt) === undefined ? undefined : { allows };
}

/** Only a deny that was not active when the work began is one that came upon it. */
function begunBefore(deny: WindowRule, begunAt: number): boolean {
  return deny.overrun && activeUntil(deny, begunAt) === undefined;
}

/** The end of the window that is active at an instant: its first instant inside, its end outside. */
function activeUntil(rule: WindowRule, at: number): number | undefined {
  const start = rule.last(at);
  return start === undefined || start + rule.durationMs <= at ? undefined : start + rule.durationMs;
}

function openAnswer(rules: readonly WindowRule[], action: WindowAction, at: number): GateAnswer {
  const ends = (action === 'stage' ? (['stage', 'finalize'] as const) : (['finalize'] as const)).map((each) => closing(rulesOf(rules, each), at));
  const closesAt = earliest(ends);
  return { allowed: true, ...(closesAt === undefined ? {} : { closesAt: isoOf(closesAt) }) };
}

/** When what is open at an instant closes; `undefined` when not soon, or when it is not open. */
function closing(rules: readonly WindowRule[], from: number): number | undefined {
  if (rules.length === 0 || closedBy(rules, from) !== undefined) return undefined;
  const deny = earliest(rules.map((rule) => (rule.kind === 'deny' ? rule.next(from) : undefined)));
  const allows = rules.filter((rule) => rule.kind === 'allow');
  const mayLook = lookingAt(rules.length);
  let at = from;
  while (allows.length > 0 && mayLook()) {
    const end = latest(allows.map((rule) => activeUntil(rule, at)));
    if (end === undefined || at >= (deny ?? Number.POSITIVE_INFINITY)) return earliest([at, deny]);
    at = end;
    if (at - from > CLOSING_HORIZON_MS) return deny;
  }
  return deny;
}

function whyClosed(closed: Closed, scope: string): string {
  if (closed.deny !== undefined) return `inside the deny window ${closed.deny.name} of ${scope}`;
  return closed.allows.length === 1 ? `outside the allow window ${closed.allows[0]?.name ?? ''} of ${scope}` : `outside the ${closed.allows.length} allow windows of ${scope}: ${namesOf(closed.allows)}`;
}

function namesOf(rules: readonly WindowRule[]): string {
  const shown = rules.slice(0, 3).map((rule) => rule.name).join(', ');
  return rules.length > 3 ? `${shown} and ${rules.length - 3} more` : shown;
}

function whatOpens(rules: readonly WindowRule[], next: Opening, closed: Closed): string {
  if ('never' in next) return 'it opens never again as configured';
  if ('reached' in next) return `it stays closed at least until ${isoOf(next.reached)}`;
  const { at } = next;
  const begins = rules.find((rule) => rule.kind === 'allow' && rule.last(at) === at);
  const ends = rules.find((rule) => rule.kind === 'deny' && activeUntil(rule, at - 1) === at);
  const by = begins ?? ends ?? rules[0];
  // A window that was just named is not named again.
  const named = closed.deny ?? (closed.allows.length === 1 ? closed.allows[0] : undefined);
  const nameOf = (rule: WindowRule): string => (rule === named ? 'it' : `the ${rule.kind} window ${rule.name}`);
  const how = begins !== undefined ? `when ${nameOf(begins)} begins` : ends !== undefined ? `when ${nameOf(ends)} ends` : 'by itself';
  return `opens ${isoOf(at)} (${localTime(at, by?.timezone ?? 'UTC')}) ${how}`;
}

function opensAtOf(next: Opening): { readonly opensAt?: string } {
  return 'never' in next ? {} : { opensAt: isoOf('at' in next ? next.at : next.reached) };
}

/** `Monday 2026-11-23 09:00 Europe/London`. */
export function localTime(at: number, timezone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZone: timezone, weekday: 'long', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).formatToParts(at);
  const of = (type: Intl.DateTimeFormatPartTypes): string => parts.find((part) => part.type === type)?.value ?? '';
  return `${of('weekday')} ${of('year')}-${of('month')}-${of('day')} ${of('hour')}:${of('minute')} ${timezone}`;
}

function isoOf(at: number): string {
  return new Date(at).toISOString();
}

function earliest(instants: readonly (number | undefined)[]): number | undefined {
  const known = instants.filter((each) => each !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function latest(instants: readonly (number | undefined)[]): number | undefined {
  const known = instants.filter((each) => each !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

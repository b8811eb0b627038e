import { CLASSES, type ChangeClass } from './class.js';
import type { Decision } from './decision.js';
import type { Outcome } from '../phase.js';
import type { Remediation } from '../target.js';

/** When a class of change in an environment has earned the next step. */
export interface ReadinessThresholds {
  /** How far back is counted. */
  readonly withinMs: number;
  /** From `observe` to `ask`: so many repairs that would have been made, over at least that long. */
  readonly ask: { readonly seen: number; readonly overMs: number };
  /** From `ask` to `auto`: so many approvals by people, of a hundred decided so many unchanged, of a hundred ended so many healthy. */
  readonly auto: { readonly approved: number; readonly unchanged: number; readonly healthy: number; readonly overMs: number };
}

const DAY_MS = 86_400_000;

export const READINESS: ReadinessThresholds = {
  withinMs: 30 * DAY_MS,
  ask: { seen: 5, overMs: 7 * DAY_MS },
  auto: { approved: 10, unchanged: 95, healthy: 100, overMs: 14 * DAY_MS },
};

/** One part of an incident in which a class was decided, as the record shows it. */
export interface ReadinessCase {
  readonly environment: string;
  readonly class: ChangeClass;
  /** ISO, UTC: when it was decided. */
  readonly at: string;
  /** What would have been done without a person asked first. */
  readonly would: Decision;
  /** Who let the plan through, as it was proposed. */
  readonly allowed?: 'person' | 'policy';
  /** Absent: it is still open. */
  readonly outcome?: Outcome;
  /** A person had it undone. */
  readonly undone?: boolean;
}

/** Of the repairs that would have been made without a person, how many … */
export interface ReadinessCounts {
  /** … there were. */
  readonly would: number;
  /** … a person approved as they were proposed, or rules allowed. */
  readonly approved: number;
  readonly automatic: number;
  /** … ended as desired and healthy, or were put back since they were not. */
  readonly healthy: number;
  readonly rolledBack: number;
  /** … a person refused, had undone, or left alone until a date or for good. */
  readonly rejected: number;
  readonly undone: number;
  readonly accepted: number;
  readonly expired: number;
  /** … went away before anything was decided, or are open. */
  readonly cleared: number;
  readonly open: number;
}

export interface ReadinessLine {
  readonly environment: string;
  readonly class: ChangeClass;
  /** How many targets of the environment have it so. */
  readonly now: Readonly<Partial<Record<Remediation, number>>>;
  /** What was decided of the class in the period, and how often a person would have been asked all the same: deletes, what was first seen. */
  readonly decided: number;
  readonly asked: number;
  readonly counts: ReadinessCounts;
  /** Whole days between the first and the last of them. */
  readonly days: number;
  readonly recommend: Remediation;
  /** Why, or what is missing for the next step. */
  readonly because: string;
}

export interface ReadinessInput {
  readonly cases: readonly ReadinessCase[];
  readonly environments: readonly string[];
  /** What holds for a class, target by target. */
  readonly settings: (environment: string, of: ChangeClass) => readonly Remediation[];
  /** Why a class is a step back in an environment. */
  readonly steppedBack: (environment: string, of: ChangeClass) => string | undefined;
  readonly thresholds: ReadinessThresholds;
}

/** What has earned more trust, or lost it: a line for each class that was decided in an environment. */
export function readinessOf(input: ReadinessInput): readonly ReadinessLine[] {
  return input.environments.flatMap((environment) => CLASSES.flatMap((of) => {
    const cases = input.cases.filter((each) => each.environment === environment && each.class === of);
    return cases.length === 0 ? [] : [lineOf(cases, { environment, of, input })];
  }));
}

function lineOf(cases: readonly ReadinessCase[], { environment, of, input }: { readonly environment: string; readonly of: ChangeClass; readonly input: ReadinessInput }): ReadinessLine {
  const own = cases.filter((each) => each.would === 'remediate');
  const counts = countsOf(own);
  const times = own.map((each) => Date.parse(each.at));
  const days = own.length === 0 ? 0 : Math.floor((Math.max(...times) - Math.min(...times)) / DAY_MS);
  const now = tally(input.settings(environment, of));
  const base = { environment, class: of, now, decided: cases.length, asked: cases.length - own.length, counts, days };
  return { ...base, ...recommended({ counts, days, now, thresholds: input.thresholds, steppedBack: input.steppedBack(environment, of) }) };
}

function countsOf(cases: readonly ReadinessCase[]): ReadinessCounts {
  const count = (holds: (each: ReadinessCase) => boolean): number => cases.filter(holds).length;
  const ended = (outcome: Outcome) => (each: ReadinessCase): boolean => each.outcome === outcome && each.undone !== true;
  return {
    would: cases.length,
    approved: count((each) => each.allowed === 'person'),
    automatic: count((each) => each.allowed === 'policy'),
    healthy: count(ended('fixed')),
    rolledBack: count((each) => ended('rolled-back')(each) || ended('needs-human')(each)),
    rejected: count(ended('rejected')),
    undone: count((each) => each.undone === true),
    accepted: count((each) => ended('accepted')(each) || ended('adopted')(each)),
    expired: count(ended('expired')),
    cleared: count((each) => ended('cleared')(each) || ended('cancelled')(each) || ended('terminated')(each)),
    open: count((each) => each.outcome === undefined),
  };
}

interface Weighing {
  readonly counts: ReadinessCounts;
  readonly days: number;
  readonly now: ReadinessLine['now'];
  readonly thresholds: ReadinessThresholds;
  readonly steppedBack: string | undefined;
}

/** The next step of whatever is furthest behind, or a step back; never two at once. */
function recommended(weighing: Weighing): Pick<ReadinessLine, 'recommend' | 'because'> {
  const { counts, days, now, thresholds, steppedBack } = weighing;
  if (steppedBack !== undefined) return { recommend: 'ask', because: steppedBack };
  if ((now.observe ?? 0) > 0) {
    const missing = [atLeast(counts.would, thresholds.ask.seen, 'repairs that would have been made'), longEnough(days, thresholds.ask.overMs)].filter((each) => each !== undefined);
    return missing.length > 0 ? { recommend: 'observe', because: missing.join('; ') } : { recommend: 'ask', because: `${counts.would} repairs would have been made over ${days} days: let people judge them` };
  }
  const { unchanged, healthy } = sharesOf(counts);
  if ((now.ask ?? 0) > 0) {
    const missing = [
      atLeast(counts.approved, thresholds.auto.approved, 'approvals'), longEnough(days, thresholds.auto.overMs),
      shareOf(unchanged, thresholds.auto.unchanged, 'approved unchanged'), shareOf(healthy, thresholds.auto.healthy, 'healthy afterwards'),
    ].filter((each) => each !== undefined);
    return missing.length > 0 ? { recommend: 'ask', because: missing.join('; ') } : { recommend: 'auto', because: `${counts.approved} approvals over ${days} days, ${unchanged ?? 0}% unchanged, ${healthy ?? 0}% healthy afterwards` };
  }
  const lost = [shareOf(unchanged, thresholds.auto.unchanged, 'left as they were'), shareOf(healthy, thresholds.auto.healthy, 'healthy afterwards')].filter((each) => each !== undefined);
  return lost.length > 0 ? { recommend: 'ask', because: lost.join('; ') } : { recommend: 'auto', because: `${counts.automatic} automatic repairs, ${counts.rolledBack} rolled back` };
}

/** Of a hundred that somebody decided, those that stand as proposed; of a hundred that were made, those that were healthy. Nothing of nothing is no share. */
function sharesOf(counts: ReadinessCounts): { readonly unchanged?: number; readonly healthy?: number } {
  const agreed = counts.approved + counts.automatic - counts.undone;
  const decided = counts.approved + counts.automatic + counts.rejected + counts.accepted + counts.expired;
  const made = counts.healthy + counts.undone + counts.rolledBack;
  return {
    ...(decided === 0 ? {} : { unchanged: Math.floor((Math.max(0, agreed) / decided) * 100) }),
    ...(made === 0 ? {} : { healthy: Math.floor(((counts.healthy + counts.undone) / made) * 100) }),
  };
}

function atLeast(count: number, least: number, what: string): string | undefined {
  return count >= least ? undefined : `${count} of ${least} ${what}`;
}

function longEnough(days: number, overMs: number): string | undefined {
  const least = Math.round((overMs / DAY_MS) * 10) / 10;
  return days * DAY_MS >= overMs ? undefined : `${days} of ${least} days`;
}

function shareOf(share: number | undefined, least: number, what: string): string | undefined {
  return share === undefined || share >= least ? undefined : `${share}% ${what}, ${least}% wanted`;
}

function tally(all: readonly Remediation[]): ReadinessLine['now'] {
  const counts: Partial<Record<Remediation, number>> = {};
  for (const each of all) counts[each] = (counts[each] ?? 0) + 1;
  return counts;
}

import type { CheckReport, HealthCheck, HealthReport, HealthTiming, HealthVerdict, Measurement } from './health.js';

export interface HealthCounts {
  readonly successes: number;
  readonly failures: number;
  readonly inconclusives: number;
  readonly errors: number;
  /** Errors since the last measurement that was none. */
  readonly consecutiveErrors: number;
}

export type HealthLimits = Pick<HealthTiming, 'count' | 'failureLimit' | 'inconclusiveLimit' | 'consecutiveErrorLimit'>;

/** `verdict` is absent while more measurements are needed; `decidedBy` is the index of the one that decided. */
export interface Judgement {
  readonly verdict?: HealthVerdict;
  readonly decidedBy?: number;
  readonly counts: HealthCounts;
}

const NONE: HealthCounts = { successes: 0, failures: 0, inconclusives: 0, errors: 0, consecutiveErrors: 0 };

/** Worst first, as AnalysisRun ranks them: a failure is certain, an error says nothing either way. */
const SEVERITY: readonly HealthVerdict[] = ['unhealthy', 'error', 'inconclusive', 'healthy'];

/**
 * Judges a check by what was measured so far, in order. The first measurement that decides is
 * final, as a completed metric of an AnalysisRun is: later ones change neither verdict nor counts.
 */
export function judgeCheck(limits: HealthLimits, measurements: readonly Pick<Measurement, 'result'>[]): Judgement {
  let counts = NONE;
  for (const [index, measurement] of measurements.entries()) {
    counts = countIn(counts, measurement.result);
    const verdict = verdictOf(limits, counts);
    if (verdict !== undefined) return { verdict, decidedBy: index, counts };
  }
  return { counts };
}

/**
 * What one check said. A check that was stopped before it had its verdict is `inconclusive`, and
 * `stopped` says why in its stead.
 */
export function reportCheck(
  check: Pick<HealthCheck, 'name' | 'type'> & HealthLimits,
  measurements: readonly Measurement[],
  stopped = 'stopped before it had its verdict',
): CheckReport {
  const { verdict, decidedBy, counts } = judgeCheck(check, measurements);
  const judged = decidedBy === undefined ? measurements : measurements.slice(0, decidedBy + 1);
  const { successes, failures, inconclusives, errors } = counts;
  return {
    name: check.name,
    type: check.type,
    verdict: verdict ?? 'inconclusive',
    successes,
    failures,
    inconclusives,
    errors,
    slowestMs: judged.reduce((slowest, { latencyMs }) => Math.max(slowest, latencyMs), 0),
    message: verdict === undefined ? stopped : (judged.at(-1)?.message ?? ''),
  };
}

/** The worst verdict of all checks, whatever their order. No check at all has nothing against it: `healthy`. */
export function combine(checks: readonly CheckReport[]): HealthReport {
  const verdict = SEVERITY.find((each) => checks.some((check) => check.verdict === each)) ?? 'healthy';
  return { verdict, checks };
}

/** Errors do not count towards `count`: a measurement that could not be taken is taken again. */
function verdictOf(limits: HealthLimits, counts: HealthCounts): HealthVerdict | undefined {
  if (counts.failures > limits.failureLimit) return 'unhealthy';
  if (counts.inconclusives > limits.inconclusiveLimit) return 'inconclusive';
  if (counts.consecutiveErrors > limits.consecutiveErrorLimit) return 'error';
  if (counts.successes + counts.failures + counts.inconclusives >= limits.count) return 'healthy';
  return undefined;
}

function countIn(counts: HealthCounts, result: Measurement['result']): HealthCounts {
  switch (result) {
    case 'success':
      return { ...counts, successes: counts.successes + 1, consecutiveErrors: 0 };
    case 'failure':
      return { ...counts, failures: counts.failures + 1, consecutiveErrors: 0 };
    case 'inconclusive':
      return { ...counts, inconclusives: counts.inconclusives + 1, consecutiveErrors: 0 };
    case 'error':
      return { ...counts, errors: counts.errors + 1, consecutiveErrors: counts.consecutiveErrors + 1 };
    default:
      return unreachable(result);
  }
}

function unreachable(result: never): never {
  throw new TypeError(`no such measurement result: ${String(result)}`);
}

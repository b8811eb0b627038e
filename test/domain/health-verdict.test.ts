import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { combine, judgeCheck, reportCheck, type HealthLimits } from '../../src/domain/health-verdict.js';
import type { CheckReport, HealthVerdict, Measurement, MeasurementResult } from '../../src/domain/health.js';

const STRICT: HealthLimits = { count: 3, failureLimit: 0, inconclusiveLimit: 0, consecutiveErrorLimit: 4 };

const RESULTS: Readonly<Record<string, MeasurementResult>> = { s: 'success', f: 'failure', i: 'inconclusive', e: 'error' };

/** `ssf` is success, success, failure. */
function measured(letters: string): Measurement[] {
  return letters.split('').map((letter, index) => {
    const result = RESULTS[letter];
    if (result === undefined) throw new Error(`no result for ${letter}`);
    return { result, at: '2026-11-02T10:00:00.000Z', latencyMs: index, message: `${letter}${String(index)}` };
  });
}

describe('judgeCheck', () => {
  const rows: { reason: string; limits?: Partial<HealthLimits>; measurements: string; verdict: HealthVerdict | undefined }[] = [
    { reason: 'nothing was measured yet', measurements: '', verdict: undefined },
    { reason: 'fewer than count succeeded', measurements: 'ss', verdict: undefined },
    { reason: 'count is reached', measurements: 'sss', verdict: 'healthy' },
    { reason: 'count 1 needs one', limits: { count: 1 }, measurements: 's', verdict: 'healthy' },
    { reason: 'limit 0 allows no failure', measurements: 'f', verdict: 'unhealthy' },
    { reason: 'as many failures as the limit are allowed', limits: { failureLimit: 1 }, measurements: 'fss', verdict: 'healthy' },
    { reason: 'one more than the limit is not', limits: { failureLimit: 1 }, measurements: 'fsf', verdict: 'unhealthy' },
    { reason: 'the limit counts all failures, not those in a row', limits: { count: 9, failureLimit: 1 }, measurements: 'fsssf', verdict: 'unhealthy' },
    { reason: 'failures count towards count', limits: { failureLimit: 3 }, measurements: 'fff', verdict: 'healthy' },
    { reason: 'failures are looked at before count', limits: { count: 1 }, measurements: 'f', verdict: 'unhealthy' },
    { reason: 'limit 0 allows nothing inconclusive', measurements: 'si', verdict: 'inconclusive' },
    { reason: 'inconclusive within its limit counts towards count', limits: { inconclusiveLimit: 1 }, measurements: 'sis', verdict: 'healthy' },
    { reason: 'failures and inconclusives have limits of their own', limits: { failureLimit: 1, inconclusiveLimit: 1 }, measurements: 'fis', verdict: 'healthy' },
    { reason: 'errors do not count towards count', measurements: 'ese', verdict: undefined },
    { reason: 'an error is taken again until count is reached', measurements: 'esees', verdict: undefined },
    { reason: 'count is reached between errors', measurements: 'esesees', verdict: 'healthy' },
    { reason: 'as many errors in a row as the limit are allowed', measurements: 'eeee', verdict: undefined },
    { reason: 'one more in a row is an error', measurements: 'eeeee', verdict: 'error' },
    { reason: 'a success breaks the row', measurements: 'eeeeseeee', verdict: undefined },
    { reason: 'a failure within its limit breaks the row too', limits: { failureLimit: 1 }, measurements: 'eeeefeeee', verdict: undefined },
    { reason: 'what decided first stays', measurements: 'fsss', verdict: 'unhealthy' },
    { reason: 'what came after the end is not counted', measurements: 'sssf', verdict: 'healthy' },
  ];
  it.each(rows)('$measurements: $verdict, because $reason', ({ limits, measurements, verdict }) => {
    expect(judgeCheck({ ...STRICT, ...limits }, measured(measurements)).verdict).toBe(verdict);
  });
});

describe('reportCheck', () => {
  const check = { name: 'web', type: 'http', ...STRICT } as const;

  it('keeps the counts and the message of the measurement that decided, and not those after it', () => {
    expect(reportCheck({ ...check, failureLimit: 1 }, measured('sefsss'))).toEqual({
      name: 'web', type: 'http', verdict: 'healthy', successes: 2, failures: 1, inconclusives: 0, errors: 1, slowestMs: 3, message: 's3',
    });
  });

  it('calls a check that was stopped inconclusive, with the reason given', () => {
    expect(reportCheck(check, measured('s'), 'stopped: api was unhealthy')).toMatchObject({ verdict: 'inconclusive', message: 'stopped: api was unhealthy' });
  });
});

describe('combine', () => {
  function reports(...verdicts: HealthVerdict[]): CheckReport[] {
    return verdicts.map((verdict, index) => ({
      name: `c${String(index)}`, type: 'tcp', verdict, successes: 0, failures: 0, inconclusives: 0, errors: 0, slowestMs: 0, message: '',
    }));
  }

  it.each<{ verdicts: HealthVerdict[]; verdict: HealthVerdict; reason: string }>([
    { verdicts: [], verdict: 'healthy', reason: 'nothing speaks against it' },
    { verdicts: ['healthy', 'healthy'], verdict: 'healthy', reason: 'all are healthy' },
    { verdicts: ['healthy', 'inconclusive'], verdict: 'inconclusive', reason: 'one could not tell' },
    { verdicts: ['inconclusive', 'error'], verdict: 'error', reason: 'an error is worse than not being able to tell' },
    { verdicts: ['error', 'unhealthy', 'healthy'], verdict: 'unhealthy', reason: 'unhealthy is certain' },
  ])('$verdicts is $verdict: $reason', ({ verdicts, verdict }) => {
    expect(combine(reports(...verdicts)).verdict).toBe(verdict);
  });

  it('has the same verdict in any order', () => {
    const verdict = fc.constantFrom<HealthVerdict[]>('healthy', 'unhealthy', 'inconclusive', 'error');
    fc.assert(fc.property(fc.array(verdict).chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))), ([one, other]) => {
      expect(combine(reports(...other)).verdict).toBe(combine(reports(...one)).verdict);
    }));
  });
});

describe('judgeCheck, for any measurements', () => {
  const limits = fc.record({ count: fc.integer({ min: 1, max: 8 }), failureLimit: fc.nat(4), inconclusiveLimit: fc.nat(4), consecutiveErrorLimit: fc.nat(4) });
  const results = fc.array(fc.constantFrom('s', 'f', 'i', 'e'), { maxLength: 60 }).map((letters) => measured(letters.join('')));

  it('never changes a verdict once it stands', () => {
    fc.assert(fc.property(limits, results, results, (limit, before, after) => {
      const judged = judgeCheck(limit, before);
      if (judged.verdict !== undefined) expect(judgeCheck(limit, [...before, ...after])).toEqual(judged);
    }));
  });

  it('stays healthy under wider limits', () => {
    fc.assert(fc.property(limits, limits, results, (limit, more, measurements) => {
      const wider = {
        count: limit.count,
        failureLimit: limit.failureLimit + more.failureLimit,
        inconclusiveLimit: limit.inconclusiveLimit + more.inconclusiveLimit,
        consecutiveErrorLimit: limit.consecutiveErrorLimit + more.consecutiveErrorLimit,
      };
      if (judgeCheck(limit, measurements).verdict === 'healthy') expect(judgeCheck(wider, measurements).verdict).toBe('healthy');
    }));
  });

  it('takes no fewer measurements for a larger count', () => {
    fc.assert(fc.property(limits, fc.nat(5), results, (limit, more, measurements) => {
      const sooner = judgeCheck(limit, measurements).decidedBy ?? Infinity;
      const later = judgeCheck({ ...limit, count: limit.count + more }, measurements).decidedBy ?? Infinity;
      expect(later).toBeGreaterThanOrEqual(sooner);
    }));
  });

  it('ends within count times the longest row of errors', () => {
    fc.assert(fc.property(limits, results, (limit, measurements) => {
      if (measurements.length >= limit.count * (limit.consecutiveErrorLimit + 1)) expect(judgeCheck(limit, measurements).verdict).toBeDefined();
    }));
  });
});

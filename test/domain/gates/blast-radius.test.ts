import { expect, test } from 'vitest';
import { beyondReach, type ReachLimit } from '../../../src/domain/gates/blast-radius.js';
import { change } from '../build.js';

const LIMIT: ReachLimit = { max: 20, percent: 25 };

function touching(resources: number, fields = 1): ReturnType<typeof change>[] {
  return Array.from({ length: resources * fields }, (_, index) => change({ resource: `r${index % resources}`, path: `/f${index}` }));
}

interface Row {
  readonly reason: string;
  readonly touched: number;
  readonly fields?: number;
  readonly of: number;
  readonly limit?: ReachLimit | 'none';
  readonly closes: boolean;
}

const ROWS: readonly Row[] = [
  { reason: 'without a limit nothing is too much', touched: 10_000, of: 10_000, limit: 'none', closes: false },
  { reason: 'as many as allowed', touched: 20, of: 40, closes: false },
  { reason: 'more than max, and no more than the share', touched: 25, of: 100, closes: false },
  { reason: 'more than both', touched: 26, of: 100, closes: true },
  { reason: 'more than the share, and no more than max', touched: 10, of: 30, closes: false },
  { reason: 'many fields of few resources', touched: 3, fields: 50, of: 30, closes: false },
  { reason: 'a target of few resources: max alone counts', touched: 6, of: 10, limit: { max: 5, percent: 90 }, closes: true },
  { reason: 'everything is unmanaged, so that more is touched than is there', touched: 30, of: 0, closes: true },
  { reason: 'one percent more than half', touched: 101, of: 200, limit: { max: 1, percent: 50 }, closes: true },
];

test.each(ROWS)('$reason', ({ touched, fields, of, limit = LIMIT, closes }) => {
  const said = beyondReach(touching(touched, fields), of, limit === 'none' ? undefined : limit);
  expect(said !== undefined).toBe(closes);
  if (closes) expect(said).toContain(`gate blast-radius: ${touched} of ${Math.max(of, touched)} resources`);
});

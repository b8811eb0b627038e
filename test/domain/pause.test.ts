import { expect, test } from 'vitest';
import { pauseMs } from '../../src/domain/pause.js';

test.each([
  { reason: 'as long as was asked for', times: 1, random: 0, askedMs: 60_000, ms: 60_000 },
  { reason: 'a little longer by chance, so that many do not come back at once', times: 1, random: 0.5, askedMs: 60_000, ms: 66_000 },
  { reason: 'never sooner than asked, however often', times: 9, random: 0, askedMs: 60_000, ms: 60_000 },
  { reason: 'the first time that nothing was asked for', times: 1, random: 0, ms: 15_000 },
  { reason: 'twice as long each time', times: 4, random: 0, ms: 120_000 },
  { reason: 'an hour at the most, whatever is asked for', times: 1, random: 0, askedMs: 86_400_000, ms: 3_600_000 },
  { reason: 'an hour at the most, however often', times: 99, random: 0, ms: 3_600_000 },
])('$reason', ({ reason: _reason, ms, ...input }) => {
  expect(pauseMs(input)).toBe(ms);
});

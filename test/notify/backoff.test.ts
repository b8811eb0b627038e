import { describe, expect, it } from 'vitest';
import { backoffMs } from '../../src/notify/backoff.js';

describe('backoffMs', () => {
  it.each([
    { reason: 'the first wait is at most 5 s', attempts: 0, random: 1, ms: 5_000 },
    { reason: 'half of it is certain', attempts: 0, random: 0, ms: 2_500 },
    { reason: 'it doubles', attempts: 3, random: 1, ms: 40_000 },
    { reason: 'it ends at 15 minutes', attempts: 12, random: 1, ms: 900_000 },
    { reason: 'also after a year', attempts: 40_000, random: 0, ms: 450_000 },
    { reason: 'never sooner than the receiver asked', attempts: 0, random: 1, asked: 120_000, ms: 120_000 },
    { reason: 'what the receiver asked does not shorten it', attempts: 12, random: 1, asked: 1_000, ms: 900_000 },
    { reason: 'a receiver cannot silence it for ever', attempts: 0, random: 0, asked: 1e12, ms: 21_600_000 },
  ])('$ms ms: $reason', ({ attempts, random, asked, ms }) => {
    expect(backoffMs(attempts, () => random, asked)).toBe(ms);
  });
});

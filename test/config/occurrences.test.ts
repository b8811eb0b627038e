import fc from 'fast-check';
import { expect, it } from 'vitest';
import { occurrencesOf } from '../../src/config/occurrences.js';

const FROM = Date.parse('2026-03-20T00:00Z');

it('remembers nothing wrong: asked in any order, it answers as one that was asked nothing before', () => {
  const question = fc.record({ ask: fc.constantFrom('next' as const, 'last' as const), at: fc.integer({ min: 0, max: 30 * 24 * 12 }).map((fives) => FROM + fives * 300_000 + (fives % 3) - 1) });
  fc.assert(fc.property(fc.constantFrom('0 9 * * 1-5', '30 1 * * *', '*/20 1,2 * * *', '0 * * * *', '15 */6 * * *'), fc.constantFrom('Europe/London', 'UTC', 'Australia/Lord_Howe'), fc.array(question, { maxLength: 12 }), (start, zone, questions) => {
    const asked = occurrencesOf(start, zone);
    for (const { ask, at } of questions) expect(asked[ask](at)).toBe(occurrencesOf(start, zone)[ask](at));
  }), { numRuns: 100 });
});

it('the last start before the next one is the one that was before: none is skipped, none comes twice', () => {
  fc.assert(fc.property(fc.constantFrom('0 9 * * 1-5', '30 1 * * *', '*/20 1,2 * * *', '0 * * * *'), fc.constantFrom('Europe/London', 'America/Havana', 'Australia/Lord_Howe'), fc.integer({ min: 0, max: 300 * 24 * 60 }), (start, zone, minutes) => {
    const at = FROM + minutes * 60_000;
    const known = occurrencesOf(start, zone);
    const next = known.next(at) ?? Number.NaN;
    expect(next).toBeGreaterThan(at);
    expect(known.last(next)).toBe(next);
    expect(occurrencesOf(start, zone).last(next - 1)).toBe(occurrencesOf(start, zone).last(at));
  }), { numRuns: 100 });
});

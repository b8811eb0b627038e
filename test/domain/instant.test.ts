import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inUtc } from '../../src/domain/instant.js';

describe('an instant in UTC', () => {
  it.each([
    { text: '2030-01-31T12:00:00Z', is: '2030-01-31T12:00:00.000Z', reason: 'milliseconds are written, so that texts compare' },
    { text: '2030-01-31T12:00Z', is: '2030-01-31T12:00:00.000Z', reason: 'without seconds' },
    { text: '2030-01-31T12:00:00.123456789Z', is: '2030-01-31T12:00:00.123Z', reason: 'what is finer is cut' },
    { text: '2030-01-31T12:00:00+02:00', is: '2030-01-31T10:00:00.000Z', reason: 'an offset' },
    { text: '2028-02-29T00:00:00Z', is: '2028-02-29T00:00:00.000Z', reason: 'a leap day' },
    { text: '2030-02-28T23:59:00-01:00', is: '2030-03-01T00:59:00.000Z', reason: 'the day is that of where it was written' },
    { text: '9999-12-31T23:59:59.999Z', is: '9999-12-31T23:59:59.999Z', reason: 'the last of four digits' },
    { text: '9999-12-31T23:59:59-00:01', is: undefined, reason: 'a year beyond 9999 is written with a sign, and sorts before every other' },
    { text: '0000-01-01T00:00:00+00:01', is: undefined, reason: 'a year before 0 is written with a sign too' },
    { text: '2030-02-29T00:00:00Z', is: undefined, reason: 'no leap year' },
    { text: '2030-04-31T00:00:00Z', is: undefined, reason: 'April has 30 days' },
    { text: '2030-13-01T00:00:00Z', is: undefined, reason: 'no such month' },
    { text: '2030-01-01T99:00:00Z', is: undefined, reason: 'no such hour' },
    { text: '2030-01-01', is: undefined, reason: 'a date alone has no zone' },
    { text: 'tomorrow', is: undefined, reason: 'words' },
    { text: '', is: undefined, reason: 'nothing' },
  ])('$text: $reason', ({ text, is }) => {
    expect(inUtc(text)).toBe(is);
  });

  it('compares as text as it does as time', () => {
    const written = fc.tuple(fc.date({ min: new Date('0001-01-01'), max: new Date('9998-12-31'), noInvalidDate: true }), fc.integer({ min: -14, max: 14 })).map(([date, hours]) => {
      const local = new Date(date.getTime() + hours * 3_600_000).toISOString().slice(0, -1);
      return `${local}${hours < 0 ? '-' : '+'}${String(Math.abs(hours)).padStart(2, '0')}:00`;
    });
    fc.assert(fc.property(written, written, (one, other) => {
      const [left = '', right = ''] = [inUtc(one), inUtc(other)];
      expect(left < right).toBe(Date.parse(one) < Date.parse(other));
    }));
  });
});

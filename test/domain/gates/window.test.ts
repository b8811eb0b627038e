import { describe, expect, it } from 'vitest';
import type { TimeWindow, WindowAction } from '../../../src/domain/gates/window.js';
import { allow, ask, deny, short } from './windows.js';

const OFFICE = allow('0 9 * * 1-5', '8h');
const CHRISTMAS = deny('0 0 24 12 *', '72h');
const NIGHTLY = deny('0 22 * * *', '2h');
const BOTH: More = { actions: ['stage', 'finalize'] };
type More = { readonly actions: readonly WindowAction[] };

interface Row {
  readonly windows: readonly TimeWindow[];
  readonly at: string;
  readonly action?: WindowAction;
  readonly begunAt?: string;
  /** `open`, `never`, or when it opens. */
  readonly is: string;
  readonly closesAt?: string;
  readonly says?: RegExp;
  readonly reason: string;
}

function expectRow({ windows, at, action = 'finalize', begunAt, is, closesAt, says }: Row): void {
  const answer = ask(windows, { at, action, ...(begunAt === undefined ? {} : { begunAt }) });
  if (answer.allowed) expect({ is: 'open', closesAt: short(answer.closesAt) }).toEqual({ is, closesAt });
  else {
    expect(answer.gate).toBe('window');
    expect(short(answer.opensAt) ?? 'never').toBe(is);
    expect(answer.reason).toMatch(says ?? /./);
  }
}

describe('when a change may be made', () => {
  it.each<Row>([
    { windows: [], at: '2026-11-21T03:00Z', is: 'open', reason: 'no window is defined: everything is allowed' },
    { windows: [OFFICE], at: '2026-11-23T10:00Z', is: 'open', closesAt: '2026-11-23T17:00Z', reason: 'Monday at ten is inside' },
    { windows: [OFFICE], at: '2026-11-23T09:00Z', is: 'open', closesAt: '2026-11-23T17:00Z', reason: 'the first instant is inside' },
    { windows: [OFFICE], at: '2026-11-23T08:59:59.999Z', is: '2026-11-23T09:00Z', reason: 'a millisecond before is outside' },
    { windows: [OFFICE], at: '2026-11-23T17:00Z', is: '2026-11-24T09:00Z', reason: 'the end is outside' },
    { windows: [OFFICE], at: '2026-11-23T16:59:59.999Z', is: 'open', closesAt: '2026-11-23T17:00Z', reason: 'a millisecond before the end is inside' },
    { windows: [OFFICE], at: '2026-11-20T20:00Z', is: '2026-11-23T09:00Z', says: /Monday 2026-11-23 09:00 Europe\/London/, reason: 'Friday night waits for Monday morning' },
    { windows: [OFFICE], at: '2026-11-21T12:00Z', is: '2026-11-23T09:00Z', reason: 'so does Saturday' },
    { windows: [OFFICE], at: '2026-11-22T23:59Z', is: '2026-11-23T09:00Z', reason: 'and Sunday at midnight' },
    { windows: [deny('0 9 * * 1-5', '8h')], at: '2026-11-23T10:00Z', is: '2026-11-23T17:00Z', says: /inside the deny window "0 9 \* \* 1-5" for 8h \(Europe\/London\) of prod; opens .* when it ends$/, reason: 'a deny closes, and its end opens' },
    { windows: [deny('0 9 * * 1-5', '8h')], at: '2026-11-23T17:00Z', is: 'open', closesAt: '2026-11-24T09:00Z', reason: 'the end of a deny is outside it' },
    { windows: [deny('0 9 * * 1-5', '8h')], at: '2026-11-23T09:00Z', is: '2026-11-23T17:00Z', reason: 'its first instant is inside' },
    { windows: [deny('0 9 * * 1-5', '8h')], at: '2026-11-21T12:00Z', is: 'open', closesAt: '2026-11-23T09:00Z', reason: 'a deny that is not active allows' },
    { windows: [OFFICE, deny('0 12 * * *', '1h')], at: '2026-11-23T12:30Z', is: '2026-11-23T13:00Z', says: /inside the deny/, reason: 'an active deny beats an active allow' },
    { windows: [deny('0 12 * * *', '1h'), OFFICE], at: '2026-11-23T12:30Z', is: '2026-11-23T13:00Z', reason: 'in whatever order they are written' },
    { windows: [OFFICE, deny('0 12 * * *', '1h')], at: '2026-11-23T11:00Z', is: 'open', closesAt: '2026-11-23T12:00Z', reason: 'the allow ends where the deny begins' },
    { windows: [OFFICE, deny('0 16 * * *', '2h')], at: '2026-11-23T16:30Z', is: '2026-11-24T09:00Z', says: /when the allow window "0 9 .* begins$/, reason: 'the deny ends when the allow is over: tomorrow' },
    { windows: [OFFICE, deny('0 7 * * *', '3h')], at: '2026-11-23T08:00Z', is: '2026-11-23T10:00Z', says: /inside the deny window .* when it ends$/, reason: 'the allow begins within the deny: its end opens' },
    { windows: [OFFICE, deny('0 7 * * *', '3h')], at: '2026-11-22T08:00Z', is: '2026-11-23T10:00Z', reason: 'outside both: the first instant in the one and not in the other' },
    { windows: [deny('0 9 * * *', '1h'), deny('0 10 * * *', '1h')], at: '2026-11-23T09:30Z', is: '2026-11-23T11:00Z', reason: 'a deny that follows another without a gap: both' },
    { windows: [deny('0 9 * * *', '2h'), deny('0 10 * * *', '3h')], at: '2026-11-23T09:30Z', is: '2026-11-23T13:00Z', reason: 'denies that overlap: the last end' },
    { windows: [deny('0 9 * * *', '4h'), deny('0 10 * * *', '1h')], at: '2026-11-23T10:30Z', is: '2026-11-23T13:00Z', says: /for 4h/, reason: 'a deny within a deny: the outer is named' },
    { windows: [deny('0 0 * * 1', '24h'), deny('0 0 * * 2', '24h'), deny('0 0 * * 3', '24h')], at: '2026-11-23T01:00Z', is: '2026-11-26T00:00Z', reason: 'three days that follow each other' },
    { windows: [allow('0 9 * * *', '2h'), allow('0 14 * * *', '2h')], at: '2026-11-23T12:00Z', is: '2026-11-23T14:00Z', says: /outside the 2 allow windows of prod: "0 9 .*, "0 14/, reason: 'the next of two allows' },
    { windows: [allow('0 9 * * *', '2h'), allow('0 11 * * *', '2h')], at: '2026-11-23T10:00Z', is: 'open', closesAt: '2026-11-23T13:00Z', reason: 'two allows without a gap are one' },
    { windows: [allow('0 9 * * *', '5h'), allow('0 10 * * *', '1h')], at: '2026-11-23T10:30Z', is: 'open', closesAt: '2026-11-23T14:00Z', reason: 'an allow within an allow closes nothing' },
    { windows: [allow('0 20 * * *', '12h')], at: '2026-11-23T03:00Z', is: 'open', closesAt: '2026-11-23T08:00Z', reason: 'an allow over midnight' },
    { windows: [NIGHTLY], at: '2026-11-23T23:59Z', is: '2026-11-24T00:00Z', reason: 'a deny up to midnight' },
    { windows: [CHRISTMAS], at: '2026-12-25T12:00Z', is: '2026-12-27T00:00Z', says: /"0 0 24 12 \*" for 3d/, reason: 'three days at Christmas' },
    { windows: [CHRISTMAS], at: '2026-12-23T23:59:59Z', is: 'open', closesAt: '2026-12-24T00:00Z', reason: 'until it begins' },
    { windows: [CHRISTMAS], at: '2026-11-01T00:00Z', is: 'open', closesAt: '2026-12-24T00:00Z', reason: 'until the next deny begins' },
    { windows: [OFFICE, CHRISTMAS], at: '2026-12-23T20:00Z', is: '2026-12-28T09:00Z', says: /Monday 2026-12-28 09:00/, reason: 'Thursday and Friday are denied, then comes a weekend' },
    { windows: [OFFICE, CHRISTMAS], at: '2026-12-24T10:00Z', is: '2026-12-28T09:00Z', says: /inside the deny window .* when the allow window/, reason: 'the deny closes it, an allow opens it' },
    { windows: [allow('0 0 1 1 *', '1h')], at: '2026-01-01T01:00Z', is: '2027-01-01T00:00Z', reason: 'once a year' },
    { windows: [allow('0 0 29 2 *', '1h')], at: '2026-11-21T00:00Z', is: '2028-02-29T00:00Z', reason: 'once in four years' },
    { windows: [allow('0 2 1-7 * 6', '4h')], at: '2026-11-21T00:00Z', is: '2026-12-05T02:00Z', says: /Saturday/, reason: 'the first Saturday of a month: both fields must match' },
    { windows: [allow('0 9 13 * 5', '2h')], at: '2026-06-01T00:00Z', is: '2026-11-13T09:00Z', reason: 'a Friday that is a thirteenth' },
    { windows: [allow('0 9 * * 7', '2h')], at: '2026-11-21T00:00Z', is: '2026-11-22T09:00Z', reason: '7 is Sunday, as 0 is' },
    { windows: [allow('0 9 * * 5-7', '2h')], at: '2026-11-21T12:00Z', is: '2026-11-22T09:00Z', reason: 'Friday to Sunday' },
    { windows: [allow('0 0 31 * *', '24h')], at: '2026-11-21T00:00Z', is: '2026-12-31T00:00Z', reason: 'November has no 31st' },
    { windows: [allow('0 9 */2 * *', '1h')], at: '2026-12-31T10:00Z', is: '2027-01-01T09:00Z', reason: 'every other day of the month: the 31st, and then the first' },
    { windows: [deny('0 12 31 12 *', '24h')], at: '2027-01-01T11:59Z', is: '2027-01-01T12:00Z', reason: 'a deny over the end of a year' },
    { windows: [allow('0 0 1 * *', '28d')], at: '2028-02-29T01:00Z', is: '2028-03-01T00:00Z', reason: 'twenty-eight days leave one of a leap year' },
    { windows: [deny('0 0 * * 1', '7d')], at: '2026-02-02T00:00Z', is: '2026-10-25T23:00Z', reason: 'a week in every week leaves the hour that comes twice' },
    { windows: [allow('*/15 * * * *', '5m')], at: '2026-11-23T10:07Z', is: '2026-11-23T10:15Z', reason: 'every quarter of an hour' },
    { windows: [allow('* * * * *', '2m')], at: '2026-11-23T10:07:30Z', is: 'open', reason: 'minutes that overlap are one; their end is too far to tell' },
  ])('$reason', expectRow);

  it('a day of 24 hours on the night the clocks go back leaves its 25th', () => {
    expectRow({ windows: [deny('0 0 * * *', '24h')], at: '2026-10-20T10:00Z', is: '2026-10-25T23:00Z', reason: '' });
  });

  it('what never opens says so, or until when that is certain, and is asked again then', () => {
    const answer = ask([deny('0 0 * * *', '25h')], { at: '2026-11-23T10:00Z' });
    expect(answer.allowed ? '' : answer.reason).toMatch(/never again as configured|at least until 20[34]/);
  });
});

describe('windows and actions', () => {
  const STAGING = allow('0 7 * * *', '1h', { actions: ['stage'] });
  it.each<Row>([
    { windows: [allow('0 9 * * *', '8h', { actions: ['stage'] })], at: '2026-11-23T20:00Z', is: 'open', reason: 'a window of stage says nothing of finalize' },
    { windows: [allow('0 9 * * *', '8h', { actions: ['stage'] })], at: '2026-11-23T20:00Z', action: 'stage', is: '2026-11-24T09:00Z', reason: 'but of stage' },
    { windows: [allow('0 9 * * *', '8h', BOTH)], at: '2026-11-23T20:00Z', action: 'stage', is: '2026-11-24T09:00Z', reason: 'a window of both closes stage' },
    { windows: [allow('0 9 * * *', '8h', BOTH)], at: '2026-11-23T20:00Z', is: '2026-11-24T09:00Z', reason: 'and finalize' },
    { windows: [deny('0 9 * * *', '8h', { actions: ['stage'] })], at: '2026-11-23T10:00Z', is: 'open', reason: 'a deny of stage lets a switch through that was staged before' },
    { windows: [deny('0 9 * * *', '8h', { actions: ['stage'] })], at: '2026-11-23T10:00Z', action: 'stage', is: '2026-11-23T17:00Z', reason: 'and stages nothing' },
    { windows: [OFFICE], at: '2026-11-20T20:00Z', action: 'stage', is: '2026-11-23T09:00Z', says: /outside the allow window/, reason: 'nothing is staged on Friday for a switch on Monday' },
    { windows: [OFFICE], at: '2026-11-23T08:29:59Z', action: 'stage', is: '2026-11-23T09:00Z', reason: 'longer before than a stage is kept' },
    { windows: [OFFICE], at: '2026-11-23T08:30Z', action: 'stage', is: 'open', reason: 'as long before as a stage is kept' },
    { windows: [OFFICE], at: '2026-11-23T08:30Z', is: '2026-11-23T09:00Z', reason: 'staged, its switch still waits for the window' },
    { windows: [OFFICE], at: '2026-11-23T16:59Z', action: 'stage', is: 'open', closesAt: '2026-11-23T17:00Z', reason: 'the last minute: whether it can be switched is asked before the switch' },
    { windows: [NIGHTLY], at: '2026-11-23T23:45Z', action: 'stage', is: 'open', reason: 'the deny ends while the stage is kept' },
    { windows: [NIGHTLY], at: '2026-11-23T22:45Z', action: 'stage', is: '2026-11-24T00:00Z', reason: 'the deny is longer than a stage is kept' },
    { windows: [STAGING, allow('0 8 * * *', '2h')], at: '2026-11-23T06:00Z', action: 'stage', is: '2026-11-23T07:30Z', reason: 'staged in the morning, at the first instant from which the switch can follow' },
    { windows: [STAGING, allow('0 8 * * *', '2h')], at: '2026-11-23T07:10Z', action: 'stage', is: '2026-11-23T07:30Z', reason: 'still too early: it could not be kept until eight' },
    { windows: [STAGING, allow('0 8 * * *', '2h')], at: '2026-11-23T07:40Z', action: 'stage', is: 'open', closesAt: '2026-11-23T08:00Z', reason: 'late enough' },
    { windows: [STAGING, allow('30 7 * * *', '2h')], at: '2026-11-23T06:00Z', action: 'stage', is: '2026-11-23T07:30Z', reason: 'both are open at half past seven: nothing need be kept' },
    { windows: [STAGING, allow('0 7 * * 1', '1h')], at: '2026-11-24T06:00Z', action: 'stage', is: '2026-11-30T07:00Z', reason: 'the window of finalize is once a week' },
    { windows: [deny('0 9 * * *', '8h', { actions: ['stage'] }), deny('0 17 * * *', '2h')], at: '2026-11-23T10:00Z', action: 'stage', is: '2026-11-23T19:00Z', reason: 'after the deny of stage comes one of finalize' },
  ])('$reason', expectRow);
});

describe('overrun', () => {
  const MEETING = deny('0 12 * * *', '1h', { overrun: true });
  const OPEN_LATE = allow('0 9 * * 1-5', '8h', { overrun: true });
  it.each<Row>([
    { windows: [MEETING], at: '2026-11-23T12:10Z', begunAt: '2026-11-23T11:50Z', is: 'open', reason: 'what was begun before the deny may finish in it' },
    { windows: [MEETING], at: '2026-11-23T12:10Z', begunAt: '2026-11-23T12:05Z', is: '2026-11-23T13:00Z', reason: 'what was begun in it may not' },
    { windows: [MEETING], at: '2026-11-23T12:10Z', begunAt: '2026-11-23T12:00Z', is: '2026-11-23T13:00Z', reason: 'its first instant is in it' },
    { windows: [MEETING], at: '2026-11-23T12:10Z', is: '2026-11-23T13:00Z', reason: 'nothing is begun yet' },
    { windows: [deny('0 12 * * *', '1h')], at: '2026-11-23T12:10Z', begunAt: '2026-11-23T11:50Z', is: '2026-11-23T13:00Z', reason: 'without overrun the deny closes on what was begun' },
    { windows: [MEETING, deny('5 12 * * *', '1h')], at: '2026-11-23T12:10Z', begunAt: '2026-11-23T11:50Z', is: '2026-11-23T13:05Z', says: /"5 12/, reason: 'of two denies both must let it finish; the other is named' },
    { windows: [MEETING, deny('5 12 * * *', '1h', { overrun: true })], at: '2026-11-23T12:10Z', begunAt: '2026-11-23T11:50Z', is: 'open', reason: 'both do' },
    { windows: [MEETING, deny('5 12 * * *', '1h', { overrun: true })], at: '2026-11-23T12:10Z', begunAt: '2026-11-23T12:02Z', is: '2026-11-23T13:00Z', reason: 'begun before the second and in the first' },
    { windows: [OPEN_LATE], at: '2026-11-23T17:20Z', begunAt: '2026-11-23T16:55Z', is: 'open', reason: 'what was begun inside an allow may finish after it' },
    { windows: [OPEN_LATE], at: '2026-11-23T17:20Z', begunAt: '2026-11-23T17:00Z', is: '2026-11-24T09:00Z', reason: 'what was begun at its end may not' },
    { windows: [OPEN_LATE], at: '2026-11-23T17:20Z', is: '2026-11-24T09:00Z', reason: 'nothing is begun yet' },
    { windows: [OFFICE], at: '2026-11-23T17:20Z', begunAt: '2026-11-23T16:55Z', is: '2026-11-24T09:00Z', reason: 'without overrun the end closes on what was begun' },
    { windows: [OFFICE, OPEN_LATE], at: '2026-11-23T17:20Z', begunAt: '2026-11-23T16:55Z', is: '2026-11-24T09:00Z', reason: 'of two allows that end both must let it finish, as in Argo CD' },
    { windows: [allow('0 16 * * 1-5', '1h', { overrun: true }), OPEN_LATE], at: '2026-11-23T17:20Z', begunAt: '2026-11-23T16:55Z', is: 'open', reason: 'both do' },
    { windows: [OPEN_LATE, allow('0 9 * * 0', '2h')], at: '2026-11-23T17:20Z', begunAt: '2026-11-23T16:55Z', is: '2026-11-24T09:00Z', reason: 'nor one of a Sunday, as in Argo CD: every allow must say so' },
    { windows: [OPEN_LATE, allow('0 9 * * 1-5', '9h')], at: '2026-11-23T17:20Z', begunAt: '2026-11-23T16:55Z', is: 'open', reason: 'the other allow has not ended' },
    { windows: [OFFICE, deny('0 17 * * *', '2h', { overrun: true })], at: '2026-11-23T17:20Z', begunAt: '2026-11-23T16:55Z', is: 'open', reason: 'an allow without overrun ends in a deny with it, which lets it finish, as in Argo CD' },
    { windows: [OPEN_LATE, deny('0 17 * * *', '2h', { overrun: true })], at: '2026-11-23T17:20Z', begunAt: '2026-11-23T16:55Z', is: 'open', reason: 'both let it finish' },
    { windows: [OPEN_LATE, deny('0 17 * * *', '2h')], at: '2026-11-23T17:20Z', begunAt: '2026-11-23T16:55Z', is: '2026-11-23T19:00Z', reason: 'the allow does and the deny does not; after the deny it may' },
    { windows: [OFFICE, deny('0 17 * * *', '2h')], at: '2026-11-23T17:20Z', begunAt: '2026-11-23T16:55Z', is: '2026-11-24T09:00Z', reason: 'neither does' },
    { windows: [allow('0 9 * * 1-5', '30m'), MEETING], at: '2026-11-23T12:10Z', begunAt: '2026-11-23T11:00Z', is: '2026-11-24T09:00Z', reason: 'begun outside the allow: a deny lets nothing finish that might not have been made when it was begun' },
    { windows: [OPEN_LATE, deny('0 16 * * *', '1h')], at: '2026-11-23T17:10Z', begunAt: '2026-11-23T16:45Z', is: '2026-11-24T09:00Z', reason: 'begun inside the allow and inside a deny: that was not allowed' },
    { windows: [OFFICE, MEETING, deny('0 11 * * *', '2h')], at: '2026-11-23T12:10Z', begunAt: '2026-11-23T10:50Z', is: '2026-11-23T13:00Z', reason: 'of two denies at once one lacks it' },
    { windows: [OPEN_LATE, allow('0 20 * * *', '1h')], at: '2026-11-23T17:20Z', begunAt: '2026-11-23T08:45Z', is: '2026-11-23T20:00Z', reason: 'begun before the allow, kept for it: it ended meanwhile' },
    { windows: [OPEN_LATE, NIGHTLY], at: '2026-11-23T22:10Z', begunAt: '2026-11-23T16:55Z', is: '2026-11-24T00:00Z', says: /inside the deny/, reason: 'a deny without overrun still beats it' },
    { windows: [allow('0 9 * * 1-5', '8h', { overrun: true }), MEETING], at: '2026-11-23T12:10Z', begunAt: '2026-11-23T11:58Z', is: 'open', reason: 'inside the allow, begun before the deny' },
  ])('$reason', expectRow);

  it('says nothing for a question: only work that has begun overruns', () => {
    expect(ask([MEETING], { at: '2026-11-23T12:10Z' })).toMatchObject({ allowed: false, opensAt: '2026-11-23T13:00:00.000Z' });
  });
});

describe('when the clocks change', () => {
  // London: 2026-03-29, 01:00 becomes 02:00; 2026-10-25, 02:00 becomes 01:00.
  it.each<Row>([
    { windows: [allow('30 1 * * *', '1h')], at: '2026-03-29T00:30Z', is: '2026-03-29T01:00Z', says: /Sunday 2026-03-29 02:00 Europe\/London/, reason: 'a start in the hour that is skipped comes as soon as it is over' },
    { windows: [allow('30 1 * * *', '1h')], at: '2026-03-29T01:30Z', is: 'open', closesAt: '2026-03-29T02:00Z', reason: 'and lasts as long as ever' },
    { windows: [deny('30 1 * * *', '1h')], at: '2026-03-29T01:30Z', is: '2026-03-29T02:00Z', reason: 'a deny that begins in the hour that is skipped is not lost' },
    { windows: [deny('0,30 1 * * *', '10m')], at: '2026-03-29T01:05Z', is: '2026-03-29T01:10Z', reason: 'two starts in it are one' },
    { windows: [allow('*/20 1 * * *', '10m')], at: '2026-03-29T00:30Z', is: '2026-03-29T01:00Z', reason: 'nor are several, written as a step' },
    { windows: [allow('0 0 * * *', '4h')], at: '2026-03-29T03:30Z', is: 'open', closesAt: '2026-03-29T04:00Z', reason: 'four hours are four hours: until five by the clock in spring' },
    { windows: [allow('0 0 * * *', '4h')], at: '2026-10-25T02:30Z', is: 'open', closesAt: '2026-10-25T03:00Z', reason: 'and until three by the clock in autumn' },
    { windows: [allow('30 1 * * *', '30m')], at: '2026-10-25T00:00Z', is: '2026-10-25T00:30Z', reason: 'a start in the hour that comes twice comes the first time' },
    { windows: [allow('30 1 * * *', '30m')], at: '2026-10-25T01:35Z', is: '2026-10-26T01:30Z', reason: 'and not the second' },
    { windows: [deny('30 1 * * *', '30m')], at: '2026-10-25T01:35Z', is: 'open', closesAt: '2026-10-26T01:30Z', reason: 'a deny likewise: once' },
    { windows: [allow('0 * * * *', '30m')], at: '2026-10-25T00:45Z', is: '2026-10-25T01:00Z', reason: 'what begins every hour begins in both' },
    { windows: [allow('0 * * * *', '30m')], at: '2026-03-29T00:45Z', is: '2026-03-29T01:00Z', reason: 'and has no hour to skip' },
    { windows: [OFFICE], at: '2026-03-27T17:00Z', is: '2026-03-30T08:00Z', says: /Monday 2026-03-30 09:00/, reason: 'nine on Monday is nine by the new clock' },
    { windows: [OFFICE], at: '2026-10-23T16:00Z', is: '2026-10-26T09:00Z', says: /Monday 2026-10-26 09:00/, reason: 'and in autumn' },
    { windows: [deny('0 18 * * 5', '62h')], at: '2026-10-23T18:00Z', is: '2026-10-26T07:00Z', says: /Monday 2026-10-26 07:00/, reason: 'a deny of 62 hours over the change is 62 hours: an hour earlier by the clock' },
    { windows: [deny('0 18 * * 5', '62h')], at: '2026-03-27T19:00Z', is: '2026-03-30T08:00Z', says: /Monday 2026-03-30 09:00/, reason: 'and an hour later in spring' },
    { windows: [allow('30 2 * * *', '1h', { timezone: 'America/New_York' })], at: '2026-03-08T06:30Z', is: '2026-03-08T07:00Z', says: /Sunday 2026-03-08 03:00 America\/New_York/, reason: 'another zone changes on another day' },
    { windows: [allow('0 0 * * *', '1h', { timezone: 'America/Havana' })], at: '2026-03-08T04:30Z', is: '2026-03-08T05:00Z', says: /01:00 America\/Havana/, reason: 'a day without a midnight begins at one' },
    { windows: [allow('15 2 * * *', '1h', { timezone: 'Australia/Lord_Howe' })], at: '2026-10-03T15:20Z', is: '2026-10-03T15:30Z', says: /02:30 Australia\/Lord_Howe/, reason: 'half an hour is skipped' },
    { windows: [allow('45 1 * * *', '5m', { timezone: 'Australia/Lord_Howe' })], at: '2026-04-04T15:15Z', is: '2026-04-05T15:15Z', reason: 'half an hour comes twice: the first time only' },
    { windows: [allow('15 2 * * *', '1h', { timezone: 'Australia/Sydney' })], at: '2026-10-03T15:30Z', is: '2026-10-03T16:00Z', says: /03:00 Australia\/Sydney/, reason: 'in the south spring is in October' },
    { windows: [allow('30 2 * * *', '30m', { timezone: 'Australia/Sydney' })], at: '2026-04-04T16:30Z', is: '2026-04-05T16:30Z', reason: 'and autumn in April: the first of two only' },
    { windows: [deny('0 0 * * 0', '2h', { timezone: 'America/Santiago' })], at: '2026-09-06T04:00Z', is: '2026-09-06T06:00Z', reason: 'a Sunday without a midnight is that Sunday all the same' },
    { windows: [deny('15 0 29 3 *', '1h', { timezone: 'Asia/Beirut' })], at: '2026-03-28T22:00Z', is: '2026-03-28T23:00Z', reason: 'and a date without one is that date' },
    { windows: [allow('30 23 * * 4', '20m', { timezone: 'Africa/Cairo' })], at: '2026-10-29T21:30Z', is: '2026-11-05T21:30Z', reason: 'a Thursday whose last hour comes twice has one last hour' },
    { windows: [deny('30 2 * * *', '1h', { timezone: 'Antarctica/Troll' })], at: '2026-03-29T01:00Z', is: '2026-03-29T02:00Z', reason: 'two hours are skipped at once' },
    { windows: [allow('30 2 * * *', '20m', { timezone: 'Antarctica/Troll' })], at: '2026-10-25T02:30Z', is: '2026-10-26T02:30Z', reason: 'and come twice' },
    { windows: [deny('30 2 * * *', '1h', { timezone: 'Africa/Casablanca' })], at: '2026-03-22T02:00Z', is: '2026-03-22T03:00Z', reason: 'clocks that change with the moon' },
    { windows: [allow('30 0-23 * * *', '15m')], at: '2026-10-25T01:35Z', is: '2026-10-25T02:30Z', reason: 'hours that are written out are fixed hours, each once' },
    { windows: [allow('0 1,2 * * *', '30m')], at: '2026-03-29T01:10Z', is: 'open', closesAt: '2026-03-29T01:30Z', reason: 'the hour that is skipped and the one after it begin together, and are no longer for that' },
    { windows: [allow('0 0 * * 1', '24h', { timezone: 'Pacific/Kiritimati' })], at: '2026-11-22T10:00Z', is: 'open', closesAt: '2026-11-23T10:00Z', reason: 'Monday is Monday where the window is' },
    { windows: [allow('45 2 27 9 *', '1h', { timezone: 'Pacific/Chatham' })], at: '2026-09-26T13:30Z', is: '2026-09-26T14:00Z', says: /03:45 Pacific\/Chatham/, reason: 'where clocks are three quarters of an hour aside, so is the gap' },
    { windows: [allow('30 0 24 4 *', '1h', { timezone: 'Africa/Cairo' })], at: '2026-04-23T21:30Z', is: '2026-04-23T22:00Z', reason: 'half past a midnight that is skipped' },
    { windows: [allow('45 * * * *', '10m', { timezone: 'Australia/Lord_Howe' })], at: '2026-04-04T14:56Z', is: '2026-04-04T15:15Z', reason: 'a minute of every hour that comes twice within half an hour' },
    { windows: [deny('0 0 * * 0', '24h', { timezone: 'America/New_York' })], at: '2026-11-02T04:30Z', is: 'open', closesAt: '2026-11-08T05:00Z', reason: 'a Sunday of 25 hours has one that 24 leave' },
    { windows: [allow('0 9 * * *', '1h', { timezone: 'America/Mexico_City' })], at: '2026-06-02T14:30Z', is: '2026-06-02T15:00Z', reason: 'where summer time was given up there is none' },
    { windows: [allow('15 1 * * *', '15m', { timezone: 'Europe/Dublin' })], at: '2026-10-25T01:16Z', is: '2026-10-26T01:15Z', reason: 'where winter is the exception and summer the rule' },
    { windows: [allow('0 9 * * *', '8h', { timezone: 'Asia/Kathmandu' })], at: '2026-11-23T03:00Z', is: '2026-11-23T03:15Z', reason: 'zones of three quarters of an hour' },
    { windows: [allow('30 1 * * *', '1h', { timezone: 'UTC' })], at: '2026-03-29T01:00Z', is: '2026-03-29T01:30Z', reason: 'UTC knows of no change' },
    { windows: [allow('30 1 * * *', '30m', { overrun: true })], at: '2026-10-25T01:35Z', begunAt: '2026-10-25T00:55Z', is: 'open', reason: 'what was begun the first time may finish the second' },
  ])('$reason', expectRow);
});

describe('windows of several zones', () => {
  const TOKYO = allow('0 9 * * 1-5', '8h', { timezone: 'Asia/Tokyo' });
  const NEW_YORK = allow('0 9 * * 1-5', '8h', { timezone: 'America/New_York' });
  it.each<Row>([
    { windows: [TOKYO], at: '2026-11-22T23:00Z', is: '2026-11-23T00:00Z', says: /Monday 2026-11-23 09:00 Asia\/Tokyo/, reason: 'Monday begins on Sunday' },
    { windows: [TOKYO, OFFICE], at: '2026-11-23T08:30Z', is: '2026-11-23T09:00Z', says: /Europe\/London\) begins/, reason: 'between two offices: the next one, in its own time' },
    { windows: [OFFICE, NEW_YORK], at: '2026-11-23T16:00Z', is: 'open', closesAt: '2026-11-23T22:00Z', reason: 'offices that overlap are one' },
    { windows: [OFFICE, NEW_YORK], at: '2026-11-27T22:00Z', is: '2026-11-30T09:00Z', reason: 'the last one closes on Friday' },
    { windows: [OFFICE, deny('0 17 * * 1-5', '2h', { timezone: 'Asia/Tokyo' })], at: '2026-11-23T09:30Z', is: '2026-11-23T10:00Z', says: /Monday 2026-11-23 19:00 Asia\/Tokyo/, reason: 'a deny in one zone over an allow of another, its end told where it was written' },
    { windows: [NEW_YORK, OFFICE], at: '2026-03-16T12:30Z', is: 'open', closesAt: '2026-03-16T21:00Z', reason: 'for three weeks they are an hour nearer' },
  ])('$reason', expectRow);
});

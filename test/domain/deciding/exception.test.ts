import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceptedText, exceptionKey, judgeException, lapsedText, type Exception, type Placed } from '../../../src/domain/deciding/exception.js';

const NOW = '2026-11-02T09:00:00.000Z';
const PAST = '2026-11-02T08:59:59.999Z';
const SOON = '2026-11-02T09:00:00.001Z';
const LATER = '2026-12-01T00:00:00.000Z';
const CHANGE = { resource: 'etc/app.yaml', path: '/port', fingerprint: 'v1:seen' };

function exception(overrides: Partial<Exception> = {}): Exception {
  return { source: 'announced', resource: CHANGE.resource, until: LATER, by: 'alice', reason: 'load test', ...overrides };
}

/** As concerns.ts places what the record has: by name. */
function placed(...all: readonly Exception[]): readonly Placed[] {
  return all.map((each) => ({ exception: each, speaksOf: (change) => change.resource === each.resource && (each.path === undefined || each.path === change.path) }));
}

describe('an exception', () => {
  it.each<{ reason: string; given: readonly Exception[]; is: 'accepted' | 'lapsed' | 'none'; by?: 'date' | 'change' }>([
    { reason: 'nothing was accepted', given: [], is: 'none' },
    { reason: 'a whole resource covers each of its fields', given: [exception()], is: 'accepted' },
    { reason: 'its field', given: [exception({ path: '/port' })], is: 'accepted' },
    { reason: 'another field of the resource', given: [exception({ path: '/host' })], is: 'none' },
    { reason: 'the root path is a path, not the whole resource', given: [exception({ path: '' })], is: 'none' },
    { reason: 'another resource', given: [exception({ resource: 'etc/motd' })], is: 'none' },
    { reason: 'a millisecond before its date it holds', given: [exception({ until: SOON })], is: 'accepted' },
    { reason: 'at its date it holds no more', given: [exception({ until: NOW })], is: 'lapsed', by: 'date' },
    { reason: 'after its date it has lapsed, and that is known', given: [exception({ until: PAST })], is: 'lapsed', by: 'date' },
    { reason: 'given for this very change', given: [exception({ source: 'incident', fingerprint: 'v1:seen' })], is: 'accepted' },
    { reason: 'given for what stood there before', given: [exception({ source: 'incident', path: '/port', fingerprint: 'v1:before' })], is: 'lapsed', by: 'change' },
    { reason: 'given for this change, and over', given: [exception({ source: 'incident', fingerprint: 'v1:seen', until: PAST })], is: 'lapsed', by: 'date' },
    { reason: 'given for what stood there before, and over long ago: nobody was waiting for it', given: [exception({ source: 'incident', fingerprint: 'v1:before', until: PAST })], is: 'none' },
    { reason: 'what was announced holds whatever value comes', given: [exception({ source: 'announced' })], is: 'accepted' },
    { reason: 'what holds beats what has lapsed', given: [exception({ until: PAST }), exception({ path: '/port', by: 'bob' })], is: 'accepted' },
    { reason: 'what holds beats what changed', given: [exception({ source: 'incident', fingerprint: 'v1:before' }), exception({ source: 'configuration' })], is: 'accepted' },
    { reason: 'what changed is nearer than what is long over', given: [exception({ until: PAST }), exception({ source: 'incident', fingerprint: 'v1:before' })], is: 'lapsed', by: 'change' },
    { reason: 'on the resource, in time', given: [exception({ source: 'resource', path: '/port' })], is: 'accepted' },
    { reason: 'on the resource, and over', given: [exception({ source: 'resource', path: '/port', until: PAST })], is: 'lapsed', by: 'date' },
    { reason: 'a time with another offset is the same instant', given: [exception({ until: '2026-11-02T10:00:00.001+01:00' })], is: 'accepted' },
  ])('$is: $reason', ({ given, is, by }) => {
    expect(judgeException(CHANGE, placed(...given), NOW)).toMatchObject({ is, ...(by === undefined ? {} : { by }) });
  });

  it('that holds longest speaks, whatever the order they come in', () => {
    const all = [exception({ until: SOON, by: 'bob' }), exception({ by: 'carol', until: LATER }), exception({ by: 'dave', until: PAST })];
    fc.assert(fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (shuffled) => {
      expect(judgeException(CHANGE, placed(...shuffled), NOW)).toMatchObject({ is: 'accepted', exception: { by: 'carol' } });
    }));
  });

  it('covers or has lapsed, never both, and no exception of another place has a say', () => {
    const any = fc.record({
      source: fc.constantFrom('announced' as const, 'incident' as const, 'configuration' as const, 'resource' as const),
      resource: fc.constantFrom('etc/app.yaml', 'etc/motd'), path: fc.constantFrom(undefined, '', '/port', '/host'),
      fingerprint: fc.constantFrom(undefined, 'v1:seen', 'v1:before'), until: fc.constantFrom(PAST, NOW, SOON, LATER), by: fc.constant('alice'), reason: fc.constant('r'),
    }).map(({ path, fingerprint, ...rest }): Exception => ({ ...rest, ...(path === undefined ? {} : { path }), ...(fingerprint === undefined ? {} : { fingerprint }) }));
    fc.assert(fc.property(fc.array(any, { maxLength: 6 }), (all) => {
      const judged = judgeException(CHANGE, placed(...all), NOW);
      const elsewhere = all.filter((each) => each.resource !== CHANGE.resource || (each.path !== undefined && each.path !== CHANGE.path));
      expect(judgeException(CHANGE, placed(...all.filter((each) => !elsewhere.includes(each))), NOW)).toEqual(judged);
      const covering = all.filter((each) => !elsewhere.includes(each) && each.until > NOW && (each.fingerprint ?? CHANGE.fingerprint) === CHANGE.fingerprint);
      expect(judged.is === 'accepted').toBe(covering.length > 0);
    }));
  });

  it.each<{ reason: string; given: Exception; says: string }>([
    { reason: 'announced, with its ticket', given: exception({ ticket: 'OPS-12' }), says: `accepted by alice until ${LATER} (OPS-12): load test` },
    { reason: 'in the configuration', given: exception({ source: 'configuration' }), says: `accepted in the configuration by alice until ${LATER}: load test` },
    { reason: 'on the resource', given: exception({ source: 'resource' }), says: `accepted on the resource by alice until ${LATER}: load test` },
  ])('says who gave it, until when and why: $reason', ({ given, says }) => {
    expect(acceptedText(given)).toBe(says);
  });

  it('says that it has lapsed, and whether the date or the change did that', () => {
    expect(lapsedText({ is: 'lapsed', by: 'date', exception: exception({ ticket: 'OPS-12' }) })).toBe(`the acceptance by alice until ${LATER} (OPS-12) has lapsed: load test`);
    expect(lapsedText({ is: 'lapsed', by: 'change', exception: exception() })).toBe(`the acceptance by alice until ${LATER} has lapsed, since the change is another one now: load test`);
  });

  it.each<{ reason: string; other: Partial<Exception>; same: boolean }>([
    { reason: 'the very same', other: {}, same: true },
    { reason: 'another word in its reason', other: { reason: 'another' }, same: true },
    { reason: 'given again for longer', other: { until: SOON }, same: false },
    { reason: 'another field', other: { path: '/port' }, same: false },
    { reason: 'somebody else', other: { by: 'bob' }, same: false },
    { reason: 'from elsewhere', other: { source: 'configuration' }, same: false },
  ])('is the same one for who says that it lapsed: $reason', ({ other, same }) => {
    expect(exceptionKey(exception(other)) === exceptionKey(exception())).toBe(same);
  });
});

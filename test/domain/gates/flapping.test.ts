import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLAPPING, flappingFields, type FlappingLimit, type Repair } from '../../../src/domain/gates/flapping.js';
import { fieldKey } from '../../../src/domain/change.js';

const CHANGE = { resource: 'etc/app.yaml', path: '/port' };
const NOW = '2026-11-02T12:00:00.000Z';
const ago = (minutes: number): string => new Date(Date.parse(NOW) - minutes * 60_000).toISOString();
const repair = (minutes: number, path = '/port'): Repair => ({ at: ago(minutes), fields: [fieldKey({ resource: 'etc/app.yaml', path })] });

describe('flappingFields', () => {
  it.each<{ repairs: Repair[]; limit?: FlappingLimit; releasedAt?: string; flaps: boolean; reason: string }>([
    { repairs: [], flaps: false, reason: 'it was never repaired' },
    { repairs: [repair(10)], flaps: false, reason: 'it came back once' },
    { repairs: [repair(10), repair(20)], flaps: false, reason: 'twice may be chance' },
    { repairs: [repair(10), repair(20), repair(30)], flaps: true, reason: 'three times within the hour is a second writer' },
    { repairs: [repair(30), repair(10), repair(20)], flaps: true, reason: 'in whatever order they are told' },
    { repairs: [repair(10), repair(20), repair(59)], flaps: true, reason: 'a minute less than an hour ago still counts' },
    { repairs: [repair(10), repair(20), repair(60)], flaps: false, reason: 'an hour ago to the second does not, as for the breaker and the budget' },
    { repairs: [repair(10), { at: ago(20), fields: ['etc/app.yaml /port', 'etc/app.yaml /port'] }], flaps: false, reason: 'a field that one repair names twice was repaired once' },
    { repairs: [repair(10), repair(20), repair(30, '/host')], flaps: false, reason: 'another field of the file was repaired' },
    { repairs: [repair(10), repair(20), { at: ago(30), fields: ['etc/other.yaml /port'] }], flaps: false, reason: 'the same field of another file was repaired' },
    { repairs: [repair(10), repair(20), { at: ago(30), fields: ['etc/app.yaml /port', 'etc/app.yaml /host'] }], flaps: true, reason: 'repaired together with others it counts as well' },
    { repairs: [repair(10), repair(20), repair(30)], releasedAt: ago(40), flaps: true, reason: 'all of them since it was released' },
    { repairs: [repair(10), repair(20), repair(30)], releasedAt: ago(25), flaps: false, reason: 'since a person released it the count begins anew' },
    { repairs: [repair(10), repair(20), repair(30)], releasedAt: ago(30), flaps: false, reason: 'the repair of the very moment of the release is old' },
    { repairs: [repair(10), repair(20)], limit: { repairs: 2, withinMs: 3_600_000 }, flaps: true, reason: 'with a lower limit twice is enough' },
    { repairs: [repair(10), repair(20), repair(30)], limit: { repairs: 3, withinMs: 1_200_000 }, flaps: false, reason: 'over twenty minutes only two count' },
    { repairs: [repair(600), repair(700), repair(800)], limit: { repairs: 3, withinMs: 86_400_000 }, flaps: true, reason: 'a slow fight, over a day' },
  ])('$flaps: $reason', ({ repairs, limit, releasedAt, flaps }) => {
    expect(flappingFields(limit ?? FLAPPING, { changes: [CHANGE], repairs, now: NOW, releasedAt }).map((each) => each.path)).toEqual(flaps ? ['/port'] : []);
  });

  it('goes by field, not by value: alternating values are one fight', () => {
    // What the other writer puts there is different each time; the fields that were repaired are not.
    const repairs = [repair(30), repair(20), repair(10)];
    for (const actual of [1, 2, 3]) expect(flappingFields(FLAPPING, { changes: [{ ...CHANGE, ...{ actual } }], repairs, now: NOW })).toHaveLength(1);
  });

  it('names the second writer where the engine knows it', () => {
    const repairs = [repair(30), repair(20), repair(10)];
    expect(flappingFields(FLAPPING, { changes: [{ ...CHANGE, by: 'helm-controller' }], repairs, now: NOW })).toEqual([{ ...CHANGE, reason: 'etc/app.yaml /port was repaired 3 times within 1 hour and came back; helm-controller keeps putting it there' }]);
    expect(flappingFields(FLAPPING, { changes: [CHANGE], repairs, now: NOW })[0]?.reason).toContain('another writer keeps putting it there');
  });

  it('names only the fields that came back, each once', () => {
    const repairs = [10, 20, 30].map((minutes) => ({ at: ago(minutes), fields: ['etc/app.yaml /port', 'etc/app.yaml /host'] }));
    expect(flappingFields(FLAPPING, { changes: [CHANGE, CHANGE], repairs, now: NOW }).map((each) => each.path)).toEqual(['/port']);
  });

  it('never stops a field that was repaired fewer times than the limit says', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 120 }), fc.constantFrom('/port', '/host'))), fc.integer({ min: 2, max: 6 }), (all, limit) => {
      const repairs = all.map(([minutes, path]) => repair(minutes, path));
      const times = all.filter(([minutes, path]) => minutes < 60 && path === '/port').length;
      expect(flappingFields({ repairs: limit, withinMs: 3_600_000 }, { changes: [CHANGE], repairs, now: NOW })).toHaveLength(times >= limit ? 1 : 0);
    }));
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { askGates, fieldKey, flappingFields, type Asking, type GateRow } from '../../src/domain/gates.js';
import type { GateName } from '../../src/domain/gate.js';

const CHANGE = { fingerprint: 'v1:one', revision: 'r1', resource: 'etc/app.yaml', path: '/port' };

function row(gate: GateName, overrides: Partial<GateRow> = {}): GateRow {
  return { scope: 'prod', gate, by: 'alice', reason: 'launch', ...overrides };
}

function ask(rows: readonly GateRow[], overrides: Partial<Asking> = {}): ReturnType<typeof askGates> {
  return askGates({ at: '2026-11-02T09:00:00.000Z', rows }, { action: 'stage', changes: [CHANGE], automatic: true, ...overrides });
}

const QUARANTINE = row('quarantine', { fingerprint: 'v1:one', revision: 'r1' });
const FLAPPING = row('flapping', { resource: 'etc/app.yaml', path: '/port' });

describe('askGates', () => {
  it.each<{ rows: GateRow[]; input?: Partial<Asking>; gate: GateName | 'open'; reason: string }>([
    { rows: [], gate: 'open', reason: 'nothing is closed' },
    { rows: [row('freeze')], gate: 'freeze', reason: 'somebody froze it' },
    { rows: [row('freeze')], input: { automatic: false }, gate: 'freeze', reason: 'an approval does not lift a freeze' },
    { rows: [row('breaker')], gate: 'breaker', reason: 'a rollback failed: nothing automatic goes on' },
    { rows: [row('breaker')], input: { automatic: false }, gate: 'open', reason: 'a person who approves knows of the breaker' },
    { rows: [QUARANTINE], gate: 'quarantine', reason: 'this change was rolled back at this revision' },
    { rows: [QUARANTINE], input: { automatic: false }, gate: 'quarantine', reason: 'approving is not releasing' },
    { rows: [QUARANTINE], input: { changes: [{ ...CHANGE, fingerprint: 'v1:two' }, CHANGE] }, gate: 'quarantine', reason: 'whatever else moved, the plan contains it' },
    { rows: [QUARANTINE], input: { changes: [{ ...CHANGE, revision: 'r2' }] }, gate: 'open', reason: 'the resource is desired otherwise now' },
    { rows: [QUARANTINE], input: { changes: [{ ...CHANGE, fingerprint: 'v1:two' }] }, gate: 'open', reason: 'another change is not quarantined' },
    { rows: [FLAPPING], gate: 'flapping', reason: 'this field has a second writer' },
    { rows: [FLAPPING], input: { changes: [{ ...CHANGE, fingerprint: 'v1:two', revision: 'r2' }] }, gate: 'flapping', reason: 'whatever value the other writer puts there' },
    { rows: [FLAPPING], input: { changes: [{ ...CHANGE, path: '/host' }] }, gate: 'open', reason: 'another field of the same file' },
    { rows: [FLAPPING, QUARANTINE, row('breaker'), row('freeze')], gate: 'freeze', reason: 'the first that is closed answers, a person’s before the rules’' },
    { rows: [FLAPPING, QUARANTINE], gate: 'quarantine', reason: 'quarantine before flapping' },
  ])('$gate: $reason', ({ rows, input, gate }) => {
    const answer = ask(rows, input);
    expect(answer.allowed ? 'open' : answer.gate).toBe(gate);
  });

  it('says who closed it, why, and what will open it', () => {
    expect(ask([row('freeze', { until: '2026-11-03T00:00:00.000Z' })])).toEqual({ allowed: false, gate: 'freeze', reason: 'freeze of prod by alice, until 2026-11-03T00:00:00.000Z: launch', opensAt: '2026-11-03T00:00:00.000Z', command: 'holdfast unfreeze prod --reason WHY' });
    expect(ask([row('freeze')])).toEqual({ allowed: false, gate: 'freeze', reason: 'freeze of prod by alice, until it is unfrozen: launch', command: 'holdfast unfreeze prod --reason WHY' });
    expect(ask([QUARANTINE])).toMatchObject({ reason: 'quarantine of prod by alice, until it is released: launch', command: 'holdfast release prod --gate quarantine --reason WHY' });
  });

  it('opens no gate by asking for fewer rows, whatever their order', () => {
    const rows = [row('freeze'), row('breaker'), QUARANTINE, FLAPPING];
    fc.assert(fc.property(fc.shuffledSubarray(rows), fc.boolean(), (some, automatic) => {
      expect(ask(some, { automatic })).toEqual(ask(rows.filter((each) => some.includes(each)), { automatic }));
    }));
  });
});

describe('flappingFields', () => {
  const now = '2026-11-02T12:00:00.000Z';
  const minutesAgo = (minutes: number): string => new Date(Date.parse(now) - minutes * 60_000).toISOString();
  const repair = (minutes: number, path = '/port'): { at: string; fields: string[] } => ({ at: minutesAgo(minutes), fields: [fieldKey({ resource: 'etc/app.yaml', path })] });

  it.each<{ repairs: { at: string; fields: string[] }[]; flaps: boolean; reason: string }>([
    { repairs: [], flaps: false, reason: 'it was never repaired' },
    { repairs: [repair(10), repair(20)], flaps: false, reason: 'twice may be chance' },
    { repairs: [repair(10), repair(20), repair(30)], flaps: true, reason: 'three times within the hour is a second writer' },
    { repairs: [repair(10), repair(20), repair(60)], flaps: true, reason: 'an hour ago still counts' },
    { repairs: [repair(10), repair(20), repair(61)], flaps: false, reason: 'longer ago does not' },
    { repairs: [repair(10), repair(20), repair(30, '/host')], flaps: false, reason: 'another field was repaired' },
  ])('$flaps: $reason', ({ repairs, flaps }) => {
    expect(flappingFields([CHANGE], repairs, now)).toEqual(flaps ? [{ resource: 'etc/app.yaml', path: '/port', repairs: repairs.length }] : []);
  });

  it('names only the fields that came back', () => {
    const repairs = [10, 20, 30].map((minutes) => ({ at: minutesAgo(minutes), fields: ['etc/app.yaml /port', 'etc/app.yaml /host'] }));
    expect(flappingFields([CHANGE], repairs, now).map((each) => each.path)).toEqual(['/port']);
  });
});

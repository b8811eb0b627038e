import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { askGates, heldBy, type Asking, type GateRow } from '../../src/domain/gates.js';
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

describe('a quarantined change', () => {
  const held = [QUARANTINE];
  it.each<{ changes: Asking['changes']; closed: boolean; reason: string }>([
    { changes: [CHANGE], closed: true, reason: 'the same change at the same revision' },
    { changes: [{ ...CHANGE, revision: 'r2' }], closed: false, reason: 'its resource is desired otherwise: the correction lifts it' },
    { changes: [{ ...CHANGE, fingerprint: 'v1:two' }], closed: false, reason: 'the field drifted to another value: another change' },
    { changes: [{ ...CHANGE, fingerprint: 'v1:motd', resource: 'etc/motd', path: '@content' }], closed: false, reason: 'an unrelated change is free' },
    { changes: [CHANGE, { ...CHANGE, fingerprint: 'v1:motd', resource: 'etc/motd', path: '@content' }], closed: true, reason: 'an unrelated change beside it lifts nothing' },
    { changes: [{ ...CHANGE, fingerprint: 'v1:motd', resource: 'etc/motd', revision: 'r9' }, CHANGE], closed: true, reason: 'an edit of another resource lifts nothing' },
    { changes: [], closed: false, reason: 'nothing is repaired' },
  ])('$closed: $reason', ({ changes, closed }) => {
    for (const action of ['stage', 'finalize'] as const) for (const automatic of [true, false]) expect(ask(held, { changes, action, automatic }).allowed).toBe(!closed);
  });
});

describe('heldBy', () => {
  it.each<{ rows: GateRow[]; gate: GateName | undefined; reason: string }>([
    { rows: [], gate: undefined, reason: 'nothing is closed' },
    { rows: [row('freeze'), row('breaker')], gate: undefined, reason: 'what stops everything sets no change apart' },
    { rows: [QUARANTINE], gate: 'quarantine', reason: 'it alone was rolled back' },
    { rows: [FLAPPING], gate: 'flapping', reason: 'it alone has a second writer' },
    { rows: [row('freeze'), FLAPPING], gate: 'flapping', reason: 'also while everything is frozen: what follows is split as it will be repaired' },
    { rows: [row('busy', { resource: 'etc/app.yaml', path: '@engine' })], gate: 'busy', reason: 'the engine is at work on it alone' },
    { rows: [row('busy', { resource: 'etc/motd', path: '@engine' })], gate: undefined, reason: 'the engine is at work on another' },
  ])('$gate: $reason', ({ rows, gate }) => {
    expect(heldBy({ at: '2026-11-02T09:00:00.000Z', rows, address: 'prod/storefront' }, CHANGE)).toBe(gate);
  });
});

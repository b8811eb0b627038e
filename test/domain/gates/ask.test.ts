import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { askGates, heldBy } from '../../../src/domain/gates/ask.js';
import type { Asking, GateFacts, GateRow } from '../../../src/domain/gates/facts.js';
import { closedOf, gatesText, type GateName } from '../../../src/domain/gates/gate.js';
import type { WindowRule } from '../../../src/domain/gates/window.js';

const NINE = Date.parse('2026-11-02T09:00Z');
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

  it('names every freeze that holds, since lifting one of them lets nothing go on', () => {
    const both = ask([row('freeze'), row('freeze', { scope: 'prod/storefront', by: 'bob', reason: 'mine' })]);
    expect(closedOf(both).map((each) => each.command)).toEqual(['holdfast unfreeze prod --reason WHY', 'holdfast unfreeze prod/storefront --reason WHY']);
    const two = { changes: [CHANGE, { ...CHANGE, fingerprint: 'v1:two' }] };
    expect(closedOf(ask([QUARANTINE, { ...QUARANTINE, fingerprint: 'v1:two' }], two)), 'one command releases them all').toHaveLength(1);
  });

  it('of several freezes names the one that ends last first, since the others let nobody through', () => {
    const short = row('freeze', { scope: 'prod/storefront', until: '2026-11-02T12:00:00.000Z' });
    const long = row('freeze', { until: '2026-11-02T14:00:00.000Z', by: 'bob' });
    const open = row('freeze', { scope: '*', by: 'carol' });
    for (const rows of [[short, long, open], [open, long, short], [long, short, open]]) {
      expect(closedOf(ask(rows)).map(({ opensAt, command }) => [opensAt, command])).toEqual([
        [undefined, 'holdfast unfreeze --all --reason WHY'], ['2026-11-02T14:00:00.000Z', 'holdfast unfreeze prod --reason WHY'], ['2026-11-02T12:00:00.000Z', 'holdfast unfreeze prod/storefront --reason WHY'],
      ]);
    }
    expect(closedOf(ask([short, long, row('breaker')])).map(({ gate, opensAt }) => [gate, opensAt])).toEqual([['freeze', '2026-11-02T14:00:00.000Z'], ['freeze', '2026-11-02T12:00:00.000Z'], ['breaker', undefined]]);
  });

  it('where decisions are signed, names each command with its key, and what looks or stops without', () => {
    const facts = { at: '2026-11-02T09:00:00.000Z', rows: [row('freeze', { scope: '*' }), QUARANTINE], signed: true };
    expect(closedOf(askGates(facts, { action: 'stage', changes: [CHANGE], automatic: true })).map((each) => each.command)).toEqual([
      'holdfast unfreeze --all --reason WHY --key ~/.ssh/id_ed25519',
      `holdfast release ${QUARANTINE.scope} --gate quarantine --reason WHY --key ~/.ssh/id_ed25519`,
    ]);
    expect(gatesText(askGates(facts, { action: 'stage', changes: [CHANGE], automatic: true }))).toMatch(/^freeze of everything by alice/);
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

describe('windows among the gates', () => {
  const closed: WindowRule = { kind: 'deny', name: '"0 9 * * *" for 2h (UTC)', timezone: 'UTC', durationMs: 7_200_000, actions: ['finalize'], overrun: false, next: (after) => (after < NINE ? NINE : undefined), last: (at) => (at < NINE ? undefined : NINE) };
  const facts = { at: '2026-11-02T09:30:00.000Z', environment: 'prod', address: 'prod/storefront', windows: [closed] };
  const asking = { action: 'finalize', changes: [CHANGE], automatic: false } as const;

  it.each<{ facts: Partial<GateFacts>; asking: Partial<Asking>; is: readonly GateName[]; reason: string }>([
    { facts: {}, asking: {}, is: ['window'], reason: 'an approval does not open a window' },
    { facts: {}, asking: { automatic: true }, is: ['window'], reason: 'nor does a rule' },
    { facts: {}, asking: { breakGlass: true }, is: [], reason: 'whoever breaks the glass goes through it' },
    { facts: { rows: [row('freeze')] }, asking: {}, is: ['freeze', 'window'], reason: 'a freeze is named first, the window with it' },
    { facts: { rows: [row('freeze')] }, asking: { breakGlass: true }, is: ['freeze'], reason: 'breaking the glass lifts no freeze' },
    { facts: { rows: [QUARANTINE] }, asking: {}, is: ['quarantine', 'window'], reason: 'what a person must release is named before what opens by itself' },
    { facts: { at: '2026-11-02T08:59:00.000Z' }, asking: {}, is: [], reason: 'it is not active yet' },
    { facts: { at: '2026-11-02T11:00:00.000Z' }, asking: {}, is: [], reason: 'it is over' },
  ])('$is: $reason', ({ facts: more, asking: other, is }) => {
    expect(closedOf(askGates({ rows: [], ...facts, ...more }, { ...asking, ...other })).map((each) => each.gate)).toEqual(is);
  });

  it('says when an open one closes, and the command that goes through a closed one where somebody may', () => {
    expect(askGates({ rows: [], ...facts, at: '2026-11-02T08:00:00.000Z' }, asking)).toEqual({ allowed: true, closesAt: '2026-11-02T09:00:00.000Z' });
    expect(askGates({ rows: [], ...facts, glass: true }, asking)).toMatchObject({ command: 'holdfast approve prod/storefront --plan HASH --break-glass --reason WHY', opensAt: '2026-11-02T11:00:00.000Z' });
    expect(askGates({ rows: [], ...facts }, asking)).not.toHaveProperty('command');
    expect(askGates({ rows: [], ...facts, glass: true }, { ...asking, automatic: true }), 'also for what the rules allow').toMatchObject({ command: 'holdfast approve prod/storefront --plan HASH --break-glass --reason WHY' });
    expect(gatesText(askGates({ rows: [row('freeze')], ...facts, glass: true }, asking))).toMatch(/^freeze of prod by alice, .*; to open it: holdfast unfreeze prod --reason WHY; and inside the deny window .*; or: holdfast approve prod\/storefront/);
  });

  it('holds no single change: what is held alone is a part of its own', () => {
    expect(heldBy({ rows: [], ...facts }, CHANGE)).toBeUndefined();
  });
});

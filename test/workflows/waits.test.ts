import { describe, expect, it } from 'vitest';
import type { PartState } from '../../src/workflows/state.js';
import { waitsFor } from '../../src/workflows/waits.js';

const PLAN = '3f9ac2d1'.padEnd(64, '0');
const CLOSED = { allowed: false, gate: 'window', reason: 'inside a deny window', opensAt: '2030-02-01T09:00:00.000Z' } as const;
const HOUR = 3_600_000;

function part(overrides: Partial<PartState>): PartState {
  return {
    part: 1, decision: 'ask', risk: 'low', reason: 'this target asks before every repair', rules: ['remediation: ask'], changes: 1, plan: PLAN, ask: 'a1', expiresMs: 4 * HOUR, remindMs: [],
    gate: { allowed: true }, causedBy: [], soakMs: 0, details: '', phase: 'awaiting-approval', round: 0, reminders: 0, gateNow: { allowed: true }, note: '', ...overrides,
  };
}

describe('what the status query says of a part', () => {
  it.each<{ of: Partial<PartState>; says: string; reason: string }>([
    { of: { askExpiresAt: '2030-01-31T16:00:00.000Z' }, says: 'an approval until 2030-01-31T16:00:00.000Z: holdfast approve prod/shop#7 --plan 3f9ac2d10000', reason: 'a question names its end and the command that answers it' },
    { of: { askExpiresAt: '2030-01-31T16:00:00.000Z', signing: 'sign it' }, says: 'an approval until 2030-01-31T16:00:00.000Z: holdfast approve prod/shop#7 --plan 3f9ac2d10000 --key ~/.ssh/id_ed25519', reason: 'without a key it would be refused' },
    { of: { askExpiresAt: '2030-01-31T16:00:00.000Z', escalate: [{ afterMs: HOUR, to: 'leads' }] }, says: 'an approval until 2030-01-31T16:00:00.000Z, by leads too from 2030-01-31T13:00:00.000Z on: holdfast approve prod/shop#7 --plan 3f9ac2d10000', reason: 'who may approve too, and when, is known before it comes' },
    { of: { askExpiresAt: '2030-01-31T16:00:00.000Z', escalate: [{ afterMs: HOUR, to: 'leads' }], escalated: 1, note: 'nobody answered in time: leads may approve too' }, says: 'nobody answered in time: leads may approve too; an approval until 2030-01-31T16:00:00.000Z: holdfast approve prod/shop#7 --plan 3f9ac2d10000', reason: 'a step that was taken is told as that' },
    { of: { gateNow: CLOSED }, says: 'inside a deny window; and an approval, whose time stands still meanwhile: holdfast approve prod/shop#7 --plan 3f9ac2d10000', reason: 'a closed gate stops nobody from approving' },
    { of: { phase: 'observed', decision: 'hold' }, says: 'nothing is done by itself: it is cleared once a check finds it gone, or repaired with: holdfast approve prod/shop#7 --plan 3f9ac2d10000', reason: 'what is held stays until somebody says otherwise' },
    { of: { phase: 'observed', decision: 'adopt' }, says: 'a person who adopts it: holdfast adopt prod/shop#7 --plan 3f9ac2d10000 --reason WHY', reason: 'what a rule wants adopted names adopt, not approve' },
    { of: { phase: 'observed', decision: 'hold', impossible: 'only a person can settle it' }, says: 'nothing is done by itself: it is to be repaired by hand, and is cleared once a check finds it gone', reason: 'what cannot be repaired cannot be approved' },
    { of: { adopting: { id: '1', by: 'bob', at: '2030-01-31T12:00:00.000Z', run: 'r' }, note: 'a patch of 1 file waits to be applied', gateNow: CLOSED }, says: 'inside a deny window; a patch of 1 file waits to be applied', reason: 'an adopted part asks nobody' },
    { of: { phase: 'waiting', decision: 'remediate', gateNow: CLOSED }, says: 'inside a deny window', reason: 'a repair that is allowed waits for its gate alone' },
    { of: { phase: 'waiting', decision: 'remediate', gateNow: { ...CLOSED, command: 'holdfast approve prod/shop --plan HASH --break-glass --reason WHY' } }, says: 'inside a deny window; or: holdfast approve prod/shop --plan 3f9ac2d10000 --break-glass --reason WHY', reason: 'the command that breaks the glass names the plan, so that it can be pasted' },
    { of: { phase: 'kept', gateNow: CLOSED, keepUntil: '2030-01-31T12:30:00.000Z' }, says: 'staged, and kept until 2030-01-31T12:30:00.000Z: inside a deny window', reason: 'what is kept says until when' },
    { of: { phase: 'closed', outcome: 'fixed', note: 'a read equals the desired state' }, says: '', reason: 'what has ended waits for nothing' },
  ])('$reason', ({ of, says }) => {
    expect(waitsFor('prod/shop#7', part(of))).toBe(says);
  });
});

import { describe, expect, test } from 'vitest';
import type { ClosedGate, Entry, IncidentRow } from '../../../src/ledger/ledger.js';
import { decidingViolations, type DecidingEvidence } from './deciding-statements.js';
import { pathNamed } from './paths.js';

const AT = '2030-01-01T00:00:00.000Z';
const PLAN = 'a'.repeat(64);
const ADDRESS = 'lab/c1';

const incident: IncidentRow = { environment: 'lab', target: 'c1', number: 1, kind: 'drift', drift: 'clean', phase: 'closed', outcome: 'fixed', openedAt: AT, closedAt: AT, parts: [], narrative: '' };

/** A repair that two people approved, in order. */
const STORY: readonly Partial<Entry>[] = [
  { kind: 'voted', by: 'alice', data: { ask: 'ask-1', person: 'alice', plan: PLAN } },
  { kind: 'escalated', data: { ask: 'ask-1', step: 1 } },
  { kind: 'approved', by: 'bob', data: { ask: 'ask-1', plan: PLAN } },
  { kind: 'intent', data: { key: 'lab/c1#1/1.1/finalize/write r1', plan: PLAN } },
  { kind: 'finalized', data: { part: 1 } },
];

function record(story: readonly Partial<Entry>[]): readonly Entry[] {
  return story.map((entry, index) => ({ at: AT, kind: 'opened', environment: 'lab', target: 'c1', incident: 1, previous: '', hash: '', data: {}, ...entry, seq: index + 1 }));
}

function place(gate: 'breaker' | 'budget', part: number): ClosedGate {
  return { scope: 'lab', gate, holder: `${ADDRESS}#1/${part}`, by: 'holdfast', reason: 'it was let through', at: AT };
}

function evidence(planted: Partial<DecidingEvidence> = {}): DecidingEvidence {
  return { address: ADDRESS, path: pathNamed('escalated'), entries: record(STORY), incidents: [incident], gates: [], messages: [{ event: 'approval-escalated', subject: `${ADDRESS}#1` }], ...planted };
}

const without = (index: number): readonly Entry[] => record(STORY.filter((_, at) => at !== index));
const closed: ClosedGate = { scope: 'lab', gate: 'breaker', by: 'holdfast', reason: 'a repair failed', at: AT, halfOpenAt: AT };

const PLANTED: readonly { readonly reason: string; readonly statement: number; readonly planted: Partial<DecidingEvidence> }[] = [
  { statement: 3, reason: 'a write when one of two had approved', planted: { entries: without(0) } },
  { statement: 3, reason: 'a write whose second approval came after it', planted: { entries: record([STORY[0] ?? {}, STORY[1] ?? {}, STORY[3] ?? {}, STORY[2] ?? {}]) } },
  { statement: 3, reason: 'a write with a vote about another question', planted: { entries: record([{ kind: 'voted', by: 'alice', data: { ask: 'ask-0', person: 'alice', plan: PLAN } }, ...STORY.slice(1)]) } },
  { statement: 9, reason: 'a place of the breaker that was not given back', planted: { gates: [place('breaker', 1)] } },
  { statement: 9, reason: 'a place of the budget for a part that was never switched', planted: { gates: [place('budget', 2)] } },
  { statement: 1, reason: 'a breaker that stays closed though what it let through held', planted: { path: pathNamed('half-open'), gates: [closed] } },
  { statement: 1, reason: 'a breaker that opened though what it let through failed', planted: { path: pathNamed('half-open-failed'), incidents: [{ ...incident, outcome: 'rolled-back' }] } },
  { statement: 8, reason: 'an escalation that nobody was told', planted: { messages: [] } },
  { statement: 8, reason: 'an escalation that was told twice', planted: { messages: [1, 2].map(() => ({ event: 'approval-escalated', subject: `${ADDRESS}#1` })) } },
  { statement: 8, reason: 'an acceptance that lapsed unsaid', planted: { path: pathNamed('lapsed') } },
  { statement: 4, reason: 'a branch that no adoption on record has made', planted: { proposed: [{ branch: 'holdfast/adopt/x', commits: 1 }] } },
  { statement: 4, reason: 'an adoption on record without its branch', planted: { entries: record([{ kind: 'adopted', data: { branch: 'holdfast/adopt/x' } }]), proposed: [] } },
  { statement: 4, reason: 'one adoption that pushed two branches', planted: { entries: record([{ kind: 'adopted', data: { branch: 'holdfast/adopt/x' } }]), proposed: ['x', 'y'].map((name) => ({ branch: `holdfast/adopt/${name}`, commits: 1 })) } },
  { statement: 4, reason: 'a branch of two commits', planted: { entries: record([{ kind: 'adopted', data: { branch: 'holdfast/adopt/x' } }]), proposed: [{ branch: 'holdfast/adopt/x', commits: 2 }] } },
];

describe('the checker of what was decided', () => {
  test('a repair that two approved violates nothing, nor does its place in the budget', () => {
    expect(decidingViolations(evidence({ gates: [place('budget', 1)] }))).toEqual([]);
  });

  test.each(PLANTED)('statement $statement: finds $reason', ({ statement, planted }) => {
    expect(decidingViolations(evidence(planted)).map((violation) => violation.statement)).toContain(statement);
  });
});

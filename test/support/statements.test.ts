import { describe, expect, test } from 'vitest';
import type { Entry, IncidentRow, IntentRow } from '../../src/ledger/ledger.js';
import { violations, type Evidence } from './statements.js';

const PLAN = 'a'.repeat(64);
const KEY = 'dev/web#1/1.1/finalize/switch';
const AT = '2030-01-01T00:00:00.000Z';

const incident: IncidentRow = {
  environment: 'dev', target: 'web', number: 1, kind: 'drift', drift: 'clean', runId: 'run-1', phase: 'closed', outcome: 'fixed',
  openedAt: AT, closedAt: AT, parts: [{ part: 1, plan: PLAN, outcome: 'fixed', phase: 'closed' }], narrative: 'how it went',
};
const intent: IntentRow = { environment: 'dev', target: 'web', number: 1, key: KEY, step: 'dev/web#1/1.1/finalize', write: 'switch', plan: PLAN, fence: 2, at: AT, attempts: 1, closedAt: AT, ok: true };

/** Entries of one repair that went well, in order. */
const STORY: readonly Partial<Entry>[] = [
  { kind: 'opened', data: {} },
  { kind: 'decided', data: { plan: PLAN, decision: 'policy', part: 1 } },
  { kind: 'intent', data: { key: KEY, step: intent.step, write: 'switch', plan: PLAN, fence: 2 } },
  { kind: 'outcome', data: { key: KEY, step: intent.step, write: 'switch', plan: PLAN, fence: 2, ok: true } },
  { kind: 'finalized', data: { part: 1, plan: PLAN } },
  { kind: 'validated', data: { part: 1, of: 'soak', verdict: 'healthy', left: 0 } },
  { kind: 'closed', data: { outcome: 'fixed' } },
];

function record(story: readonly Partial<Entry>[]): readonly Entry[] {
  return story.map((entry, index) => ({ at: AT, kind: 'opened', environment: 'dev', target: 'web', incident: 1, previous: '', hash: '', data: {}, ...entry, seq: index + 1 }));
}

function evidence(planted: Partial<Evidence> = {}): Evidence {
  return {
    entries: record(STORY),
    verification: { ok: true, entries: STORY.length, head: '', checkpoints: 1 },
    incidents: [incident],
    intents: [intent],
    decisions: [],
    plans: [{ hash: PLAN, environment: 'dev', target: 'web', provider: 'files', spec: {}, steps: [], blastRadius: { create: 0, update: 1, replace: 0, delete: 0 }, staging: 'shadow', rollback: 'exact', fencing: 'conditional', changes: [{ resource: 'a', kind: 'changed', path: '@content', sensitive: false, revision: 'r', effect: 'update', fingerprint: 'v1:x' }] }],
    runs: [{ workflowId: 'incident/dev/web', runId: 'run-1', status: 'COMPLETED', events: 60, bytes: 20_000 }],
    targets: [{ address: 'dev/web', live: { a: 'new' }, desired: { a: 'new' }, before: { a: 'old' }, releases: 2 }],
    pendingMessages: 0,
    leaks: [],
    quiet: { before: { incidents: 1, messages: 1, entries: { closed: 1 } }, after: { incidents: 1, messages: 1, entries: { closed: 1 } } },
    ...planted,
  };
}

function without(kind: Entry['kind']): readonly Entry[] {
  return record(STORY.filter((entry) => entry.kind !== kind));
}

function twice(entry: Partial<Entry>): readonly Partial<Entry>[] {
  return [entry, entry];
}

function ended(outcome: 'rolled-back' | 'needs-human'): IncidentRow {
  return { ...incident, outcome, parts: [{ part: 1, plan: PLAN, outcome, phase: 'closed' }] };
}

const PLANTED: readonly { readonly reason: string; readonly statement: number; readonly planted: Partial<Evidence> }[] = [
  { statement: 3, reason: 'a push that nobody asked for', planted: { entries: record([{ kind: 'opened', data: {} }, { kind: 'decided', data: { plan: PLAN, decision: 'policy', part: 1 } }, { kind: 'intent', data: { key: 'dev/web#1/1.1/adopt/push', step: 'dev/web#1/1.1/adopt', write: 'push', plan: PLAN, fence: 2 } }]) } },
  { statement: 1, reason: 'an incident that is open in the record while no run carries it', planted: { incidents: [{ ...incident, phase: 'staging', closedAt: undefined, outcome: undefined } as never] } },
  { statement: 1, reason: 'an end without an outcome', planted: { incidents: [{ ...incident, outcome: undefined, parts: [] }] } },
  { statement: 1, reason: 'an end that the record does not know', planted: { entries: without('closed') } },
  { statement: 1, reason: 'a part that is closed without an outcome', planted: { incidents: [{ ...incident, parts: [...incident.parts, { part: 2, phase: 'closed' }] }] } },
  { statement: 2, reason: 'fixed, and nobody looked after the write', planted: { entries: without('validated') } },
  { statement: 2, reason: 'fixed, and the look came before the last write', planted: { entries: record([...STORY.filter((entry) => entry.kind === 'validated'), ...STORY.filter((entry) => entry.kind !== 'validated')]) } },
  { statement: 2, reason: 'fixed, and its health was not well', planted: { entries: record(STORY.map((entry) => (entry.kind === 'validated' ? { ...entry, data: { ...entry.data, verdict: 'unhealthy' } } : entry))) } },
  { statement: 2, reason: 'fixed, and never switched over', planted: { entries: without('finalized') } },
  { statement: 2, reason: 'fixed, and the file is still as it was', planted: { targets: [{ address: 'dev/web', live: { a: 'old' }, desired: { a: 'new' }, before: { a: 'old' }, releases: 2 }] } },
  { statement: 3, reason: 'a write that nobody decided', planted: { entries: without('decided') } },
  { statement: 3, reason: 'a decision for another plan', planted: { entries: record(STORY.map((entry) => (entry.kind === 'decided' ? { ...entry, data: { ...entry.data, plan: 'b'.repeat(64) } } : entry))) } },
  { statement: 3, reason: 'a decision that came after the write', planted: { entries: record([...STORY.filter((entry) => entry.kind !== 'decided'), ...STORY.filter((entry) => entry.kind === 'decided')]) } },
  { statement: 3, reason: 'an undo that nobody asked for', planted: { incidents: [{ ...incident, kind: 'undo' }] } },
  { statement: 4, reason: 'two finalizes of one plan', planted: { entries: record([...STORY.slice(0, 5), { kind: 'finalized', data: { part: 1, plan: PLAN } }, ...STORY.slice(5)]) } },
  { statement: 4, reason: 'the same write done twice', planted: { entries: record([...STORY.slice(0, 4), STORY[2] ?? {}, STORY[3] ?? {}, ...STORY.slice(4)]) } },
  { statement: 4, reason: 'a vote that was counted twice', planted: { entries: record([...STORY, ...twice({ kind: 'voted', data: { ask: 'ask-1', person: 'alice' } })]) } },
  { statement: 4, reason: 'a question that was decided twice', planted: { entries: record([...STORY, { kind: 'approved', data: { ask: 'ask-1' } }, { kind: 'rejected', data: { ask: 'ask-2' } }, { kind: 'rejected', data: { ask: 'ask-1' } }]) } },
  { statement: 4, reason: 'a step of an escalation that was taken twice', planted: { entries: record([...STORY, ...twice({ kind: 'escalated', data: { ask: 'ask-1', step: 1 } })]) } },
  { statement: 4, reason: 'an acceptance that lapsed twice', planted: { entries: record([...STORY, ...twice({ kind: 'settled', data: { event: 'lapsed', of: 'x' } })]) } },
  { statement: 4, reason: 'an adoption that was made twice', planted: { entries: record([...STORY, ...twice({ kind: 'adopted', data: { id: 'x', part: 1 } })]) } },
  { statement: 5, reason: 'a second incident that writes while the first does', planted: { entries: record([...STORY.slice(0, 3), { kind: 'intent', incident: 2, data: { key: 'dev/web#2/1.1/finalize/switch', plan: PLAN, fence: 3 } }, ...STORY.slice(3)]) } },
  { statement: 5, reason: 'a late writer with an old token that was let in', planted: { entries: record([...STORY.slice(0, 4), { kind: 'intent', data: { key: 'dev/web#1/1.1/stage/late', plan: PLAN, fence: 1 } }, ...STORY.slice(4)]) } },
  { statement: 6, reason: 'a file that is neither one nor the other', planted: { incidents: [ended('rolled-back')], targets: [{ address: 'dev/web', live: { a: 'half' }, desired: { a: 'new' }, before: { a: 'old' }, releases: 2 }] } },
  { statement: 6, reason: 'a half-done file that the narrative does not name', planted: { incidents: [ended('needs-human')], targets: [{ address: 'dev/web', live: { a: 'half' }, desired: { a: 'new' }, before: { a: 'old' }, releases: 2 }] } },
  { statement: 7, reason: 'an intent without an outcome', planted: { entries: without('outcome') } },
  { statement: 7, reason: 'a write without an intent', planted: { entries: without('intent') } },
  { statement: 7, reason: 'a file that changed and no intent covers', planted: { targets: [{ address: 'dev/web', live: { a: 'new', b: 'new' }, desired: { a: 'new', b: 'new' }, before: { a: 'old', b: 'old' }, releases: 2 }] } },
  { statement: 7, reason: 'a record that does not verify', planted: { verification: { ok: false, seq: 3, problem: 'changed', detail: 'entry 3 is not what was written' } } },
  { statement: 8, reason: 'a check that opened an incident', planted: { quiet: { before: { incidents: 1, messages: 1, entries: { closed: 1 } }, after: { incidents: 2, messages: 1, entries: { closed: 1 } } } } },
  { statement: 8, reason: 'a check that told people', planted: { quiet: { before: { incidents: 1, messages: 1, entries: { closed: 1 } }, after: { incidents: 1, messages: 2, entries: { closed: 1 } } } } },
  { statement: 9, reason: 'a write that was tried without end', planted: { intents: [{ ...intent, attempts: 1000 }] } },
  { statement: 9, reason: 'a history without end', planted: { runs: [{ workflowId: 'incident/dev/web', runId: 'run-1', status: 'COMPLETED', events: 30_000, bytes: 1 }] } },
  { statement: 9, reason: 'releases that nobody removes', planted: { targets: [{ address: 'dev/web', live: { a: 'new' }, desired: { a: 'new' }, before: { a: 'old' }, releases: 200 }] } },
  { statement: 10, reason: 'a secret canary in a history', planted: { leaks: ['the history of incident/dev/web: canary'] } },
];

describe('the checker of the ten statements', () => {
  test('a repair that went well violates none, so that a finding means something', () => {
    expect(violations(evidence())).toEqual([]);
  });

  test.each(PLANTED)('statement $statement: finds $reason', ({ statement, planted }) => {
    expect(violations(evidence(planted)).map((violation) => violation.statement)).toContain(statement);
  });

  test('what is half done and named by needs-human is what the statement allows', () => {
    const rows = [{ ...ended('needs-human'), narrative: 'a is half done' }];
    const targets = [{ address: 'dev/web', live: { a: 'half' }, desired: { a: 'new' }, before: { a: 'old' }, releases: 2 }];
    expect(violations(evidence({ incidents: rows, targets })).filter((violation) => violation.statement === 6)).toEqual([]);
  });
});

import { describe, expect, test } from 'vitest';
import type { IncidentRow } from '../../../src/ledger/ledger.js';
import type { LogLine } from './call-log.js';
import { callViolations, type CallEvidence } from './call-statements.js';

const AT = '2030-01-01T00:00:00.000Z';
const KEY = 'lab/c1#1/1.1/finalize/write r1';
const FINALIZE = 'finalize run-1/4@1';

/** One write that went well, as the engine saw it. */
const STORY: readonly Partial<LogLine>[] = [
  { what: 'drift', label: 'drift' },
  { what: 'done', label: 'list:finalize/cloud.list', attempt: FINALIZE },
  { what: 'done', label: 'effect:finalize/ledger.intend write r1', attempt: FINALIZE, key: KEY },
  { what: 'effect', label: 'put', attempt: FINALIZE, key: KEY, fence: 3, resource: 'r1' },
  { what: 'done', label: 'effect:finalize/ledger.closeIntent finalize/write r1', attempt: FINALIZE, key: KEY },
  { what: 'done', label: 'effect:verify/ledger.closeIncident', attempt: 'verify run-1/6@1' },
];

const effect: Partial<LogLine> = { what: 'effect', label: 'put', attempt: FINALIZE, key: KEY, fence: 3, resource: 'r1' };

const incident: IncidentRow = { environment: 'lab', target: 'c1', number: 1, kind: 'drift', drift: 'clean', phase: 'closed', outcome: 'fixed', openedAt: AT, closedAt: AT, parts: [], narrative: '' };

function log(story: readonly Partial<LogLine>[]): readonly LogLine[] {
  return story.map((line, index) => ({ at: index, account: 'c1', attempt: '', what: 'call', label: '', nth: 1, ...line, seq: index + 1 }));
}

function evidence(planted: Partial<CallEvidence> = {}): CallEvidence {
  return { address: 'lab/c1', lines: log(STORY), incidents: [incident], live: { r1: 'new' }, desired: { r1: 'new' }, before: { r1: 'old' }, ...planted };
}

const without = (index: number): readonly LogLine[] => log(STORY.filter((_, at) => at !== index));
const after = (index: number, line: Partial<LogLine>): readonly LogLine[] => log([...STORY.slice(0, index + 1), line, ...STORY.slice(index + 1)]);

const PLANTED: readonly { readonly reason: string; readonly statement: number; readonly planted: Partial<CallEvidence> }[] = [
  { statement: 3, reason: 'a write by an attempt that had not asked who answers', planted: { lines: without(1) } },
  { statement: 3, reason: 'a write whose earlier attempt had asked, and it had not', planted: { lines: after(3, { ...effect, attempt: 'finalize run-1/4@2', key: `${KEY} 2` }) } },
  { statement: 4, reason: 'a resource that changed twice under one intent', planted: { lines: after(3, effect) } },
  { statement: 5, reason: 'an effect under an old fence after one under a newer', planted: { lines: after(3, { ...effect, key: 'lab/c1#1/1.1/rollback/restore r1', fence: 2 }) } },
  { statement: 5, reason: 'an effect of an earlier incident after one of a later', planted: { lines: log([...STORY.slice(0, 3), { ...effect, key: 'lab/c1#2/1.1/finalize/write r1' }, ...STORY.slice(3)]) } },
  { statement: 5, reason: 'an effect of an incident that had ended', planted: { lines: log([...STORY, { ...effect, key: 'lab/c1#1/1.1/finalize/write r2', resource: 'r2' }]) } },
  { statement: 6, reason: 'a fixed resource that is not as desired', planted: { live: { r1: 'half' } } },
  { statement: 6, reason: 'a rolled-back resource that is as desired and not as before', planted: { incidents: [{ ...incident, outcome: 'rolled-back' }] } },
  { statement: 7, reason: 'an effect without an intent', planted: { lines: without(2) } },
  { statement: 7, reason: 'an effect whose intent came after it', planted: { lines: log([STORY[0] ?? {}, STORY[1] ?? {}, effect, STORY[2] ?? {}, ...STORY.slice(4)]) } },
  { statement: 7, reason: 'an effect without an outcome', planted: { lines: without(4) } },
];

describe('the checker of the engine’s call log', () => {
  test('a write that went well violates nothing, so that a finding means something', () => {
    expect(callViolations(evidence())).toEqual([]);
  });

  test.each(PLANTED)('statement $statement: finds $reason', ({ statement, planted }) => {
    expect(callViolations(evidence(planted)).map((violation) => violation.statement)).toContain(statement);
  });

  test('what is put back is as it was before, which is what rolled-back means', () => {
    expect(callViolations(evidence({ incidents: [{ ...incident, outcome: 'rolled-back' }], live: { r1: 'old' } }))).toEqual([]);
  });
});

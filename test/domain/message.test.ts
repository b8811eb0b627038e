import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCommand, parseDecision, parseSlotRequest, type CommandName, type DecisionKind } from '../../src/domain/message.js';

const PLAN = '3f9ac2d1';
const UNTIL = '2030-01-31T12:00:00Z';
const DECISIONS: readonly DecisionKind[] = ['approve', 'reject', 'accept', 'rollback'];
const COMMANDS: readonly CommandName[] = ['freeze', 'unfreeze', 'release', 'retry', 'undo', 'accept'];

describe('parseDecision', () => {
  it.each<{ payload: unknown; signal?: DecisionKind; value: unknown; reason: string }>([
    { signal: 'approve', payload: { by: 'alice', plan: PLAN }, value: { decision: 'approve', by: 'alice', plan: PLAN }, reason: 'the shortest approval' },
    { payload: { decision: 'approve', by: 'alice', plan: PLAN }, value: { decision: 'approve', by: 'alice', plan: PLAN }, reason: 'the update carries its kind' },
    { signal: 'reject', payload: { decision: 'approve', by: 'alice', reason: 'no' }, value: { decision: 'reject', by: 'alice', reason: 'no' }, reason: 'the signal’s name wins over what the payload says' },
    { signal: 'approve', payload: { by: 'alice', plan: 'ABCDEF01' }, value: { decision: 'approve', by: 'alice', plan: 'abcdef01' }, reason: 'a hash pasted in capitals' },
    { signal: 'approve', payload: { by: 'alice', plan: PLAN, admin: true, __proto__: { by: 'root' } }, value: { decision: 'approve', by: 'alice', plan: PLAN }, reason: 'only what is used is taken' },
    { signal: 'reject', payload: { by: 'alice', reason: 'known' }, value: { decision: 'reject', by: 'alice', reason: 'known' }, reason: 'a rejection need not name the plan' },
    { signal: 'accept', payload: { by: 'alice', reason: 'migration', until: UNTIL }, value: { decision: 'accept', by: 'alice', reason: 'migration', until: UNTIL }, reason: 'accepted until an instant' },
    { signal: 'accept', payload: { by: 'alice', reason: 'migration', until: '2030-01-31T12:00+02:00' }, value: { decision: 'accept', by: 'alice', reason: 'migration', until: '2030-01-31T12:00+02:00' }, reason: 'another offset' },
    { signal: 'rollback', payload: { by: 'alice', reason: 'slow' }, value: { decision: 'rollback', by: 'alice', reason: 'slow' }, reason: 'a rollback' },
    { signal: 'approve', payload: { by: 'a'.repeat(500), plan: PLAN }, value: { decision: 'approve', by: 'a'.repeat(200), plan: PLAN }, reason: 'a name is cut' },
    { signal: 'reject', payload: { by: 'alice', reason: 'x'.repeat(5000) }, value: { decision: 'reject', by: 'alice', reason: 'x'.repeat(1000) }, reason: 'a reason is cut' },
    { signal: 'reject', payload: { by: 'alice', reason: `${'x'.repeat(999)}🙂` }, value: { decision: 'reject', by: 'alice', reason: `${'x'.repeat(999)}\ufffd` }, reason: 'cut in the middle of a character, what is left can still be hashed' },
    { signal: 'reject', payload: { by: 'a\ud800', reason: 'no' }, value: { decision: 'reject', by: 'a\ufffd', reason: 'no' }, reason: 'half a character cannot be hashed and would stop the judge for ever' },
  ])('takes it: $reason', ({ payload, signal, value }) => {
    expect(parseDecision(payload, signal)).toEqual({ ok: true, value });
  });

  it.each<{ payload: unknown; signal?: DecisionKind; problem: RegExp; reason: string }>([
    { signal: 'approve', payload: undefined, problem: /a decision is an object/, reason: 'a signal without a payload' },
    { signal: 'approve', payload: null, problem: /a decision is an object/, reason: 'null' },
    { signal: 'approve', payload: 'yes', problem: /a decision is an object/, reason: 'a text' },
    { signal: 'approve', payload: [], problem: /a decision is an object/, reason: 'a list' },
    { signal: 'approve', payload: { undecodable: true }, problem: /"by"/, reason: 'what could not be decoded' },
    { payload: { by: 'alice', plan: PLAN }, problem: /decision must be one of/, reason: 'an update without its kind' },
    { payload: { decision: 'toString', by: 'alice' }, problem: /decision must be one of/, reason: 'a member of every object is no decision' },
    { payload: { decision: 7, by: 'alice' }, problem: /decision must be one of/, reason: 'a number is no decision' },
    { signal: 'approve', payload: { plan: PLAN }, problem: /"by"/, reason: 'nobody decides' },
    { signal: 'approve', payload: { by: '  ', plan: PLAN }, problem: /"by"/, reason: 'a name of spaces' },
    { signal: 'approve', payload: { by: ['alice'], plan: PLAN }, problem: /"by"/, reason: 'a list of names' },
    { signal: 'approve', payload: { by: 'alice' }, problem: /must name the plan/, reason: 'what was not seen cannot be approved' },
    { signal: 'approve', payload: { by: 'alice', plan: '3f9ac2d' }, problem: /at least 8/, reason: 'seven characters name too much' },
    { signal: 'approve', payload: { by: 'alice', plan: 'zzzzzzzz' }, problem: /at least 8/, reason: 'not a hash' },
    { signal: 'approve', payload: { by: 'alice', plan: 'a'.repeat(65) }, problem: /at least 8/, reason: 'longer than a hash' },
    { signal: 'reject', payload: { by: 'alice' }, problem: /"reason" is required to reject/, reason: 'a rejection without a reason' },
    { signal: 'rollback', payload: { by: 'alice', reason: ' ' }, problem: /"reason" is required to rollback/, reason: 'an empty reason' },
    { signal: 'accept', payload: { by: 'alice', reason: 'x' }, problem: /"until"/, reason: 'accepted for ever' },
    { signal: 'accept', payload: { by: 'alice', reason: 'x', until: 'tomorrow' }, problem: /"until"/, reason: 'not an instant' },
    { signal: 'accept', payload: { by: 'alice', reason: 'x', until: '2030-01-31' }, problem: /"until"/, reason: 'a day has no time zone' },
  ])('refuses it: $reason', ({ payload, signal, problem }) => {
    expect(parseDecision(payload, signal)).toEqual({ ok: false, problem: expect.stringMatching(problem) as string });
  });
});

describe('parseCommand', () => {
  const said = { scope: 'prod', by: 'alice', reason: 'launch' };

  it.each<{ payload: unknown; command?: CommandName; value: unknown; reason: string }>([
    { command: 'freeze', payload: said, value: { command: 'freeze', ...said }, reason: 'a freeze until it is lifted' },
    { command: 'freeze', payload: { ...said, until: UNTIL }, value: { command: 'freeze', ...said, until: UNTIL }, reason: 'a freeze with an end' },
    { payload: { command: 'unfreeze', ...said }, value: { command: 'unfreeze', ...said }, reason: 'the update carries its name' },
    { command: 'release', payload: { ...said, gate: 'quarantine' }, value: { command: 'release', ...said, gate: 'quarantine' }, reason: 'a gate by name' },
    { payload: { command: 'retry', ...said, incident: 3 }, value: { command: 'retry', ...said, incident: 3 }, reason: 'an incident by number' },
    { payload: { command: 'undo', ...said, incident: 3 }, value: { command: 'undo', ...said, incident: 3 }, reason: 'an undo' },
    { payload: { command: 'accept', ...said, resource: 'etc/app.yaml', path: '', until: UNTIL }, value: { command: 'accept', ...said, resource: 'etc/app.yaml', path: '', until: UNTIL }, reason: 'the resource as a whole has an empty path' },
    { command: 'freeze', payload: { ...said, incident: -1, gate: 7 }, value: { command: 'freeze', ...said }, reason: 'members that are not needed and make no sense are left out' },
    { command: 'freeze', payload: { ...said, reason: 'half \udc00' }, value: { command: 'freeze', ...said, reason: 'half \ufffd' }, reason: 'half a character is replaced' },
  ])('takes it: $reason', ({ payload, command, value }) => {
    expect(parseCommand(payload, command)).toEqual({ ok: true, value });
  });

  it.each<{ payload: unknown; command?: CommandName; problem: RegExp; reason: string }>([
    { command: 'freeze', payload: 7, problem: /a command is an object/, reason: 'a number' },
    { payload: { command: 'destroy', ...said }, problem: /command must be one of/, reason: 'no such command' },
    { command: 'freeze', payload: { ...said, scope: '' }, problem: /"scope"/, reason: 'nothing is named' },
    { command: 'freeze', payload: { ...said, by: undefined }, problem: /"by"/, reason: 'nobody asks' },
    { command: 'freeze', payload: { ...said, reason: '' }, problem: /"reason"/, reason: 'no reason is given' },
    { command: 'freeze', payload: { ...said, until: 'soon' }, problem: /"until"/, reason: 'an end that is no instant must not freeze for ever' },
    { command: 'release', payload: said, problem: /"gate"/, reason: 'no gate is named' },
    { command: 'retry', payload: { ...said, incident: 0 }, problem: /"incident"/, reason: 'numbers begin at one' },
    { command: 'retry', payload: { ...said, incident: '3' }, problem: /"incident"/, reason: 'a text is no number' },
    { command: 'undo', payload: { ...said, incident: 1.5 }, problem: /"incident"/, reason: 'a fraction of an incident' },
    { command: 'accept', payload: { ...said, resource: 'etc/app.yaml' }, problem: /"until"/, reason: 'an exception without an end' },
    { command: 'accept', payload: { ...said, until: UNTIL }, problem: /"resource"/, reason: 'an exception for everything' },
  ])('refuses it: $reason', ({ payload, command, problem }) => {
    expect(parseCommand(payload, command)).toEqual({ ok: false, problem: expect.stringMatching(problem) as string });
  });
});

describe('parseSlotRequest', () => {
  const holder = { workflowId: 'incident/prod/storefront', runId: '3b0c5d1e-8a52-4c1f-9d0a-5f2e7c9b1a34' };

  it.each([
    { limit: 3, expected: 3, reason: 'as configured' },
    { limit: 2.7, expected: 2, reason: 'no part of a slot' },
    { limit: 0, expected: 1, reason: 'a limit of none would stop the environment for ever' },
    { limit: -5, expected: 1, reason: 'as none' },
    { limit: Number.NaN, expected: 1, reason: 'not a number' },
    { limit: '9', expected: 1, reason: 'a text' },
    { limit: undefined, expected: 1, reason: 'a return carries none' },
  ])('$limit may write: $expected, because $reason', ({ limit, expected }) => {
    expect(parseSlotRequest({ ...holder, limit })).toEqual({ ok: true, value: { ...holder, limit: expected } });
  });

  it.each<{ payload: unknown; reason: string }>([
    { payload: null, reason: 'nothing was sent' },
    { payload: 'x', reason: 'a text' },
    { payload: {}, reason: 'nobody is named' },
    { payload: { workflowId: holder.workflowId }, reason: 'no run is named' },
    { payload: { runId: holder.runId }, reason: 'no incident is named' },
    { payload: { workflowId: 1, runId: 2 }, reason: 'numbers are no names' },
    { payload: { ...holder, runId: 'gone' }, reason: 'the server refuses to signal it, and the task that tries would fail for ever' },
    { payload: { ...holder, runId: '' }, reason: 'an empty run would mean whichever runs' },
    { payload: { ...holder, runId: `${holder.runId}\n` }, reason: 'a newline after it' },
    { payload: { ...holder, workflowId: '' }, reason: 'the server refuses an empty name' },
    { payload: { ...holder, workflowId: 'environment/prod' }, reason: 'only incidents write' },
    { payload: { ...holder, workflowId: 'incident/prod' }, reason: 'an environment is no incident' },
    { payload: { ...holder, workflowId: 'incident/prod/../x' }, reason: 'no such name' },
  ])('refuses it: $reason', ({ payload }) => {
    expect(parseSlotRequest(payload).ok).toBe(false);
  });
});

describe('any value whatever', () => {
  const text = fc.string({ unit: 'binary', maxLength: 50 });
  const kind = fc.option(fc.constantFrom(...DECISIONS), { nil: undefined });
  const name = fc.option(fc.constantFrom(...COMMANDS), { nil: undefined });
  const nearly = fc.record({
    decision: fc.oneof(fc.constantFrom(...DECISIONS), text), command: fc.oneof(fc.constantFrom(...COMMANDS), text),
    by: fc.anything(), reason: fc.anything(), plan: fc.anything(), until: fc.anything(), scope: fc.anything(), incident: fc.anything(), gate: fc.anything(), resource: fc.anything(), workflowId: fc.anything(), runId: fc.anything(), limit: fc.anything(),
  }, { requiredKeys: [] });
  const value = fc.oneof(fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withObjectString: true, withSparseArray: true, withTypedArray: true }), nearly);

  it('never throws, and what it takes is plain, well-formed text of bounded length', () => {
    fc.assert(fc.property(value, kind, name, (payload, decision, command) => {
      for (const parsed of [parseDecision(payload, decision), parseCommand(payload, command), parseSlotRequest(payload)]) {
        if (!parsed.ok) {
          expect(parsed.problem).not.toBe('');
          continue;
        }
        for (const member of Object.values(parsed.value) as unknown[]) {
          if (typeof member === 'number') expect(Number.isFinite(member) || Number.isInteger(member)).toBe(true);
          else expect(typeof member === 'string' && member.length <= 4000 && member.isWellFormed()).toBe(true);
        }
      }
    }), { numRuns: 500 });
  });

  it('is the same after JSON, since continue-as-new carries it', () => {
    fc.assert(fc.property(nearly, kind, (payload, decision) => {
      const parsed = parseDecision(payload, decision);
      expect(JSON.parse(JSON.stringify(parsed))).toEqual(parsed);
    }));
  });
});

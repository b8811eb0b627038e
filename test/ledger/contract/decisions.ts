import { describe, expect, it } from 'vitest';
import type { Ask, DecisionRow, Ledger, VoteRow } from '../../../src/ledger/ledger.js';
import { all, change, minute, OTHER, plan, SHOP, type LedgerHarness } from './harness.js';

export function decisionContract(harness: () => LedgerHarness): void {
  const repair = plan(change('etc/app.yaml'));
  const ask: Ask = { ...SHOP, number: 1, id: 'ask-1', part: 0, plan: repair.hash, at: minute(0), kind: 'person', rules: ['remediation'], expiresAt: minute(60) };
  const approval: DecisionRow = { ...SHOP, number: 1, ask: 'ask-1', decision: 'approve', plan: repair.hash, by: 'alice', verified: false, at: minute(1), reason: 'fine', run: 'run-1', message: 'm1' };

  describe('plans', () => {
    it('are kept whole under their hash, once', async () => {
      const { ledger } = harness();
      await ledger.putPlan(repair, minute(0));
      await ledger.putPlan(repair, minute(1));
      expect(await ledger.plan(repair.hash)).toEqual(repair);
      expect(await ledger.plan('0'.repeat(64))).toBeUndefined();
    });

    it('are refused when they do not match their hash: what runs is what was approved', async () => {
      const { ledger } = harness();
      await expect(ledger.putPlan({ ...repair, steps: [] }, minute(0))).rejects.toMatchObject({ failure: 'Invalid' });
    });
  });

  describe('asks and decisions', () => {
    const asked = async (ledger: Ledger, ...asks: readonly Ask[]): Promise<void> => {
      for (const each of [ask, ...asks]) await ledger.ask(each);
    };

    it('are asked once and recorded: of a person, or as allowed by the rules', async () => {
      const { ledger } = harness();
      await asked(ledger, ask, { ...ask, id: 'ask-2', kind: 'policy' });
      expect(await ledger.askOf('ask-1')).toEqual(ask);
      expect(await ledger.askOf('none')).toBeUndefined();
      expect((await all(ledger.entries({}))).map((entry) => [entry.kind, entry.data['id']])).toEqual([['asked', 'ask-1'], ['decided', 'ask-2']]);
    });

    it('give the first decision to everyone who comes after', async () => {
      const { ledger } = harness();
      await asked(ledger);
      expect(await ledger.decide(approval)).toEqual({ first: true, decision: approval });
      const rejection: DecisionRow = { ...approval, decision: 'reject', by: 'bob', at: minute(2), message: 'm2' };
      expect(await ledger.decide(rejection)).toEqual({ first: false, decision: approval });
      expect(await ledger.decisionOf('ask-1')).toEqual(approval);
      expect(await ledger.decisions({ ...SHOP, number: 1 })).toEqual([approval]);
      expect((await all(ledger.entries({ kinds: ['approved', 'rejected'] }))).map((entry) => [entry.kind, entry.by])).toEqual([['approved', 'alice']]);
    });

    it('tell a retried step that it was the first, and another of the same words that it was not', async () => {
      const { ledger } = harness();
      await asked(ledger);
      await ledger.decide(approval);
      expect(await ledger.decide(approval)).toMatchObject({ first: true });
      expect(await ledger.decide({ ...approval, at: minute(2) })).toMatchObject({ first: false });
    });

    it('let one of many win when they come at once from two processes', async () => {
      const { ledger, another } = harness();
      const other = await another();
      await asked(ledger);
      const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? ledger : other).decide({ ...approval, decision: index % 3 === 0 ? 'reject' : 'approve', at: minute(index), message: `m${index}` })));
      expect(answers.filter((each) => each.first)).toHaveLength(1);
      expect(new Set(answers.map((each) => each.decision.message)).size).toBe(1);
    });

    it('give nothing to a reset run that replays the message of the run before', async () => {
      const { ledger } = harness();
      await asked(ledger, { ...ask, id: 'ask-2' });
      await ledger.decide(approval);
      expect(await ledger.decide({ ...approval, ask: 'ask-2', run: 'run-2' })).toEqual({ first: false, decision: approval });
      expect(await ledger.decisionOf('ask-2')).toBeUndefined();
      expect(await ledger.decide({ ...approval, ask: 'ask-2' }), 'the same run may decide another part with the same message').toMatchObject({ first: true });
    });

    it('take the same words in another incident for words of their own', async () => {
      const { ledger } = harness();
      await asked(ledger, { ...ask, id: 'ask-2', number: 2 });
      await ledger.decide(approval);
      expect(await ledger.decide({ ...approval, ask: 'ask-2', number: 2, run: 'run-2' })).toMatchObject({ first: true });
    });

    it('are refused when they answer no question, another incident, or another plan', async () => {
      const { ledger } = harness();
      await asked(ledger);
      const cases: readonly { reason: string; decision: DecisionRow }[] = [
        { reason: 'nothing was asked', decision: { ...approval, ask: 'none' } },
        { reason: 'another incident', decision: { ...approval, number: 2 } },
        { reason: 'another target', decision: { ...approval, ...OTHER } },
        { reason: 'another plan', decision: { ...approval, plan: 'f'.repeat(64) } },
        { reason: 'a rule cannot answer for a person', decision: { ...approval, decision: 'policy' } },
      ];
      for (const { reason, decision } of cases) await expect(ledger.decide(decision), reason).rejects.toMatchObject({ failure: 'Refused' });
      expect(await ledger.decisionOf('ask-1')).toBeUndefined();
    });
  });

  describe('votes', () => {
    const ID = { ...SHOP, number: 1 };
    const vote: VoteRow = { ...ID, ask: 'ask-1', plan: repair.hash, person: 'alice', by: 'alice', verified: true, at: minute(1), run: 'run-1', message: 'm1' };

    it('count each person once for a question, in the order in which they came, and are recorded', async () => {
      const { ledger } = harness();
      await ledger.ask(ask);
      const bob: VoteRow = { ...vote, person: 'bob', by: 'oidc:bob@example.com', message: 'm2', at: minute(2), reason: 'reviewed' };
      expect(await ledger.vote(vote)).toEqual({ first: true, vote });
      expect(await ledger.vote(bob)).toEqual({ first: true, vote: bob });
      expect(await ledger.vote(vote), 'a retried step').toEqual({ first: true, vote });
      expect(await ledger.vote({ ...vote, message: 'm3', at: minute(3) }), 'the same person again, in other words').toEqual({ first: false, vote });
      expect(await ledger.votes('ask-1')).toEqual([vote, bob]);
      expect(await ledger.votes('ask-2')).toEqual([]);
      expect((await all(ledger.entries({ kinds: ['voted'] }))).map((entry) => [entry.by, entry.data['person'], entry.data['part']])).toEqual([['alice', 'alice', 0], ['oidc:bob@example.com', 'bob', 0]]);
      expect(await ledger.decisionOf('ask-1'), 'they decide nothing').toBeUndefined();
    });

    it('of one person who votes a hundred times at once from two processes leave one', async () => {
      const { ledger, another } = harness();
      const other = await another();
      await ledger.ask(ask);
      const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? ledger : other).vote({ ...vote, at: minute(index), message: `m${index}` })));
      expect(answers.filter((each) => each.first)).toHaveLength(1);
      expect(await ledger.votes('ask-1')).toHaveLength(1);
    });

    it('count nothing in a reset run that replays them, nor does a decision that replays a vote, nor a vote that replays a decision', async () => {
      const { ledger } = harness();
      for (const id of ['ask-1', 'ask-2', 'ask-3']) await ledger.ask({ ...ask, id });
      await ledger.vote(vote);
      expect(await ledger.vote({ ...vote, ask: 'ask-2', run: 'run-2' })).toEqual({ first: false, vote });
      expect(await ledger.decide({ ...approval, ask: 'ask-2', run: 'run-2', message: 'm1' })).toMatchObject({ first: false, decision: { run: 'run-1' } });
      await ledger.decide({ ...approval, ask: 'ask-2', message: 'm9' });
      expect(await ledger.vote({ ...vote, ask: 'ask-3', run: 'run-2', message: 'm9' })).toMatchObject({ first: false, vote: { run: 'run-1' } });
      expect(await ledger.votes('ask-2')).toEqual([]);
      expect(await ledger.vote({ ...vote, ask: 'ask-3' }), 'the same run may vote on another part with the same words').toMatchObject({ first: true });
    });

    it('are refused when they answer no question, another incident, another plan, or one that was decided', async () => {
      const { ledger } = harness();
      await ledger.ask(ask);
      const cases: readonly { reason: string; vote: VoteRow }[] = [
        { reason: 'nothing was asked', vote: { ...vote, ask: 'none' } },
        { reason: 'another incident', vote: { ...vote, number: 2 } },
        { reason: 'another target', vote: { ...vote, ...OTHER } },
        { reason: 'another plan', vote: { ...vote, plan: 'f'.repeat(64) } },
      ];
      for (const each of cases) await expect(ledger.vote(each.vote), each.reason).rejects.toMatchObject({ failure: 'Refused' });
      await ledger.decide(approval);
      await expect(ledger.vote({ ...vote, person: 'bob', message: 'm2' })).rejects.toThrow('was decided before');
      expect(await ledger.votes('ask-1')).toEqual([]);
    });
  });
}

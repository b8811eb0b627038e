import { describe, expect, it } from 'vitest';
import type { Ask, DecisionRow, Ledger } from '../../../src/ledger/ledger.js';
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
}

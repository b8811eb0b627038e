import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Ledger, NewIntent } from '../../../src/ledger/ledger.js';
import { all, minute, OTHER, SHOP, type LedgerHarness } from './harness.js';

const STEP = 'prod/storefront#1/0.1/finalize';

export function writingContract(harness: () => LedgerHarness): void {
  const fence = (ledger: Ledger, attempt: number, more: Partial<Parameters<Ledger['takeFence']>[0]> = {}): Promise<number> => ledger.takeFence({ address: SHOP, step: STEP, attempt, run: 'run-1', at: minute(attempt), ...more });
  const intent = (token: number, more: Partial<NewIntent> = {}): NewIntent => ({ ...SHOP, number: 1, key: `${STEP}/switch`, step: STEP, write: 'switch', plan: 'plan-1', fence: token, at: minute(token), ...more });

  describe('fences', () => {
    it('grow with every attempt, and stand still when one is told again', async () => {
      const { ledger } = harness();
      expect([await fence(ledger, 1), await fence(ledger, 1), await fence(ledger, 2)]).toEqual([1, 1, 2]);
      expect(await fence(ledger, 1, { address: OTHER, step: 'another' }), 'each target has its own').toBe(1);
    });

    it('are refused to an attempt that a later one of the same run has overtaken', async () => {
      const { ledger } = harness();
      await fence(ledger, 2);
      await expect(fence(ledger, 1)).rejects.toMatchObject({ failure: 'Fenced' });
      expect(await fence(ledger, 1, { run: 'run-2' }), 'attempts of another run begin at 1').toBe(2);
    });

    it('never repeat or go back, from whichever process they are taken', async () => {
      const { ledger, another } = harness();
      const other = await another();
      let last = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(fc.record({ mine: fc.boolean(), step: fc.constantFrom('a', 'b'), run: fc.constantFrom('1', '2'), attempt: fc.integer({ min: 1, max: 6 }) }), { maxLength: 15 }), async (takes) => {
          for (const { mine, ...take } of takes) {
            const known = await fence(mine ? ledger : other, take.attempt, take).catch(() => undefined);
            if (known !== undefined && known > last) expect(known).toBe(last + 1);
            last = Math.max(last, known ?? 0);
          }
        }),
        { numRuns: 20 },
      );
      const many = await Promise.all(Array.from({ length: 20 }, (_, index) => fence(index % 2 === 0 ? ledger : other, 1, { run: `many ${index}` })));
      expect(new Set(many).size).toBe(20);
      expect(Math.min(...many)).toBe(last + 1);
    });
  });

  describe('intents', () => {
    it('are recorded before and after the write', async () => {
      const { ledger } = harness();
      const token = await fence(ledger, 1);
      expect(await ledger.intend(intent(token, { resource: 'etc/app.yaml' }))).toMatchObject({ attempts: 1, fence: 1 });
      await ledger.closeIntent(intent(token).key, { at: minute(3), ok: true, fence: token });
      await ledger.closeIntent(intent(token).key, { at: minute(4), ok: false, error: 'late', fence: token });
      expect(await ledger.intents({ incident: { ...SHOP, number: 1 } })).toMatchObject([{ ok: true, closedAt: minute(3), resource: 'etc/app.yaml' }]);
      expect((await all(ledger.entries({}))).map((entry) => [entry.kind, entry.data['key'], entry.data['ok']])).toEqual([
        ['intent', `${STEP}/switch`, undefined],
        ['outcome', `${STEP}/switch`, true],
      ]);
    });

    it('are refused to a writer that comes late, and to one that made up its token', async () => {
      const { ledger } = harness();
      const late = await fence(ledger, 1);
      await fence(ledger, 2);
      await expect(ledger.intend(intent(late))).rejects.toMatchObject({ failure: 'Fenced' });
      await expect(ledger.intend(intent(99))).rejects.toMatchObject({ failure: 'Fenced' });
      expect(await ledger.intents({ address: SHOP })).toEqual([]);
    });

    it('found open come back with one attempt more and the child that was started', async () => {
      const { ledger } = harness();
      const child = { host: 'worker-1', pid: 4711, startTime: '12345' };
      await ledger.intend(intent(await fence(ledger, 1)));
      await ledger.intentChild(intent(1).key, child);
      const second = await ledger.intend(intent(await fence(ledger, 2)));
      expect(second).toMatchObject({ attempts: 2, fence: 2, child });
      expect(second.closedAt).toBeUndefined();
      expect(await ledger.intend(intent(2)), 'the same attempt asks again').toMatchObject({ attempts: 2 });
      await expect(ledger.closeIntent(intent(1).key, { at: minute(9), ok: true, fence: 1 }), 'the attempt before has lost the write').rejects.toMatchObject({ failure: 'Fenced' });
      expect(await ledger.intents({ open: true })).toHaveLength(1);
    });

    it('done come back as done; failed, or of another plan, they begin again', async () => {
      const { ledger } = harness();
      const { key } = intent(0);
      await ledger.intend(intent(await fence(ledger, 1)));
      await ledger.closeIntent(key, { at: minute(1), ok: false, error: 'refused', fence: 1 });
      expect(await ledger.intend(intent(await fence(ledger, 2)))).toMatchObject({ attempts: 2 });
      await ledger.closeIntent(key, { at: minute(2), ok: true, fence: 2 });
      expect(await ledger.intend(intent(await fence(ledger, 3)))).toMatchObject({ ok: true, closedAt: minute(2), fence: 2 });
      const anew = await ledger.intend(intent(3, { plan: 'plan-2' }));
      expect(anew).toMatchObject({ attempts: 1, plan: 'plan-2' });
      expect(anew.closedAt).toBeUndefined();
    });

    it('filter by incident, target, state and time', async () => {
      const { ledger } = harness();
      await ledger.intend(intent(await fence(ledger, 1)));
      await ledger.intend(intent(1, { key: 'b', number: 2, at: minute(30) }));
      await ledger.closeIntent('b', { at: minute(31), ok: true, fence: 1 });
      const keys = async (filter: Parameters<Ledger['intents']>[0]): Promise<string[]> => (await ledger.intents(filter)).map((row) => row.key);
      expect(await keys({})).toEqual([`${STEP}/switch`, 'b']);
      expect(await keys({ incident: { ...SHOP, number: 2 } })).toEqual(['b']);
      expect(await keys({ address: SHOP, open: false })).toEqual(['b']);
      expect(await keys({ since: minute(30) })).toEqual(['b']);
      expect(await keys({ address: OTHER })).toEqual([]);
    });

    it('must have been recorded to be closed', async () => {
      const { ledger } = harness();
      await expect(ledger.closeIntent('none', { at: minute(0), ok: true, fence: 1 })).rejects.toMatchObject({ failure: 'Invalid' });
      await expect(ledger.intentChild('none', { host: 'h', pid: 1, startTime: '1' })).rejects.toMatchObject({ failure: 'Invalid' });
    });
  });

  describe('finished steps', () => {
    it('give every retry the result of the first', async () => {
      const { ledger } = harness();
      expect(await ledger.stepDone(STEP)).toBeUndefined();
      expect(await ledger.stepDone(STEP, { release: 'r1' })).toEqual({ release: 'r1' });
      expect(await ledger.stepDone(STEP, { release: 'r2' })).toEqual({ release: 'r1' });
      expect(await ledger.stepDone(STEP)).toEqual({ release: 'r1' });
    });
  });
}

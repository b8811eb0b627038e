import { describe, expect, it } from 'vitest';
import type { OutboxMessage } from '../../../src/ledger/ledger.js';
import { all, minute, type LedgerHarness } from './harness.js';

export function messageContract(harness: () => LedgerHarness): void {
  const message = (id: string, more: Partial<OutboxMessage> = {}): OutboxMessage => ({ id, sink: 'chat', event: 'fixed', subject: 'prod/storefront#1', at: minute(0), body: { title: 'fixed' }, attempts: 0, nextAt: minute(0), ...more });
  const take = (at: number, more: { limit?: number; sink?: string } = {}): { at: string; leaseUntil: string; limit: number; sink?: string } => ({ at: minute(at), leaseUntil: minute(at + 1), limit: 10, ...more });

  describe('the outbox', () => {
    it('takes a message once, whatever it says the second time', async () => {
      const { ledger } = harness();
      await ledger.enqueue([message('a'), message('a', { body: { title: 'another' } })]);
      expect(await ledger.outbox({})).toEqual([message('a')]);
    });

    it('hands a due message to one deliverer until its lease ends', async () => {
      const { ledger, another } = harness();
      const other = await another();
      await ledger.enqueue([message('a'), message('b', { nextAt: minute(5) }), message('c', { sink: 'mail', at: minute(1) })]);
      expect((await ledger.takeDue(take(2, { sink: 'chat' }))).map((each) => each.id)).toEqual(['a']);
      expect((await other.takeDue(take(2))).map((each) => each.id)).toEqual(['c']);
      expect(await other.takeDue(take(2))).toEqual([]);
      expect((await other.takeDue(take(5, { limit: 2 }))).map((each) => each.id), 'leases over, the oldest first').toEqual(['a', 'b']);
    });

    it('keeps a failed message until its next time, with the error and the attempts', async () => {
      const { ledger } = harness();
      await ledger.enqueue([message('a')]);
      await ledger.takeDue(take(0));
      const failure = { at: minute(0), ok: false, error: 'status 503', retryAt: minute(3) };
      await ledger.delivered('a', failure);
      await ledger.delivered('a', failure);
      expect(await ledger.outbox({ pending: true })).toMatchObject([{ attempts: 1, error: 'status 503', nextAt: minute(3) }]);
      expect(await ledger.takeDue(take(2))).toEqual([]);
      expect(await ledger.takeDue(take(3))).toHaveLength(1);
    });

    it('ends with delivery, or with giving up, and records either once', async () => {
      const { ledger } = harness();
      await ledger.enqueue([message('a'), message('b', { subject: 'prod' })]);
      for (let again = 0; again < 2; again += 1) {
        await ledger.delivered('a', { at: minute(1), ok: true });
        await ledger.delivered('b', { at: minute(1), ok: false, error: 'no such sink' });
      }
      await ledger.delivered('none', { at: minute(1), ok: true });
      expect(await ledger.outbox({ pending: true })).toEqual([]);
      expect(await ledger.outbox({ pending: false })).toMatchObject([{ id: 'a', deliveredAt: minute(1), attempts: 1 }, { id: 'b', error: 'no such sink' }]);
      expect(await all(ledger.entries({ kinds: ['message'] }))).toMatchObject([
        { environment: 'prod', target: 'storefront', incident: 1, data: { id: 'a', delivered: true } },
        { environment: 'prod', data: { id: 'b', delivered: false } },
      ]);
    });
  });

  describe('small values', () => {
    it('are the last that was set', async () => {
      const { ledger, another } = harness();
      expect(await ledger.getMeta('server')).toBeUndefined();
      await ledger.setMeta('server', 'one');
      await ledger.setMeta('server', 'two');
      expect(await (await another()).getMeta('server')).toBe('two');
    });
  });
}

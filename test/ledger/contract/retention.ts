import { describe, expect, it } from 'vitest';
import type { RetentionKind } from '../../../src/ledger/ledger.js';
import { all, change, CLEAN, drifted, minute, plan, SHOP, type LedgerHarness } from './harness.js';

const MINUTE_MS = 60_000;

export function retentionContract(harness: () => LedgerHarness): void {
  const port = change('etc/app.yaml');
  const tls = change('etc/tls.key');
  const keep = (minutes: number): Record<RetentionKind, number> => ({ reports: minutes * MINUTE_MS, entries: minutes * MINUTE_MS, plans: minutes * MINUTE_MS, outbox: minutes * MINUTE_MS, sightings: minutes * MINUTE_MS });

  describe('retention', () => {
    it('removes old entries as a prefix, and what is left verifies from there', async () => {
      const { ledger, another } = harness();
      for (let index = 0; index < 10; index += 1) await ledger.append({ at: minute(index), kind: 'gate', data: { index } });
      await ledger.checkpoint(minute(9));
      expect(await ledger.prune({ at: minute(14), keepMs: keep(10) })).toMatchObject({ entries: 4 });
      expect((await all(ledger.entries({}))).map((entry) => entry.seq)).toEqual([5, 6, 7, 8, 9, 10, 11]);
      expect((await all(ledger.entries({ kinds: ['pruned'] })))[0]?.data).toMatchObject({ through: 4 });
      expect(await (await another()).verify()).toMatchObject({ ok: true, entries: 7 });
      await ledger.append({ at: minute(20), kind: 'gate', data: {} });
      expect(await ledger.verify()).toMatchObject({ ok: true, entries: 8 });
    });

    it('prunes again from where it stopped, down to nothing but its own entry', async () => {
      const { ledger } = harness();
      for (let index = 0; index < 5; index += 1) await ledger.append({ at: minute(index), kind: 'gate', data: { index } });
      await ledger.prune({ at: minute(12), keepMs: keep(10) });
      expect(await ledger.prune({ at: minute(60), keepMs: keep(10) })).toMatchObject({ entries: 4 });
      expect(await ledger.verify()).toMatchObject({ ok: true, entries: 1 });
      expect(await ledger.prune({ at: minute(61), keepMs: keep(10) }), 'nothing is left to remove').toEqual({ entries: 0, plans: 0, reports: 0, outbox: 0, sightings: 0 });
      expect(await all(ledger.entries({}))).toHaveLength(1);
    });

    it('leaves an open incident whole: its entries, its reports, its plans', async () => {
      const { ledger } = harness();
      const repair = plan(port);
      await ledger.append({ at: minute(0), kind: 'gate', data: {} });
      const { digest } = await ledger.observed({ address: SHOP, at: minute(1), observation: drifted(port) });
      await ledger.openIncident({ address: SHOP, at: minute(1), drift: 'd', kind: 'drift' });
      await ledger.putPlan(repair, minute(1));
      await ledger.observed({ address: SHOP, at: minute(2), observation: CLEAN });
      expect(await ledger.prune({ at: minute(5_000), keepMs: keep(10) })).toMatchObject({ entries: 2, reports: 0, plans: 0 });
      expect((await all(ledger.entries({}))).map((entry) => entry.kind)).toEqual(['opened', 'clean', 'pruned']);
      expect(await ledger.report(digest)).toBeDefined();
      await ledger.closeIncident({ ...SHOP, number: 1 }, { at: minute(5_001), outcome: 'cleared', parts: [], narrative: 'gone', settled: [] });
      expect(await ledger.prune({ at: minute(9_000), keepMs: keep(10) })).toMatchObject({ reports: 1, plans: 1 });
      expect(await ledger.report(digest)).toBeUndefined();
      expect(await ledger.plan(repair.hash)).toBeUndefined();
      expect(await ledger.verify()).toMatchObject({ ok: true });
    });

    it('keeps the report that is current, the plan that a kept entry speaks of, and what was not yet told', async () => {
      const { ledger } = harness();
      const repair = plan(port);
      const { digest } = await ledger.observed({ address: SHOP, at: minute(0), observation: drifted(port) });
      await ledger.putPlan(repair, minute(0));
      await ledger.ask({ ...SHOP, number: 1, id: 'ask-1', part: 0, plan: repair.hash, at: minute(0), kind: 'person', rules: [] });
      await ledger.enqueue(['a', 'b'].map((id) => ({ id, sink: 'chat', event: 'fixed', subject: 'prod', at: minute(0), body: {}, attempts: 0, nextAt: minute(0) })));
      await ledger.delivered('a', { at: minute(1), ok: true });
      const removed = await ledger.prune({ at: minute(5_000), keepMs: { ...keep(10), entries: 10_000 * MINUTE_MS } });
      expect(removed).toEqual({ entries: 0, plans: 0, reports: 0, outbox: 1, sightings: 0 });
      expect(await ledger.report(digest)).toBeDefined();
      expect(await ledger.plan(repair.hash)).toBeDefined();
      expect((await ledger.outbox({})).map((each) => each.id)).toEqual(['b']);
    });

    it('forgets changes that were last seen long ago', async () => {
      const { ledger } = harness();
      await ledger.observed({ address: SHOP, at: minute(0), observation: drifted(port, tls) });
      await ledger.observed({ address: SHOP, at: minute(1), observation: drifted(tls) });
      await ledger.observed({ address: SHOP, at: minute(500), observation: drifted(tls) });
      expect(await ledger.prune({ at: minute(500), keepMs: keep(10) })).toMatchObject({ sightings: 1 });
      expect((await ledger.sightings(SHOP, [port.fingerprint, tls.fingerprint])).map((each) => each.resource)).toEqual(['etc/tls.key']);
    });

    it('forgets the intents and step results of incidents that ended long ago, of those alone', async () => {
      const { ledger } = harness();
      for (const target of ['storefront', 'storefront-2']) {
        const address = { environment: 'prod', target };
        await ledger.openIncident({ address, at: minute(0), drift: 'd', kind: 'drift' });
        const fence = await ledger.takeFence({ address, step: 's', attempt: 1, run: 'r', at: minute(0) });
        await ledger.intend({ ...address, number: 1, key: `prod/${target}#1/0.1/stage/write`, step: 's', write: 'write', plan: 'p', fence, at: minute(0) });
        await ledger.closeIntent(`prod/${target}#1/0.1/stage/write`, { at: minute(0), ok: true, fence });
        await ledger.stepDone(`prod/${target}#1/0.1/stage`, true);
      }
      await ledger.closeIncident({ ...SHOP, number: 1 }, { at: minute(1), outcome: 'fixed', parts: [], narrative: '', settled: [] });
      await ledger.prune({ at: minute(5_000), keepMs: keep(10) });
      expect((await ledger.intents({})).map((row) => row.target)).toEqual(['storefront-2']);
      expect(await ledger.stepDone('prod/storefront#1/0.1/stage')).toBeUndefined();
      expect(await ledger.stepDone('prod/storefront-2#1/0.1/stage')).toBe(true);
    });

    it('forgets step results that come without an intent, and those of incident 1 without those of 10', async () => {
      const { ledger } = harness();
      for (let number = 1; number <= 10; number += 1) {
        await ledger.openIncident({ address: SHOP, at: minute(number), drift: 'd', kind: 'drift' });
        await ledger.stepDone(`prod/storefront#${number}/0.1/stage`, true);
        await ledger.closeIncident({ ...SHOP, number }, { at: minute(number === 1 ? 1 : 5_000), outcome: 'fixed', parts: [], narrative: '', settled: [] });
      }
      await ledger.prune({ at: minute(5_000), keepMs: keep(10) });
      expect(await ledger.stepDone('prod/storefront#1/0.1/stage')).toBeUndefined();
      expect(await ledger.stepDone('prod/storefront#10/0.1/stage')).toBe(true);
    });
  });
}

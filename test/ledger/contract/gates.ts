import { describe, expect, it } from 'vitest';
import type { ClosedGate, Ledger, Settled } from '../../../src/ledger/ledger.js';
import { all, change, minute, OTHER, SHOP, type LedgerHarness } from './harness.js';

export function gateContract(harness: () => LedgerHarness): void {
  const port = change('etc/app.yaml');
  const settled = (more: Partial<Settled> = {}): Settled => ({ ...SHOP, fingerprint: port.fingerprint, revision: port.revision, resource: port.resource, path: port.path, outcome: 'expired', incident: 1, at: minute(0), ...more });
  const gate = (more: Partial<ClosedGate> = {}): ClosedGate => ({ scope: 'prod', gate: 'freeze', by: 'alice', reason: 'release', at: minute(0), ...more });

  describe('settled changes', () => {
    it('hold for the fingerprint at its revision, until their time', async () => {
      const { ledger } = harness();
      await ledger.settle([settled({ until: minute(10) })]);
      const cases = [
        { reason: 'in force', changes: [port], at: minute(9), rows: 1 },
        { reason: 'past its time', changes: [port], at: minute(10), rows: 0 },
        { reason: 'the desired state moved', changes: [{ ...port, revision: 'another' }], at: minute(1), rows: 0 },
        { reason: 'another change', changes: [change('etc/other')], at: minute(1), rows: 0 },
        { reason: 'nothing asked', changes: [], at: minute(1), rows: 0 },
      ];
      for (const { reason, changes, at, rows } of cases) expect(await ledger.settled(SHOP, changes, at), reason).toHaveLength(rows);
      expect(await ledger.settled(OTHER, [port], minute(1)), 'another target').toHaveLength(0);
    });

    it('are recorded once, however often they are told', async () => {
      const { ledger } = harness();
      await ledger.settle([settled()]);
      await ledger.settle([settled()]);
      expect(await all(ledger.entries({ kinds: ['settled'] }))).toHaveLength(1);
    });

    it('are forgotten by incident or fingerprint, and that is recorded too', async () => {
      const { ledger } = harness();
      const tls = change('etc/tls.key');
      await ledger.settle([settled(), settled({ fingerprint: tls.fingerprint, incident: 2 })]);
      expect(await ledger.unsettle(SHOP, { incident: 9 })).toBe(0);
      expect(await ledger.unsettle(SHOP, { incident: 2 }, { at: minute(3), by: 'alice', reason: 'try again' })).toBe(1);
      expect(await ledger.unsettle(SHOP, { fingerprints: [port.fingerprint] })).toBe(1);
      expect(await ledger.settled(SHOP, [port], minute(4))).toEqual([]);
      expect((await all(ledger.entries({ kinds: ['settled'] }))).slice(2)).toMatchObject([
        { at: minute(3), by: 'alice', data: { forgotten: [tls.fingerprint], reason: 'try again' } },
        { at: minute(3), data: { forgotten: [port.fingerprint] } },
      ]);
    });
  });

  describe('gates', () => {
    it('close for a target by its own, its environment and everything, until their time', async () => {
      const { ledger } = harness();
      await ledger.closeGate(gate({ scope: '*', until: minute(5) }));
      await ledger.closeGate(gate({ scope: 'prod', gate: 'breaker' }));
      await ledger.closeGate(gate({ scope: 'prod/storefront', gate: 'quarantine', fingerprint: port.fingerprint, revision: port.revision, resource: port.resource, path: port.path, incident: 1 }));
      await ledger.closeGate(gate({ scope: 'prod-eu' }));
      const names = async (address: typeof SHOP | typeof OTHER, at: string): Promise<string[]> => (await ledger.closedGates(address, at)).map((each) => `${each.scope} ${each.gate}`);
      expect(await names(SHOP, minute(1))).toEqual(['* freeze', 'prod breaker', 'prod/storefront quarantine']);
      expect(await names(OTHER, minute(5))).toEqual(['prod breaker']);
      expect(await ledger.allClosedGates(minute(1))).toHaveLength(4);
    });

    it('end one row alone when it is lifted, once, and that is recorded', async () => {
      const { ledger } = harness();
      const failing = gate({ gate: 'breaker', reason: '3 failed repairs', halfOpenAt: minute(9) });
      const broken = gate({ gate: 'breaker', reason: 'a rollback failed', resource: 'prod/storefront' });
      await ledger.closeGate(failing);
      await ledger.closeGate(broken);
      expect(await ledger.liftGate(failing, { at: minute(3), by: 'holdfast', reason: 'it held' })).toBe(true);
      expect(await ledger.liftGate(failing, { at: minute(4), by: 'holdfast', reason: 'it held' })).toBe(false);
      expect(await ledger.closedGates(SHOP, minute(3))).toEqual([broken]);
      expect(await all(ledger.entries({ kinds: ['gate'] }))).toMatchObject([{ data: { event: 'closed' } }, { data: { event: 'closed' } }, { at: minute(3), by: 'holdfast', data: { event: 'opened', gate: 'breaker', scope: 'prod', reason: 'it held' } }]);
      await ledger.closeGate({ ...failing, at: minute(5), halfOpenAt: minute(15) });
      expect(await ledger.closedGates(SHOP, minute(6))).toHaveLength(2);
    });

    it('give away so many places, whoever asks first, and the same one again to the same', async () => {
      const { ledger, another } = harness();
      const other = await another();
      const take = (by: Ledger, holder: string, more: { until?: string; at?: string } = {}) => by.takePlace({ scope: 'prod', gate: 'budget', holder, max: 2, at: minute(0), ...more });
      const given = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((holder, index) => take(index % 2 === 0 ? ledger : other, holder, { until: minute(10) })));
      expect(given.filter(Boolean)).toHaveLength(2);
      const held = (await ledger.closedGates(SHOP, minute(1))).flatMap((each) => each.holder ?? []);
      expect(held).toHaveLength(2);
      expect(await take(other, held[0] ?? '', { at: minute(5) }), 'again').toBe(true);
      expect(await take(ledger, 'f', { at: minute(9) }), 'none is left').toBe(false);
      expect(await take(ledger, 'f', { at: minute(10) }), 'their time has passed').toBe(true);
    });

    it('take a place back, and say that there was one however often they are asked', async () => {
      const { ledger } = harness();
      const place = { scope: 'prod', gate: 'breaker', holder: 'prod/storefront#1/1', max: 1, at: minute(0) } as const;
      expect(await ledger.freePlace(place), 'it never had one').toBe(false);
      await ledger.takePlace(place);
      expect(await ledger.takePlace({ ...place, holder: 'prod/search#1/1' })).toBe(false);
      expect(await ledger.freePlace({ ...place, at: minute(1) })).toBe(true);
      expect(await ledger.freePlace({ ...place, at: minute(2) })).toBe(true);
      expect(await ledger.closedGates(SHOP, minute(2))).toEqual([]);
      expect(await ledger.takePlace({ ...place, holder: 'prod/search#1/1', at: minute(3) })).toBe(true);
      expect(await ledger.openGate({ scope: 'prod', gate: 'breaker', by: 'alice', reason: 'enough', at: minute(4) }), 'a release takes places back too').toHaveLength(2);
      expect(await ledger.allClosedGates(minute(5))).toEqual([]);
    });

    it('hold for several changes of a target at once, named by fingerprint or by field', async () => {
      const { ledger } = harness();
      await ledger.closeGate(gate({ scope: 'prod/storefront', gate: 'flapping', resource: 'a', path: '/x' }));
      await ledger.closeGate(gate({ scope: 'prod/storefront', gate: 'flapping', resource: 'a', path: '/y' }));
      await ledger.closeGate(gate({ scope: 'prod/storefront', gate: 'flapping', fingerprint: port.fingerprint }));
      expect(await ledger.closedGates(SHOP, minute(1))).toHaveLength(3);
    });

    it('open in their scope and beneath it, a freeze only where it was set', async () => {
      const { ledger } = harness();
      const release = { by: 'bob', reason: 'looked at', at: minute(2) };
      for (const scope of ['*', 'prod', 'prod/storefront']) await ledger.closeGate(gate({ scope }));
      for (const scope of ['prod/storefront', 'prod/search', 'dev/web']) await ledger.closeGate(gate({ scope, gate: 'quarantine', fingerprint: 'v1:x', revision: 'r' }));
      expect((await ledger.openGate({ scope: 'prod', gate: 'freeze', ...release })).map((each) => each.scope)).toEqual(['prod']);
      expect((await ledger.openGate({ scope: 'prod', gate: 'quarantine', ...release })).map((each) => each.scope)).toEqual(['prod/search', 'prod/storefront']);
      expect(await ledger.openGate({ scope: 'prod', gate: 'quarantine', ...release })).toEqual([]);
      expect((await ledger.allClosedGates(minute(3))).map((each) => each.scope)).toEqual(['*', 'dev/web', 'prod/storefront']);
    });

    it('are recorded when they close and open, once each', async () => {
      const { ledger } = harness();
      await ledger.closeGate(gate());
      await ledger.closeGate(gate());
      await ledger.openGate({ scope: 'prod', gate: 'freeze', by: 'bob', reason: 'over', at: minute(2) });
      expect(await all(ledger.entries({ kinds: ['gate'] }))).toMatchObject([
        { environment: 'prod', by: 'alice', data: { event: 'closed', gate: 'freeze', reason: 'release' } },
        { environment: 'prod', by: 'bob', data: { event: 'opened', gate: 'freeze', reason: 'over', opened: [{ scope: 'prod' }] } },
      ]);
    });

    it('refuse a scope that is none', async () => {
      const { ledger } = harness();
      await expect(ledger.closeGate(gate({ scope: '../prod' }))).rejects.toMatchObject({ failure: 'Invalid' });
    });
  });

  describe('acceptances', () => {
    it('hold until their date, for a whole resource apart from its root path', async () => {
      const { ledger } = harness();
      const accepted = { ...SHOP, resource: 'etc/app.yaml', until: minute(10), by: 'alice', reason: 'known', at: minute(0) };
      await ledger.accept(accepted);
      await ledger.accept(accepted);
      await ledger.accept({ ...accepted, path: '' });
      await ledger.accept({ ...accepted, path: '/port', fingerprint: port.fingerprint, until: minute(2) });
      expect(await ledger.acceptances(SHOP, minute(1))).toHaveLength(3);
      expect(await ledger.acceptances(SHOP, minute(2))).toHaveLength(2);
      expect(await ledger.acceptances(SHOP, minute(10))).toEqual([]);
      expect(await ledger.acceptances(OTHER, minute(1))).toEqual([]);
      expect(await all(ledger.entries({ kinds: ['accepted'] }))).toHaveLength(3);
    });

    it('are kept past their date, so that it can be said that they lapsed, and are found for a target, an environment and everything', async () => {
      const { ledger } = harness();
      await ledger.accept({ ...SHOP, resource: 'etc/app.yaml', until: minute(2), by: 'alice', reason: 'known', ticket: 'OPS-12', at: minute(0) });
      await ledger.prune({ at: minute(60), keepMs: { reports: 1, entries: 1, plans: 1, outbox: 1, sightings: 1 } });
      expect(await ledger.acceptances(SHOP)).toMatchObject([{ ticket: 'OPS-12', until: minute(2) }]);
      expect(await ledger.acceptances({ environment: SHOP.environment })).toHaveLength(1);
      expect(await ledger.acceptances({})).toHaveLength(1);
      await ledger.prune({ at: minute(60 * 24 * 31), keepMs: { reports: 1, entries: 1, plans: 1, outbox: 1, sightings: 1 } });
      expect(await ledger.acceptances({})).toEqual([]);
    });

    it('of an incident are how its changes were settled, whatever is desired of the rest of the resource', async () => {
      const { ledger } = harness();
      const row = { ...SHOP, fingerprint: port.fingerprint, revision: 'r1', resource: port.resource, path: port.path, incident: 7, at: minute(0), until: minute(10), by: 'alice' };
      await ledger.settle([{ ...row, outcome: 'accepted', reason: 'a word such as "outcome":"rejected"', ticket: 'OPS-12' }]);
      await ledger.settle([{ ...row, fingerprint: 'v1:other', outcome: 'rejected', reason: 'a word such as "outcome":"accepted"' }]);
      expect(await ledger.acceptances(SHOP, minute(1))).toMatchObject([{ resource: port.resource, path: port.path, fingerprint: port.fingerprint, by: 'alice', ticket: 'OPS-12', incident: 7 }]);
    });

    it('end early, of one field, one resource or one incident, once and on record', async () => {
      const { ledger } = harness();
      const accepted = { ...SHOP, resource: 'etc/app.yaml', until: minute(10), by: 'alice', reason: 'known', at: minute(0) };
      await ledger.accept({ ...accepted, path: '/port' });
      await ledger.accept({ ...accepted, path: '/host' });
      await ledger.accept({ ...OTHER, resource: 'etc/app.yaml', path: '/port', until: minute(10), by: 'alice', reason: 'known', at: minute(0) });
      await ledger.settle([{ ...SHOP, fingerprint: port.fingerprint, revision: 'r1', resource: port.resource, path: port.path, outcome: 'accepted', incident: 7, at: minute(0), until: minute(10) }]);
      const bob = { at: minute(1), by: 'bob', reason: 'over' };
      expect(await ledger.endAcceptances(SHOP, { incident: 7 }, bob)).toHaveLength(1);
      expect(await ledger.endAcceptances(SHOP, { resource: 'etc/app.yaml', path: '/port' }, bob)).toHaveLength(1);
      expect(await ledger.endAcceptances(SHOP, { resource: 'etc/app.yaml', path: '/port' }, bob)).toEqual([]);
      expect(await ledger.acceptances(SHOP)).toMatchObject([{ path: '/host' }]);
      expect(await ledger.acceptances(OTHER)).toHaveLength(1);
      expect(await all(ledger.entries({ kinds: ['accepted'] })).then((found) => found.filter((entry) => entry.data['event'] === 'ended'))).toMatchObject([{ by: 'bob', incident: 7 }, { by: 'bob', data: { path: '/port', reason: 'over' } }]);
    });
  });
}

import { describe, expect, it } from 'vitest';
import type { IncidentEnd, Ledger, Settled } from '../../../src/ledger/ledger.js';
import { all, change, drifted, minute, OTHER, SHOP, type LedgerHarness } from './harness.js';

export function incidentContract(harness: () => LedgerHarness): void {
  const port = change('etc/app.yaml');
  const end = (at: string, more: Partial<IncidentEnd> = {}): IncidentEnd => ({ at, outcome: 'fixed', parts: [], narrative: 'it drifted; it was put right', settled: [], ...more });
  const open = (ledger: Ledger, at: string, address: { environment: string; target: string } = SHOP): ReturnType<Ledger['openIncident']> => ledger.openIncident({ address, at, drift: `drift at ${at}`, kind: 'drift' });

  describe('incidents', () => {
    it('numbers the incidents of each target from 1, one open at a time', async () => {
      const { ledger } = harness();
      expect(await open(ledger, minute(0))).toMatchObject({ opened: true, row: { number: 1, phase: 'deciding', parts: [] } });
      expect(await open(ledger, minute(1))).toMatchObject({ opened: false, row: { number: 1, openedAt: minute(0) } });
      expect(await open(ledger, minute(1), OTHER)).toMatchObject({ opened: true, row: { number: 1 } });
      await ledger.closeIncident({ ...SHOP, number: 1 }, end(minute(2)));
      expect(await open(ledger, minute(3))).toMatchObject({ opened: true, row: { number: 2 } });
    });

    it('uses no number again that somebody else knows', async () => {
      const { ledger } = harness();
      expect(await ledger.openIncident({ address: SHOP, at: minute(0), drift: 'd', kind: 'drift', after: 6 })).toMatchObject({ opened: true, row: { number: 7 } });
      await ledger.closeIncident({ ...SHOP, number: 7 }, end(minute(1)));
      expect(await ledger.openIncident({ address: SHOP, at: minute(2), drift: 'd', kind: 'drift', after: 3 })).toMatchObject({ opened: true, row: { number: 8 } });
    });

    it('answers the opening told again as it did at first', async () => {
      const { ledger } = harness();
      const first = await open(ledger, minute(0));
      expect(await open(ledger, minute(0))).toEqual(first);
      expect((await all(ledger.entries({ kinds: ['opened'] }))).map((entry) => entry.incident)).toEqual([1]);
    });

    it('opens one incident when two processes see the drift at once', async () => {
      const { ledger, another } = harness();
      const other = await another();
      const opened = await Promise.all([open(ledger, minute(0)), open(other, minute(1)), open(ledger, minute(2)), open(other, minute(3))]);
      expect(opened.filter((each) => each.opened)).toHaveLength(1);
      expect(new Set(opened.map((each) => each.row.number))).toEqual(new Set([1]));
    });

    it('keeps what an update does not name', async () => {
      const { ledger } = harness();
      await open(ledger, minute(0));
      const id = { ...SHOP, number: 1 };
      await ledger.updateIncident(id, { runId: 'run-1', phase: 'waiting', parts: [{ part: 0, fingerprints: [port.fingerprint] }] });
      await ledger.updateIncident(id, { phase: 'staging', risk: 'low', drift: 'next' });
      expect(await ledger.incident(SHOP)).toMatchObject({ runId: 'run-1', phase: 'staging', risk: 'low', drift: 'next', parts: [{ part: 0 }] });
      await expect(ledger.updateIncident({ ...SHOP, number: 9 }, {})).rejects.toMatchObject({ failure: 'Invalid' });
    });

    it('closes once: the first end stands, and a straggler changes nothing', async () => {
      const { ledger, another } = harness();
      await open(ledger, minute(0));
      const id = { ...SHOP, number: 1 };
      await ledger.closeIncident(id, end(minute(1)));
      await (await another()).closeIncident(id, end(minute(2), { outcome: 'terminated', narrative: 'another story' }));
      await ledger.updateIncident(id, { phase: 'staging' });
      expect(await ledger.incident(SHOP)).toMatchObject({ phase: 'closed', outcome: 'fixed', closedAt: minute(1), narrative: 'it drifted; it was put right' });
      expect(await all(ledger.entries({ kinds: ['closed'] }))).toMatchObject([{ at: minute(1), incident: 1, data: { outcome: 'fixed', narrative: 'it drifted; it was put right' } }]);
    });

    it('settles with the end what the end says is settled', async () => {
      const { ledger } = harness();
      await open(ledger, minute(0));
      const row: Settled = { ...SHOP, fingerprint: port.fingerprint, revision: port.revision, resource: port.resource, path: port.path, outcome: 'rejected', incident: 1, at: minute(1), by: 'alice' };
      await ledger.closeIncident({ ...SHOP, number: 1 }, end(minute(1), { outcome: 'rejected', settled: [row] }));
      expect(await ledger.settled(SHOP, [port], minute(9))).toEqual([row]);
    });

    it('remembers of each change the incidents that contained it and how it ended in them', async () => {
      const { ledger } = harness();
      await ledger.observed({ address: SHOP, at: minute(0), observation: drifted(port) });
      await open(ledger, minute(0));
      await ledger.closeIncident({ ...SHOP, number: 1 }, end(minute(1), { outcome: 'needs-human', parts: [{ part: 0, outcome: 'fixed', fingerprints: [port.fingerprint] }, { part: 1, outcome: 'needs-human', fingerprints: ['v1:x'] }] }));
      await open(ledger, minute(2));
      await ledger.updateIncident({ ...SHOP, number: 2 }, { parts: [{ part: 0, fingerprints: [port.fingerprint] }] });
      expect(await ledger.sightings(SHOP, [port.fingerprint])).toMatchObject([{ incidents: [{ number: 1, outcome: 'fixed', closedAt: minute(1) }, { number: 2 }] }]);
    });

    it('lists newest first, by environment, target, state, outcome and time', async () => {
      const { ledger } = harness();
      await open(ledger, minute(0));
      await ledger.closeIncident({ ...SHOP, number: 1 }, end(minute(1)));
      await open(ledger, minute(2), OTHER);
      await open(ledger, minute(3), { environment: 'dev', target: 'web' });
      const list = async (filter: Parameters<Ledger['incidents']>[0]): Promise<string[]> => (await ledger.incidents(filter)).map((row) => `${row.environment}/${row.target}#${row.number}`);
      expect(await list({})).toEqual(['dev/web#1', 'prod/search#1', 'prod/storefront#1']);
      expect(await list({ environment: 'prod', open: true })).toEqual(['prod/search#1']);
      expect(await list({ open: false })).toEqual(['prod/storefront#1']);
      expect(await list({ outcome: 'fixed', target: 'storefront' })).toEqual(['prod/storefront#1']);
      expect(await list({ since: minute(2), limit: 1 })).toEqual(['dev/web#1']);
      expect(await ledger.incident(SHOP, 7)).toBeUndefined();
      expect(await ledger.incident({ environment: 'dev', target: 'none' })).toBeUndefined();
    });
  });
}

import { describe, expect, it } from 'vitest';
import { all, BLIND, change, CLEAN, drifted, minute, OTHER, SHOP, type LedgerHarness } from './harness.js';

export function observationContract(harness: () => LedgerHarness): void {
  const port = change('etc/app.yaml');
  const mode = change('etc/tls.key');

  describe('observations', () => {
    it('stores an unchanged look as a digest and a time: no report and no entry of its own', async () => {
      const { ledger } = harness();
      const first = await ledger.observed({ address: SHOP, at: minute(0), observation: drifted(port), driftFingerprint: 'v1:d' });
      const second = await ledger.observed({ address: SHOP, at: minute(5), observation: drifted(port), driftFingerprint: 'v1:d' });
      expect(first).toMatchObject({ changed: true });
      expect(first.previous).toBeUndefined();
      expect(second).toMatchObject({ changed: false, digest: first.digest, previous: { at: minute(0), verdict: 'drifted', changes: 1 } });
      expect((await all(ledger.entries({}))).map((entry) => entry.kind)).toEqual(['drift']);
      expect(await ledger.report(first.digest)).toMatchObject({ verdict: 'drifted', changes: [port] });
      expect(await ledger.report('0'.repeat(64))).toBeUndefined();
    });

    it('answers the same look told again as it did at first', async () => {
      const { ledger } = harness();
      await ledger.observed({ address: SHOP, at: minute(0), observation: CLEAN });
      const first = await ledger.observed({ address: SHOP, at: minute(1), observation: drifted(port) });
      expect(await ledger.observed({ address: SHOP, at: minute(1), observation: drifted(port) })).toEqual(first);
      expect(first.sightings).toMatchObject([{ count: 1 }]);
    });

    it('lets an overtaken look change nothing of what is known since', async () => {
      const { ledger } = harness();
      await ledger.observed({ address: SHOP, at: minute(5), observation: CLEAN });
      expect(await ledger.observed({ address: SHOP, at: minute(1), observation: drifted(port) })).toMatchObject({ changed: false });
      expect(await ledger.lastObservation(SHOP)).toMatchObject({ verdict: 'clean', at: minute(5) });
    });

    it('takes another commit that changes nothing of the target for the same', async () => {
      const { ledger } = harness();
      await ledger.observed({ address: SHOP, at: minute(0), observation: { ...CLEAN, commit: 'c1' } });
      expect(await ledger.observed({ address: SHOP, at: minute(1), observation: { ...CLEAN, commit: 'c2' } })).toMatchObject({ changed: false });
      expect(await ledger.lastObservation(SHOP)).toMatchObject({ commit: 'c2' });
    });

    it('keeps since when the verdict is what it is, and when it was last known', async () => {
      const { ledger } = harness();
      const rows = [];
      for (const [at, observation] of [CLEAN, CLEAN, drifted(port), drifted(port, mode), BLIND, BLIND, CLEAN].entries()) {
        await ledger.observed({ address: SHOP, at: minute(at), observation });
        rows.push(await ledger.lastObservation(SHOP));
      }
      expect(rows.map((row) => [row?.verdict, row?.since, row?.lastKnownAt])).toEqual([
        ['clean', minute(0), minute(0)],
        ['clean', minute(0), minute(1)],
        ['drifted', minute(2), minute(2)],
        ['drifted', minute(2), minute(3)],
        ['unknown', minute(4), minute(3)],
        ['unknown', minute(4), minute(3)],
        ['clean', minute(6), minute(6)],
      ]);
      expect((await all(ledger.entries({}))).map((entry) => entry.kind)).toEqual(['clean', 'drift', 'drift', 'unknown', 'clean']);
    });

    it('keeps when a target was read for the first time, whatever was tried before, and through everything after', async () => {
      const { ledger } = harness();
      const rows = [];
      for (const [at, observation] of [BLIND, BLIND, drifted(port), drifted(port), CLEAN, BLIND, drifted(port)].entries()) {
        await ledger.observed({ address: SHOP, at: minute(at), observation });
        rows.push((await ledger.lastObservation(SHOP))?.firstKnownAt);
      }
      expect(rows).toEqual([undefined, undefined, minute(2), minute(2), minute(2), minute(2), minute(2)]);
      expect((await ledger.targets()).map((row) => row.firstKnownAt)).toEqual([minute(2)]);
    });

    it('counts every sighting of a change, also the ones that only repeated the look before', async () => {
      const { ledger } = harness();
      for (let at = 0; at < 5; at += 1) await ledger.observed({ address: SHOP, at: minute(at), observation: drifted(port) });
      const { sightings } = await ledger.observed({ address: SHOP, at: minute(5), observation: drifted(mode, port) });
      expect(sightings).toEqual([
        { fingerprint: port.fingerprint, resource: 'etc/app.yaml', path: '/port', firstSeen: minute(0), lastSeen: minute(5), count: 6, incidents: [] },
        { fingerprint: mode.fingerprint, resource: 'etc/tls.key', path: '/port', firstSeen: minute(5), lastSeen: minute(5), count: 1, incidents: [] },
      ]);
    });

    it('begins anew with a change that was gone for a look, since settling asks how long it has been there', async () => {
      const { ledger } = harness();
      for (const [at, observation] of [drifted(port), drifted(port), CLEAN, CLEAN, drifted(port)].entries()) await ledger.observed({ address: SHOP, at: minute(at), observation });
      expect(await ledger.sightings(SHOP, [port.fingerprint])).toMatchObject([{ firstSeen: minute(4), lastSeen: minute(4), count: 1 }]);
    });

    it('remembers a change that is gone as it was when last seen', async () => {
      const { ledger } = harness();
      for (const [at, observation] of [drifted(port), drifted(port), CLEAN, CLEAN].entries()) await ledger.observed({ address: SHOP, at: minute(at), observation });
      expect(await ledger.sightings(SHOP, [port.fingerprint])).toMatchObject([{ firstSeen: minute(0), lastSeen: minute(1), count: 2 }]);
    });

    it('does not take a look that could not tell for one at which the change was gone', async () => {
      const { ledger } = harness();
      for (const [at, observation] of [drifted(port), BLIND, drifted(port)].entries()) await ledger.observed({ address: SHOP, at: minute(at), observation });
      expect(await ledger.sightings(SHOP, [port.fingerprint])).toMatchObject([{ firstSeen: minute(0), lastSeen: minute(2), count: 2 }]);
    });

    it('counts a fingerprint once in a look that names it twice', async () => {
      const { ledger } = harness();
      for (let at = 0; at < 2; at += 1) await ledger.observed({ address: SHOP, at: minute(at), observation: drifted(port, port, ...(at === 0 ? [] : [mode])) });
      expect(await ledger.sightings(SHOP, [port.fingerprint])).toMatchObject([{ firstSeen: minute(0), count: 2 }]);
    });

    it('lists targets, of all environments or of one', async () => {
      const { ledger } = harness();
      for (const address of [SHOP, OTHER, { environment: 'dev', target: 'web' }]) await ledger.observed({ address, at: minute(0), observation: CLEAN });
      expect((await ledger.targets()).map((row) => `${row.environment}/${row.target}`)).toEqual(['dev/web', 'prod/search', 'prod/storefront']);
      expect((await ledger.targets('dev')).map((row) => row.target)).toEqual(['web']);
      expect(await ledger.lastObservation({ environment: 'dev', target: 'none' })).toBeUndefined();
    });

    it('counts as a plain list of looks would, whatever was seen', async () => {
      const { ledger } = harness();
      const looks = [drifted(port), drifted(port, mode), BLIND, drifted(port, mode), drifted(port, mode), drifted(mode), CLEAN, drifted(port), drifted(port), BLIND, drifted(port)];
      const model = new Map<string, { firstSeen: string; lastSeen: string; count: number; there: boolean }>();
      for (const [index, observation] of looks.entries()) {
        const at = minute(index);
        await ledger.observed({ address: SHOP, at, observation });
        if (observation.verdict !== 'unknown') {
          const seen = new Set(observation.changes.map((each) => each.fingerprint));
          for (const fingerprint of [port.fingerprint, mode.fingerprint]) {
            const row = model.get(fingerprint);
            if (seen.has(fingerprint)) model.set(fingerprint, row?.there === true ? { ...row, lastSeen: at, count: row.count + 1 } : { firstSeen: at, lastSeen: at, count: 1, there: true });
            else if (row !== undefined) model.set(fingerprint, { ...row, there: false });
          }
        }
        for (const [fingerprint, { firstSeen, lastSeen, count }] of model) {
          expect(await ledger.sightings(SHOP, [fingerprint]), `after look ${index}`).toMatchObject([{ firstSeen, lastSeen, count }]);
        }
      }
    });
  });
}

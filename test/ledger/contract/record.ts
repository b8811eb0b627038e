import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, sha256 } from '../../../src/digest.js';
import type { Json } from '../../../src/domain/json.js';
import { all, minute, SHOP, type LedgerHarness } from './harness.js';

export function recordContract(harness: () => LedgerHarness): void {
  describe('the record', () => {
    it('chains each entry to the one before, from 64 zeros on', async () => {
      const { ledger } = harness();
      const first = await ledger.append({ at: minute(0), kind: 'configuration', data: { digest: 'a' } });
      const second = await ledger.append({ at: minute(1), kind: 'refused', ...SHOP, incident: 3, by: 'alice', data: { reason: 'stale' } });
      expect(first).toMatchObject({ seq: 1, previous: '0'.repeat(64) });
      expect(second).toMatchObject({ seq: 2, previous: first.hash, by: 'alice', incident: 3 });
    });

    it('hashes the canonical JSON of the entry without its hash, so that anyone can check it by hand', async () => {
      const { ledger } = harness();
      const { hash, ...rest } = await ledger.append({ at: minute(0), kind: 'gate', environment: 'prod', by: 'alice', data: { b: [1, { d: null, c: 'ü"\n' }], a: 1.5e-7 } });
      expect(hash).toBe(sha256(canonicalJson(rest as unknown as Json)));
    });

    it('takes the very same entry told again by a retried step once', async () => {
      const { ledger } = harness();
      const entry = { at: minute(0), kind: 'refused' as const, ...SHOP, data: { reason: 'late' } };
      const once = await ledger.append(entry);
      expect(await ledger.append(entry)).toEqual(once);
      expect((await ledger.append({ ...entry, at: minute(1) })).seq).toBe(2);
      expect(await all(ledger.entries({}))).toHaveLength(2);
    });

    it('keeps what is no JSON in a form that verifies: it came from outside, and must not keep an event out', async () => {
      const { ledger } = harness();
      await ledger.append({ at: minute(0), kind: 'refused', by: 'half \ud800 of a pair', data: { '\udfff': Number.POSITIVE_INFINITY, nul: 'a\u0000b' } });
      expect(await ledger.verify()).toMatchObject({ ok: true, entries: 1 });
    });

    it('refuses a time that is none, and spells the others one way', async () => {
      const { ledger } = harness();
      await expect(ledger.append({ at: 'tomorrow', kind: 'gate', data: {} })).rejects.toMatchObject({ failure: 'Invalid' });
      expect((await ledger.append({ at: '2026-11-02T10:00:00+01:00', kind: 'gate', data: {} })).at).toBe(minute(0));
    });

    it('filters, and reads past one page in order', async () => {
      const { ledger } = harness();
      for (let index = 0; index < 40; index += 1) {
        await ledger.append({ at: minute(index), kind: index % 2 === 0 ? 'drift' : 'gate', environment: index < 20 ? 'dev' : 'prod', target: 'web', incident: index % 3, data: { index } });
      }
      const seqs = async (filter: Parameters<typeof ledger.entries>[0]): Promise<number[]> => (await all(ledger.entries(filter))).map((entry) => entry.seq);
      expect(await seqs({})).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
      expect(await seqs({ after: 37 })).toEqual([38, 39, 40]);
      expect(await seqs({ environment: 'prod', kinds: ['gate'], limit: 2 })).toEqual([22, 24]);
      expect(await seqs({ target: 'web', incident: 0, since: minute(36) })).toEqual([37, 40]);
      expect(await seqs({ kinds: [] })).toEqual([]);
      expect(await seqs({ limit: 0 })).toEqual([]);
    });

    it('gives two writers one chain', async () => {
      const { ledger, another } = harness();
      const other = await another();
      await Promise.all(Array.from({ length: 30 }, (_, index) => (index % 2 === 0 ? ledger : other).append({ at: minute(0), kind: 'gate', data: { index } })));
      expect(await other.verify()).toMatchObject({ ok: true, entries: 30 });
    });

    it('verifies whatever was appended and signed, in whatever order', async () => {
      const { ledger } = harness();
      const kind = fc.constantFrom('drift' as const, 'gate' as const, 'intent' as const, 'checkpoint' as const);
      await fc.assert(
        fc.asyncProperty(fc.array(fc.record({ kind, by: fc.option(fc.string(), { nil: undefined }), data: fc.dictionary(fc.string(), fc.jsonValue()), at: fc.nat({ max: 10_000 }) }), { maxLength: 12 }), async (entries) => {
          for (const { kind: what, by, data, at } of entries) {
            if (what === 'checkpoint') await ledger.checkpoint(minute(at));
            else await ledger.append({ at: minute(at), kind: what, ...(by === undefined ? {} : { by }), data: data });
          }
          expect(await ledger.verify()).toMatchObject({ ok: true });
        }),
        { numRuns: 25 },
      );
    });

    it('signs the head once, and not again while nothing new was written', async () => {
      const { ledger } = harness();
      expect(await ledger.checkpoint(minute(0))).toBeUndefined();
      const entry = await ledger.append({ at: minute(0), kind: 'gate', data: {} });
      expect(await ledger.checkpoint(minute(1))).toMatchObject({ seq: 1, head: entry.hash, at: minute(1) });
      expect(await ledger.checkpoint(minute(2))).toBeUndefined();
      expect(await ledger.verify()).toEqual({ ok: true, entries: 1, head: entry.hash, checkpoints: 1 });
    });

    it('says how far verification has come', async () => {
      const { ledger } = harness();
      await ledger.append({ at: minute(0), kind: 'gate', data: {} });
      const told: number[] = [];
      await ledger.verify({ onProgress: (checked) => told.push(checked) });
      expect(told.at(-1)).toBe(1);
    });
  });
}

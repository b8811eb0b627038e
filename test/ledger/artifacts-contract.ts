import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/digest.js';
import type { ArtifactStore } from '../../src/ledger/artifacts.js';
import { OTHER, SHOP } from './contract/harness.js';

/** What a store brings for the contract: a way to it, and to what it keeps of `prod`, past it. */
export interface ArtifactsHarness {
  readonly open: () => Promise<ArtifactStore>;
  /** Names of what is stored, as the store names it. */
  readonly names: () => Promise<readonly string[]>;
  readonly read: (name: string) => Promise<Buffer>;
  readonly write: (name: string, bytes: Buffer) => Promise<void>;
  readonly remove: (name: string) => Promise<void>;
  /** As if it had been stored then. */
  readonly age: (name: string, at: Date) => Promise<void>;
  readonly loseKey: () => Promise<void>;
  dispose(): Promise<void>;
}

const LONG_AGO = new Date('2026-01-01');
const BEFORE = '2026-06-01T00:00:00.000Z';

/** What every artifact store does, whatever it keeps them in. */
export function artifactsContract(name: string, begin: () => Promise<ArtifactsHarness>): void {
  describe(`artifacts contract: ${name}`, () => {
    let harness: ArtifactsHarness;
    let store: ArtifactStore;
    beforeEach(async () => {
      harness = await begin();
      store = await harness.open();
    });
    afterEach(async () => {
      await store.close();
      await harness.dispose();
    });

    const secret = Buffer.from('password: correct horse battery staple');
    const only = async (): Promise<string> => (await harness.names())[0] ?? '';

    it('gives back what was put, also in another process and after a restart', async () => {
      const ref = await store.put(SHOP, 'snapshot', secret);
      expect(ref).toEqual({ name: 'snapshot', digest: sha256(secret), bytes: secret.length });
      const another = await harness.open();
      expect(Buffer.from(await another.get(SHOP, ref))).toEqual(secret);
      await another.close();
    });

    it('takes what is empty and what is large', async () => {
      for (const content of [Buffer.alloc(0), Buffer.alloc(2_000_000, 'x')]) {
        const got = await store.get(SHOP, await store.put(SHOP, 'release', content));
        expect([got.length, sha256(got)]).toEqual([content.length, sha256(content)]);
      }
    });

    it('stores the same twice as once, and mends what was damaged meanwhile', async () => {
      const ref = await store.put(SHOP, 'snapshot', secret);
      await harness.write(await only(), Buffer.from('damaged'));
      expect(await store.put(SHOP, 'snapshot', secret)).toEqual(ref);
      expect(await harness.names()).toHaveLength(1);
      expect(Buffer.from(await store.get(SHOP, ref))).toEqual(secret);
    });

    it('shows neither the content nor its digest to whoever reads the store', async () => {
      const ref = await store.put(SHOP, 'snapshot', secret);
      const stored = await harness.read(await only());
      expect(stored.includes('correct horse')).toBe(false);
      expect(stored.length).toBeGreaterThan(secret.length);
      expect(await only()).not.toContain(ref.digest);
    });

    it('says that it is lost when it is gone, cut, changed, another, or its key is gone', async () => {
      const ref = await store.put(SHOP, 'snapshot', secret);
      const stored = await only();
      const honest = await harness.read(stored);
      const flipped = Buffer.from(honest);
      flipped[flipped.length - 1] = (flipped[flipped.length - 1] ?? 0) ^ 1;
      const cases: readonly { reason: string; bytes: Buffer | undefined }[] = [
        { reason: 'changed', bytes: flipped },
        { reason: 'cut in the content', bytes: honest.subarray(0, 40) },
        { reason: 'cut in the header', bytes: honest.subarray(0, 10) },
        { reason: 'empty', bytes: Buffer.alloc(0) },
        { reason: 'gone', bytes: undefined },
      ];
      for (const { reason, bytes } of cases) {
        await (bytes === undefined ? harness.remove(stored) : harness.write(stored, bytes));
        await expect(store.get(SHOP, ref), reason).rejects.toMatchObject({ failure: 'ArtifactLost', retryable: false });
        await harness.write(stored, honest);
      }
      expect(Buffer.from(await store.get(SHOP, ref))).toEqual(secret);
      await expect(store.get(OTHER, ref), 'of another target').rejects.toMatchObject({ failure: 'ArtifactLost' });
      await expect(store.get(SHOP, { ...ref, bytes: 1 }), 'of another size').rejects.toMatchObject({ failure: 'ArtifactLost' });
      await harness.loseKey();
      await expect(store.get(SHOP, ref), 'the key is gone').rejects.toMatchObject({ failure: 'ArtifactLost', message: expect.stringContaining('key') as string });
    });

    it('does not open one that was put in the place of another', async () => {
      const mine = await store.put(SHOP, 'snapshot', secret);
      const name = await only();
      await store.put(OTHER, 'snapshot', secret);
      const theirs = (await harness.names()).find((each) => each !== name) ?? '';
      await harness.write(name, await harness.read(theirs));
      await expect(store.get(SHOP, mine)).rejects.toMatchObject({ failure: 'ArtifactLost' });
    });

    it('removes one without touching the same content of another name or target', async () => {
      const one = await store.put(SHOP, 'snapshot', secret);
      const named = await store.put(SHOP, 'release', secret);
      const other = await store.put(OTHER, 'snapshot', secret);
      await store.remove(SHOP, one);
      await store.remove(SHOP, one);
      await expect(store.get(SHOP, one)).rejects.toMatchObject({ failure: 'ArtifactLost' });
      expect([await store.get(SHOP, named), await store.get(OTHER, other)].map((each) => Buffer.from(each))).toEqual([secret, secret]);
    });

    it('prunes what is old, and keeps what is named and what is new', async () => {
      const kept = await store.put(SHOP, 'snapshot', secret);
      const old = await store.put(SHOP, 'release', Buffer.from('old'));
      for (const name of await harness.names()) await harness.age(name, LONG_AGO);
      const fresh = await store.put(SHOP, 'fresh', Buffer.from('fresh'));
      expect(await store.prune(BEFORE, new Set([kept.digest]))).toBe(1);
      expect(Buffer.from(await store.get(SHOP, kept))).toEqual(secret);
      expect(Buffer.from(await store.get(SHOP, fresh))).toEqual(Buffer.from('fresh'));
      await expect(store.get(SHOP, old)).rejects.toMatchObject({ failure: 'ArtifactLost' });
    });

    it('counts retention from the last time that it was stored', async () => {
      await store.put(SHOP, 'snapshot', secret);
      await harness.age(await only(), LONG_AGO);
      await store.put(SHOP, 'snapshot', secret);
      expect(await store.prune(BEFORE, new Set())).toBe(0);
    });

    it('prunes without any key, and nothing where nothing is', async () => {
      expect(await store.prune(BEFORE, new Set())).toBe(0);
      await store.put(SHOP, 'snapshot', secret);
      await harness.age(await only(), LONG_AGO);
      await harness.loseKey();
      expect(await store.prune(BEFORE, new Set())).toBe(1);
    });

    it('refuses names that lead elsewhere', async () => {
      await expect(store.put({ environment: '../dev', target: 'x' }, 'a', secret)).rejects.toMatchObject({ failure: 'Invalid' });
    });
  });
}

import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ArtifactStore } from '../../src/ledger/artifacts.js';
import { sha256 } from '../../src/digest.js';
import { openFolderArtifacts } from '../../src/ledger/folder-artifacts.js';
import { OTHER, SHOP } from './contract/harness.js';

describe('artifacts in a folder', () => {
  let root: string;
  let store: ArtifactStore;
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'holdfast-artifacts-'));
    store = await open();
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const open = (): Promise<ArtifactStore> => openFolderArtifacts({ folder: join(root, 'artifacts'), keyFolder: join(root, 'keys') });
  const files = (environment = 'prod'): string[] => readdirSync(join(root, 'artifacts', environment)).map((name) => join(root, 'artifacts', environment, name));
  const only = (): string => files()[0] ?? '';
  const secret = Buffer.from('password: correct horse battery staple');

  it('gives back what was put, also in another process and after a restart', async () => {
    const ref = await store.put(SHOP, 'snapshot', secret);
    expect(ref).toEqual({ name: 'snapshot', digest: sha256(secret), bytes: secret.length });
    expect(await (await open()).get(SHOP, ref)).toEqual(secret);
  });

  it('takes what is empty and what is large', async () => {
    for (const content of [Buffer.alloc(0), Buffer.alloc(5_000_000, 'x')]) expect(await store.get(SHOP, await store.put(SHOP, 'release', content))).toEqual(content);
  });

  it('stores the same twice as once, and mends what was damaged meanwhile', async () => {
    const ref = await store.put(SHOP, 'snapshot', secret);
    writeFileSync(only(), 'damaged');
    expect(await store.put(SHOP, 'snapshot', secret)).toEqual(ref);
    expect(files()).toHaveLength(1);
    expect(await store.get(SHOP, ref)).toEqual(secret);
  });

  it('shows neither the content nor its digest on the disk, and is readable by its owner alone', async () => {
    const ref = await store.put(SHOP, 'snapshot', secret);
    const bytes = readFileSync(only());
    expect(bytes.includes('correct horse')).toBe(false);
    expect(only()).not.toContain(ref.digest);
    const modes = [join(root, 'artifacts', 'prod'), only(), join(root, 'keys', 'prod.key')].map((path) => (statSync(path).mode & 0o777).toString(8));
    expect(modes).toEqual(['700', '600', '600']);
  });

  it('uses another key for each environment', async () => {
    await store.put(SHOP, 'snapshot', secret);
    await store.put({ environment: 'dev', target: 'storefront' }, 'snapshot', secret);
    expect(readFileSync(join(root, 'keys', 'prod.key'))).not.toEqual(readFileSync(join(root, 'keys', 'dev.key')));
  });

  it('says that it is lost when it is gone, cut, changed, another, or its key is gone', async () => {
    const ref = await store.put(SHOP, 'snapshot', secret);
    const path = only();
    const honest = readFileSync(path);
    const flipped = Buffer.from(honest);
    flipped[flipped.length - 1] = (flipped[flipped.length - 1] ?? 0) ^ 1;
    const cases: readonly { reason: string; make: () => void }[] = [
      { reason: 'changed', make: () => { writeFileSync(path, flipped); } },
      { reason: 'cut in the content', make: () => { writeFileSync(path, honest.subarray(0, 40)); } },
      { reason: 'cut in the header', make: () => { writeFileSync(path, honest.subarray(0, 10)); } },
      { reason: 'empty', make: () => { writeFileSync(path, ''); } },
      { reason: 'gone', make: () => { rmSync(path); } },
    ];
    for (const { reason, make } of cases) {
      make();
      await expect(store.get(SHOP, ref), reason).rejects.toMatchObject({ failure: 'ArtifactLost', retryable: false });
      writeFileSync(path, honest);
    }
    expect(await store.get(SHOP, ref)).toEqual(secret);
    await expect(store.get(OTHER, ref), 'of another target').rejects.toMatchObject({ failure: 'ArtifactLost' });
    await expect(store.get(SHOP, { ...ref, bytes: 1 }), 'of another size').rejects.toMatchObject({ failure: 'ArtifactLost' });
    rmSync(join(root, 'keys', 'prod.key'));
    await expect(store.get(SHOP, ref), 'the key is gone').rejects.toMatchObject({ failure: 'ArtifactLost', message: expect.stringContaining('key') as string });
  });

  it('does not open a file that was put in the place of another', async () => {
    const mine = await store.put(SHOP, 'snapshot', secret);
    const path = only();
    await store.put(OTHER, 'snapshot', secret);
    const theirs = files().find((each) => each !== path) ?? '';
    writeFileSync(path, readFileSync(theirs));
    await expect(store.get(SHOP, mine)).rejects.toMatchObject({ failure: 'ArtifactLost' });
  });

  it('removes one without touching the same content of another name or target', async () => {
    const one = await store.put(SHOP, 'snapshot', secret);
    const named = await store.put(SHOP, 'release', secret);
    const other = await store.put(OTHER, 'snapshot', secret);
    await store.remove(SHOP, one);
    await store.remove(SHOP, one);
    await expect(store.get(SHOP, one)).rejects.toMatchObject({ failure: 'ArtifactLost' });
    expect([await store.get(SHOP, named), await store.get(OTHER, other)]).toEqual([secret, secret]);
  });

  it('prunes what is old, with leftovers of a crash, and keeps what is named', async () => {
    const kept = await store.put(SHOP, 'snapshot', secret);
    const old = await store.put(SHOP, 'release', Buffer.from('old'));
    const paths = [...files(), join(root, 'artifacts', 'prod', 'x.tmp-1')];
    writeFileSync(paths.at(-1) ?? '', 'half');
    for (const path of paths) utimesSync(path, new Date('2026-01-01'), new Date('2026-01-01'));
    const fresh = await store.put(SHOP, 'fresh', Buffer.from('fresh'));
    const foreign = join(root, 'artifacts', 'prod', 'notes.txt');
    writeFileSync(foreign, 'not ours');
    utimesSync(foreign, new Date('2026-01-01'), new Date('2026-01-01'));
    expect(await store.prune('2026-06-01T00:00:00.000Z', new Set([kept.digest]))).toBe(1);
    expect(await store.get(SHOP, kept)).toEqual(secret);
    expect(await store.get(SHOP, fresh)).toEqual(Buffer.from('fresh'));
    await expect(store.get(SHOP, old)).rejects.toMatchObject({ failure: 'ArtifactLost' });
    expect(files()).toHaveLength(3);
  });

  it('counts retention from the last time that it was stored', async () => {
    await store.put(SHOP, 'snapshot', secret);
    utimesSync(only(), new Date('2026-01-01'), new Date('2026-01-01'));
    await store.put(SHOP, 'snapshot', secret);
    expect(await store.prune('2026-06-01T00:00:00.000Z', new Set())).toBe(0);
  });

  it('makes nothing by being opened, and prunes nothing where nothing is', async () => {
    expect(await store.prune('2026-06-01T00:00:00.000Z', new Set())).toBe(0);
    expect(readdirSync(root)).toEqual([]);
  });

  it('refuses names that lead elsewhere, and a key that is none', async () => {
    await expect(store.put({ environment: '../dev', target: 'x' }, 'a', secret)).rejects.toMatchObject({ failure: 'Invalid' });
    await store.put(SHOP, 'snapshot', secret);
    chmodSync(join(root, 'keys', 'prod.key'), 0o600);
    writeFileSync(join(root, 'keys', 'prod.key'), 'short');
    await expect(store.put(SHOP, 'snapshot', secret)).rejects.toMatchObject({ failure: 'Invalid', remedy: expect.any(String) as string });
  });

  it('says that it cannot write, which may pass, instead of losing anything', async () => {
    writeFileSync(join(root, 'artifacts'), 'a file where the folder should be');
    await expect(store.put(SHOP, 'snapshot', secret)).rejects.toMatchObject({ failure: 'Unreachable', retryable: true });
  });
});

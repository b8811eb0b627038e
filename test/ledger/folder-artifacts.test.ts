import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ArtifactStore } from '../../src/ledger/artifacts.js';
import { openFolderArtifacts } from '../../src/ledger/folder-artifacts.js';
import { artifactsContract } from './artifacts-contract.js';
import { SHOP } from './contract/harness.js';

artifactsContract('a folder', async () => {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-artifacts-'));
  const folder = join(root, 'artifacts', 'prod');
  return {
    open: () => openFolderArtifacts({ folder: join(root, 'artifacts'), keyFolder: join(root, 'keys') }),
    names: async () => readdirSync(folder),
    read: async (name) => readFileSync(join(folder, name)),
    write: async (name, bytes) => writeFileSync(join(folder, name), bytes),
    remove: async (name) => rmSync(join(folder, name)),
    age: async (name, at) => utimesSync(join(folder, name), at, at),
    loseKey: async () => rmSync(join(root, 'keys', 'prod.key')),
    dispose: async () => rmSync(root, { recursive: true, force: true }),
  };
});

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

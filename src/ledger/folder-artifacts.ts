import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { sha256 } from '../digest.js';
import { isName, type TargetAddress } from '../domain/address.js';
import { HoldfastError } from '../domain/errors.js';
import type { ArtifactRef } from '../domain/plan.js';
import type { ArtifactStore } from './artifacts.js';
import { keyOnce } from './durable-file.js';
import { KEY_BYTES, keyed, keysFrom, lost, seal, sealedName, unseal, type Keys } from './sealing.js';

export interface FolderArtifactsOptions {
  /** Where the encrypted content lies, one folder per environment, mode 0700. */
  readonly folder: string;
  /** Where the environments' keys lie, `<environment>.key`, mode 0600; made at the first `put`. Keep it out of the other's backup. */
  readonly keyFolder: string;
}

/** Names are `<keyed digest>-<keyed target and name>`, so that pruning can keep by digest and a name tells nothing. */
const FILE_NAME = /^[0-9a-f]{64}-[0-9a-f]{32}$/;
const TEMPORARY = '.tmp-';

/** Opens the embedded artifact store: encrypted files in a folder. Creates nothing before the first `put`. */
export async function openFolderArtifacts(options: FolderArtifactsOptions): Promise<ArtifactStore> {
  const folder = resolve(options.folder);
  const keyFolder = resolve(options.keyFolder);

  return {
    async put(address, name, content) {
      const ref: ArtifactRef = { name, digest: sha256(content), bytes: content.byteLength };
      const keys = keysOf(keyFile(address.environment), 'create') ?? lost(address, ref, 'its key could not be made');
      const path = pathOf(address, ref, keys);
      if ((await tryRead(path, address, ref, keys)) === undefined) await write(path, seal(content, address, { ref, keys }));
      // Stored again is as good as stored now: retention counts from here.
      else await utimes(path, new Date(), new Date());
      return ref;
    },

    async get(address, ref) {
      const keys = keysOf(keyFile(address.environment), 'find') ?? lost(address, ref, `the key of ${address.environment} is gone`);
      const path = pathOf(address, ref, keys);
      const content = await tryRead(path, address, ref, keys);
      return content ?? lost(address, ref, existsSync(path) ? 'it is not what was stored' : 'it is gone');
    },

    async remove(address, ref) {
      const keys = keysOf(keyFile(address.environment), 'find');
      if (keys !== undefined) await rm(pathOf(address, ref, keys), { force: true });
    },

    async prune(before, keep) {
      const limit = Date.parse(before);
      let removed = 0;
      for (const environment of await subfolders(folder)) {
        const kept = keptNames(environment, keep);
        for (const file of await readdir(join(folder, environment))) {
          const mine = FILE_NAME.test(file) || file.includes(TEMPORARY);
          if (!mine || kept.has(file.slice(0, 64)) || !(await isOlder(join(folder, environment, file), limit))) continue;
          await rm(join(folder, environment, file), { force: true });
          if (FILE_NAME.test(file)) removed += 1;
        }
      }
      return removed;
    },

    ready: async () => undefined,
    close: async () => undefined,
  };

  function keyFile(environment: string): string {
    if (!isName(environment)) throw new HoldfastError('Invalid', `artifacts: ${JSON.stringify(environment.slice(0, 80))} is no environment's name`);
    return join(keyFolder, `${environment}.key`);
  }

  function pathOf(address: TargetAddress, ref: ArtifactRef, keys: Keys): string {
    return join(folder, address.environment, sealedName(address, ref, keys));
  }

  /** Without the key nothing can be kept by digest, and nothing be read either. */
  function keptNames(environment: string, keep: ReadonlySet<string>): ReadonlySet<string> {
    const keys = keysOf(keyFile(environment), 'find');
    return keys === undefined ? new Set() : new Set([...keep].map((digest) => keyed(keys, digest)));
  }
}

function keysOf(file: string, mode: 'find' | 'create'): Keys | undefined {
  if (mode === 'find' && !existsSync(file)) return undefined;
  const stored = keyOnce(file, () => randomBytes(KEY_BYTES));
  if (stored.length !== KEY_BYTES) throw new HoldfastError('Invalid', `artifacts: ${file} is not a key of ${KEY_BYTES} bytes`, { remedy: 'restore it from the backup; with a new key, what was stored is lost' });
  return keysFrom(stored);
}

/** The content, or `undefined` when the file is missing or is not what was stored under that reference. */
async function tryRead(path: string, address: TargetAddress, ref: ArtifactRef, keys: Keys): Promise<Buffer | undefined> {
  let file: Buffer;
  try {
    file = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new HoldfastError('Unreachable', `artifacts: ${path} cannot be read`, { cause: error, remedy: 'check the owner and mode of the folder, and the disk' });
  }
  return unseal(file, address, { ref, keys });
}

/** Durable before it returns: a step that has the reference finds the content, also after a power cut. */
async function write(path: string, content: Buffer): Promise<void> {
  const parent = resolve(path, '..');
  const temporary = `${path}${TEMPORARY}${randomBytes(6).toString('hex')}`;
  try {
    await mkdir(parent, { recursive: true, mode: 0o700 });
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await sync(parent);
    await sync(resolve(parent, '..'));
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new HoldfastError('Unreachable', `artifacts: ${parent} cannot be written`, { cause, remedy: 'check the owner and mode of the folder, and that the disk is not full' });
  }
}

async function sync(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function subfolders(folder: string): Promise<readonly string[]> {
  try {
    const found = await readdir(folder, { withFileTypes: true });
    return found.filter((each) => each.isDirectory() && isName(each.name)).map((each) => each.name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new HoldfastError('Unreachable', `artifacts: ${folder} cannot be read`, { cause: error });
  }
}

/** Gone meanwhile, by another pruning, is not older. */
async function isOlder(path: string, limit: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && found.mtimeMs < limit;
}

import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDataFolder, runningUp } from '../../src/embedded/data-folder.js';
import { tryLock } from '../../src/embedded/lock.js';
import { ownIdentity } from '../../src/system/process.js';

let parent: string;
let dataDir: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'holdfast-data-'));
  dataDir = join(parent, 'nested', '.holdfast');
});

afterEach(async () => {
  await chmod(parent, 0o700);
  await rm(parent, { recursive: true, force: true });
});

test('the folder is for its owner alone, because it holds the record and the artifacts', async () => {
  const folder = await openDataFolder(dataDir);
  expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
  await folder.release();
});

test('one that others could read is closed to them', async () => {
  await mkdir(dataDir, { recursive: true });
  await chmod(dataDir, 0o755);
  await (await openDataFolder(dataDir)).release();
  expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
});

test('a second one is refused while the first lives, by name and with the remedy', async () => {
  const first = await openDataFolder(dataDir);
  expect(await runningUp(dataDir)).toMatchObject({ pid: process.pid });
  await expect(openDataFolder(dataDir)).rejects.toMatchObject({ failure: 'Refused', message: expect.stringContaining(`process ${process.pid}`) as string, remedy: expect.stringContaining('--data-dir') as string });
  await first.release();
  expect(await runningUp(dataDir)).toBeUndefined();
  await (await openDataFolder(dataDir)).release();
});

test('a lock left by a process that was killed is taken over', async () => {
  await mkdir(dataDir, { recursive: true });
  const me = ownIdentity();
  await writeFile(join(dataDir, 'up.lock'), JSON.stringify({ ...me, startTime: 'earlier' }));
  const folder = await openDataFolder(dataDir);
  expect(JSON.parse(await readFile(join(dataDir, 'up.lock'), 'utf8'))).toEqual(me);
  await folder.release();
});

test('a lock from another machine stands, because nobody here can tell whether its holder lives', async () => {
  await mkdir(dataDir, { recursive: true });
  await writeFile(join(dataDir, 'up.lock'), JSON.stringify({ host: 'elsewhere', pid: 4242, startTime: 's' }));
  await expect(openDataFolder(dataDir)).rejects.toThrow('process 4242 on elsewhere');
});

test('a lock file with other content stands, and the remedy says what to remove', async () => {
  await mkdir(dataDir, { recursive: true });
  await writeFile(join(dataDir, 'up.lock'), 'hello');
  await expect(openDataFolder(dataDir)).rejects.toMatchObject({ remedy: expect.stringContaining('up.lock') as string });
});

test('of many that try at once one has the lock, also when a stale one lies there', async () => {
  const file = join(parent, 'lock');
  await writeFile(file, JSON.stringify({ ...ownIdentity(), startTime: 'earlier' }));
  const results = await Promise.all(Array.from({ length: 30 }, () => tryLock(file)));
  expect(results.filter((result) => result.held)).toHaveLength(1);
});

test('a place that cannot be a folder is refused with the remedy', async () => {
  await writeFile(join(parent, 'file'), '');
  await expect(openDataFolder(join(parent, 'file', '.holdfast'))).rejects.toMatchObject({ failure: 'Refused', remedy: expect.stringContaining('--data-dir') as string });
});

test('a read-only folder is refused with the remedy', async () => {
  await chmod(parent, 0o555);
  // Root may write everywhere, so the look is taken as somebody who may not.
  const root = process.geteuid?.() === 0;
  if (root) process.seteuid?.(65_534);
  try {
    await expect(openDataFolder(dataDir)).rejects.toMatchObject({ failure: 'Refused', remedy: expect.stringContaining('writable') as string });
  } finally {
    if (root) process.seteuid?.(0);
  }
});

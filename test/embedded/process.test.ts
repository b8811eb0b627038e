import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { afterEach, expect, test } from 'vitest';
import { commandOf, endProcess, findProcesses } from '../../src/embedded/process.js';
import { identityOf, isRunning, ownIdentity, parseIdentity, type ProcessIdentity } from '../../src/system/process.js';

const children: { kill(signal: NodeJS.Signals): boolean }[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function child(code: string): Promise<ProcessIdentity> {
  const started = spawn(process.execPath, ['-e', `${code}; process.stdout.write('.'); setInterval(() => 0, 1000)`], { stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(started);
  await once(started.stdout, 'data');
  const identity = identityOf(started.pid ?? 0);
  if (identity === undefined) throw new Error('the child did not start');
  return identity;
}

test('this process is found under its own identity, which stays the same', async () => {
  const first = ownIdentity();
  expect(first).toMatchObject({ host: hostname(), pid: process.pid });
  expect(ownIdentity()).toEqual(first);
  expect(isRunning(first)).toBe(true);
});

test('a reused process id is another process, because ids are given out again', async () => {
  const me = ownIdentity();
  expect(isRunning({ ...me, startTime: `${me.startTime}0` })).toBe(false);
  expect(isRunning({ ...me, host: 'elsewhere' })).toBe(false);
});

test('a process that ends when asked needs no force', async () => {
  const identity = await child('');
  expect(await endProcess(identity, 5000)).toBe(false);
  expect(isRunning(identity)).toBe(false);
});

test('a process that ignores SIGTERM is ended by force', async () => {
  const identity = await child("process.on('SIGTERM', () => 0)");
  expect(await endProcess(identity, 300)).toBe(true);
  expect(isRunning(identity)).toBe(false);
});

test('ending an identity whose id another process now bears ends nothing', async () => {
  const identity = await child('');
  expect(await endProcess({ ...identity, startTime: 'earlier' }, 100)).toBe(false);
  expect(isRunning(identity)).toBe(true);
});

test('processes are found by words of their command line', async () => {
  const marker = `marker-${process.pid}-${Date.now()}`;
  const { pid } = await child(`'${marker}'`);
  expect((await findProcesses([marker])).map((found) => found.pid)).toEqual([pid]);
  expect((await commandOf(pid))?.join(' ')).toContain(marker);
});

test('the first process is somebody: a worker that runs alone in a container holds its locks as that', () => {
  const first = { host: hostname(), pid: 1, startTime: identityOf(1)?.startTime ?? '' };
  expect(parseIdentity(first)).toEqual(first);
});

test.each([
  { value: null, reason: 'nothing' },
  { value: { host: 'h', pid: 0, startTime: 's' }, reason: 'a signal to 0 reaches the whole group' },
  { value: { host: 'h', pid: -1, startTime: 's' }, reason: 'a signal to -1 reaches every process' },
  { value: { host: 'h', pid: 2.5, startTime: 's' }, reason: 'not a process id' },
  { value: { host: 'h', pid: 22 }, reason: 'without a start time it names nobody' },
])('is refused as an identity: $reason', ({ value }) => {
  expect(parseIdentity(value)).toBeUndefined();
});

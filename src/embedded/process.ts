import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { platform } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { errorCode } from '../system/error-code.js';
import { isRunning, type ProcessIdentity } from '../system/process.js';

export interface FoundProcess {
  readonly pid: number;
  readonly command: readonly string[];
}

const run = promisify(execFile);

/** The command line of a process, or undefined when it has ended or hides it. */
export async function commandOf(pid: number): Promise<readonly string[] | undefined> {
  if (platform() === 'linux') {
    const raw = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return raw === '' ? undefined : raw.replace(/\0$/, '').split('\0');
  }
  const { stdout } = await run('ps', ['-ww', '-o', 'command=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return stdout.trim() === '' ? undefined : stdout.trim().split(' ');
}

/** Processes of this machine whose command line holds every one of these words. */
export async function findProcesses(words: readonly string[]): Promise<readonly FoundProcess[]> {
  const found: FoundProcess[] = [];
  for (const pid of await allPids()) {
    const command = await commandOf(pid);
    const line = command?.join(' ') ?? '';
    if (command !== undefined && words.every((word) => line.includes(word))) found.push({ pid, command });
  }
  return found;
}

/** No signal goes to the first process, which everything else lives under. */
const FIRST = 1;

/**
 * Asks a process to end, and ends it by force after `graceMs`. Does nothing when it has already ended,
 * or when its process id now belongs to another. Returns whether the force was needed.
 */
export async function endProcess(identity: ProcessIdentity, graceMs: number): Promise<boolean> {
  if (identity.pid === FIRST || !isRunning(identity)) return false;
  send(identity.pid, 'SIGTERM');
  const deadline = Date.now() + graceMs;
  while (Date.now() < deadline) {
    if (!isRunning(identity)) return false;
    await sleep(50);
  }
  if (!isRunning(identity)) return false;
  send(identity.pid, 'SIGKILL');
  for (let look = 0; look < 100 && isRunning(identity); look += 1) await sleep(50);
  return true;
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}

async function allPids(): Promise<readonly number[]> {
  if (platform() === 'linux') {
    const names = await readdir('/proc').catch(() => []);
    return names.filter((name) => /^\d+$/.test(name)).map(Number);
  }
  const { stdout } = await run('ps', ['-axo', 'pid=']).catch(() => ({ stdout: '' }));
  return stdout.split('\n').map((line) => Number(line.trim())).filter((pid) => pid > 1);
}

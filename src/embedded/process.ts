import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { hostname, platform } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

/** Names one process for good: a process id alone is given out again once its owner has ended. */
export interface ProcessIdentity {
  readonly host: string;
  readonly pid: number;
  /** Start time as the kernel tells it; compared for equality only. */
  readonly startTime: string;
}

export interface FoundProcess {
  readonly pid: number;
  readonly command: readonly string[];
}

const run = promisify(execFile);

/** Undefined when no such process runs (one that has ended but was not yet collected counts as ended). */
export async function identityOf(pid: number): Promise<ProcessIdentity | undefined> {
  const startTime = platform() === 'linux' ? await startTimeFromProc(pid) : await startTimeFromPs(pid);
  return startTime === undefined ? undefined : { host: hostname(), pid, startTime };
}

export async function ownIdentity(): Promise<ProcessIdentity> {
  const identity = await identityOf(process.pid);
  if (identity === undefined) throw new Error(`the start time of process ${process.pid} cannot be read`);
  return identity;
}

/** True when exactly this process runs on this machine. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  if (identity.host !== hostname()) return false;
  const now = await identityOf(identity.pid);
  return now !== undefined && now.startTime === identity.startTime;
}

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

/**
 * Asks a process to end, and ends it by force after `graceMs`. Does nothing when it has already ended,
 * or when its process id now belongs to another. Returns whether the force was needed.
 */
export async function endProcess(identity: ProcessIdentity, graceMs: number): Promise<boolean> {
  if (!(await isAlive(identity))) return false;
  send(identity.pid, 'SIGTERM');
  const deadline = Date.now() + graceMs;
  while (Date.now() < deadline) {
    if (!(await isAlive(identity))) return false;
    await sleep(50);
  }
  if (!(await isAlive(identity))) return false;
  send(identity.pid, 'SIGKILL');
  for (let look = 0; look < 100 && (await isAlive(identity)); look += 1) await sleep(50);
  return true;
}

/** Reads an identity back from JSON that anything may have written. */
export function parseIdentity(value: unknown): ProcessIdentity | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { host, pid, startTime } = value as Record<string, unknown>;
  if (typeof host !== 'string' || typeof startTime !== 'string') return undefined;
  // Signals to 0 and below go to whole groups of processes.
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 1) return undefined;
  return { host, pid, startTime };
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function startTimeFromProc(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat === undefined) return undefined;
  // The second field is the name in brackets and may itself hold spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const ticks = fields[19];
  if (ticks === undefined || state === 'Z' || state === 'X') return undefined;
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => 'boot');
  return `${boot.trim().slice(0, 8)}/${ticks}`;
}

async function startTimeFromPs(pid: number): Promise<string | undefined> {
  const { stdout } = await run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  const match = /^(\S+)\s+(.+)$/.exec(stdout.trim());
  if (match === null || match[1]?.startsWith('Z') === true) return undefined;
  return match[2];
}

async function allPids(): Promise<readonly number[]> {
  if (platform() === 'linux') {
    const names = await readdir('/proc').catch(() => []);
    return names.filter((name) => /^\d+$/.test(name)).map(Number);
  }
  const { stdout } = await run('ps', ['-axo', 'pid=']).catch(() => ({ stdout: '' }));
  return stdout.split('\n').map((line) => Number(line.trim())).filter((pid) => pid > 1);
}

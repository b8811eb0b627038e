import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from '../../system/error-code.js';
import type { ChildProcessIdentity } from '../provider.js';

/** Identity of a process of this machine; `undefined` once it has ended. */
export function identityOfProcess(pid: number): ChildProcessIdentity | undefined {
  const startTime = startTimeOf(pid);
  return startTime === undefined ? undefined : { host: hostname(), pid, startTime };
}

export function ownProcess(): ChildProcessIdentity {
  return identityOfProcess(process.pid) ?? { host: hostname(), pid: process.pid, startTime: 'unknown' };
}

/** True while exactly this process runs on this machine. */
export function isRunning(identity: ChildProcessIdentity): boolean {
  return identity.host === hostname() && startTimeOf(identity.pid) === identity.startTime;
}

/** Ends a process and the group that it leads: asked first, then by force. Does nothing once it has ended. */
export async function endProcessGroup(identity: ChildProcessIdentity, graceMs = 3000): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!isRunning(identity)) return;
    send(identity.pid, signal);
    const until = Date.now() + graceMs;
    while (Date.now() < until && isRunning(identity)) await sleep(20);
  }
}

/** Processes of this machine that carry `name=value` in the environment they were started with. Linux only: elsewhere there are none to find. */
export function processesWith(name: string, value: string): ChildProcessIdentity[] {
  return numericFolders('/proc').flatMap((pid) => {
    const mark = `\0${name}=${value}\0`;
    const found = pid > 1 && pid !== process.pid && `\0${readQuietly(`/proc/${pid}/environ`)}`.includes(mark);
    const identity = found ? identityOfProcess(pid) : undefined;
    return identity === undefined ? [] : [identity];
  });
}

function send(pid: number, signal: NodeJS.Signals): void {
  for (const whom of [-pid, pid]) {
    try {
      process.kill(whom, signal);
      return;
    } catch (error) {
      // It leads no group, or has just ended.
      if (errorCode(error) !== 'ESRCH') throw error;
    }
  }
}

function startTimeOf(pid: number): string | undefined {
  if (process.platform !== 'linux') return startTimeFromPs(pid);
  const stat = readQuietly(`/proc/${pid}/stat`);
  // The name of the program, in brackets, may hold anything.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields[18];
  if (ticks === undefined || state === 'Z' || state === 'X') return undefined;
  return `${readQuietly('/proc/sys/kernel/random/boot_id').slice(0, 8)}/${ticks}`;
}

function startTimeFromPs(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return line === '' || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '');
  } catch {
    return undefined;
  }
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function numericFolders(path: string): number[] {
  try {
    return readdirSync(path).filter((name) => /^\d+$/.test(name)).map(Number);
  } catch {
    return [];
  }
}

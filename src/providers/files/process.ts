import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from '../../system/error-code.js';
import { identityOf, isRunning } from '../../system/process.js';
import type { ChildProcessIdentity } from '../provider.js';

/** Ends a process and the group that it leads: asked first, then by force. Does nothing once it has ended. */
export async function endProcessGroup(identity: ChildProcessIdentity, graceMs = 3000): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    // A signal to the group of the first process would reach every process.
    if (identity.pid === 1 || !isRunning(identity)) return;
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
    const identity = found ? identityOf(pid) : undefined;
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

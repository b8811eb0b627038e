import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Names one process for good: a process id alone is given out again once its owner has ended. */
export interface ProcessIdentity {
  readonly host: string;
  readonly pid: number;
  /** Start time as the kernel tells it; compared for equality only. */
  readonly startTime: string;
}

/** Identity of a process of this machine; `undefined` once it has ended (one that was not yet collected counts as ended). */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const startTime = startTimeOf(pid);
  return startTime === undefined ? undefined : { host: hostname(), pid, startTime };
}

export function ownIdentity(): ProcessIdentity {
  const identity = identityOf(process.pid);
  if (identity === undefined) throw new Error(`the start time of process ${process.pid} cannot be read`);
  return identity;
}

/** True while exactly this process runs on this machine. */
export function isRunning(identity: ProcessIdentity): boolean {
  return identity.host === hostname() && startTimeOf(identity.pid) === identity.startTime;
}

/** Reads an identity back from JSON that anything may have written. */
export function parseIdentity(value: unknown): ProcessIdentity | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { host, pid, startTime } = value as Record<string, unknown>;
  if (typeof host !== 'string' || typeof startTime !== 'string') return undefined;
  // Signals to 0 and below go to whole groups of processes. 1 is who runs alone in a container.
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid < 1) return undefined;
  return { host, pid, startTime };
}

function startTimeOf(pid: number): string | undefined {
  if (process.platform !== 'linux') return startTimeFromPs(pid);
  const stat = readQuietly(`/proc/${pid}/stat`);
  // The name of the program, in brackets, may itself hold spaces and brackets.
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

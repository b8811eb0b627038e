import { spawn, type ChildProcess } from 'node:child_process';
import { errorCode } from './error-code.js';

export interface CommandInput {
  /** The program and its arguments; no shell reads them. */
  readonly command: readonly string[];
  /** Added to `PATH`, `HOME`, `LANG`, `TZ` and `TMPDIR`: nothing else of this process's environment is passed on. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Told the process id once the command runs, so that the caller can record whom to look for. */
  readonly onStart?: (pid: number) => void;
}

export type CommandEnd =
  | { readonly end: 'exited'; readonly code: number }
  | { readonly end: 'signalled'; readonly signal: string }
  | { readonly end: 'timed-out' }
  | { readonly end: 'aborted' }
  | { readonly end: 'not-started'; readonly code: string };

/** `stderr` holds the first 4 KiB, as the command wrote it: redact and sanitise before showing any of it. */
export type CommandResult = CommandEnd & { readonly stderr: string };

const PASSED_ON = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR'] as const;
const STDERR_BYTES = 4096;
/** How long a command may take to end after SIGTERM, and its pipes to close after its end. */
const GRACE_MS = 2000;

/** Runs a command in a process group of its own and ends the whole group with it. It never throws. */
export async function runCommand(input: CommandInput): Promise<CommandResult> {
  const [program, ...args] = input.command;
  if (program === undefined) return { end: 'not-started', code: 'no program is named', stderr: '' };
  if (input.signal.aborted) return { end: 'aborted', stderr: '' };
  const child = spawn(program, args, {
    shell: false,
    detached: true,
    env: { ...passedOn(), ...input.env },
    stdio: [input.stdin === undefined ? 'ignore' : 'pipe', 'ignore', 'pipe'],
    ...(input.cwd === undefined ? {} : { cwd: input.cwd }),
  });
  if (child.pid !== undefined) input.onStart?.(child.pid);
  const stderr = collect(child);
  // A command that does not read its input closes the pipe; that is its right.
  child.stdin?.on('error', () => undefined).end(input.stdin);
  return { ...(await endOf(child, input)), stderr: stderr() };
}

function passedOn(): Record<string, string> {
  return Object.fromEntries(PASSED_ON.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
}

function collect(child: ChildProcess): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  child.stderr?.on('data', (chunk: Buffer) => {
    if (bytes < STDERR_BYTES) chunks.push(chunk);
    bytes += chunk.length;
  });
  return () => Buffer.concat(chunks).subarray(0, STDERR_BYTES).toString('utf8');
}

function endOf(child: ChildProcess, input: CommandInput): Promise<CommandEnd> {
  return new Promise((resolve) => {
    let stopped: 'timed-out' | 'aborted' | undefined;
    let killer: NodeJS.Timeout | undefined;

    function stop(why: 'timed-out' | 'aborted'): void {
      if (stopped !== undefined) return;
      stopped = why;
      endGroup(child, 'SIGTERM');
      killer = setTimeout(() => {
        endGroup(child, 'SIGKILL');
        // A process that even SIGKILL cannot end waits in the kernel; nobody can wait for it here.
        killer = setTimeout(() => { settle({ end: why }); }, GRACE_MS);
      }, GRACE_MS);
    }
    function settle(end: CommandEnd): void {
      clearTimeout(timer);
      clearTimeout(killer);
      input.signal.removeEventListener('abort', onAbort);
      child.stderr?.destroy();
      resolve(stopped === undefined ? end : { end: stopped });
    }
    function onAbort(): void {
      stop('aborted');
    }

    const timer = setTimeout(() => { stop('timed-out'); }, input.timeoutMs);
    input.signal.addEventListener('abort', onAbort, { once: true });
    child.on('error', (error) => { settle({ end: 'not-started', code: errorCode(error) }); });
    child.on('exit', (code, signal) => {
      const end: CommandEnd = code === null ? { end: 'signalled', signal: signal ?? 'unknown' } : { end: 'exited', code };
      // What the command left behind in its group goes with it, or it would hold the pipe for ever.
      const left = setTimeout(() => { endGroup(child, 'SIGKILL'); settle(end); }, 100);
      child.on('close', () => {
        clearTimeout(left);
        if (stopped !== undefined) endGroup(child, 'SIGKILL');
        settle(end);
      });
    });
  });
}

function endGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // The group is gone already, or another user's by now.
    if (errorCode(error) !== 'ESRCH' && errorCode(error) !== 'EPERM') throw error;
  }
}

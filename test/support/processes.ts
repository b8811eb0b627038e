import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = join(import.meta.dirname, '..', '..');
export const HOLDFAST = join(ROOT, 'bin', 'holdfast');
export const WORKER_PROCESS = join(ROOT, 'test', 'faults', 'worker-process.mjs');

/** A real process of Holdfast, started by a test and ended with it. */
export interface Running {
  readonly pid: number;
  /** Everything that it has said so far. */
  said(): string;
  /** Settles when it has ended, with its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  isRunning(): boolean;
  /** SIGKILL: it gets no chance to do anything more. */
  kill(): Promise<void>;
  /** SIGTERM, and SIGKILL when that is not enough. */
  stop(): Promise<void>;
}

/** Runs a script on this very Node. */
export function startNode(args: readonly string[], env: Readonly<Record<string, string>> = {}, command: readonly string[] = [process.execPath]): Running {
  return startCommand({ command: [...command, ...args], cwd: ROOT, env: { ...process.env, ...env } });
}

export interface CommandStart {
  readonly command: readonly string[];
  readonly cwd: string;
  /** All that it gets: nothing of this process is added. */
  readonly env: NodeJS.ProcessEnv;
}

export function startCommand({ command: [program = process.execPath, ...args], cwd, env }: CommandStart): Running {
  const child = spawn(program, args, { cwd, env: { ...env, NO_COLOR: '1' }, stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = endOf(child);
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  const signal = async (name: NodeJS.Signals): Promise<void> => {
    if (isRunning()) child.kill(name);
    await ended;
  };
  return {
    pid: child.pid ?? 0,
    said: () => Buffer.concat(chunks).toString(),
    ended,
    isRunning,
    kill: () => signal('SIGKILL'),
    stop: async () => {
      if (isRunning()) child.kill('SIGTERM');
      await Promise.race([ended, sleep(15_000)]);
      await signal('SIGKILL');
    },
  };
}

function endOf(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code ?? signal ?? -1));
  });
}

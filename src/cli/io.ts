import { userInfo } from 'node:os';
import { isatty } from 'node:tty';

/** Everything a command may touch of its process, so that a test can run one without a process. */
export interface Io {
  /** Data. Resolves when the reader took it, so that a large export does not gather in memory. */
  out(text: string): Promise<void>;
  /** Everything that is not data. */
  err(text: string): void;
  /** Standard input as text, up to so many characters. */
  input?(limit: number): Promise<string>;
  readonly outTty: boolean;
  readonly errTty: boolean;
  readonly columns: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The name this process runs under; absent when the system knows none. */
  readonly user: string | undefined;
  /** Fires on the first SIGINT or SIGTERM, or when nobody reads standard output any more. */
  readonly signal: AbortSignal;
  now(): Date;
  /** Resolves early when the signal fires. */
  sleep(ms: number): Promise<void>;
}

/** Why `Io.signal` fired. */
export type Interruption = 'SIGINT' | 'SIGTERM' | 'stdout-closed';

export interface ProcessIo extends Io {
  dispose(): void;
}

/**
 * The real process. The first SIGINT asks the command to end; the second ends the process with 130
 * whatever the command is doing. A closed standard output (`holdfast … | head`) ends it quietly.
 */
export function processIo(): ProcessIo {
  const controller = new AbortController();
  const interrupt = (why: Interruption) => controller.abort(why);
  const onSigint = () => {
    if (controller.signal.aborted) process.exit(130);
    interrupt('SIGINT');
  };
  const onSigterm = () => interrupt('SIGTERM');
  const onStdout = (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED') interrupt('stdout-closed');
    else throw error;
  };
  const onStderr = () => undefined;
  process.on('SIGINT', onSigint);
  process.on('SIGTERM', onSigterm);
  process.stdout.on('error', onStdout);
  process.stderr.on('error', onStderr);
  return {
    out: (text) => writeOut(text, controller.signal),
    err: (text) => void process.stderr.write(text),
    input: readInput,
    outTty: isatty(1),
    errTty: isatty(2),
    columns: process.stdout.columns || process.stderr.columns || 100,
    env: process.env,
    cwd: process.cwd(),
    user: userName(),
    signal: controller.signal,
    now: () => new Date(),
    sleep: (ms) => sleep(ms, controller.signal),
    dispose: () => {
      process.off('SIGINT', onSigint);
      process.off('SIGTERM', onSigterm);
    },
  };
}

export function interruptionOf(signal: AbortSignal): Interruption | undefined {
  if (!signal.aborted) return undefined;
  const reason: unknown = signal.reason;
  return reason === 'SIGTERM' || reason === 'stdout-closed' ? reason : 'SIGINT';
}

function writeOut(text: string, signal: AbortSignal): Promise<void> {
  if (signal.aborted && signal.reason === 'stdout-closed') return Promise.resolve();
  return new Promise((resolve) => {
    process.stdout.write(text, () => resolve());
  });
}

async function readInput(limit: number): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += String(chunk);
    if (text.length >= limit) break;
  }
  return text.slice(0, limit);
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}

function userName(): string | undefined {
  const named = process.env['USER'] ?? process.env['LOGNAME'] ?? process.env['USERNAME'];
  if (named !== undefined && named !== '') return named;
  try {
    return userInfo().username;
  } catch {
    return undefined; // an id without a passwd entry, as containers have
  }
}

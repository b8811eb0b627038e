import { composeDeps } from './compose.js';
import { processIo } from './io.js';
import { run } from './program.js';

const LINGER_MS = 1_000;

/**
 * The command line. `argv` are the arguments after the program's name; the result is the exit code,
 * with which the caller ends the process. Never throws. What hangs on in spite of having been asked
 * to end (a provider that ignores its signal) is ended with the process a moment later.
 */
export async function main(argv: readonly string[]): Promise<number> {
  const io = processIo();
  const code = await run(argv, io, composeDeps(io));
  io.dispose();
  setTimeout(() => process.exit(code), LINGER_MS).unref();
  return code;
}

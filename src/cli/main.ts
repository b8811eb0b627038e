import { composeDeps } from './compose.js';
import { processIo } from './io.js';
import { run } from './program.js';

/**
 * The command line. `argv` are the arguments after the program's name; the result is the exit code,
 * with which the caller ends the process. Never throws, never ends the process itself save on a
 * second SIGINT.
 */
export async function main(argv: readonly string[]): Promise<number> {
  const io = processIo();
  try {
    return await run(argv, io, composeDeps(io));
  } finally {
    io.dispose();
  }
}

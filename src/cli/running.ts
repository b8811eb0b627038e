import type { Context } from './context.js';
import type { Running } from './deps.js';
import { EXIT } from './exit.js';

/** Keeps workers running until a signal asks them to end; the second SIGINT ends the process at once (see io.ts). */
export async function untilStopped(context: Context, running: Running): Promise<number> {
  const stop = () => {
    context.note('Ending: steps under way finish first. Ctrl-C again ends at once; nothing is lost either way.');
    running.shutdown();
  };
  if (context.io.signal.aborted) stop();
  else context.io.signal.addEventListener('abort', stop, { once: true });
  try {
    await running.run;
    return EXIT.done;
  } finally {
    context.io.signal.removeEventListener('abort', stop);
  }
}

import type { EnvironmentCommand } from '../client.js';
import type { Context } from './context.js';
import { CliError } from './errors.js';
import { EXIT } from './exit.js';
import { plain } from './render/escape.js';

/** Sends a command to an environment and says what it does; a refusal is an error. */
export async function command(context: Context, environment: string, said: EnvironmentCommand): Promise<number> {
  const { client } = await context.connect();
  try {
    const answer = await client.command(environment, said);
    const exitCode = answer.ok ? EXIT.done : EXIT.error;
    if (context.json) await context.printJson('command', { ...said, verified: false, ...answer, exitCode });
    else if (answer.ok) await context.say(plain(answer.message));
    else throw new CliError(answer.message);
    return exitCode;
  } finally {
    await client.close();
  }
}

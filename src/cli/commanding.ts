import type { EnvironmentCommand } from '../client.js';
import type { Context } from './context.js';
import { CliError } from './errors.js';
import { EXIT, worstExit } from './exit.js';
import { plain } from './render/escape.js';

/** A command to one environment; what it is about is in the command itself. */
export interface Commanded {
  readonly environment: string;
  readonly command: EnvironmentCommand;
}

/** Sends commands to environments and says what each will do. All are sent, also when one is refused. */
export async function command(context: Context, commands: readonly Commanded[]): Promise<number> {
  if (commands.length === 0) throw new CliError('the configuration has no environment to say this to');
  const { client } = await context.connect();
  try {
    const results = [];
    for (const each of commands) {
      const answer = await client.command(each.environment, each.command);
      results.push({ environment: each.environment, scope: each.command.scope, ...answer, exitCode: answer.ok ? EXIT.done : EXIT.error });
    }
    if (context.json) await context.printJson('command', { command: commands[0]?.command.command, by: commands[0]?.command.by, verified: false, answers: results });
    else await sayAnswers(context, results);
    return worstExit(results.map((result) => result.exitCode));
  } finally {
    await client.close();
  }
}

async function sayAnswers(context: Context, results: readonly { readonly environment: string; readonly ok: boolean; readonly message: string }[]): Promise<void> {
  for (const { environment, ok, message } of results) {
    const text = `${environment}: ${plain(message)}`;
    if (ok) await context.say(text);
    else context.note(`holdfast: ${text}`);
  }
}

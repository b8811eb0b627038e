import { Option, type Command } from 'commander';
import type { EnvironmentCommand } from '../client.js';
import { mustSignCommand } from '../config/config.js';
import { onlyStops } from '../domain/approving/signed.js';
import { parseInstant } from './render/time.js';
import { addSigning, printStatement, provesItself, signed, type Signing } from './signing.js';
import type { Context } from './context.js';
import { CliError } from './errors.js';
import { EXIT } from './exit.js';
import { plain } from './render/escape.js';

/** Sends a command to an environment and says what it does; a refusal is an error. */
export async function command(context: Context, environment: string, said: EnvironmentCommand, signing: CommandSigning = {}): Promise<number> {
  const signedSaid = await signedCommand(context, environment, { said, signing });
  if (typeof signedSaid === 'number') return signedSaid;
  const { client } = await context.connect();
  try {
    const answer = await client.command(environment, signedSaid);
    const exitCode = answer.ok ? EXIT.done : answer.unauthorised === true ? EXIT.unauthorised : EXIT.error;
    if (context.json) await context.printJson('command', { ...signedSaid, verified: signedSaid.signature !== undefined, ...answer, exitCode });
    else if (answer.ok) await context.say(plain(answer.message));
    else throw new CliError(answer.message, { exit: exitCode });
    return exitCode;
  } finally {
    await client.close();
  }
}

/** How a command is signed: as a decision is, and with the time at which that was done elsewhere. */
export interface CommandSigning extends Signing {
  readonly signedAt?: string;
  /** As given with --by. */
  readonly by?: string;
}

export function addCommandSigning(command: Command): Command {
  return addSigning(command).addOption(new Option('--signed-at <time>', 'with --signature: the time that --print-statement has put in'));
}

interface Saying {
  readonly said: EnvironmentCommand;
  readonly signing: CommandSigning;
}

/** The command with its signature, where one is given or asked for; or, where only the words were asked for, the exit code. */
async function signedCommand(context: Context, environment: string, { said, signing }: Saying): Promise<EnvironmentCommand | number> {
  const config = await context.config();
  const needed = !onlyStops(said) && mustSignCommand(config, environment, said.scope);
  if (!needed && !provesItself(signing) && signing.printStatement !== true) return said;
  const { commandStatement } = await import('../trust/statement.js');
  const signedAt = signedAtOf(context, signing);
  const statementOf = (by: string): string => commandStatement(config.project, { ...said, by, signedAt });
  const what = `${said.command} ${said.scope}`;
  // Whoever holds the key speaks, unless somebody is named.
  const by = signing.by === undefined ? {} : { by: signing.by };
  if (signing.printStatement === true) return printStatement(context, { statementOf, what, again: ` --signed-at ${signedAt}`, ...by });
  const { by: speaker, signature } = await signed(context, { signing, needed, statementOf, what, ...by });
  return signature === undefined ? said : { ...said, by: speaker, signature, signedAt };
}

function signedAtOf(context: Context, { signedAt, signature }: CommandSigning): string {
  if (signature !== undefined && signedAt === undefined) throw new CliError('--signature of a command needs the time that was signed', { remedy: 'Give the --signed-at that --print-statement has printed.' });
  if (signedAt === undefined) return context.io.now().toISOString();
  const instant = parseInstant(signedAt);
  if (instant === undefined) throw new CliError(`--signed-at ${signedAt} is not a time`, { remedy: 'Give the one that --print-statement has printed.' });
  return instant;
}

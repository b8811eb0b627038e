import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { KEY } from '../domain/gates/gate.js';
import { NOBODY, principalOf, type People } from '../domain/approving/people.js';
import type { Context } from './context.js';
import { CliError } from './errors.js';
import { EXIT } from './exit.js';
import { decider } from './options.js';
import { readAtMost } from './read-at-most.js';
import { shellWord } from './render/escape.js';

/** How somebody proves that it is they who say something. */
export interface Signing {
  /** File of a private key, or of the public half of one that the agent holds. */
  readonly key?: string;
  /** File with a signature that was made elsewhere; `-` is standard input. */
  readonly signature?: string;
  readonly printStatement?: boolean;
}

export function addSigning(command: Command): Command {
  return command
    .addOption(new Option('--key <file>', 'sign with this SSH key: a private key, or the .pub file of one that the agent holds').conflicts(['signature', 'printStatement']))
    .addOption(new Option('--signature <file>', 'a signature made elsewhere over what --print-statement prints; - reads standard input').conflicts('printStatement'))
    .addOption(new Option('--print-statement', 'print the exact bytes to sign, and decide nothing'));
}

/** Whether a key says who speaks. */
export function provesItself({ key, signature }: Signing = {}): boolean {
  return key !== undefined || signature !== undefined;
}

export interface ToSign {
  readonly signing: Signing;
  readonly by?: string;
  /** Whether it is refused without a signature. */
  readonly needed: boolean;
  /** The words to sign, as this person says them. */
  readonly statementOf: (by: string) => string;
  /** What needs a signature, for the refusal: `approve prod/storefront#12`. */
  readonly what: string;
}

const LONGEST_SIGNATURE = 16_000;

/** Who speaks, and their signature where one is given or asked for; what the server would refuse is refused here, and says what to do. */
export async function signed(context: Context, { signing, by, needed, statementOf, what }: ToSign): Promise<{ readonly by: string; readonly signature?: string }> {
  const { key, signature: file } = signing;
  if (key === undefined && file === undefined) {
    const speaker = decider(context, by);
    if (!needed) return { by: speaker };
    throw new CliError(`${what} needs a signature, because approvals.trust is signed`, { exit: EXIT.unauthorised, remedy: `Sign with your registered key:${KEY} — or elsewhere: --print-statement, then --signature FILE.` });
  }
  const { fingerprintOf, signWithKey } = await import('./ssh-keygen.js');
  const { prove } = await import('../trust/proof.js');
  const { NAMESPACE } = await import('../trust/statement.js');
  const people = (await context.config()).people ?? NOBODY;
  const given = file === undefined ? undefined : await readSignature(context, file);
  const fingerprint = given === undefined ? await fingerprintOf(context, key ?? '') : await fingerprintIn(given);
  const speaker = by ?? speakerOf(context, people, fingerprint);
  const statement = statementOf(speaker);
  const signature = given ?? (await signWithKey(context, key ?? '', statement));
  const proof = prove({ signature, statement, by: speaker, at: context.io.now().toISOString(), people });
  if (proof.ok) return { by: speaker, signature };
  const remedy = proof.isKey
    ? `Register the public key under principals.${speaker}.keys of ${context.configFile()}, sign with a registered one, or say with --by whose it is.`
    : `Sign exactly what the same command prints with --print-statement, with: ssh-keygen -Y sign -n ${NAMESPACE}`;
  throw new CliError(proof.problem, { exit: EXIT.unauthorised, remedy });
}

/** The bytes to sign, with nothing before or after them, and how: on standard error, so that what is piped on is what was printed. `again`: what a second run of the command must say in full. */
export async function printStatement(context: Context, { by, statementOf, what, again }: Pick<ToSign, 'by' | 'statementOf' | 'what'> & { readonly again: string }): Promise<number> {
  const people = (await context.config()).people ?? NOBODY;
  const speaker = decider(context, by);
  const known = people.principals.filter((each) => each.keys.length > 0).map((each) => each.name);
  if (!known.includes(principalOf(people, speaker))) {
    throw new CliError(`${speaker} has no key in the configuration, so that nobody could verify the signature`, { exit: EXIT.unauthorised, remedy: known.length === 0 ? 'Register one under principals.NAME.keys.' : `Say who signs: --by ${known.slice(0, 5).join(', --by ')}.` });
  }
  const { signingCommand } = await import('./ssh-keygen.js');
  const { NAMESPACE } = await import('../trust/statement.js');
  const statement = statementOf(speaker);
  if (context.json) await context.printJson('statement', { what, by: speaker, namespace: NAMESPACE, statement, exitCode: EXIT.done });
  else await context.io.out(statement);
  context.note(`${context.io.outTty ? '\n' : ''}To ${what} as ${speaker}, sign exactly these bytes with: ${signingCommand('KEY')}\nThen give the same command with --by ${shellWord(speaker)}${again} --signature FILE in place of --print-statement.`);
  return EXIT.done;
}

/** Whose key it is, or who runs this where the key does not tell. */
function speakerOf(context: Context, people: People, fingerprint: string | undefined): string {
  if (fingerprint === undefined) return decider(context, undefined);
  const owner = people.principals.find((each) => each.keys.some((key) => key.fingerprint === fingerprint));
  if (owner !== undefined) return owner.name;
  throw new CliError(`key ${fingerprint} is not registered for anybody`, { exit: EXIT.unauthorised, remedy: `Add the public key under principals.NAME.keys of ${context.configFile()}, or sign with a registered one.` });
}

async function fingerprintIn(signature: string): Promise<string> {
  const { parseSignature } = await import('../trust/ssh-signature.js');
  const { NAMESPACE } = await import('../trust/statement.js');
  const parsed = parseSignature(signature);
  if (parsed.ok) return parsed.value.key.fingerprint;
  throw new CliError(`the signature cannot be read: ${parsed.problem}`, { remedy: `Make it with: ssh-keygen -Y sign -n ${NAMESPACE} -f KEY` });
}

async function readSignature(context: Context, file: string): Promise<string> {
  if (file !== '-') return readAtMost(resolve(context.io.cwd, file), LONGEST_SIGNATURE);
  if (context.io.input === undefined) throw new CliError('standard input cannot be read here', { remedy: 'Name a file: --signature FILE' });
  return context.io.input(LONGEST_SIGNATURE);
}

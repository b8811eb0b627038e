import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { errorCode } from '../system/error-code.js';
import { parseKeyLine } from '../trust/ssh-key.js';
import { NAMESPACE } from '../trust/statement.js';
import type { Context } from './context.js';
import { CliError } from './errors.js';
import { readAtMost } from './read-at-most.js';
import { shellWord } from './render/escape.js';

/** The exact command that signs a statement on its standard input. */
export function signingCommand(keyFile: string): string {
  return `ssh-keygen -Y sign -n ${NAMESPACE} -f ${keyFile}`;
}

/** Fingerprint of the public half of a key file; `undefined` when only its owner's passphrase would tell. */
export async function fingerprintOf(context: Context, keyFile: string): Promise<string | undefined> {
  const path = resolve(context.io.cwd, keyFile);
  const text = await readAtMost(path.endsWith('.pub') ? path : `${path}.pub`, MOST_CHARACTERS).catch(() => undefined);
  const key = text === undefined ? undefined : parseKeyLine(text.trim());
  return key?.ok === true ? key.value.fingerprint : undefined;
}

/**
 * Signs with the person's own `ssh-keygen`, which asks for the passphrase on the terminal, asks an
 * agent where the file is a `.pub`, or waits for a touch of a security key. The key never comes here.
 */
export async function signWithKey(context: Context, keyFile: string, statement: string): Promise<string> {
  const path = resolve(context.io.cwd, keyFile);
  const { end, out, err } = await run(context, ['-q', '-Y', 'sign', '-n', NAMESPACE, '-f', path], statement);
  if (end === 0 && out !== '') return out;
  if (end === 'ENOENT') throw new CliError('ssh-keygen is not on this machine', { remedy: 'Install the OpenSSH client, or sign elsewhere: --print-statement, then --signature FILE.' });
  const why = err.split('\n').find((line) => line.trim() !== '');
  const remedy = path.endsWith('.pub')
    ? `The agent must hold it: ssh-add -l lists what it has, ssh-add ${shellWord(keyFile.slice(0, -'.pub'.length))} adds it.`
    : 'Name the file of a private key, or the .pub file of a key that the SSH agent holds.';
  throw new CliError(`ssh-keygen could not sign with ${keyFile}${why === undefined ? '' : `: ${why.trim()}`}`, { remedy });
}

interface Ran {
  readonly end: number | string;
  readonly out: string;
  /** Empty where a terminal has shown it. */
  readonly err: string;
}

const MOST_CHARACTERS = 16_000;

function run({ io }: Context, args: readonly string[], input: string): Promise<Ran> {
  return new Promise((settle) => {
    const child = spawn('ssh-keygen', args, { shell: false, env: io.env, cwd: io.cwd, stdio: ['pipe', 'pipe', io.errTty ? 'inherit' : 'pipe'] });
    const stop = (): void => void child.kill();
    let out = '';
    let err = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => { out = (out + text).slice(0, MOST_CHARACTERS); });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => { err = (err + text).slice(0, MOST_CHARACTERS); });
    child.stdin?.on('error', () => undefined).end(input);
    io.signal.addEventListener('abort', stop, { once: true });
    const done = (end: number | string): void => {
      io.signal.removeEventListener('abort', stop);
      settle({ end, out, err });
    };
    child.on('error', (error) => { done(errorCode(error)); });
    child.on('close', (code, signal) => { done(code ?? signal ?? 'unknown'); });
  });
}

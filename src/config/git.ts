import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HoldfastError } from '../domain/errors.js';
import { isJsonObject, type Json } from '../domain/json.js';
import { quote } from './text.js';

export interface GitContext {
  readonly signal: AbortSignal;
  readonly resolveSecret: (reference: string) => Promise<string>;
}

export interface GitRun {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly input?: string | Buffer;
  /** Takes the output as it comes; without it the output is gathered, at most 64 MiB. */
  readonly onOutput?: (output: AsyncIterable<Buffer>) => Promise<void>;
  /** What a failure means, from what git said; without it: the other side could not be reached. */
  readonly onFailure?: (stderr: string) => HoldfastError;
}

/** Longer than any fetch that is going anywhere. */
const TIMEOUT_MS = 10 * 60_000;
const MOST_OUTPUT = 64 * 1024 * 1024;

/** Only these ways to reach a repository; `ext::` and the like would run commands. */
const PROTOCOLS = 'file:https:ssh';

/** What a repository's own contents or a user's settings could otherwise make Git run. */
const HARMLESS = ['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'gc.autoDetach=false', 'maintenance.autoDetach=false', 'fetch.recurseSubmodules=false', 'http.followRedirects=initial'];

/** Runs git without a shell and returns what it printed. Errors hold its last line, never a credential. */
export async function git(run: GitRun): Promise<Buffer> {
  const args = [...HARMLESS.flatMap((setting) => ['-c', setting]), ...run.args];
  const child = spawn('git', args, { shell: false, env: run.env, signal: run.signal, timeout: TIMEOUT_MS, stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise<{ code: number | null; failed?: Error }>((resolve) => {
    child.once('error', (failed) => { resolve({ code: null, failed }); });
    child.once('close', (code) => { resolve({ code }); });
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => { stderr = (stderr + chunk.toString('utf8')).slice(-4_096); });
  // When git ends before it has read everything, its exit code tells why.
  child.stdin.on('error', () => undefined).end(run.input ?? '');
  const chunks: Buffer[] = [];
  try {
    await (run.onOutput ?? gather(chunks))(child.stdout);
  } catch (error) {
    child.kill('SIGKILL');
    await ended;
    run.signal.throwIfAborted();
    throw error;
  }
  const { code, failed } = await ended;
  run.signal.throwIfAborted();
  if (failed !== undefined) throw notStarted(failed);
  if (code !== 0 && run.onFailure !== undefined) throw run.onFailure(stderr);
  if (code !== 0) throw new HoldfastError('Unreachable', `git ${commandOf(run.args)} failed: ${lastLine(stderr)}`, { remedy: 'check the address, the network and the access of source.auth' });
  return Buffer.concat(chunks);
}

function gather(chunks: Buffer[]): (output: AsyncIterable<Buffer>) => Promise<void> {
  return async (output) => {
    let bytes = 0;
    for await (const chunk of output) {
      bytes += chunk.length;
      if (bytes > MOST_OUTPUT) throw new HoldfastError('Invalid', 'git printed more than 64 MiB', { remedy: 'name a smaller path of the repository' });
      chunks.push(chunk);
    }
  };
}

function notStarted(failed: Error): HoldfastError {
  const missing = (failed as NodeJS.ErrnoException).code === 'ENOENT';
  return new HoldfastError('Invalid', missing ? 'git is not installed here' : 'git could not be started', { cause: failed, remedy: 'install git 2.30 or later on this machine' });
}

function commandOf(args: readonly string[]): string {
  return args.find((arg) => !arg.startsWith('-')) ?? '';
}

function lastLine(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.replace(/^(?:fatal|error|remote): /, '').trim()).filter((line) => line !== '');
  const telling = lines.find((line) => /not found|denied|could not|couldn't|unable|refus|does not|invalid|not allowed/i.test(line)) ?? lines.at(-1);
  return telling === undefined ? 'it said nothing' : shownLine(telling);
}

/** A line of git's for a person, without the credential of an address. */
export function shownLine(line: string): string {
  return quote(line.replace(/:\/\/[^/@\s]*@/g, '://'), 200).slice(1, -1);
}

/**
 * Runs work with the environment that git needs for a source: no prompts, no inherited `GIT_…`
 * variables, and the credential where no other process can read it.
 */
export async function withAccess<T>(source: { readonly url: string; readonly auth?: Json }, ctx: GitContext, work: (env: Readonly<Record<string, string>>) => Promise<T>): Promise<T> {
  const inherited = Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined && !/^(?:GIT_|SSH_ASKPASS$|HOLDFAST_)/.test(entry[0]));
  const env: Record<string, string> = { ...Object.fromEntries(inherited), LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0', GIT_ASKPASS: 'false', GIT_ALLOW_PROTOCOL: PROTOCOLS, GIT_SSH_COMMAND: 'ssh -o BatchMode=yes' };
  const auth = isJsonObject(source.auth) ? source.auth : {};
  if (typeof auth['token'] === 'string') {
    const user = typeof auth['username'] === 'string' ? auth['username'] : 'x-access-token';
    const basic = Buffer.from(`${user}:${await ctx.resolveSecret(auth['token'])}`).toString('base64');
    return work({ ...env, GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: `http.${new URL(source.url).origin}/.extraHeader`, GIT_CONFIG_VALUE_0: `Authorization: Basic ${basic}` });
  }
  if (typeof auth['sshKey'] !== 'string') return work(env);
  const key = await ctx.resolveSecret(auth['sshKey']);
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-key-'));
  try {
    const file = join(folder, 'key');
    await writeFile(file, `${key.trimEnd()}\n`, { mode: 0o600, flag: 'wx' });
    // git hands this one variable to a shell: the path is ours, and quoted.
    return await work({ ...env, GIT_SSH_COMMAND: `ssh -o BatchMode=yes -o IdentitiesOnly=yes -i '${file.replaceAll("'", `'\\''`)}'` });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

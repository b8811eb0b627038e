import { execFile, spawn } from 'node:child_process';
import { access, chmod, constants, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { createWriteStream } from 'node:fs';
import { arch, cpus, platform } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { HoldfastError } from '../domain/errors.js';
import { cacheFolder } from './cache.js';
import { tryLock } from './lock.js';

/** The vendor's own download of its command line, which holds the development server. */
const DOWNLOAD = 'https://temporal.download/cli/archive/latest';
/** The newest release that `go install` can build. */
const GO_MODULE = 'github.com/temporalio/cli/cmd/temporal@v1.5.1';
const EXECUTABLE = platform() === 'win32' ? 'temporal.exe' : 'temporal';
const run = promisify(execFile);

export interface TemporalBinary {
  readonly path: string;
  /** As `temporal --version` says it. */
  readonly version: string;
  readonly origin: 'path' | 'cache' | 'download' | 'build';
}

export interface FindOptions {
  /** Takes one line of progress at a time. */
  readonly log: (line: string) => void;
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  /** Where the archive is downloaded from; the vendor's address unless a mirror is named. */
  readonly download?: string;
}

/**
 * Finds a `temporal` that runs: on PATH, in the user's cache, else downloads it or builds it into the
 * cache. Throws one `Unreachable` error with the remedy when none of these is possible.
 */
export async function findTemporalBinary(options: FindOptions): Promise<TemporalBinary> {
  const present = await presentTemporalBinary(options.env);
  if (present !== undefined) return present;
  const folder = join(cacheFolder(options.env), 'bin');
  await mkdir(folder, { recursive: true });
  const lockFile = join(folder, `${EXECUTABLE}.lock`);
  for (let waited = 0; ; waited += 1) {
    const result = await tryLock(lockFile);
    if (result.held) {
      try {
        return (await cached(options.env)) ?? (await fetchInto(folder, options));
      } finally {
        await result.lock.release();
      }
    }
    if (waited % 30 === 0) options.log(`waiting for process ${result.holder?.pid ?? 'unknown'}, which is getting the Temporal server (${lockFile})`);
    await sleep(1000, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
}

/** What is here already, without any network or build; undefined when there is none. */
export async function presentTemporalBinary(env: NodeJS.ProcessEnv = process.env): Promise<TemporalBinary | undefined> {
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    if (!isAbsolute(folder)) continue;
    const found = await verified(join(folder, EXECUTABLE), 'path');
    if (found !== undefined) return found;
  }
  return cached(env);
}

async function cached(env: NodeJS.ProcessEnv | undefined): Promise<TemporalBinary | undefined> {
  return verified(join(cacheFolder(env), 'bin', EXECUTABLE), 'cache');
}

async function fetchInto(folder: string, options: FindOptions): Promise<TemporalBinary> {
  const reasons: string[] = [];
  for (const [origin, get] of [['download', download], ['build', build]] as const) {
    const draft = await mkdtemp(join(folder, 'draft-'));
    try {
      await get(draft, options);
      const found = await verified(join(draft, EXECUTABLE), origin);
      if (found === undefined) throw new Error('what was fetched does not run');
      const path = join(folder, EXECUTABLE);
      await rename(found.path, path);
      options.log(`Temporal server ready: ${path} (${found.version})`);
      return { ...found, path };
    } catch (error) {
      options.signal?.throwIfAborted();
      reasons.push(`${origin}: ${error instanceof Error ? error.message : String(error)}`);
      options.log(`no Temporal server by ${origin} (${error instanceof Error ? error.message : String(error)})`);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }
  throw new HoldfastError('Unreachable', `no Temporal server was found on PATH or in ${folder}, and none could be fetched (${reasons.join('; ')})`, {
    remedy: 'install the Temporal CLI on PATH, or install Go so that it can be built, or set TEMPORAL_ADDRESS to a running Temporal',
  });
}

async function download(folder: string, options: FindOptions): Promise<void> {
  const os = { linux: 'linux', darwin: 'darwin', win32: 'windows' }[platform() as string];
  const cpu = { x64: 'amd64', arm64: 'arm64' }[arch() as string];
  if (os === undefined || cpu === undefined) throw new Error(`there is no download for ${platform()} on ${arch()}`);
  options.log('getting the Temporal server: downloading about 60 MB, once, into the cache');
  const stall = new AbortController();
  let timer = setTimeout(() => stall.abort(new Error('no answer within 10 s')), 10_000);
  try {
    const signal = options.signal === undefined ? stall.signal : AbortSignal.any([stall.signal, options.signal]);
    const answer = await fetch(`${options.download ?? DOWNLOAD}?platform=${os}&arch=${cpu}`, { signal }).catch((error: unknown) => {
      throw new Error(causeOf(error));
    });
    if (!answer.ok || answer.body === null) throw new Error(`the download answered ${answer.status}`);
    const total = Number(answer.headers.get('content-length') ?? 0);
    let seen = 0;
    let said = Date.now();
    const archive = join(folder, 'archive.tar.gz');
    const counted = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of chunks) {
        clearTimeout(timer);
        timer = setTimeout(() => stall.abort(new Error('the download stood still for 30 s')), 30_000);
        seen += chunk.length;
        if (Date.now() - said > 5000) {
          said = Date.now();
          options.log(`  ${megabytes(seen)}${total > 0 ? ` of ${megabytes(total)}` : ''}`);
        }
        yield chunk;
      }
    };
    await pipeline(Readable.fromWeb(answer.body), counted, createWriteStream(archive));
    await run('tar', ['-xzf', archive, '-C', folder, EXECUTABLE]);
    await chmod(join(folder, EXECUTABLE), 0o755);
  } finally {
    clearTimeout(timer);
  }
}

async function build(folder: string, options: FindOptions): Promise<void> {
  const env = { ...process.env, ...options.env, GOBIN: folder };
  await run('go', ['version'], { env }).catch(() => {
    throw new Error('Go is not installed');
  });
  const started = Date.now();
  options.log(`building the Temporal server from ${GO_MODULE}: about 5 minutes on 2 cores (this machine has ${cpus().length}), once, into the cache`);
  const child = spawn('go', ['install', '-v', GO_MODULE], { env, stdio: ['ignore', 'ignore', 'pipe'], ...(options.signal === undefined ? {} : { signal: options.signal }) });
  let packages = 0;
  let last = '';
  const ticker = setInterval(() => options.log(`  ${elapsed(started)}: ${packages === 0 ? 'downloading sources' : `${packages} packages compiled of about 1,300`}`), 10_000);
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (/^[\w.-]+(\/[\w.-]+)*$/.test(line)) packages += 1;
    else last = line;
  });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (code !== 0) throw new Error(`go install ended with ${code ?? 'a signal'}: ${last.slice(0, 300)}`);
  } finally {
    clearInterval(ticker);
  }
  options.log(`built in ${elapsed(started)}`);
}

async function verified(path: string, origin: TemporalBinary['origin']): Promise<TemporalBinary | undefined> {
  if (!(await access(path, constants.X_OK).then(() => true, () => false))) return undefined;
  try {
    const { stdout } = await run(path, ['--version'], { timeout: 20_000 });
    // Something else may bear the name; the development server is what is needed.
    if (!/^temporal version .*Server/.test(stdout)) return undefined;
    return { path, version: stdout.trim(), origin };
  } catch {
    return undefined;
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? `${error.message}: ${cause.message}` : error.message;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

function elapsed(started: number): string {
  const seconds = Math.round((Date.now() - started) / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

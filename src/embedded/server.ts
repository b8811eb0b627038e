import { spawn } from 'node:child_process';
import { copyFile, open, readFile, rm, stat, truncate } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError } from '../domain/errors.js';
import { readServerRecord, writeServerRecord, type ServerRecord } from './data-folder.js';
import { freePort, isFree } from './ports.js';
import { identityOf, isRunning, type ProcessIdentity } from '../system/process.js';
import { commandOf, endProcess, findProcesses } from './process.js';
import { SEARCH_ATTRIBUTES } from './search-attributes.js';
import { findTemporalBinary } from './temporal-binary.js';

export interface StartTemporalOptions {
  /** Exists, and is held by this process. */
  readonly dataDir: string;
  /** Must be free when given; else 7233 and 8233, or others where those are taken. */
  readonly port?: number;
  readonly uiPort?: number;
  readonly log: (line: string) => void;
  readonly signal?: AbortSignal;
}

export interface EmbeddedTemporal {
  /** `127.0.0.1:7233` */
  readonly address: string;
  readonly uiUrl: string;
  readonly metricsUrl: string;
  readonly namespace: string;
  readonly pid: number;
  /** True when a server left over from an earlier run was taken over. */
  readonly adopted: boolean;
  /** Ends the server; what it holds is kept for the next start. */
  stop(): Promise<void>;
}

const NAMESPACE = 'default';
const DEFAULT_PORT = 7233;
const DEFAULT_UI_PORT = 8233;
const RETENTION_MS = 30 * 24 * 3600 * 1000;
const READY_MS = 60_000;
/** As SQLite and the system say it. */
const DISK_FULL = /disk is full|no space left on device/i;
const STOP_MS = 10_000;
const LOG_LIMIT_BYTES = 10 * 1024 * 1024;
const LOG_LOOK_MS = 60_000;

/**
 * Starts the development server on its database in `dataDir`, in a session of its own so that neither
 * Ctrl-C nor this process's death ends it in the middle of a write, or takes over the one that an
 * earlier run left. Two servers on one database would break it: whatever else runs on it is ended first.
 */
export async function startTemporal(options: StartTemporalOptions): Promise<EmbeddedTemporal> {
  const dataDir = resolve(options.dataDir);
  const record = await adoptable(dataDir, options);
  await endStrays(dataDir, record?.process.pid);
  const server = record ?? (await startNew(dataDir, options));
  await keepHistory(server.address);
  const cap = setInterval(() => void capLog(logFile(dataDir)), LOG_LOOK_MS);
  cap.unref();
  return {
    address: server.address,
    uiUrl: server.uiUrl,
    metricsUrl: server.metricsUrl,
    namespace: server.namespace,
    pid: server.process.pid,
    adopted: record !== undefined,
    stop: async () => {
      clearInterval(cap);
      await endProcess(server.process, STOP_MS);
      await rm(join(dataDir, 'server.json'), { force: true });
    },
  };
}

/** The recorded server when it runs, answers, and stands on the ports that were asked for. */
async function adoptable(dataDir: string, options: StartTemporalOptions): Promise<ServerRecord | undefined> {
  const record = await readServerRecord(dataDir);
  if (record === undefined || !isRunning(record.process)) return undefined;
  if (!isServerOf(dataDir, await commandOf(record.process.pid))) return undefined;
  const asked = (options.port === undefined || record.address.endsWith(`:${options.port}`)) && (options.uiPort === undefined || record.uiUrl.endsWith(`:${options.uiPort}`));
  if (!asked) {
    options.log(`a Temporal server left over on ${record.address} is ended, since other ports were asked for`);
    return undefined;
  }
  if (await answers(record.address, 5000)) {
    options.log(`took over the Temporal server left running on ${record.address} (process ${record.process.pid})`);
    return record;
  }
  options.log(`a Temporal server left over (process ${record.process.pid}) does not answer and is ended`);
  return undefined;
}

async function endStrays(dataDir: string, keep: number | undefined): Promise<void> {
  for (const { pid, command } of await findProcesses(['start-dev', databaseFile(dataDir)])) {
    if (pid === keep || !isServerOf(dataDir, command)) continue;
    const identity = identityOf(pid);
    // Looked at again once the identity is fixed, so that it is the server's and not a successor's.
    if (identity !== undefined && isServerOf(dataDir, await commandOf(pid))) await endProcess(identity, STOP_MS);
  }
}

function isServerOf(dataDir: string, command: readonly string[] | undefined): boolean {
  if (command === undefined || !basename(command[0] ?? '').startsWith('temporal')) return false;
  return command.includes('start-dev') && command.join(' ').includes(databaseFile(dataDir));
}

async function startNew(dataDir: string, options: StartTemporalOptions): Promise<ServerRecord> {
  const binary = await findTemporalBinary({ log: options.log, ...(options.signal === undefined ? {} : { signal: options.signal }) });
  // The ports of the last run, so that workers and bookmarks find the next one.
  const last = await readServerRecord(dataDir);
  for (let attempt = 1; ; attempt += 1) {
    const ports = {
      front: await choosePort('--port', options.port, [portOf(last?.address), DEFAULT_PORT], options.log),
      ui: await choosePort('--temporal-ui-port', options.uiPort, [portOf(last?.uiUrl), DEFAULT_UI_PORT], options.log),
      metrics: await freePort(),
    };
    const result = await launch(binary.path, dataDir, ports, options);
    if (result.ready) return result.record;
    const tail = await lastLines(logFile(dataDir));
    // Between choosing a port and the server taking it, another may have come; the server chooses some by itself.
    if (/address already in use/.test(tail) && attempt < 3) continue;
    if (DISK_FULL.test(tail)) throw new HoldfastError('Unreachable', `the Temporal server ${result.why}: the disk of ${dataDir} is full`, { remedy: 'free some space there, or choose another folder with --data-dir, and start again' });
    throw new HoldfastError('Unreachable', `the Temporal server ${result.why}: ${tail || 'it said nothing'}`, {
      remedy: `its log is ${logFile(dataDir)}; another Temporal can be used with TEMPORAL_ADDRESS`,
    });
  }
}

interface Ports {
  readonly front: number;
  readonly ui: number;
  readonly metrics: number;
}

type Launched = { readonly ready: true; readonly record: ServerRecord } | { readonly ready: false; readonly why: string };

async function launch(binary: string, dataDir: string, ports: Ports, options: StartTemporalOptions): Promise<Launched> {
  const identity = await spawnDetached(binary, dataDir, ports);
  if (identity === undefined) return { ready: false, why: 'ended at once' };
  const record: ServerRecord = {
    process: identity,
    address: `127.0.0.1:${ports.front}`,
    uiUrl: `http://127.0.0.1:${ports.ui}`,
    metricsUrl: `http://127.0.0.1:${ports.metrics}/metrics`,
    namespace: NAMESPACE,
    startedAt: new Date().toISOString(),
  };
  // Recorded before it is ready: killed in between, the next start still knows it.
  await writeServerRecord(dataDir, record);
  const started = Date.now();
  let said = started;
  while (Date.now() - started < READY_MS) {
    if (options.signal?.aborted === true) {
      await endProcess(identity, STOP_MS);
      options.signal.throwIfAborted();
    }
    if (!isRunning(identity)) return { ready: false, why: 'ended before it was ready' };
    if (await answers(record.address, 2000)) return { ready: true, record };
    if (Date.now() - said > 5000) {
      said = Date.now();
      options.log(`waiting for the Temporal server on ${record.address}: ${Math.round((said - started) / 1000)} s`);
    }
    await sleep(100);
  }
  await endProcess(identity, STOP_MS);
  return { ready: false, why: `was not ready within ${READY_MS / 1000} s` };
}

async function spawnDetached(binary: string, dataDir: string, ports: Ports): Promise<ProcessIdentity | undefined> {
  await capLog(logFile(dataDir));
  const output = await open(logFile(dataDir), 'a', 0o600);
  try {
    const child = spawn(binary, serverArguments(dataDir, ports), { cwd: dataDir, detached: true, stdio: ['ignore', output.fd, output.fd] });
    await new Promise<void>((done, fail) => {
      child.once('spawn', done);
      child.once('error', (cause) => fail(new HoldfastError('Unreachable', `${binary} cannot be started`, { cause, remedy: 'remove it, so that it is fetched again' })));
    });
    child.unref();
    return child.pid === undefined ? undefined : identityOf(child.pid);
  } finally {
    await output.close();
  }
}

function serverArguments(dataDir: string, ports: Ports): readonly string[] {
  return [
    'server', 'start-dev',
    '--db-filename', databaseFile(dataDir),
    '--ip', '127.0.0.1',
    '--port', String(ports.front),
    '--ui-port', String(ports.ui),
    '--metrics-port', String(ports.metrics),
    '--log-format', 'json',
    '--log-level', 'error',
    // A person's own CLI settings are about other servers.
    '--disable-config-file',
    ...Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
  ];
}

async function choosePort(flag: string, asked: number | undefined, usual: readonly number[], log: (line: string) => void): Promise<number> {
  if (asked !== undefined) {
    if (await isFree(asked)) return asked;
    throw new HoldfastError('Refused', `port ${asked} of 127.0.0.1 is taken by another program`, { remedy: `name another with ${flag}, or leave it out and one is found` });
  }
  const wanted = usual.filter((port) => port > 0);
  for (const port of wanted) if (await isFree(port)) return port;
  const other = await freePort();
  log(`port ${wanted.at(-1) ?? 0} is taken; Temporal uses ${other} instead`);
  return other;
}

/** 0 when there is none. */
function portOf(address: string | undefined): number {
  return Number(/:(\d+)$/.exec(address ?? '')?.[1] ?? 0);
}

async function answers(address: string, timeoutMs: number): Promise<boolean> {
  const { Connection } = await import('@temporalio/client');
  try {
    const connection = await Connection.connect({ address, connectTimeout: timeoutMs });
    try {
      await connection.withDeadline(Date.now() + timeoutMs, () => connection.workflowService.describeNamespace({ namespace: NAMESPACE }));
      return true;
    } finally {
      await connection.close();
    }
  } catch {
    return false;
  }
}

/** The development server forgets closed runs after a day unless told otherwise. */
async function keepHistory(address: string): Promise<void> {
  const { Connection } = await import('@temporalio/client');
  const { msToTs, optionalTsToMs } = await import('@temporalio/common/lib/time.js');
  const connection = await Connection.connect({ address });
  try {
    const { config } = await connection.workflowService.describeNamespace({ namespace: NAMESPACE });
    if (optionalTsToMs(config?.workflowExecutionRetentionTtl) === RETENTION_MS) return;
    await connection.workflowService.updateNamespace({ namespace: NAMESPACE, config: { workflowExecutionRetentionTtl: msToTs(RETENTION_MS) } });
  } finally {
    await connection.close();
  }
}

function databaseFile(dataDir: string): string {
  return join(dataDir, 'temporal.db');
}

function logFile(dataDir: string): string {
  return join(dataDir, 'temporal.log');
}

/** The server appends, so its file can be emptied under it; the last full one is kept. */
async function capLog(file: string): Promise<void> {
  const size = await stat(file).then((found) => found.size, () => 0);
  if (size <= LOG_LIMIT_BYTES) return;
  await copyFile(file, `${file}.1`).catch(() => undefined);
  await truncate(file).catch(() => undefined);
}

async function lastLines(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-2).join(' ').slice(-500);
}

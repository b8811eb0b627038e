import { access, chmod, constants, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { HoldfastError } from '../domain/errors.js';
import { holderOf, tryLock } from './lock.js';
import { isRunning, parseIdentity, type ProcessIdentity } from '../system/process.js';

export interface DataFolder {
  readonly path: string;
  /** Lets another `up` take the folder. */
  release(): Promise<void>;
}

/** What `server.json` in the data folder says of the Temporal server started for it. */
export interface ServerRecord {
  readonly process: ProcessIdentity;
  readonly address: string;
  readonly uiUrl: string;
  readonly metricsUrl: string;
  readonly namespace: string;
  /** ISO, UTC. */
  readonly startedAt: string;
}

export interface Embedded extends ServerRecord {
  /** Whether the recorded process still runs. */
  readonly running: boolean;
}

const SERVER_FILE = 'server.json';
const LOCK_FILE = 'up.lock';

/**
 * Makes the folder, readable by its owner alone, and takes it for this process: one living `holdfast up`
 * has it at a time. Throws `Refused` when another has it or it cannot be written.
 */
export async function openDataFolder(path: string): Promise<DataFolder> {
  await makeDataFolder(path);
  const result = await tryLock(join(path, LOCK_FILE)).catch((cause: unknown) => {
    throw unwritable(path, cause);
  });
  if (result.held) return { path, release: () => result.lock.release() };
  const { holder } = result;
  const who = holder === undefined ? 'another process' : `process ${holder.pid} on ${holder.host}`;
  throw new HoldfastError('Refused', `${who} runs Holdfast on ${path}; only one may`, {
    remedy: holder === undefined ? `if none runs, remove ${join(path, LOCK_FILE)}` : 'end it first, or use another folder with --data-dir',
  });
}

/** The process that runs `holdfast up` on this folder now. */
export async function runningUp(dataDir: string): Promise<ProcessIdentity | undefined> {
  return holderOf(join(dataDir, LOCK_FILE));
}

/** Finds the embedded server through its data folder; undefined when none was ever started there. */
export async function readEmbedded(dataDir: string): Promise<Embedded | undefined> {
  const record = await readServerRecord(dataDir);
  if (record === undefined) return undefined;
  return { ...record, running: isRunning(record.process) };
}

export async function readServerRecord(dataDir: string): Promise<ServerRecord | undefined> {
  const text = await readFile(join(dataDir, SERVER_FILE), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return parseRecord(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** In one step, so that a reader sees the record before or after and never half of it. */
export async function writeServerRecord(dataDir: string, record: ServerRecord): Promise<void> {
  const draft = join(dataDir, `${SERVER_FILE}.${randomUUID()}`);
  await writeFile(draft, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  await rename(draft, join(dataDir, SERVER_FILE));
}

async function makeDataFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const { mode } = await stat(path);
    // It holds the record, histories and keys; a folder made by hand is often open to all.
    if ((mode & 0o077) !== 0) await chmod(path, mode & 0o700);
    await access(path, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

function unwritable(path: string, cause: unknown): HoldfastError {
  const reason = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : String(cause);
  return new HoldfastError('Refused', `the data folder ${path} cannot be written (${reason})`, {
    cause,
    remedy: 'make it writable for this user, or name another with --data-dir',
  });
}

function parseRecord(value: unknown): ServerRecord | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const record = value as Record<string, unknown>;
  const identity = parseIdentity(record['process']);
  const texts = ['address', 'uiUrl', 'metricsUrl', 'namespace', 'startedAt'].map((key) => record[key]);
  if (identity === undefined || !texts.every((text) => typeof text === 'string')) return undefined;
  const [address = '', uiUrl = '', metricsUrl = '', namespace = '', startedAt = ''] = texts;
  return { process: identity, address, uiUrl, metricsUrl, namespace, startedAt };
}

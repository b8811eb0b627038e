import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataConverter, PayloadCodec } from '@temporalio/common';
import { NativeConnection, Runtime, Worker, type LogLevel } from '@temporalio/worker';
import { renewRuns, replaceStuckGuards } from './activities/renewal.js';
import { recordOverdue } from './activities/check.js';
import { createActivities } from './activities/index.js';
import type { Dependencies } from './activities/deps.js';
import { holdfastClient } from './client.js';
import { connectionOptions, connectTemporal, type ConnectOptions } from './client/connect.js';
import { renewApiKey } from './client/renew-key.js';
import type { Config } from './config/config.js';
import { codecOf } from './codec/keys.js';
import { keepConfig, type KeptConfig } from './config/keep.js';
import type { LoadedConfig } from './config/load.js';
import { resolveSecret } from './config/secrets.js';
import { openSources } from './config/sources.js';
import { hashJson, sha256 } from './digest.js';
import { decideByRemediation } from './domain/decide.js';
import { probe } from './health/index.js';
import type { Ledger } from './ledger/ledger.js';
import { openArtifacts, openLedger } from './ledger/open.js';
import { compose } from './notify/compose.js';
import { startDeliverer } from './notify/deliver.js';
import { openSinks } from './notify/index.js';
import { sinksFor } from './notify/routes.js';
import { providers } from './providers/index.js';
import type { Logger } from './providers/provider.js';
import { poolQueue, WORKFLOW_QUEUE, type Access } from './workflows/messages.js';

export interface WorkersOptions {
  readonly connect: ConnectOptions;
  /** `known`: the matches of `each` that may be repaired; a new one begins in `observe`. */
  readonly load: (known?: ReadonlySet<string>) => Promise<LoadedConfig>;
  /** Holds work folders and kept sources. */
  readonly dataDir: string;
  /** Empty: every pool of the configuration, and new ones as they appear. */
  readonly pools: readonly string[];
  /** `none`: no pool, only what `control` says. */
  readonly access: Access | 'both' | 'none';
  /** Also run workflows and their own steps, deliver messages, and tend schedules and the record. */
  readonly control: boolean;
  readonly log: Logger;
  readonly env: NodeJS.ProcessEnv;
}

export interface RunningWorkers {
  /** What is polled now. */
  readonly queues: readonly string[];
  readonly config: () => Config;
  /** Settles when every worker has stopped; rejects when one failed. */
  readonly run: Promise<void>;
  /** Running steps end first. */
  shutdown(): void;
}

/** How often the configuration is looked at, and the record is signed and pruned. */
const TEND_MS = 5_000;
/** Written at every tending, for whoever restarts a process that hangs: absent before its workers poll and once they end. */
const ALIVE_FILE = 'worker.alive';
const PRUNE_EVERY_MS = 6 * 3_600_000;
/** A killed worker's workflows go on elsewhere after this. */
const STICKY_MS = 5_000;
/**
 * Runs that a process keeps in memory, at about half a megabyte each. One that was put out is replayed
 * from its history, some tens of events, when it has something to do: what waits costs nothing.
 */
const RUNS_IN_MEMORY = 300;
/** The whole record of targets is read to find what is overdue: about a fiftieth of the time, and at least once a minute. */
const OVERDUE = { share: 50, mostMs: 60_000 } as const;
const BUNDLE = new URL('./workflow-bundle.js', import.meta.url);

/** What every step of this process works with, and the configuration that is kept in force. */
export interface Composed {
  readonly kept: KeptConfig;
  readonly deps: Dependencies;
  /** Grows as new matches of `each` are seen clean. */
  readonly known: Set<string>;
}

/** Configuration to dependencies. `startWorkers` closes the ledger and the client in them when it ends. */
export async function composeDependencies(options: WorkersOptions): Promise<Composed> {
  const { log, connect } = options;
  const first = await options.load();
  const resolve = (reference: string): Promise<string> => resolveSecret(reference, { folder: first.folder, env: options.env });
  const ledger = await openLedger(first, { resolveSecret: resolve });
  const known = await knownMatches(ledger, first, options.control);
  const kept = await keepConfig(() => options.load(known));
  const codec = await codecOf(first.payloadKeys ?? [], resolve);
  const deps: Dependencies = {
    config: inForce(kept, log),
    sources: openSources({ folder: join(options.dataDir, 'sources') }),
    ledger,
    artifacts: await openArtifacts(kept.current(), { resolveSecret: resolve }),
    providers,
    decide: decideByRemediation,
    probe,
    client: await connectTemporal({ ...connect, ...(codec === undefined ? {} : { codec }) }),
    resolveSecret: (reference) => resolveSecret(reference, { folder: kept.current().folder, env: options.env }),
    tell: async (notice, key) => {
      const config = kept.current();
      await ledger.enqueue(compose({ notice, sinks: sinksFor(notice, config.notifications), project: config.project, hash: hashJson, key }));
    },
    log,
    now: () => new Date(),
    workRoot: join(options.dataDir, 'work'),
    // With another key incidents go on anew as well, so that the old one can be dropped.
    build: sha256(`${sha256(await readFile(BUNDLE))} ${codec?.newest ?? ''}`).slice(0, 12),
    readOnly: options.env['HOLDFAST_READ_ONLY'] === '1',
  };
  return { kept, deps, known };
}

/** Dependencies to workers: the composition root of every process that does steps. */
export async function startWorkers(options: WorkersOptions, composed?: Composed): Promise<RunningWorkers> {
  const { log, connect } = options;
  quiet(log);
  const { kept, deps, known } = composed ?? (await composeDependencies(options));
  const { ledger, client } = deps;
  const connection = await NativeConnection.connect(connectionOptions(connect));
  const activities = createActivities(deps);
  const workers = new Map<string, Worker>();
  const stopping = new AbortController();
  const isStopping = (): boolean => stopping.signal.aborted;
  const watchedSince = deps.now().toISOString();
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => { fail = reject; });
  const runs: Promise<void>[] = [];

  async function add(queue: string, own: object, workflows: boolean): Promise<void> {
    if (workers.has(queue) || isStopping()) return;
    const worker = await Worker.create({
      connection,
      namespace: connect.namespace,
      taskQueue: queue,
      activities: own,
      shutdownGraceTime: '5 seconds',
      shutdownForceTime: '20 seconds',
      stickyQueueScheduleToStartTimeout: STICKY_MS,
      maxCachedWorkflows: RUNS_IN_MEMORY,
      dataConverter: dataConverter(client.options.loadedDataConverter.payloadCodecs),
      ...(workflows ? { workflowBundle: { codePath: BUNDLE.pathname } } : {}),
    });
    workers.set(queue, worker);
    runs.push(worker.run().catch(fail));
    // Told to stop while it was made.
    if (isStopping()) worker.shutdown();
  }

  async function serve(config: Config): Promise<void> {
    if (options.access === 'none') return;
    const pools = options.pools.length > 0 ? options.pools : poolsOf(config);
    for (const pool of pools) {
      if (options.access !== 'write') await add(poolQueue(pool, 'read'), activities.read, false);
      if (options.access !== 'read') await add(poolQueue(pool, 'write'), activities.write, false);
    }
  }

  if (options.control) await add(WORKFLOW_QUEUE, activities.control, true);
  await serve(kept.current());
  const alive = join(options.dataDir, ALIVE_FILE);
  const tended = tend({ kept, config: deps.config, log, signal: stopping.signal, serve, showLife: () => showLife(alive), ...(options.control ? { ledger, known, overdue: async () => { await renewRuns(deps); await replaceStuckGuards(deps); await recordOverdue(deps, watchedSince); }, pruneArtifacts: (config) => pruneArtifacts(deps, config), sync: (config) => syncSchedules(config) } : {}) });
  const renewing = renewApiKey({ connect, connections: [connection, client.connection], log, signal: stopping.signal });
  const deliverer = options.control
    ? startDeliverer({ ledger, sinks: () => openSinks(kept.current().notifications, { resolveSecret: deps.resolveSecret, now: deps.now }), now: deps.now, random: Math.random, log, signal: stopping.signal, intervalMs: 1_000 })
    : undefined;

  async function syncSchedules(config: Config): Promise<void> {
    await holdfastClient(client).syncSchedules(config.environments.map(({ name, schedule }) => ({ environment: name, ...schedule })));
  }

  async function whole(): Promise<void> {
    try {
      await Promise.race([failed, Promise.all(runs).then(() => Promise.all(runs))]);
    } finally {
      stopping.abort();
      for (const worker of workers.values()) if (worker.getState() === 'RUNNING') worker.shutdown();
      await Promise.allSettled([...runs, tended, renewing, deliverer?.stopped]);
      await rm(alive, { force: true }).catch(() => undefined);
      await connection.close().catch(() => undefined);
      await client.connection.close();
      await deps.artifacts.close();
      await ledger.close();
    }
  }

  return {
    get queues() {
      return [...workers.keys()];
    },
    config: () => kept.current(),
    run: whole(),
    shutdown() {
      stopping.abort();
      for (const worker of workers.values()) if (worker.getState() === 'RUNNING') worker.shutdown();
    },
  };
}

/** With encryption the messages of failures are encrypted too. */
function dataConverter(payloadCodecs: PayloadCodec[]): DataConverter {
  const at = (path: string): string => new URL(path, import.meta.url).pathname;
  return { payloadConverterPath: at('./workflows/payload-converter.js'), ...(payloadCodecs.length === 0 ? {} : { payloadCodecs, failureConverterPath: at('./codec/failure-converter.js') }) };
}

export function poolsOf(config: Config): readonly string[] {
  return [...new Set([...config.environments.map((environment) => environment.pool), ...config.targets.map((target) => target.pool)])].sort();
}

/** A new valid configuration is taken between steps; an invalid one is refused, said once, and the last good one stays. */
function inForce(kept: KeptConfig, log: Logger): () => Promise<Config> {
  let said: string | undefined;
  return async () => {
    const { error } = await kept.refresh();
    if (error !== undefined && error.message !== said) log.warn('the new configuration is invalid; the last good one stays in force', { error: error.message });
    said = error?.message;
    return kept.current();
  };
}

interface Tending {
  readonly kept: KeptConfig;
  readonly config: () => Promise<Config>;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly serve: (config: Config) => Promise<void>;
  readonly showLife: () => Promise<void>;
  readonly ledger?: Ledger;
  readonly known?: Set<string>;
  readonly sync?: (config: Config) => Promise<void>;
  readonly overdue?: () => Promise<void>;
  readonly pruneArtifacts?: (config: Config) => Promise<void>;
}

/** Between steps: serve the pools and schedules of a new configuration, and keep the record signed and within retention. */
async function tend({ kept, config: inForceNow, log, signal, serve, showLife, ledger, known, sync, overdue, pruneArtifacts }: Tending): Promise<void> {
  let served = '';
  let prunedAt = Date.now();
  let overdueAt = 0;
  while (!signal.aborted) {
    await showLife().catch((error: unknown) => { log.warn('the sign of life cannot be written', { error: error instanceof Error ? error.message : String(error) }); });
    try {
      const config = await inForceNow();
      if (config.digest !== served) {
        await serve(config);
        await sync?.(config);
        await ledger?.append({ at: new Date().toISOString(), kind: 'configuration', data: { digest: config.digest, environments: config.environments.length, targets: config.targets.length } });
        served = config.digest;
      }
      if (ledger !== undefined && known !== undefined && (await learnMatches(ledger, kept.current(), known))) await kept.refresh({ force: true });
      if (Date.now() >= overdueAt) {
        const from = Date.now();
        await overdue?.();
        overdueAt = Date.now() + Math.min(OVERDUE.mostMs, (Date.now() - from) * OVERDUE.share);
      }
      if (ledger !== undefined && Date.now() - prunedAt > PRUNE_EVERY_MS) {
        prunedAt = Date.now();
        const at = new Date().toISOString();
        await ledger.checkpoint(at);
        await ledger.prune({ at, keepMs: config.retentionMs });
        await pruneArtifacts?.(config);
      }
    } catch (error) {
      log.warn('tending failed; it is tried again', { error: error instanceof Error ? error.message : String(error) });
    }
    await sleep(TEND_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function showLife(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${process.pid}\n`);
}

/** What an open incident may still need is never removed. */
async function pruneArtifacts({ artifacts, ledger }: Dependencies, config: Config): Promise<void> {
  const open = await ledger.incidents({ open: true });
  const oldest = Math.min(Date.now() - config.retentionMs.artifacts, ...open.map((row) => Date.parse(row.openedAt)));
  await artifacts.prune(new Date(oldest).toISOString(), new Set());
}

const MATCHES = 'matches';

/** What `each` matched at the first start is known; later matches are learnt as they are seen clean. */
async function knownMatches(ledger: Ledger, config: LoadedConfig, control: boolean): Promise<Set<string>> {
  const remembered = await ledger.getMeta(MATCHES);
  if (remembered !== undefined) return new Set(JSON.parse(remembered) as string[]);
  // Control alone may write it down: another worker that is first goes by its own configuration.
  if (control) await ledger.setMeta(MATCHES, JSON.stringify(config.matches));
  return new Set(config.matches);
}

/** A new match is only observed until one look at it was clean: then its desired state is what it claims to be. */
async function learnMatches(ledger: Ledger, config: LoadedConfig, known: Set<string>): Promise<boolean> {
  const before = known.size;
  for (const match of config.matches) {
    const [environment = '', target = ''] = match.split('/');
    if (!known.has(match) && (await ledger.lastObservation({ environment, target }))?.verdict === 'clean') known.add(match);
  }
  if (known.size === before) return false;
  await ledger.setMeta(MATCHES, JSON.stringify([...known].sort()));
  return true;
}

/** The SDK's own log goes where ours goes; its news of every poll and cache does not. */
function quiet(log: Logger): void {
  const levels: Readonly<Record<LogLevel, keyof Logger | undefined>> = { TRACE: undefined, DEBUG: undefined, INFO: undefined, WARN: 'debug', ERROR: 'warn' };
  const at = (level: LogLevel) => (message: string, meta?: Record<string, unknown>): void => {
    const to = levels[level];
    if (to !== undefined) log[to](message, { sdk: meta?.['sdkComponent'] });
  };
  const logger = { log: (level: LogLevel, message: string, meta?: Record<string, unknown>) => { at(level)(message, meta); }, trace: at('TRACE'), debug: at('DEBUG'), info: at('INFO'), warn: at('WARN'), error: at('ERROR') };
  try {
    Runtime.install({ logger, shutdownSignals: [], telemetryOptions: { logging: { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } } } });
  } catch {
    // Installed already by an earlier call in this process: its logger stays.
  }
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataConverter, PayloadCodec } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createActivities } from './activities/index.js';
import type { Dependencies } from './activities/deps.js';
import { connectionOptions, connectTemporal, type ConnectOptions } from './client/connect.js';
import { renewApiKey } from './client/renew-key.js';
import { poolsOf, type Config } from './config/config.js';
import { codecOf } from './codec/keys.js';
import { keepConfig, type KeptConfig } from './config/keep.js';
import type { LoadedConfig } from './config/load.js';
import { resolveSecret } from './config/secrets.js';
import { openSources } from './config/sources.js';
import { hashJson, sha256 } from './digest.js';
import { isReadOnly } from './domain/read-only.js';
import { deciderOf } from './policy/decide.js';
import { probe } from './health/index.js';
import { checkKeys } from './ledger/keys.js';
import { openArtifacts, openLedger } from './ledger/open.js';
import { compose } from './notify/compose.js';
import { startDeliverer } from './notify/deliver.js';
import { openSinks } from './notify/index.js';
import { sinksFor } from './notify/routes.js';
import { providers } from './providers/index.js';
import type { Logger } from './providers/provider.js';
import { controlDuties } from './worker/duties.js';
import { knownMatches, learnMatches } from './worker/matches.js';
import { openSignOfLife } from './worker/sign-of-life.js';
import { takeSdkLog } from './worker/sdk-log.js';
import { inForce, tend } from './worker/tend.js';
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

/** A killed worker's workflows go on elsewhere after this. */
const STICKY_MS = 5_000;
/**
 * Runs that a process keeps in memory, at about half a megabyte each. One that was put out is replayed
 * from its history, some tens of events, when it has something to do: what waits costs nothing.
 */
const RUNS_IN_MEMORY = 300;
const BUNDLE = new URL('./workflow-bundle.js', import.meta.url);

/** What every step of this process works with, and the configuration that is kept in force. */
export interface Composed {
  readonly kept: KeptConfig;
  readonly deps: Dependencies;
  /** Matches of `each`; grows as new ones are seen clean. */
  readonly known: Set<string>;
}

/** Configuration to dependencies. `startWorkers` closes the ledger and the client in them when it ends. */
export async function composeDependencies(options: WorkersOptions): Promise<Composed> {
  const { log, connect } = options;
  const first = await options.load();
  const resolve = (reference: string): Promise<string> => resolveSecret(reference, { folder: first.folder, env: options.env });
  await checkKeys(first, resolve);
  const ledger = await openLedger(first, { resolveSecret: resolve });
  const known = await knownMatches({ ledger, control: options.control }, first);
  const kept = await keepConfig(() => options.load(known));
  const codec = await codecOf(first.payloadKeys ?? [], resolve);
  const deps: Dependencies = {
    config: inForce(kept, log),
    sources: openSources({ folder: join(options.dataDir, 'sources') }),
    ledger,
    artifacts: await openArtifacts(kept.current(), { resolveSecret: resolve }),
    providers,
    decide: deciderOf,
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
    readOnly: isReadOnly(options.env['HOLDFAST_READ_ONLY']),
  };
  return { kept, deps, known };
}

/** Dependencies to workers: the composition root of every process that does steps. */
export async function startWorkers(options: WorkersOptions, composed?: Composed): Promise<RunningWorkers> {
  const { log, connect } = options;
  takeSdkLog(log);
  const { kept, deps, known } = composed ?? (await composeDependencies(options));
  const { ledger, client } = deps;
  const connection = await NativeConnection.connect(connectionOptions(connect));
  const activities = createActivities(deps);
  const workers = new Map<string, Worker>();
  const stopping = new AbortController();
  const isStopping = (): boolean => stopping.signal.aborted;
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
  const alive = openSignOfLife(options.dataDir);
  const tended = tend({
    kept,
    config: deps.config,
    log,
    signal: stopping.signal,
    showLife: () => alive.show(),
    serve,
    learn: (matches) => learnMatches({ ledger, known, control: options.control }, matches),
    ...(options.control ? { duties: controlDuties(deps) } : {}),
  });
  const renewing = renewApiKey({ connect, connections: [connection, client.connection], log, signal: stopping.signal });
  const deliverer = options.control
    ? startDeliverer({ ledger, sinks: () => openSinks(kept.current().notifications, { resolveSecret: deps.resolveSecret, now: deps.now }), now: deps.now, random: Math.random, log, signal: stopping.signal, intervalMs: 1_000 })
    : undefined;

  function shutdown(): void {
    stopping.abort();
    for (const worker of workers.values()) if (worker.getState() === 'RUNNING') worker.shutdown();
  }

  async function whole(): Promise<void> {
    try {
      await Promise.race([failed, Promise.all(runs).then(() => Promise.all(runs))]);
    } finally {
      shutdown();
      await Promise.allSettled([...runs, tended, renewing, deliverer?.stopped]);
      await alive.end();
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
    shutdown,
  };
}

/** With encryption the messages of failures are encrypted too. */
function dataConverter(payloadCodecs: PayloadCodec[]): DataConverter {
  const at = (path: string): string => new URL(path, import.meta.url).pathname;
  return { payloadConverterPath: at('./workflows/payload-converter.js'), ...(payloadCodecs.length === 0 ? {} : { payloadCodecs, failureConverterPath: at('./codec/failure-converter.js') }) };
}

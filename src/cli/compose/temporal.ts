import type { ConnectOptions } from '../../client.js';
import { HoldfastError } from '../../domain/errors.js';
import type { ConnectRequest, Connection, Deps, TemporalPlace } from '../deps.js';
import type { Io } from '../io.js';
import { WORKFLOW_QUEUE } from '../queues.js';

export interface Place extends TemporalPlace {
  readonly connect: ConnectOptions;
}

/**
 * Where Temporal is: the embedded server of the data folder while it runs, else what `TEMPORAL_*`
 * and the Temporal CLI's own file say.
 */
export async function findTemporal(dataDir: string, env: Io['env']): Promise<Place> {
  const { readEmbedded } = await import('../../embedded/data-folder.js');
  const embedded = await readEmbedded(dataDir);
  if (embedded?.running === true) {
    const { address, namespace } = embedded;
    return { address, namespace, from: `the embedded server of ${dataDir}`, connect: { address, namespace } };
  }
  const configured = await fromEnvironment(env);
  if (configured !== undefined) return configured;
  throw new HoldfastError('Unreachable', embedded === undefined ? `no Temporal server is known to ${dataDir}` : `the embedded Temporal server of ${dataDir} does not run`, {
    remedy: 'Start it with: holdfast up — or set TEMPORAL_ADDRESS for another.',
  });
}

async function fromEnvironment(env: Io['env']): Promise<Place | undefined> {
  const { loadClientConnectConfig } = await import('@temporalio/envconfig');
  const { connectionOptions, namespace = 'default' } = load(() => loadClientConnectConfig({ overrideEnvVars: defined(env) }));
  const { address, apiKey, tls } = connectionOptions;
  if (address === undefined) return undefined;
  const secured = typeof tls === 'object' && tls !== null ? tlsOf(tls) : tls;
  const connect = { address, namespace, ...(typeof apiKey === 'string' ? { apiKey } : {}), ...(secured == null ? {} : { tls: secured }) };
  const from = env['TEMPORAL_ADDRESS'] === undefined ? 'the settings of the Temporal CLI' : 'TEMPORAL_ADDRESS';
  return { address, namespace, from, connect };
}

type Tls = Exclude<NonNullable<ConnectOptions['tls']>, boolean>;

function tlsOf(tls: { serverNameOverride?: string | undefined; serverRootCACertificate?: Uint8Array | undefined; clientCertPair?: { crt: Uint8Array; key: Uint8Array } | null | undefined }): Tls {
  const { serverNameOverride, serverRootCACertificate, clientCertPair } = tls;
  return {
    ...(serverNameOverride === undefined ? {} : { serverNameOverride }),
    ...(serverRootCACertificate === undefined ? {} : { serverRootCACertificate: Buffer.from(serverRootCACertificate) }),
    ...(clientCertPair == null ? {} : { clientCertPair: { crt: Buffer.from(clientCertPair.crt), key: Buffer.from(clientCertPair.key) } }),
  };
}

function load<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new HoldfastError('Invalid', `the Temporal settings cannot be read: ${why}`, { cause, remedy: 'Correct TEMPORAL_*, or the file that temporal config uses.' });
  }
}

function defined(env: Io['env']): Record<string, string> {
  return Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

/** Everything that commands ask of Temporal. */
export function temporalDeps(io: Io): Pick<Deps, 'connect' | 'temporalPlace' | 'searchAttributes' | 'clockBehind'> {
  return {
    async temporalPlace(dataDir) {
      const { address, namespace, from } = await findTemporal(dataDir, io.env);
      return { address, namespace, from };
    },
    connect: ({ dataDir, timeoutMs }) => connect(io, { dataDir, timeoutMs }),
    async searchAttributes({ register, ...request }) {
      const { ensureSearchAttributes, missingSearchAttributes } = await import('../../embedded/search-attributes.js');
      const place = await findTemporal(request.dataDir, io.env);
      const connection = await connectOperator(place, request.timeoutMs);
      try {
        const registered = register ? await ensureSearchAttributes(connection, place.namespace) : [];
        return { registered, missing: register ? [] : await missingSearchAttributes(connection, place.namespace) };
      } finally {
        await connection.close();
      }
    },
    clockBehind: (request) => clockBehind(io, request),
  };
}

async function connect(io: Io, { dataDir, timeoutMs }: ConnectRequest): Promise<Connection> {
  const place = await findTemporal(dataDir, io.env);
  await refuseSilence(place, timeoutMs);
  const { connectTemporal, holdfastClient } = await import('../../client.js');
  const temporal = await connectTemporal({ ...place.connect, timeoutMs });
  try {
    const deadline = Date.now() + timeoutMs;
    await temporal.connection.withDeadline(deadline, () => temporal.workflowService.describeNamespace({ namespace: place.namespace }));
  } catch (cause) {
    await temporal.connection.close();
    throw namespaceProblem(place, cause);
  }
  return { client: holdfastClient(temporal, timeoutMs), address: place.address, namespace: place.namespace };
}

/** gRPC tries a refused address again until its time is over; on this machine a refusal is an answer. */
async function refuseSilence(place: Place, timeoutMs: number): Promise<void> {
  const [, host = '', port = ''] = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\]):(\d+)$/.exec(place.address) ?? [];
  if (port === '') return;
  const { connect: open } = await import('node:net');
  const error = await new Promise<Error | undefined>((resolve) => {
    const socket = open({ host: host.replace(/^\[|\]$/g, ''), port: Number(port), timeout: timeoutMs });
    const end = (result: Error | undefined) => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => end(undefined)).once('timeout', () => end(undefined)).once('error', end);
  });
  if (error !== undefined) throw namespaceProblem(place, error);
}

/** Numbers of gRPC's status codes. */
const NOT_FOUND = 5;
const DENIED: readonly unknown[] = [7, 16];

function namespaceProblem({ address, namespace, from }: Place, cause: unknown): HoldfastError {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  if (code === NOT_FOUND) return new HoldfastError('Invalid', `Temporal at ${address} has no namespace ${namespace}`, { cause, remedy: 'Name another with TEMPORAL_NAMESPACE, or make it: temporal operator namespace create.' });
  if (DENIED.includes(code)) return new HoldfastError('Refused', `Temporal at ${address} refuses access to namespace ${namespace}`, { cause, remedy: 'Check TEMPORAL_API_KEY or the certificates.' });
  return new HoldfastError('Unreachable', `Temporal at ${address} (${from}) does not answer`, { cause, remedy: 'Start it with: holdfast up — or set TEMPORAL_ADDRESS.' });
}

/** The façade's connection serves workflows; registering is for operators. */
async function connectOperator({ connect: { address, apiKey, tls } }: Place, timeoutMs: number) {
  const { Connection } = await import('@temporalio/client');
  return Connection.connect({ address, connectTimeout: timeoutMs, ...(apiKey === undefined ? {} : { apiKey }), ...(tls === undefined ? {} : { tls: tls === true ? {} : tls }) });
}

/** Temporal says when each worker last asked for work, by its own clock: a time that has not come yet here shows that this clock is behind. */
async function clockBehind(io: Io, request: ConnectRequest): Promise<number> {
  const { connectTemporal } = await import('../../client.js');
  const place = await findTemporal(request.dataDir, io.env);
  const { connection } = await connectTemporal({ ...place.connect, timeoutMs: request.timeoutMs });
  try {
    // Without a type it is asked about workflow tasks.
    const answer = await connection.workflowService.describeTaskQueue({ namespace: place.namespace, taskQueue: { name: WORKFLOW_QUEUE } });
    const newest = Math.max(0, ...answer.pollers.map((poller) => Number(poller.lastAccessTime?.seconds ?? 0)));
    return Math.max(0, newest * 1_000 - io.now().getTime());
  } finally {
    await connection.close();
  }
}

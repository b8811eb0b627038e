import type { ClientConnectConfig } from '@temporalio/envconfig';
import type { ConnectOptions, TlsOptions } from '../../client/connect.js';
import type { Config } from '../../config/config.js';
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
  const settings = await settingsOf(env);
  const { address, apiKey, tls, metadata } = settings.connectionOptions;
  const { namespace = 'default' } = settings;
  if (address === undefined) return undefined;
  const secured = typeof tls === 'object' && tls !== null ? tlsOf(tls) : tls;
  const from = defined(env)['TEMPORAL_ADDRESS'] === undefined ? 'the settings of the Temporal CLI' : 'TEMPORAL_ADDRESS';
  const connect: ConnectOptions = {
    address,
    namespace,
    from,
    ...(typeof apiKey === 'string' ? { apiKey, rereadApiKey: async () => keyOf(await settingsOf(env)) } : {}),
    ...(secured == null ? {} : { tls: secured }),
    ...(metadata === undefined ? {} : { metadata: textOf(metadata) }),
  };
  return { address, namespace, from, connect };
}

/** Anything else would be taken for none, and the connection be open to read. */
const SWITCH: readonly string[] = ['true', 'false', '1', '0'];

const IN_HEADER = /^[ -~]*$/;

/** Read anew at every call: the file may have a new key. */
async function settingsOf(env: Io['env']): Promise<ClientConnectConfig> {
  const { loadClientConfigProfile, toClientOptions } = await import('@temporalio/envconfig');
  return load(() => {
    const switched = defined(env)['TEMPORAL_TLS'];
    if (switched !== undefined && !SWITCH.includes(switched)) throw new Error(`TEMPORAL_TLS is ${SWITCH.slice(0, -1).join(', ')} or ${SWITCH.at(-1) ?? ''}, and nothing else`);
    const profile = loadClientConfigProfile({ overrideEnvVars: defined(env) });
    if (![profile.apiKey ?? '', ...Object.values(profile.grpcMeta ?? {})].every((value) => IN_HEADER.test(value))) throw new Error('the API key, or the metadata, holds a line break or another character that cannot be sent');
    const { clientCert, clientKey } = profile.tls ?? {};
    if ((clientCert === undefined) !== (clientKey === undefined)) throw new Error('a client certificate and its key go together, and one of them is missing');
    return toClientOptions(profile);
  });
}

function keyOf({ connectionOptions: { apiKey } }: ClientConnectConfig): string | undefined {
  return typeof apiKey === 'string' ? apiKey : undefined;
}

function textOf(metadata: Readonly<Record<string, string | Buffer>>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, value.toString()]));
}

function tlsOf(tls: { serverNameOverride?: string | undefined; serverRootCACertificate?: Uint8Array | undefined; clientCertPair?: { crt: Uint8Array; key: Uint8Array } | null | undefined }): TlsOptions {
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
  } catch (error) {
    // No cause: below its first line a parser's message quotes the file, API key and all.
    throw new HoldfastError('Invalid', `the Temporal settings cannot be read: ${problemOf(error)}`, { remedy: 'Correct TEMPORAL_*, or the file that temporal config uses.' });
  }
}

function problemOf(error: unknown): string {
  const [problem = ''] = (error instanceof Error ? error.message : String(error)).split('\n', 1);
  const line = lineOf(error);
  return line === undefined ? problem : `${problem} (line ${line})`;
}

/** Parsers say it beside the message; what loads for them may have wrapped that. */
function lineOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  return 'line' in error && typeof error.line === 'number' ? error.line : lineOf(error.cause);
}

/** An empty variable is as good as none. */
function defined(env: Io['env']): Record<string, string> {
  return Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, value]])));
}

/** Everything that commands ask of Temporal. */
export function temporalDeps(io: Io): Pick<Deps, 'connect' | 'temporalPlace' | 'searchAttributes' | 'clockBehind'> {
  return {
    async temporalPlace(dataDir) {
      const { address, namespace, from } = await findTemporal(dataDir, io.env);
      return { address, namespace, from };
    },
    connect: (request) => connect(io, request),
    async searchAttributes({ register, ...request }) {
      const { ensureSearchAttributes, missingSearchAttributes } = await import('../../embedded/search-attributes.js');
      const place = await findTemporal(request.dataDir, io.env);
      const { openConnection } = await import('../../client/connect.js');
      const connection = await openConnection({ ...place.connect, timeoutMs: request.timeoutMs });
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

async function connect(io: Io, { dataDir, timeoutMs, config }: ConnectRequest): Promise<Connection> {
  const place = await findTemporal(dataDir, io.env);
  const { connectTemporal } = await import('../../client/connect.js');
  const { holdfastClient } = await import('../../client.js');
  const temporal = await connectTemporal({ ...place.connect, timeoutMs, ...(await encryption(io, config)) });
  return { client: holdfastClient(temporal, timeoutMs), address: place.address, namespace: place.namespace };
}

async function encryption({ env }: Io, config: Config | undefined): Promise<Pick<ConnectOptions, 'codec'>> {
  if (config?.payloadKeys === undefined) return {};
  const { codecOf } = await import('../../codec/keys.js');
  const { resolveSecret } = await import('../../config/secrets.js');
  const codec = await codecOf(config.payloadKeys, (reference) => resolveSecret(reference, { folder: config.folder, env }));
  return codec === undefined ? {} : { codec };
}

/** Temporal says when each worker last asked for work, by its own clock: a time that has not come yet here shows that this clock is behind. */
async function clockBehind(io: Io, request: ConnectRequest): Promise<number> {
  const { connectTemporal } = await import('../../client/connect.js');
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

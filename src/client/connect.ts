import type { Client, Connection, ConnectionOptions } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import { HoldfastError, isHoldfastError } from '../domain/errors.js';
import { accountOf, knock } from './knock.js';

export interface TlsOptions {
  readonly serverNameOverride?: string;
  /** PEM. Absent: the authorities that this machine trusts. */
  readonly serverRootCACertificate?: Buffer;
  readonly clientCertPair?: { readonly crt: Buffer; readonly key: Buffer };
}

/** How Temporal is reached: the one shape from which both the client's and the workers' connection are made. */
export interface ConnectOptions {
  /** `127.0.0.1:7233` */
  readonly address: string;
  readonly namespace: string;
  /** Who named that place, for messages: `TEMPORAL_ADDRESS`. */
  readonly from?: string;
  readonly apiKey?: string;
  /** Reads the key where it came from again; a long-lived process takes a new one without a restart. */
  readonly rereadApiKey?: () => Promise<string | undefined>;
  readonly tls?: boolean | TlsOptions;
  /** Sent along with every call. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** How long to wait for an answer, also of an incident that judges a decision. Default 10 s. */
  readonly timeoutMs?: number;
  /** Encrypts what is sent, and decrypts what is received. */
  readonly codec?: PayloadCodec;
}

type Shared = Pick<ConnectionOptions, 'address'> & { readonly apiKey?: string; readonly tls?: TlsOptions | boolean; readonly metadata?: Record<string, string> };

/** What `Connection.connect` and `NativeConnection.connect` both take. */
export function connectionOptions({ address, apiKey, tls, metadata }: ConnectOptions): Shared {
  return {
    address,
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(tls === undefined ? {} : { tls: tls === true ? {} : tls }),
    ...(metadata === undefined ? {} : { metadata: { ...metadata } }),
  };
}

/** A client that encrypts and decrypts as the options say; throws as `openConnection` does. */
export async function connectTemporal(options: ConnectOptions): Promise<Client> {
  const { namespace, codec } = options;
  const connection = await openConnection(options);
  const { Client } = await import('@temporalio/client');
  return new Client({ connection, namespace, ...(codec === undefined ? {} : { dataConverter: { payloadCodecs: [codec] } }) });
}

/**
 * Connects, and asks about the namespace. Throws `Unreachable` when nothing answers within the
 * limit, `Refused` when certificates or key are not taken, `Invalid` when there is no such namespace.
 */
export async function openConnection(options: ConnectOptions): Promise<Connection> {
  const { namespace, timeoutMs = 10_000 } = options;
  const deadline = Date.now() + timeoutMs;
  await knock(options, timeoutMs);
  const { Connection } = await import('@temporalio/client');
  const connection = Connection.lazy({ ...connectionOptions(options), connectTimeout: Math.max(1, deadline - Date.now()) });
  try {
    await connection.ensureConnected();
    await connection.withDeadline(deadline, () => connection.workflowService.describeNamespace({ namespace }));
    return connection;
  } catch (cause) {
    await connection.close();
    throw connectionProblem(options, cause);
  }
}

/** Numbers of gRPC's status codes. */
const NOT_FOUND = 5;
const DENIED: readonly unknown[] = [7, 16];

/** What a failed connection means, with the remedy; never what was sent along with it. */
function connectionProblem(options: ConnectOptions, cause: unknown): HoldfastError {
  if (isHoldfastError(cause)) return cause;
  const { address, namespace, apiKey } = options;
  const code = codeOf(cause);
  if (code === NOT_FOUND) return new HoldfastError('Invalid', `Temporal at ${address} has no namespace ${namespace}`, { cause, remedy: 'Name another with TEMPORAL_NAMESPACE, or make it: temporal operator namespace create.' });
  if (DENIED.includes(code)) {
    const remedy = apiKey === undefined ? 'Set TEMPORAL_API_KEY, or give the client certificate access to the namespace.' : 'Check TEMPORAL_API_KEY (or api_key in the file of the Temporal CLI): it may be wrong, expired, or for another namespace.';
    return new HoldfastError('Refused', `Temporal at ${address} refuses access to namespace ${namespace}`, { cause, remedy });
  }
  return new HoldfastError('Unreachable', `Temporal at ${address}${accountOf(options)} does not answer`, { cause, remedy: 'Start it with: holdfast up — or set TEMPORAL_ADDRESS.' });
}

/** The SDK wraps what gRPC said. */
function codeOf(error: unknown): unknown {
  if (typeof error !== 'object' || error === null) return undefined;
  if ('code' in error && error.code !== undefined) return error.code;
  return 'cause' in error ? codeOf(error.cause) : undefined;
}

import type { ClientHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { HoldfastError } from '../domain/errors.js';
import type { ConnectOptions, TlsOptions } from './connect.js';

interface Knocked {
  /** It spoke HTTP/2, as gRPC does. */
  readonly answered: boolean;
  /** It took the connection (with TLS: and agreed on it), and then ended it. */
  readonly ended: boolean;
  readonly error?: NodeJS.ErrnoException;
}

/**
 * One handshake before gRPC begins: gRPC tries a refused certificate or address again until its
 * time is over, and then knows only that the time is over. Throws what is wrong, with the remedy.
 */
export async function knock(options: ConnectOptions, timeoutMs: number): Promise<void> {
  const place = placeOf(options.address);
  if (place === undefined) throw new HoldfastError('Invalid', `${options.address} is not the address of a Temporal server`, { remedy: 'Set TEMPORAL_ADDRESS to HOST:PORT, without https://.' });
  const result = await handshake(place, options, timeoutMs);
  if (!result.answered) throw problemOf(options, result);
}

export function accountOf({ from }: Pick<ConnectOptions, 'from'>): string {
  return from === undefined ? '' : ` (${from})`;
}

const DEFAULT_PORT = '7233';

function placeOf(address: string): { readonly host: string; readonly port: string } | undefined {
  const [, host, port = DEFAULT_PORT] = /^(\[[0-9a-fA-F:.]+\]|[^\s/:@[\]]+)(?::(\d{1,5}))?$/.exec(address) ?? [];
  return host === undefined ? undefined : { host, port };
}

async function handshake({ host, port }: { readonly host: string; readonly port: string }, { tls }: ConnectOptions, timeoutMs: number): Promise<Knocked> {
  const { connect } = await import('node:http2');
  const secure = tls !== undefined && tls !== false;
  let socket: Socket;
  try {
    socket = await socketTo({ host: host.replace(/^\[|\]$/g, ''), port: Number(port) }, tls);
  } catch (error) {
    return { answered: false, ended: false, error: error as NodeJS.ErrnoException };
  }
  return new Promise((resolve) => {
    let connected = false;
    const session: ClientHttp2Session = connect(`${secure ? 'https' : 'http'}://${host}:${port}`, { createConnection: () => socket });
    const end = (result: Omit<Knocked, 'ended'>, ended = connected): void => {
      clearTimeout(timer);
      resolve({ ...result, ended });
      session.destroy();
      socket.destroy();
    };
    const timer = setTimeout(() => end({ answered: false }, false), timeoutMs);
    session.once('connect', () => { connected = true; });
    session.once('remoteSettings', () => end({ answered: true }));
    // What ends the socket while the session begins is said by the socket alone.
    for (const each of [socket, session]) {
      each.on('error', (error: NodeJS.ErrnoException) => end({ answered: false, error }));
      each.once('close', () => end({ answered: false }, true));
    }
  });
}

async function socketTo(place: { readonly host: string; readonly port: number }, tls: ConnectOptions['tls']): Promise<Socket> {
  if (tls === undefined || tls === false) return (await import('node:net')).connect(place);
  const { connect } = await import('node:tls');
  const { isIP } = await import('node:net');
  return connect({ ...place, ALPNProtocols: ['h2'], ...(isIP(place.host) === 0 ? { servername: place.host } : {}), ...(tls === true ? {} : certificates(tls)) });
}

function certificates({ serverNameOverride, serverRootCACertificate, clientCertPair }: TlsOptions): object {
  return {
    ...(serverNameOverride === undefined ? {} : { servername: serverNameOverride }),
    ...(serverRootCACertificate === undefined ? {} : { ca: serverRootCACertificate }),
    ...(clientCertPair === undefined ? {} : { cert: clientCertPair.crt, key: clientCertPair.key }),
  };
}

const UNTRUSTED: readonly string[] = ['SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_GET_ISSUER_CERT', 'CERT_SIGNATURE_FAILURE'];

function problemOf(options: ConnectOptions, { ended, error }: Knocked): HoldfastError {
  const { address, tls } = options;
  const code = error?.code ?? '';
  const refused = (fact: string, remedy: string): HoldfastError => new HoldfastError('Refused', `Temporal at ${address}${accountOf(options)}: ${fact}`, { cause: error, remedy });
  if (UNTRUSTED.includes(code)) return refused('its certificate is signed by nobody that is trusted here', 'Name the authority that signed it with TEMPORAL_TLS_SERVER_CA_CERT_PATH.');
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return refused('its certificate has expired or is not valid yet', 'Renew the certificate of the server, or set the clock of this machine.');
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return refused('its certificate is for another name', 'Set TEMPORAL_TLS_SERVER_NAME to the name in the certificate.');
  if (/^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)$/.test(code)) return refused('it does not speak TLS', 'Leave TEMPORAL_TLS and TEMPORAL_API_KEY out, or name the port that speaks TLS.');
  if (/KEY_VALUES_MISMATCH|ERR_OSSL|PEM|ASN1/.test(code)) return refused('the certificates or the key that were given cannot be used', 'Check TEMPORAL_TLS_CLIENT_CERT_PATH, TEMPORAL_TLS_CLIENT_KEY_PATH and TEMPORAL_TLS_SERVER_CA_CERT_PATH: PEM files that belong together.');
  // A refusal may be read before the own side of the handshake counts as done.
  if (!ended && !/ALERT|ECONNRESET|EPIPE/.test(code)) return new HoldfastError('Unreachable', `Temporal at ${address}${accountOf(options)} does not answer`, { cause: error, remedy: 'Start it with: holdfast up — or set TEMPORAL_ADDRESS.' });
  if (tls === undefined || tls === false) return refused('it answers, but not as Temporal does without TLS', 'If it expects TLS, set TEMPORAL_TLS=true.');
  if (typeof tls === 'object' && tls.clientCertPair !== undefined) return refused('it refuses the client certificate', 'Check that TEMPORAL_TLS_CLIENT_CERT_PATH has not expired and is signed by whom the server trusts.');
  return refused('it closes the connection without a client certificate', 'Set TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH.');
}

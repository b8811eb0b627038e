import { connect as connectHttp2, createSecureServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer } from 'node:tls';
import type { Authority } from './certificates.js';

/** Something that stands before a plain Temporal server, as it would in production. */
export interface Front {
  /** `localhost:PORT` */
  readonly address: string;
  close(): Promise<void>;
}

interface Behind {
  /** `127.0.0.1:PORT` of the plain server. */
  readonly plain: string;
  readonly authority: Authority;
}

/** Ends TLS, asks for a client certificate of the authority, and passes bytes on. */
export async function tlsFront({ plain, authority }: Behind): Promise<Front> {
  const { crt, key } = authority.issue('temporal');
  const open = new Set<Socket>();
  const server = createServer({ cert: crt, key, ca: authority.crt, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ['h2'] }, (socket) => {
    const [host = '', port = ''] = plain.split(':');
    const inner = connect(Number(port), host);
    for (const each of [socket, inner]) {
      open.add(each);
      each.once('error', () => { socket.destroy(); inner.destroy(); }).once('close', () => open.delete(each));
    }
    socket.pipe(inner).pipe(socket);
  });
  return listening(server, () => { for (const each of open) each.destroy(); });
}

export interface KeyFront extends Front {
  /** The keys that are taken from now on. */
  take(...keys: readonly string[]): void;
  /** Headers of the last call that was let through. */
  last(): IncomingHttpHeaders;
}

const UNAUTHENTICATED = '16';

/** Ends TLS and passes only calls that bring the key. */
export async function keyFront({ plain, authority, key: first }: Behind & { readonly key: string }): Promise<KeyFront> {
  const { crt, key } = authority.issue('temporal');
  const inner = connectHttp2(`http://${plain}`);
  inner.on('error', () => undefined);
  let taken: readonly string[] = [`Bearer ${first}`];
  let last: IncomingHttpHeaders = {};
  const server = createSecureServer({ cert: crt, key });
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => { sessions.add(session); session.on('error', () => undefined).on('close', () => sessions.delete(session)); });
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => undefined);
    if (!taken.includes(headers.authorization ?? '')) {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': UNAUTHENTICATED, 'grpc-message': 'Request unauthorized.' }, { endStream: true });
      return;
    }
    last = headers;
    const { ':authority': _, ...rest } = headers;
    const call = inner.request(rest);
    let trailers: IncomingHttpHeaders = {};
    call.on('error', () => stream.destroy());
    call.on('trailers', (sent: IncomingHttpHeaders) => { trailers = sent; });
    call.once('response', (answer) => {
      if (stream.destroyed) return;
      // An error comes as headers alone, and must leave so.
      const isWhole = answer['grpc-status'] !== undefined;
      stream.respond(answer, isWhole ? { endStream: true } : { waitForTrailers: true });
      if (isWhole) return;
      stream.once('wantTrailers', () => stream.sendTrailers(trailers));
      call.pipe(stream);
    });
    stream.once('close', () => call.close());
    stream.pipe(call);
  });
  const front = await listening(server, () => { inner.destroy(); for (const session of sessions) session.destroy(); });
  return {
    ...front,
    take(...keys) { taken = keys.map((each) => `Bearer ${each}`); },
    last: () => last,
  };
}

async function listening(server: Server, end: () => void): Promise<Front> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `localhost:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      end();
    }),
  };
}

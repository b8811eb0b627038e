import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /**
   * Cuts the connection that next sends these bytes, once: `before` they arrive, or `after`, when
   * the other side has answered and the answer is not passed on. `undefined`: cuts nothing.
   */
  cutAt(bytes: string | undefined, when?: 'before' | 'after'): void;
  /** Takes connections and never answers, as behind a firewall that drops. */
  goSilent(silent: boolean): void;
  /** How many connections were cut. */
  readonly cuts: number;
  stop(): Promise<void>;
}

/** Stands between a client and a server on this machine. */
export async function startTcpProxy(target: number): Promise<TcpProxy> {
  let cut: { readonly bytes: string; readonly when: 'before' | 'after' } | undefined;
  let silent = false;
  let cuts = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    let swallowing = false;
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        open.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (chunk: Buffer) => {
      if (silent) return;
      if (cut !== undefined && chunk.includes(cut.bytes)) {
        const { when } = cut;
        cut = undefined;
        cuts += 1;
        if (when === 'before') {
          client.destroy();
          return;
        }
        swallowing = true;
      }
      upstream.write(chunk);
    });
    upstream.on('data', (chunk: Buffer) => {
      if (silent) return;
      if (swallowing) client.destroy();
      else client.write(chunk);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    cutAt(bytes, when = 'after') {
      cut = bytes === undefined ? undefined : { bytes, when };
    },
    goSilent(value) {
      silent = value;
    },
    get cuts() {
      return cuts;
    },
    async stop() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HealthServer {
  readonly port: number;
  /** `address` is `dev/web`; healthy until told otherwise. What is given is asked at every request; a number is the seconds of a 429's Retry-After. */
  set(address: string, healthy: () => boolean | number | Promise<boolean | number>): void;
  /** Requests answered so far for that address. */
  asked(address: string): number;
  close(): Promise<void>;
}

/** The health of every target of a site, over HTTP and under a test's control. */
export async function healthServer(): Promise<HealthServer> {
  const states = new Map<string, () => boolean | number | Promise<boolean | number>>();
  const counts = new Map<string, number>();
  const server = createServer((request, response) => {
    const address = (request.url ?? '/').slice(1);
    counts.set(address, (counts.get(address) ?? 0) + 1);
    const state = states.get(address) ?? (() => true);
    Promise.resolve(state())
      .catch(() => false)
      .then((healthy) => (typeof healthy === 'number' ? response.writeHead(429, { 'retry-after': String(healthy) }) : response.writeHead(healthy ? 200 : 503)).end(), () => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    set: (address, healthy) => void states.set(address, healthy),
    asked: (address) => counts.get(address) ?? 0,
    close: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    }),
  };
}

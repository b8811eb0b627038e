import { createServer } from 'node:net';

const LOOPBACK = '127.0.0.1';

export async function isFree(port: number): Promise<boolean> {
  return (await listen(port)) !== undefined;
}

/** A port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const port = await listen(0);
  if (port === undefined) throw new Error('no free port on 127.0.0.1');
  return port;
}

async function listen(port: number): Promise<number | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen(port, LOOPBACK, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined));
    });
  });
}

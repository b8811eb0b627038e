import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { measureTcp } from '../../src/health/tcp.js';
import { closedPort, context, listen, tcpCheck } from './support.js';

describe('measureTcp', () => {
  it('succeeds when the port takes the connection', async () => {
    const port = await listen(createServer((socket) => socket.on('error', () => undefined)));
    expect(await measureTcp(tcpCheck(port), context())).toMatchObject({ result: 'success', message: `port ${String(port)} is open` });
  });

  it('fails when nobody listens', async () => {
    expect(await measureTcp(tcpCheck(await closedPort()), context())).toMatchObject({ result: 'failure', message: 'connection refused' });
  });

  it('errs for a forbidden address without connecting', async () => {
    expect(await measureTcp(tcpCheck(80, { host: 'fe80::1' }), context())).toMatchObject({ result: 'error', message: 'fe80::1 is refused: fe80::1 is a link-local address' });
  });

  it('errs for a name that nobody knows', async () => {
    expect(await measureTcp(tcpCheck(80, { host: 'no-such-host.invalid' }), context())).toMatchObject({ result: 'error' });
  });
});

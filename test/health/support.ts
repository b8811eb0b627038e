import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { onTestFinished } from 'vitest';
import type { CommandCheck, HealthTiming, HttpCheck, TcpCheck } from '../../src/domain/health.js';
import type { ProbeContext } from '../../src/health/probe.js';

const TIMING: HealthTiming = {
  intervalMs: 1, count: 1, initialDelayMs: 0, timeoutMs: 5000, failureLimit: 0, inconclusiveLimit: 0, consecutiveErrorLimit: 0,
};

export function httpCheck(url: string, more: Partial<HttpCheck> = {}): HttpCheck {
  return { ...TIMING, type: 'http', name: 'web', url, method: 'GET', headers: {}, expect: { status: [200] }, allowPrivate: false, ...more };
}

export function tcpCheck(port: number, more: Partial<TcpCheck> = {}): TcpCheck {
  return { ...TIMING, type: 'tcp', name: 'port', host: '127.0.0.1', port, allowPrivate: false, ...more };
}

/** A command that runs this JavaScript. */
export function nodeCheck(script: string, more: Partial<CommandCheck> = {}): CommandCheck {
  return { ...TIMING, type: 'command', name: 'cmd', command: [process.execPath, '-e', script], env: {}, ...more };
}

export function context(more: Partial<ProbeContext> = {}): ProbeContext {
  return {
    signal: new AbortController().signal,
    heartbeat: () => undefined,
    now: () => new Date('2026-11-02T10:00:00.000Z'),
    resolveSecret: (reference) => Promise.reject(new Error(`no secret is expected here: ${reference}`)),
    ...more,
  };
}

/** A server for the test at hand; it is closed with it. */
export async function serve(listener: RequestListener): Promise<{ url: string; port: number }> {
  const server = createServer(listener);
  const port = await listen(server);
  onTestFinished(() => { server.closeAllConnections(); });
  return { url: `http://127.0.0.1:${String(port)}/healthz`, port };
}

export async function listen(server: Server | NetServer): Promise<number> {
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  onTestFinished(() => { server.close(); });
  return (server.address() as AddressInfo).port;
}

/** A port on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => { server.close(resolve); });
  return port;
}

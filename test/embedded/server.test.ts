import { createServer } from 'node:http';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readEmbedded, writeServerRecord } from '../../src/embedded/data-folder.js';
import { freePort } from '../../src/embedded/ports.js';
import { findProcesses } from '../../src/embedded/process.js';
import { identityOf, isRunning } from '../../src/system/process.js';
import { ensureSearchAttributes, missingSearchAttributes } from '../../src/embedded/search-attributes.js';
import { findTemporalBinary } from '../../src/embedded/temporal-binary.js';
import { startTemporal, type EmbeddedTemporal } from '../../src/embedded/server.js';

let dataDir: string;
let lines: string[];
const started: EmbeddedTemporal[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'holdfast-embedded-'));
  lines = [];
});

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const server of started.splice(0)) await server.stop();
  await rm(dataDir, { recursive: true, force: true });
});

async function start(options: { port?: number; uiPort?: number } = {}): Promise<EmbeddedTemporal> {
  const server = await startTemporal({ dataDir, log: (line) => lines.push(line), ...options });
  started.push(server);
  return server;
}

async function withConnection<T>(address: string, use: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}

describe('a first start', () => {
  test('is on loopback, keeps history for 30 days and knows the search attributes, because incidents are found by them', async () => {
    const server = await start();
    expect(server.adopted).toBe(false);
    expect(server.address).toMatch(/^127\.0\.0\.1:\d+$/);
    await withConnection(server.address, async (connection) => {
      const { config } = await connection.workflowService.describeNamespace({ namespace: server.namespace });
      expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(30 * 24 * 3600);
      expect(await missingSearchAttributes(connection, server.namespace)).toEqual([]);
      expect(await ensureSearchAttributes(connection, server.namespace)).toEqual([]);
    });
    expect((await fetch(server.metricsUrl)).status).toBe(200);
    expect(await readEmbedded(dataDir)).toMatchObject({ address: server.address, uiUrl: server.uiUrl, running: true });
    await server.stop();
    expect(await readEmbedded(dataDir)).toBeUndefined();
  }, 60_000);
});

describe('a server left over', () => {
  test('that answers is taken over, because an open incident goes on in it', async () => {
    const first = await start();
    const second = await start();
    expect(second.adopted).toBe(true);
    expect(second.pid).toBe(first.pid);
    expect(second.address).toBe(first.address);
  }, 60_000);

  test('on other ports than asked for is ended, because two servers on one database break it', async () => {
    const first = await start();
    const port = await freePort();
    const second = await start({ port });
    expect(second.adopted).toBe(false);
    expect(second.address).toBe(`127.0.0.1:${port}`);
    expect(identityOf(first.pid)).toBeUndefined();
  }, 60_000);

  test('that stands still is ended and replaced, because nothing would ever answer', async () => {
    const first = await start();
    process.kill(first.pid, 'SIGSTOP');
    const second = await start();
    expect(second.adopted).toBe(false);
    expect(second.pid).not.toBe(first.pid);
    expect(identityOf(first.pid)).toBeUndefined();
  }, 60_000);

  test('that nobody recorded is found by its database and ended', async () => {
    const first = await start();
    await rm(join(dataDir, 'server.json'));
    const second = await start();
    expect(second.pid).not.toBe(first.pid);
    expect(await findProcesses(['start-dev', join(dataDir, 'temporal.db')])).toHaveLength(1);
  }, 60_000);

  test('whose process id now belongs to another program leaves that program alone', async () => {
    const bystander = spawn('sleep', ['60'], { stdio: 'ignore' });
    try {
      const identity = identityOf(bystander.pid ?? 0);
      if (identity === undefined) throw new Error('the bystander did not start');
      await writeServerRecord(dataDir, { process: identity, address: '127.0.0.1:1', uiUrl: 'http://127.0.0.1:2', metricsUrl: '', namespace: 'default', startedAt: '' });
      const server = await start();
      expect(server.adopted).toBe(false);
      expect(isRunning(identity)).toBe(true);
    } finally {
      bystander.kill('SIGKILL');
    }
  }, 60_000);
});

test('killed with SIGKILL, the next start finds the runs it held, at the same address', async () => {
  const first = await start();
  await withConnection(first.address, async (connection) => {
    const client = new Client({ connection, namespace: first.namespace });
    await client.workflow.start('incident', { taskQueue: 'nobody', workflowId: 'incident/prod/storefront' });
  });
  process.kill(first.pid, 'SIGKILL');
  const second = await start();
  expect(second.adopted).toBe(false);
  expect(second.address).toBe(first.address);
  await withConnection(second.address, async (connection) => {
    const client = new Client({ connection, namespace: second.namespace });
    const found = await client.workflow.getHandle('incident/prod/storefront').describe();
    expect(found.status.name).toBe('RUNNING');
  });
}, 60_000);

describe('a busy port', () => {
  test('that was asked for is named, because another would surprise', async () => {
    const port = await freePort();
    const other = createServer().listen(port, '127.0.0.1');
    try {
      await expect(start({ port })).rejects.toThrow(`port ${port} of 127.0.0.1 is taken`);
      await expect(start({ uiPort: port })).rejects.toThrow(`port ${port} of 127.0.0.1 is taken`);
    } finally {
      other.close();
    }
  }, 60_000);

  test('that the server chose for itself and lost to another is no failure, although its front was asked for', async () => {
    const { path } = await findTemporalBinary({ log: () => undefined });
    const bin = join(dataDir, 'bin');
    await mkdir(bin);
    // The first time it loses; then it is the real one.
    await writeFile(join(bin, 'temporal'), `#!/bin/sh\n[ "$1" = server ] && mkdir "${dataDir}/lost" 2>/dev/null && { echo "listen tcp 127.0.0.1:40123: bind: address already in use"; exit 1; }\nexec "${path}" "$@"\n`, { mode: 0o755 });
    vi.stubEnv('PATH', `${bin}:${process.env['PATH'] ?? ''}`);
    const ports = { port: await freePort(), uiPort: await freePort() };
    const server = await start(ports);
    expect(existsSync(join(dataDir, 'lost'))).toBe(true);
    expect(server.address).toBe(`127.0.0.1:${ports.port}`);
  }, 60_000);

  test('that nobody asked for is passed by, and said', async () => {
    const other = createServer();
    const mine = await new Promise<boolean>((resolve) => {
      other.once('error', () => resolve(false));
      other.listen(7233, '127.0.0.1', () => resolve(true));
    });
    try {
      const server = await start();
      expect(server.address).not.toBe('127.0.0.1:7233');
      expect(lines.join('\n')).toContain('port 7233 is taken');
    } finally {
      if (mine) other.close();
    }
  }, 60_000);
});

test('a record that is not one of ours is passed by, because a crash may leave anything', async () => {
  for (const text of ['', '{', '[]', '{"process":{"host":"x","pid":-1,"startTime":"1"}}']) {
    await writeFile(join(dataDir, 'server.json'), text);
    expect(await readEmbedded(dataDir)).toBeUndefined();
  }
});

test('the record is readable by its owner alone', async () => {
  const server = await start();
  const file = join(dataDir, 'server.json');
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ process: { pid: server.pid } });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
}, 60_000);

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freePort } from '../../src/embedded/ports.js';

const QUICKSTART = join(import.meta.dirname, '..', '..', 'examples', 'quickstart');
const SERVER = join(QUICKSTART, 'service', 'server.mjs');

let folder: string;
let port: number;
const children: ChildProcess[] = [];

interface Health {
  readonly status: number;
  readonly healthy: boolean;
  readonly problems: readonly string[];
  readonly release: string;
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-service-'));
  port = await freePort();
  await cp(join(QUICKSTART, 'desired', 'prod'), join(folder, 'first'), { recursive: true });
  await symlink('first', join(folder, 'current'));
  await load(60);
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

async function load(requestsPerSecond: number): Promise<void> {
  await writeFile(join(folder, 'load.json'), JSON.stringify({ requestsPerSecond }));
}

async function start(args: readonly string[] = ['--load', join(folder, 'load.json')]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [SERVER, '--root', join(folder, 'current'), '--port', String(port), '--pid-file', join(folder, 'pid'), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await once(child.stdout, 'data');
  return child;
}

async function health(): Promise<Health> {
  const answer = await fetch(`http://127.0.0.1:${port}/healthz`);
  return { status: answer.status, ...((await answer.json()) as Omit<Health, 'status'>) };
}

async function get(path: string): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}${path}`)).text();
}

async function setWorkers(workers: number, release = 'first'): Promise<void> {
  await writeFile(join(folder, release, 'etc', 'limits.json'), JSON.stringify({ workers, requestsPerWorker: 25 }));
}

async function reload(child: ChildProcess): Promise<void> {
  const before = await get('/metrics');
  child.kill('SIGHUP');
  for (let look = 0; look < 100 && counter(before) === counter(await get('/metrics')); look += 1) await sleep(20);
  await sleep(50);
}

function counter(metrics: string): string | undefined {
  return /^shop_configuration_reloads_total\S* (\d+)/m.exec(metrics)?.[1];
}

describe('health', () => {
  test('is good on what is desired, and the process id is where the reload looks for it', async () => {
    const child = await start();
    expect(await health()).toMatchObject({ status: 200, healthy: true, release: join(folder, 'first') });
    expect(Number(await readFile(join(folder, 'pid'), 'utf8'))).toBe(child.pid);
    expect(await get('/metrics')).toContain('shop_capacity_requests_per_second{service="storefront"} 100\n');
  });

  test('is bad when more is asked than the workers can answer, because a removed hotfix must show', async () => {
    const child = await start();
    await load(150);
    expect(await health()).toMatchObject({ status: 503, problems: ['overloaded: 150 requests per second come, 100 can be answered'] });
    await setWorkers(8);
    await reload(child);
    expect(await health()).toMatchObject({ status: 200 });
  });

  test('of an instance that gets no load depends on its configuration alone, because a shadow is such a one', async () => {
    await load(1000);
    await start([]);
    expect((await health()).status).toBe(200);
  });

  test('is bad with no worker, which no syntax check finds', async () => {
    await setWorkers(0);
    expect(spawnSync(process.execPath, [SERVER, '--check', '--root', join(folder, 'current')]).status).toBe(0);
    await start([]);
    expect(await health()).toMatchObject({ status: 503, problems: ['no worker can answer: workers is 0'] });
  });
});

describe('a reload', () => {
  test('follows the link to the release that is live now', async () => {
    const child = await start();
    await cp(join(folder, 'first'), join(folder, 'second'), { recursive: true });
    await setWorkers(9, 'second');
    await symlink('second', join(folder, 'draft'));
    await rename(join(folder, 'draft'), join(folder, 'current'));
    expect((await health()).release).toBe(join(folder, 'first'));
    await reload(child);
    expect((await health()).release).toBe(join(folder, 'second'));
    expect(await get('/metrics')).toContain('shop_workers{service="storefront"} 9\n');
  });

  test('on files that cannot be read keeps the old ones and says so', async () => {
    const child = await start();
    await writeFile(join(folder, 'first', 'etc', 'limits.json'), '{');
    await reload(child);
    const found = await health();
    expect(found.status).toBe(503);
    expect(found.problems[0]).toContain('configuration refused: etc/limits.json');
    expect(await get('/metrics')).toContain('shop_workers{service="storefront"} 4\n');
  });

  test('is needed before a removed file is noticed, because drift must be found before it hurts', async () => {
    const child = await start();
    await rm(join(folder, 'first', 'etc', 'features.toml'));
    expect((await health()).status).toBe(200);
    await reload(child);
    expect((await health()).problems).toEqual(['configuration refused: etc/features.toml: is missing']);
  });
});

test.each([
  { file: 'etc/app.yaml', content: 'nonsense', reason: 'line 1 is not "key: value"' },
  { file: 'etc/limits.json', content: '{"workers":"four"}', reason: 'workers must be a whole number' },
  { file: 'etc/features.toml', content: '[checkout]\nexpress\n', reason: 'line 2 is neither' },
  { file: 'etc/service.env', content: 'nothing here', reason: 'not NAME=value' },
  { file: 'templates/index.html', content: '<p>hello', reason: 'shows no {{greeting}}' },
])('the check refuses $file when $reason', async ({ file, content, reason }) => {
  await writeFile(join(folder, 'first', file), content);
  const { status, stderr } = spawnSync(process.execPath, [SERVER, '--check', '--root', join(folder, 'first')], { encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stderr).toContain(`${file}: `);
  expect(stderr).toContain(reason);
});

test('the page shows the configuration and never runs it', async () => {
  await writeFile(join(folder, 'first', 'etc', 'app.yaml'), 'name: shop\ngreeting: <script>alert(1)</script>\n');
  await start();
  const page = await get('/');
  expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  expect(page).not.toContain('<script>');
});

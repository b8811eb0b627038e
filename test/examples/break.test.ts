import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { basename, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { isRunning } from '../../src/system/process.js';
import { LIBRARY, ROOT, quickstartCopy, quickstartScripts, type Scenario } from '../support/quickstart.js';

const scripts = await quickstartScripts();
const scenarios = await scripts.readScenarios(LIBRARY);
/** The kinds of steps that the library's own page explains. */
const documented = [...(await readFile(join(LIBRARY, 'README.md'), 'utf8')).matchAll(/^\| `([a-z-]+)(?: \{.*)?` \|/gm)].map((match) => match[1]);
let copy: Awaited<ReturnType<typeof quickstartCopy>>;

beforeAll(async () => {
  copy = await quickstartCopy();
  await scripts.startServices(copy.folder, () => undefined);
}, 60_000);

afterEach(async () => {
  await scripts.reset(copy.folder);
});

afterAll(async () => copy.remove());

function scenarioOf(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found === undefined) throw new Error(`no scenario ${name}`);
  return found;
}

async function perform(name: string, environment = scenarioOf(name).environment): Promise<readonly string[]> {
  return scripts.carryOut(scenarioOf(name), { folder: copy.folder, environment });
}

function live(environment: string, file: string): string {
  return join(copy.folder, '.holdfast', 'live', environment, 'current', file);
}

function desired(environment: string, file: string): string {
  return join(copy.folder, 'desired', environment, file);
}

async function health(environment: string): Promise<{ status: number; body: string }> {
  const port = (await scripts.environmentsOf(copy.folder)).find((each) => each.name === environment)?.port ?? 0;
  const answer = await fetch(`http://127.0.0.1:${port}/healthz`);
  return { status: answer.status, body: await answer.text() };
}

function breakScript(args: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [join(ROOT, 'scripts', 'break.mjs'), ...args], { encoding: 'utf8', env: { ...process.env, HOLDFAST_QUICKSTART: copy.folder } });
}

describe('the library', () => {
  test('holds one scenario in each file, named like it', async () => {
    const files = (await readdir(LIBRARY)).filter((name) => name.endsWith('.yaml'));
    expect(scenarios.map((scenario) => scenario.name).sort()).toEqual(files.map((name) => basename(name, '.yaml')).sort());
    expect(scenarios.map((scenario) => scenario.name)).toEqual(['broken-desired', 'deleted-file', 'edited-setting', 'extra-file', 'flip-flop', 'hotfix', 'permissions']);
  });

  test.each(scenarios)('$name says everything a reader needs, in steps that are explained', (scenario) => {
    expect(['dev', 'staging', 'prod']).toContain(scenario.environment);
    for (const text of [scenario.title, scenario.person, scenario.holdfast]) expect(text.length).toBeGreaterThan(10);
    expect(scenario.see.length).toBeGreaterThan(0);
    for (const step of scenario.steps) {
      expect(Object.keys(step)).toHaveLength(1);
      expect(documented).toContain(Object.keys(step)[0]);
    }
  });
});

describe('each scenario does what it says', () => {
  test('hotfix: the load rose, a value raised by hand carries it, and without that value the service is overloaded', async () => {
    const lines = await perform('hotfix');
    expect(lines.join('\n')).toContain('set workers to 8 in etc/limits.json of prod, live');
    await sleep(300);
    expect(JSON.parse(await readFile(live('prod', 'etc/limits.json'), 'utf8'))).toMatchObject({ workers: 8, requestsPerWorker: 25 });
    expect((await health('prod')).status).toBe(200);
    await writeFile(live('prod', 'etc/limits.json'), await readFile(desired('prod', 'etc/limits.json')));
    const service = await scripts.runningService(copy.folder, 'prod');
    process.kill(service?.pid ?? 0, 'SIGHUP');
    await sleep(300);
    expect(await health('prod')).toMatchObject({ status: 503, body: expect.stringContaining('overloaded') as string });
  });

  test('edited-setting: two fields differ, the comment and the rest stay, and the service is well', async () => {
    await perform('edited-setting');
    const before = await readFile(desired('dev', 'etc/app.yaml'), 'utf8');
    expect(await readFile(live('dev', 'etc/app.yaml'), 'utf8')).toBe(before.replace('seconds: 5', 'seconds: 1'));
    expect(await readFile(live('dev', 'etc/features.toml'), 'utf8')).toContain('express = false');
    expect((await health('dev')).status).toBe(200);
  });

  test('deleted-file: the file is gone and the service does not notice', async () => {
    await perform('deleted-file');
    await expect(stat(live('dev', 'etc/features.toml'))).rejects.toThrow('ENOENT');
    expect((await health('dev')).status).toBe(200);
  });

  test('extra-file: a file is there that nobody desired', async () => {
    await perform('extra-file');
    await expect(stat(desired('dev', 'etc/debug.yaml'))).rejects.toThrow('ENOENT');
    expect((await stat(live('dev', 'etc/debug.yaml'))).isFile()).toBe(true);
  });

  test('permissions: two modes differ and no content does', async () => {
    await perform('permissions');
    expect((await stat(live('staging', 'etc/service.env'))).mode & 0o777).toBe(0o666);
    expect((await stat(live('staging', 'bin/warm-up'))).mode & 0o777).toBe(0o644);
    expect(await readFile(live('staging', 'bin/warm-up'), 'utf8')).toBe(await readFile(desired('staging', 'bin/warm-up'), 'utf8'));
  });

  test('broken-desired: the desired state passes its check and is unhealthy, and what is live stays', async () => {
    await perform('broken-desired');
    expect(JSON.parse(await readFile(desired('staging', 'etc/limits.json'), 'utf8'))).toMatchObject({ workers: 0 });
    expect(JSON.parse(await readFile(live('staging', 'etc/limits.json'), 'utf8'))).toMatchObject({ workers: 2 });
    const server = join(copy.folder, 'service', 'server.mjs');
    expect(spawnSync(process.execPath, [server, '--check', '--root', join(copy.folder, 'desired', 'staging')]).status).toBe(0);
  });

  test('flip-flop: what is repaired comes back, until it is ended', async () => {
    const scenario = scenarioOf('flip-flop');
    const quick = { ...scenario, steps: scenario.steps.map((step) => ({ 'second-writer': { ...step['second-writer'], after: 0 } })) };
    await scripts.carryOut(quick, { folder: copy.folder, environment: 'dev' });
    const app = live('dev', 'etc/app.yaml');
    for (let round = 0; round < 2; round += 1) {
      await expect.poll(() => readFile(app, 'utf8'), { timeout: 15_000 }).toContain('Buy now!');
      await writeFile(app, await readFile(desired('dev', 'etc/app.yaml')));
    }
    expect((await scripts.reset(copy.folder)).join('\n')).toContain('ended the second writer');
    await sleep(2500);
    expect(await readFile(app, 'utf8')).not.toContain('Buy now!');
  });

  test.each(scenarios.filter(({ name }) => name !== 'flip-flop').flatMap(({ name }) => ['dev', 'staging', 'prod'].map((environment) => ({ name, environment }))))('$name is undone in $environment', async ({ name, environment }) => {
    await perform(name, environment);
    await scripts.reset(copy.folder);
    const places = { desired: join(copy.folder, 'desired', environment), live: live(environment, '.'), original: join(ROOT, 'examples', 'quickstart', 'desired', environment) };
    expect(await contents(places.desired)).toEqual(await contents(places.original));
    expect(await contents(places.live)).toEqual(await contents(places.original));
  });
});

async function contents(folder: string): Promise<Record<string, string>> {
  const entries = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const rows = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    return [relative(folder, path), `${(await stat(path)).mode & 0o777} ${await readFile(path, 'utf8')}`] as const;
  });
  return Object.fromEntries(await Promise.all(rows));
}

test('a step that nobody knows is refused by name, with those that are known', async () => {
  const scenario = { ...scenarioOf('hotfix'), steps: [{ explode: {} }] };
  await expect(scripts.carryOut(scenario, { folder: copy.folder, environment: 'dev' })).rejects.toThrow(/unknown step "explode"; known are write-field, .*second-writer/);
});

describe('npm run break', () => {
  test('lists what there is', () => {
    const { status, stdout } = breakScript(['--list']);
    expect(status).toBe(0);
    for (const { name } of scenarios) expect(stdout).toContain(name);
  });

  test('says what it did and how to see it', () => {
    const { status, stdout } = breakScript(['permissions', '--environment', 'prod']);
    expect(status).toBe(0);
    expect(stdout).toContain('changed the mode of bin/warm-up of prod, live from 0755 to 0644');
    expect(stdout).toContain('bin/holdfast incident prod/storefront --config');
  });

  test.each([
    { args: ['hotfx'], said: 'the nearest is "hotfix"' },
    { args: ['hotfix', '--environment', 'production'], said: 'the quickstart has dev, staging, prod' },
    { args: ['hotfix', '--speed'], said: '--speed' },
  ])('refuses $args with the remedy', ({ args, said }) => {
    const { status, stderr } = breakScript(args);
    expect(status).toBe(1);
    expect(stderr).toContain(said);
    expect(stderr).not.toContain('    at ');
  });
});

describe('the services', () => {
  test('that run are taken over by the next start, because a killed Holdfast leaves them', async () => {
    const before = await scripts.runningService(copy.folder, 'dev');
    const lines: string[] = [];
    await scripts.startServices(copy.folder, (line) => lines.push(line));
    expect(lines.filter((line) => line.includes('still running'))).toHaveLength(3);
    expect(await scripts.runningService(copy.folder, 'dev')).toEqual(before);
  });

  test('end with the start, and a busy port is named with where to change it', async () => {
    const other = await quickstartCopy();
    try {
      const port = (await scripts.environmentsOf(other.folder))[0]?.port ?? 0;
      const busy = createServer().listen(port, '127.0.0.1');
      await expect(scripts.startServices(other.folder, () => undefined)).rejects.toThrow(new RegExp(`port ${port} for the dev service is taken.*environments\\.dev\\.vars\\.port`));
      await new Promise((done) => busy.close(done));
      await scripts.startServices(other.folder, () => undefined);
      const running = await scripts.runningService(other.folder, 'dev');
      if (running === undefined) throw new Error('the service does not run');
      await scripts.stopServices(other.folder);
      expect(isRunning(running)).toBe(false);
    } finally {
      await other.remove();
    }
  });
});

import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/load.js';
import { SEARCH_ATTRIBUTES } from '../../src/embedded/search-attributes.js';
import { providers } from '../../src/providers/index.js';
import { ROOT } from '../support/quickstart.js';

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly working_dir?: string;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string>>;
}

const text = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
const compose = parse(text, { merge: true }) as { services: Record<string, Service>; volumes: Record<string, unknown> };
const services = Object.entries(compose.services);

describe('docker-compose.yml', () => {
  test.each(services)('%s waits only for services that exist and mounts only volumes that exist', (_, service) => {
    for (const other of Object.keys(service.depends_on ?? {})) expect(Object.keys(compose.services)).toContain(other);
    for (const volume of service.volumes ?? []) expect(Object.keys(compose.volumes)).toContain(volume.split(':')[0]);
  });

  test.each(services)('%s is reached from this machine alone, because Temporal authorises everybody by default', (_, service) => {
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  test('names an exact version of every image, because "latest" is another one tomorrow', () => {
    for (const [, service] of services) {
      if (service.image !== undefined) expect(service.image).toMatch(/:\$\{\w+:-\d+(\.\d+)*\}$/);
      else expect(existsSync(resolve(ROOT, service.build ?? 'nowhere', 'Dockerfile'))).toBe(true);
    }
  });

  test('registers the search attributes that Holdfast writes', () => {
    const script = compose.services['temporal-namespace']?.command?.join('\n') ?? '';
    for (const name of Object.keys(SEARCH_ATTRIBUTES)) expect(script).toContain(name);
  });

  test('every path of the package that it names exists', () => {
    const paths = [...text.matchAll(/\/opt\/holdfast\/([\w./-]+)/g)].map((match) => match[1] ?? '');
    expect(paths.length).toBeGreaterThan(2);
    for (const path of paths) expect(existsSync(join(ROOT, path)), path).toBe(true);
  });

  test('every option that it gives to the service is one that the service knows', () => {
    const server = readFileSync(join(ROOT, 'examples', 'quickstart', 'service', 'server.mjs'), 'utf8');
    const script = compose.services['storefront']?.command?.join('\n') ?? '';
    for (const [, option = ''] of script.matchAll(/ --([a-z-]+)/g)) expect(server).toMatch(new RegExp(`^ +'?${option}'?: \\{ type`, 'm'));
  });

  test('starts a command that holdfast has', () => {
    const [command = ''] = compose.services['worker']?.command ?? [];
    expect(existsSync(join(ROOT, 'src', 'cli', 'commands', `${command}.ts`))).toBe(true);
  });
});

describe.each(['quickstart', 'compose'])('the configuration of %s', (example) => {
  test('is valid, and what it reads and runs exists', async () => {
    const folder = join(ROOT, 'examples', example);
    const config = await loadConfig({ file: join(folder, 'holdfast.yaml'), providers });
    expect(config.targets.length).toBeGreaterThan(0);
    expect(config.warnings).toEqual([]);
    for (const match of readFileSync(join(folder, 'holdfast.yaml'), 'utf8').matchAll(/[\w./]+\.mjs/g)) expect(existsSync(join(folder, match[0])), match[0]).toBe(true);
  });
});

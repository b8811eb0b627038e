import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { findTemporalBinary } from '../../src/embedded/temporal-binary.js';
import { goTool, runTool, type ToolResult } from '../support/go-tools.js';
import { ROOT } from '../support/quickstart.js';
import { composeProblems, holders, holdfastServices, mountsOf, type Compose, type Service } from './compose.js';
import { processProblems } from './processes.js';

const FILE = join(ROOT, 'docker-compose.yml');
const EXAMPLE = join(ROOT, 'examples', 'compose');
const CONFIG = join(EXAMPLE, 'holdfast.yaml');
const text = readFileSync(FILE, 'utf8');
const validator = await goTool('compose-spec');
const here = mkdtempSync(join(tmpdir(), 'holdfast-compose-'));

afterAll(() => rmSync(here, { recursive: true, force: true }));

/** The validator of the compose specification itself; it reads a file where the paths in it lead somewhere. */
function validate(file: string): Promise<ToolResult> {
  if ('missing' in validator) throw new Error(validator.missing);
  return runTool(validator.path, ['--format', 'json', file], { cwd: ROOT, env: { PATH: process.env['PATH'] } });
}

let compose: Compose;

describe.skipIf('missing' in validator)('docker-compose.yml', () => {
  beforeAll(async () => {
    const { code, stdout, stderr } = await validate(FILE);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    compose = JSON.parse(stdout) as Compose;
  });

  test('is a compose file, and what it names is there, versioned, closed and without needless rights', () => {
    expect(composeProblems(compose)).toEqual([]);
  });

  test('starts processes that Holdfast can be: one control, and workers of each access for every pool', async () => {
    const services = holdfastServices(compose);
    const results = await Promise.all(services.map(([name, service]) => processProblems(asProcess(name, service), CONFIG)));
    expect(results.flatMap(({ problems }) => problems)).toEqual([]);
    const started = results.flatMap((result) => (result.started === undefined ? [] : [result.started]));
    expect(started.map(({ pools, access, control }) => [pools.join(), access, control])).toEqual(expect.arrayContaining([['', 'none', true], ['demo', 'read', false], ['demo', 'write', false]]));
    expect(started).toHaveLength(3);
  });

  test('gives each process what its work needs, and no other', () => {
    expect({
      owner: holders(compose, 'ledger-owner-url'),
      signing: holders(compose, 'ledger-signing-key'),
      artifacts: holders(compose, 'artifact-key'),
      control: holders(compose, 'ledger-control-url'),
      read: holders(compose, 'ledger-read-url'),
      write: holders(compose, 'ledger-write-url'),
    }).toEqual({ owner: ['prepare'], signing: ['control'], artifacts: ['write'], control: ['control'], read: ['read'], write: ['write'] });
    const users = ['control', 'read', 'write'].map((name) => compose.services[name]?.user);
    expect(new Set(users).size).toBe(3);
    const mayWrite = Object.entries(compose.services).filter(([, { volumes = [] }]) => volumes.some((volume) => volume.target === '/srv/storefront' && volume.read_only !== true));
    expect(mayWrite.map(([name]) => name).sort()).toEqual(['storefront-files', 'write']);
  });

  test('mounts every file that the configuration refers to into a process, and a folder for its work', () => {
    const config = readFileSync(CONFIG, 'utf8').replace(/^\s*#.*$/gm, '');
    const files = [...config.matchAll(/\$\{file:([^}]+)\}/g)].map((match) => match[1] ?? '');
    expect(files.length).toBeGreaterThan(1);
    expect(files.sort()).toEqual([...new Set(holdfastServices(compose).flatMap(([, service]) => mountsOf(service)).filter((mount) => mount.startsWith('/run/secrets/')))].sort());
    for (const file of files) expect(holdfastServices(compose).some(([, service]) => mountsOf(service).includes(file)), file).toBe(true);
    for (const [, { tmpfs = [], user }] of holdfastServices(compose)) expect(tmpfs.find((each) => each.startsWith('/var/lib/holdfast:'))).toContain(`uid=${user?.split(':')[0] ?? ''},`);
  });

  test('makes every secret by the script that it names', () => {
    cpSync(join(EXAMPLE, 'make-secrets.sh'), join(here, 'make-secrets.sh'));
    execFileSync('sh', [join(here, 'make-secrets.sh')]);
    const made = join(here, 'secrets');
    expect(readdirSync(made).sort()).toEqual(Object.values(compose.secrets ?? {}).map(({ file = '' }) => basename(file)).sort());
    expect(new Set(Object.values(compose.secrets ?? {}).map(({ file = '' }) => dirname(file)))).toEqual(new Set([join(EXAMPLE, 'secrets')]));
    expect(statSync(made).mode & 0o777).toBe(0o700);
    const before = readFileSync(join(made, 'artifact-key'), 'utf8');
    execFileSync('sh', [join(here, 'make-secrets.sh')]);
    expect(readFileSync(join(made, 'artifact-key'), 'utf8')).toBe(before);
  });

  test('every path of the package that it names exists', () => {
    const paths = [...text.matchAll(/\/opt\/holdfast\/([\w./-]+)/g)].map((match) => match[1] ?? '');
    expect(paths.length).toBeGreaterThan(2);
    for (const path of paths) expect(existsSync(join(ROOT, path)), path).toBe(true);
    const bound = Object.values(compose.services).flatMap(({ volumes = [] }) => volumes.filter(({ type }) => type === 'bind').map(({ source }) => source));
    for (const path of bound) expect(existsSync(path), path).toBe(true);
    for (const [, path = ''] of text.matchAll(/^#.*\bsh (examples\/\S+)/gm)) expect(existsSync(join(ROOT, path)), path).toBe(true);
  });

  test('every option that it gives to the service is one that the service knows', () => {
    const server = readFileSync(join(ROOT, 'examples', 'quickstart', 'service', 'server.mjs'), 'utf8');
    const words = compose.services['storefront']?.command ?? [];
    const options = words.filter((word) => word.startsWith('--'));
    expect(options.length).toBeGreaterThan(2);
    for (const option of options) expect(server).toMatch(new RegExp(`^ +'?${option.slice(2)}'?: \\{ type`, 'm'));
  });

  test('every command and option that it gives to the tools of Temporal is one that they have', async () => {
    for (const line of commandsOf(compose, 'temporal-sql-tool')) expect(line.filter((word) => word.startsWith('--') && !SQL_TOOL.has(word)), line.join(' ')).toEqual([]);
    const { path } = await findTemporalBinary({ log: () => undefined });
    const commands = commandsOf(compose, 'temporal');
    expect(commands.length).toBeGreaterThan(2);
    for (const line of commands) {
      const words = line.filter((word, index) => !word.startsWith('--') && !(line[index - 1] ?? '').startsWith('--'));
      const { stdout, code } = await runTool(path, [...words.slice(1), '--help'], { cwd: ROOT });
      expect(code, line.join(' ')).toBe(0);
      expect(stdout).toContain(`temporal ${words.slice(1).join(' ')}`);
      for (const option of line.filter((word) => word.startsWith('--'))) expect(stdout, line.join(' ')).toContain(option);
    }
  });
});

/** Of temporal-sql-tool of Temporal 1.32.2: the global options, and those of create-database, setup-schema and update-schema. */
const SQL_TOOL = new Set(['--endpoint', '--port', '--user', '--password', '--database', '--plugin', '--quiet', '--tls', '--version', '--schema-file', '--schema-name', '--schema-dir', '--disable-versioning', '--overwrite', '--defaultdb']);

function asProcess(name: string, service: Service): Parameters<typeof processProblems>[0] {
  return { name, args: service.command ?? [], env: service.environment ?? {}, mounts: mountsOf(service) };
}

/** The calls of a program in the scripts of all services, as words. */
function commandsOf({ services }: Compose, program: string): readonly (readonly string[])[] {
  const scripts = Object.values(services).flatMap(({ entrypoint, command }) => (entrypoint?.[0] === '/bin/sh' ? (command ?? []) : []));
  const calls = scripts.flatMap((script) => script.split(/\n|\|\||&&|;|\bdo\b|\buntil\b/)).map((call) => call.trim().split(/\s+/));
  return calls.filter((words) => words[0] === program);
}

describe.skipIf('missing' in validator)('a mistake in a compose file is found', () => {
  /** Sets a value at a path of the file, and validates what comes of it. */
  async function planted(path: readonly string[], value: unknown): Promise<string> {
    const copy = structuredClone(parse(text, { merge: true })) as Record<string, unknown>;
    let at = copy;
    for (const key of path.slice(0, -1)) at = at[key] as Record<string, unknown>;
    at[path.at(-1) ?? ''] = value;
    const file = join(here, 'planted.yml');
    writeFileSync(file, JSON.stringify(copy));
    const { code, stdout, stderr } = await validate(file);
    return code === 0 ? composeProblems(JSON.parse(stdout) as Compose).join('\n') : `${stdout}${stderr}`;
  }

  test.each<[string, string[], unknown, string]>([
    ['a key that compose does not know', ['services', 'write', 'comand'], ['worker'], 'comand'],
    ['a value of the wrong kind', ['services', 'write', 'read_only'], 'perhaps', 'read_only'],
    ['a service that is not there', ['services', 'write', 'depends_on', 'prepared'], { condition: 'service_started' }, 'no service prepared'],
    ['a network of no service', ['services', 'write', 'network_mode'], 'service:hosts', 'no service hosts'],
    ['a network that is not there', ['services', 'control', 'networks'], ['ledger'], 'no network ledger'],
    ['a secret that is not there', ['services', 'write', 'secrets'], ['artifact-keys'], 'no secret artifact-keys'],
    ['a volume that is not there', ['services', 'write', 'volumes'], ['shop:/srv/shop'], 'no volume shop'],
    ['an image of any version', ['services', 'temporal', 'image'], 'temporalio/server:latest', 'no exact version'],
    ['a port for everybody', ['services', 'temporal', 'ports'], ['7233:7233'], 'open to other machines'],
    ['root', ['services', 'write', 'user'], 'root', 'runs as root'],
    ['a writable image', ['services', 'read', 'read_only'], false, 'may write its image'],
    ['capabilities', ['services', 'read', 'cap_drop'], [], 'keeps capabilities'],
    ['a way to privileges', ['services', 'read', 'privileged'], true, 'more privileges'],
    ['too little time to end', ['services', 'write', 'stop_grace_period'], '5s', 'too little time'],
    ['a wait for a health that nobody measures', ['services', 'control', 'depends_on', 'host'], { condition: 'service_healthy' }, 'has no health check'],
    ['a wait for an end that never comes', ['services', 'control', 'depends_on', 'temporal'], { condition: 'service_completed_successfully' }, 'started again for ever'],
    ['a secret in the environment', ['services', 'write', 'environment', 'ARTIFACT_KEY'], 'x', 'shows a secret'],
  ])('%s', async (_, path, value, found) => {
    expect(await planted(path, value)).toContain(found);
  });
});

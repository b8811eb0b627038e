import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../../src/config/durations.js';
import { explain } from '../../src/config/explain.js';
import { keepConfig } from '../../src/config/keep.js';
import { loadConfig } from '../../src/config/load.js';
import { ConfigError, formatConfigError, maskSecrets } from '../../src/config/problem.js';
import { configJsonSchema } from '../../src/config/schema.js';
import { NOTICE_EVENTS } from '../../src/config/schema-notifications.js';
import { resolveSecret } from '../../src/config/secrets.js';
import { nearest } from '../../src/config/text.js';
import type { NoticeEvent } from '../../src/notify/sink.js';
import { files } from '../../src/providers/files/index.js';
import { errorOf, folderWith, loadIn, minimal, providers, shown } from './support.js';

describe('the picture of an error', () => {
  test('has file, line, column, the line with a caret, and the remedy', async () => {
    const text = shown(await errorOf(minimal({ target: 'halth: []' })));
    expect(text.split('\n').slice(1)).toEqual(['        halth: []', '        ^', '  did you mean "health"?']);
    expect(text).toMatch(/holdfast\.yaml:11:5: unknown key "halth" in targets\.web\n/);
  });

  test('stays one line wide in a file of one long line', async () => {
    const text = shown(await errorOf(minimal({ environment: `vars: { a: "${'x'.repeat(5_000)}" }, typo: 1` })));
    for (const line of text.split('\n')) expect(line.length).toBeLessThan(250);
  });

  test('obeys nothing that a name holds', async () => {
    const text = shown(await errorOf(minimal().replace('  web:', '  "\u202eweb\\u001b[2J":')));
    expect(text).not.toMatch(/[\u001b\u202e]/);
  });

  test.each([
    { line: '  secret: hunter2', masked: '  secret: ********' },
    { line: '{ token: "hunter2", url: x }', masked: '{ token: ********, url: x }' },
    { line: 'db_password: hunter2 # x', masked: 'db_password: ********' },
    { line: 'secret: "${env:NAME}"', masked: 'secret: "${env:NAME}"' },
    { line: 'url: https://me:hunter2@example.com/', masked: 'url: https://me:********@example.com/' },
    { line: 'Authorization: Bearer hunter2', masked: 'Authorization: ********' },
    { line: 'key: "-----BEGIN RSA PRIVATE KEY-----hunter2', masked: 'key: "********' },
    { line: 'owner: team', masked: 'owner: team' },
  ])('masks what looks like a secret: $masked', ({ line, masked }) => {
    expect(maskSecrets(line)).toBe(masked);
  });
});

describe('durations', () => {
  test.each([['500ms', 500], ['30s', 30_000], ['5m', 300_000], ['4h', 14_400_000], ['7d', 604_800_000], ['0s', 0]] as const)('%s', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
    expect(formatDuration(milliseconds)).toBe(text);
  });
  test.each(['', '5', '5 m', '-5m', '1.5h', '5M', 'm', '1e3s', '4000d'])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

test.each([
  ['scheduel', 'schedule'], ['enviroments', 'environments'], ['colour', undefined], ['', undefined], ['x'.repeat(1_000), undefined],
])('the key nearest to %j is %j', (word, expected) => {
  expect(nearest(word, ['schedule', 'environments', 'targets', 'owner'])).toBe(expected);
});

describe('explain', () => {
  test('names the file and line of every value, substituted, secrets unresolved', async () => {
    const folder = folderWith({
      'holdfast.yaml': `version: 1
project: shop
include: [teams/*.yaml]
defaults: { target: { soak: 1m } }
environments:
  dev: { remediation: observe, vars: { port: 9101 } }
`,
      'teams/a.yaml': `version: 1
targets:
  web:
    environments: [dev]
    provider: files
    source: { path: ./d }
    spec: { root: "/a/\${vars.port}", token: "\${env:TOKEN}" }
    overrides:
      dev: { settle: 5s }
`,
    });
    const values = await explain({ file: join(folder, 'holdfast.yaml'), providers }, { environment: 'dev', target: 'web' });
    const told = Object.fromEntries(values.map((value) => [value.path, `${JSON.stringify(value.value)} ${value.file.replace(`${folder}/`, '')}:${value.line}`]));
    expect(told).toMatchObject({
      soak: '"1m" holdfast.yaml:4', remediation: '"observe" holdfast.yaml:6', 'spec.root': '"/a/9101" teams/a.yaml:7', 'spec.token': '"${env:TOKEN}" teams/a.yaml:7',
      settle: '"5s" teams/a.yaml:9', blindAfter: '"45m" default:0', pool: '"dev" default:0', provider: '"files" teams/a.yaml:5',
    });
  });

  test('tells what an environment says by class, beside what the target says', async () => {
    const folder = folderWith(minimal({ environment: 'remediation: { default: ask, classes: { metadata: observe } }', target: 'remediation: observe' }));
    const values = await explain({ file: join(folder, 'holdfast.yaml'), providers }, { environment: 'dev', target: 'web' });
    const told = Object.fromEntries(values.map((value) => [value.path, value.value]));
    expect(told).toMatchObject({ remediation: 'observe', 'environment.remediation.default': 'ask', 'environment.remediation.classes.metadata': 'observe' });
  });

  test('an unknown address names the nearest', async () => {
    const folder = folderWith(minimal());
    await expect(explain({ file: join(folder, 'holdfast.yaml'), providers }, { environment: 'dev', target: 'wbe' })).rejects.toMatchObject({ remedy: 'did you mean "dev/web"?' });
  });
});

describe('keepConfig', () => {
  test('takes a valid change, refuses an invalid one and keeps the last good one', async () => {
    const folder = folderWith(minimal());
    let loads = 0;
    const kept = await keepConfig(() => { loads += 1; return loadIn(folder); });
    expect(await kept.refresh()).toEqual({ changed: false });
    expect(loads).toBe(1);

    writeFileSync(join(folder, 'holdfast.yaml'), minimal({ target: 'soak: 1m' }));
    expect(await kept.refresh()).toEqual({ changed: true });
    expect(kept.current().targets[0]?.soakMs).toBe(60_000);

    writeFileSync(join(folder, 'holdfast.yaml'), minimal({ target: 'sok: 1m' }));
    const refused = await kept.refresh();
    expect(refused.error?.message).toMatch(/unknown key "sok"/);
    expect(await kept.refresh()).toEqual({ changed: false, error: refused.error });
    expect(loads).toBe(3);
    expect(kept.current().targets[0]?.soakMs).toBe(60_000);

    rmSync(join(folder, 'holdfast.yaml'));
    expect((await kept.refresh()).error).toBeInstanceOf(ConfigError);
    writeFileSync(join(folder, 'holdfast.yaml'), minimal({ target: 'soak: 2m' }));
    expect(await kept.refresh()).toEqual({ changed: true });
    expect(kept.current().targets[0]?.soakMs).toBe(120_000);
  });

  test('sees a new folder that matches, and a new file that is included', async () => {
    const folder = folderWith({
      'holdfast.yaml': 'version: 1\nproject: a\ninclude: ["teams/*/holdfast.yaml"]\nenvironments: { dev: {} }\ntargets:\n  n: { environments: [dev], each: { folders: "infra/*", name: "${match.1}" }, provider: opentofu, source: { path: "${match.0}" } }\n',
      'infra/a/x': '', 'teams/a/holdfast.yaml': 'version: 1\n',
    });
    const kept = await keepConfig(() => loadIn(folder));
    mkdirSync(join(folder, 'infra/b'));
    expect(await kept.refresh()).toEqual({ changed: true });
    mkdirSync(join(folder, 'teams/b'));
    await kept.refresh();
    writeFileSync(join(folder, 'teams/b/holdfast.yaml'), 'version: 1\ntargets: { x: { environments: [dev], provider: opentofu, source: { path: . } } }\n');
    expect(await kept.refresh()).toEqual({ changed: true });
    expect(kept.current().targets.map((target) => target.target)).toEqual(['a', 'b', 'x']);
  });

  test('what must load does so after a look that is under way, since that began before it asked', async () => {
    const folder = folderWith(minimal());
    let loads = 0;
    const kept = await keepConfig(() => { loads += 1; return loadIn(folder); });
    await Promise.all([kept.refresh(), kept.refresh({ force: true })]);
    expect(loads).toBe(2);
  });

  test('a first configuration that is invalid is thrown', async () => {
    await expect(keepConfig(() => loadIn(folderWith('')))).rejects.toBeInstanceOf(ConfigError);
  });
});

describe('secrets', () => {
  const folder = folderWith({ 'keys/a': 'from-file\n', 'keys/empty': '', 'keys/windows': 'x\r\n' });
  const env = { TOKEN: 'from-env', EMPTY: '' };
  test.each([['${env:TOKEN}', 'from-env'], ['${file:keys/a}', 'from-file'], [`\${file:${folder}/keys/a}`, 'from-file'], ['${file:keys/windows}', 'x']])('%s', async (reference, value) => {
    expect(await resolveSecret(reference, { folder, env })).toBe(value);
  });

  test.each([
    { reference: '${env:NOPE}', says: /the secret \$\{env:NOPE\} is not set/ },
    { reference: '${env:EMPTY}', says: /is empty/ },
    { reference: '${file:keys/nope}', says: /\$\{file:keys\/nope\} cannot be read: there is no such file/ },
    { reference: '${file:keys}', says: /this is a folder/ },
    { reference: '${file:keys/empty}', says: /is empty/ },
  ])('$reference is refused by its name', async ({ reference, says }) => {
    await expect(resolveSecret(reference, { folder, env })).rejects.toThrow(says);
  });

  test('a literal is refused and not repeated', async () => {
    const error = await resolveSecret('hunter2', { folder, env }).catch((problem: unknown) => problem as Error);
    expect((error as Error).message).toMatch(/not written as a reference/);
    expect(JSON.stringify(error)).not.toContain('hunter2');
  });
});

describe('the JSON Schema', () => {
  test('holds the keys, the settings of each provider and room for variables, and no bare reference to nothing', () => {
    const schema = configJsonSchema({ files }) as { properties: Record<string, unknown>; $defs?: Record<string, unknown> };
    expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(['version', 'project', 'include', 'principals', 'groups', 'defaults', 'environments', 'targets', 'policies', 'notifications', 'ledger', 'artifacts', 'retention']));
    const text = JSON.stringify(schema);
    expect(text).toContain('keepReleases');
    expect(text).toContain('\\\\$\\\\{[^{}]+\\\\}');
    for (const [, name] of text.matchAll(/"\$ref":"#\/\$defs\/([^"]+)"/g)) expect(Object.keys(schema.$defs ?? {})).toContain(name);
  });
});

test('routes know the events that are sent', () => {
  const events: readonly NoticeEvent[] = NOTICE_EVENTS;
  const known = readFileSync(new URL('../../src/notify/sink.ts', import.meta.url), 'utf8');
  const union = /type NoticeEvent =([^;]+);/.exec(known)?.[1]?.match(/'[^']+'/g)?.map((name) => name.slice(1, -1));
  expect([...events].sort()).toEqual(union?.sort());
});

test('400 folders in three environments are read in far less than their limit', async () => {
  const tree = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`infra/team-${index % 20}/app-${index}/x`, '']));
  const folder = folderWith({
    ...tree,
    'holdfast.yaml': `version: 1
project: big
environments: { dev: { schedule: "*/5 * * * *" }, staging: {}, prod: { vars: { port: 1 } } }
targets:
  app:
    environments: [dev, staging, prod]
    each: { folders: "infra/*/*", name: "\${match.2}" }
    provider: files
    source: { path: "\${match.0}" }
    spec: { root: "/srv/\${environment}/\${match.1}/\${match.2}" }
    health: [{ type: http, url: "http://127.0.0.1/\${match.2}", expect: { status: 200, maxLatency: 500ms } }]
    ignore: [{ resource: "etc/*.yaml", path: "/build", reason: set by CI }]
`,
  });
  const config = await loadConfig({ file: join(folder, 'holdfast.yaml'), providers: { files } });
  expect(config.targets).toHaveLength(1_200);
  // Each folder is listed once, not once per environment: 1 + 20, the default rules, and the file.
  expect(config.stamps).toHaveLength(23);
});

test('an error of no problem is still an error', () => {
  expect(formatConfigError(new ConfigError([]))).toBe('');
});

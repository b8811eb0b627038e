import { renameSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compareMatches } from '../../src/config/load.js';
import type { Target } from '../../src/domain/target.js';
import { errorOf, folderWith, lines, loadIn, loadText, minimal } from './support.js';

async function onlyTarget(text: string): Promise<Target> {
  const { targets } = await loadText(text);
  expect(targets).toHaveLength(1);
  return targets[0] as Target;
}

describe('defaults', () => {
  test('what nobody wrote', async () => {
    const folder = folderWith(minimal());
    const config = await loadIn(folder);
    expect(config.warnings).toEqual([]);
    expect(config).toMatchObject({
      project: 'shop', folder,
      ledger: { type: 'sqlite', file: join(folder, '.holdfast/ledger.db') },
      artifacts: { type: 'folder', folder: join(folder, '.holdfast/artifacts') },
      notifications: { sinks: [], routes: [] },
    });
    expect(config.environments).toEqual([{
      name: 'dev', timezone: 'UTC', remediation: 'ask', pool: 'dev', blindAfterMs: 45 * 60_000, windows: [],
      schedule: { cron: [], timezone: 'UTC', jitterMs: 0, intervalMs: 0 },
      approvals: { trust: 'namespace', expiresMs: 4 * 3_600_000, remindMs: [], onExpiry: 'hold', settledMs: 7 * 86_400_000 },
      limits: { concurrent: 2, reads: 8 },
    }]);
    expect(config.targets).toEqual([{
      environment: 'dev', target: 'web', provider: 'files', pool: 'dev', source: { type: 'folder', folder: join(folder, 'desired') },
      spec: { root: '/srv/dev', unmanaged: 'report' }, expect: {}, health: [], ignore: [], remediation: 'ask', after: [],
      soakMs: 600_000, settleMs: 0, blindAfterMs: 45 * 60_000, observeTimeoutMs: 60_000,
    }]);
  });

  test('of health checks', async () => {
    const { health } = await onlyTarget(minimal({ target: 'health: [{ type: http, url: "http://a/" }, { type: http, url: "http://b/", expect: { status: [200, 204], maxLatency: 500ms, body: "^ok" } }, { type: tcp, host: a, port: 1 }]' }));
    const timing = { intervalMs: 2_000, count: 3, initialDelayMs: 0, timeoutMs: 5_000, failureLimit: 0, inconclusiveLimit: 0, consecutiveErrorLimit: 4 };
    expect(health).toEqual([
      { type: 'http', name: 'http', url: 'http://a/', method: 'GET', headers: {}, expect: { status: [200] }, allowPrivate: false, ...timing },
      { type: 'http', name: 'http-2', url: 'http://b/', method: 'GET', headers: {}, expect: { status: [200, 204], maxLatencyMs: 500, body: '^ok' }, allowPrivate: false, ...timing },
      { type: 'tcp', name: 'tcp', host: 'a', port: 1, allowPrivate: false, ...timing },
    ]);
  });

  test('a data folder moves the record and the artifacts, unless the configuration says where', async () => {
    const config = await loadText(minimal({ more: 'ledger: { sqlite: x.db }\n' }), { dataDir: '/data' });
    expect(config.ledger).toEqual({ type: 'sqlite', file: join(config.folder, 'x.db') });
    expect(config.artifacts).toEqual({ type: 'folder', folder: '/data/artifacts' });
  });

  test('stores on a server are named by references, which stay as they are', async () => {
    const config = await loadText(minimal({ more: 'ledger: { postgres: "${env:LEDGER_URL}", signingKey: "${file:keys/ledger.pem}", connections: 4 }\nartifacts: { postgres: "${env:ARTIFACTS_URL}", keys: { dev: ["${file:keys/new.key}", "${file:keys/old.key}"] } }\n' }), { dataDir: '/data' });
    expect(config.ledger).toEqual({ type: 'postgres', url: '${env:LEDGER_URL}', signingKey: '${file:keys/ledger.pem}', checkpointFile: '/data/ledger.checkpoint', connections: 4 });
    expect(config.artifacts).toEqual({ type: 'postgres', url: '${env:ARTIFACTS_URL}', keys: { dev: ['${file:keys/new.key}', '${file:keys/old.key}'] } });
  });
});

describe('schedules', () => {
  test.each([
    { schedule: '"* * * * *"', timezone: 'UTC', interval: 60_000 },
    { schedule: '"*/15 * * * *"', timezone: 'Europe/London', interval: 900_000 },
    { schedule: '{ cron: ["0 * * * *", "10 * * * *"], jitter: 30s }', timezone: 'UTC', interval: 600_000 },
    { schedule: '"0 9-17 * * 1-5"', timezone: 'America/New_York', interval: 3_600_000 },
    { schedule: '"0 0 * * 1"', timezone: 'UTC', interval: 7 * 86_400_000 },
  ])('$schedule runs every $interval ms at the shortest', async ({ schedule, timezone, interval }) => {
    const config = await loadText(minimal({ environment: `schedule: ${schedule}, timezone: ${timezone}` }));
    expect(config.environments[0]?.schedule).toMatchObject({ timezone, intervalMs: interval });
  });

  test('day of month and day of week must both match, as Temporal reads them', async () => {
    const error = await errorOf(minimal({ environment: 'schedule: "0 0 31 2,4,6 1"' }));
    expect(lines(error)[0]).toMatch(/never comes/);
  });
});

describe('windows', () => {
  test.each([
    { reason: 'working hours', windows: '[{ kind: allow, start: "0 9 * * 1-5", duration: 8h }]' },
    { reason: 'a deny that leaves nights', windows: '[{ kind: deny, start: "0 9 * * *", duration: 8h }]' },
    { reason: 'a deny at Christmas', windows: '[{ kind: deny, start: "0 0 24 12 *", duration: 72h, overrun: true }]' },
    { reason: 'a deny for a hundred days', windows: '[{ kind: deny, start: "0 0 1 1 *", duration: 100d }]' },
    { reason: 'an allow that a deny covers in part', windows: '[{ kind: allow, start: "0 9 * * *", duration: 2h }, { kind: deny, start: "0 9 * * *", duration: 1h }]' },
    { reason: 'a rare allow and a deny on other days', windows: '[{ kind: allow, start: "0 0 1 1 *", duration: 1h }, { kind: deny, start: "* * 2-31 * *", duration: 1m }]' },
    { reason: 'an allow on a first of January that is a Friday', windows: '[{ kind: allow, start: "0 9 1 1 5", duration: 8h }]' },
    { reason: 'an allow that begins in the hour that is skipped', windows: '[{ kind: allow, start: "30 1 29 3 *", duration: 8h, timezone: Europe/London }]' },
    { reason: 'denies in two time zones, between which lies an hour while only one of them has summer', windows: '[{ kind: deny, start: "0 0 * * *", duration: 12h, timezone: Europe/London }, { kind: deny, start: "0 12 * * *", duration: 12h, timezone: UTC }]' },
    { reason: 'a hundred windows that leave a minute of the week', windows: `[${Array.from({ length: 84 }, (_, index) => `{ kind: deny, start: "0 ${(index * 2) % 24} * * ${Math.floor(index / 12)}", duration: ${index === 83 ? '119m' : '2h'} }`).join(', ')}]` },
    { reason: 'denies that leave one minute', windows: '[{ kind: deny, start: "0 0 * * *", duration: 12h }, { kind: deny, start: "1 12 * * *", duration: 719m }]' },
    { reason: 'a time to stage that ends 29 minutes before the switch', windows: '[{ kind: allow, start: "0 13 * * *", duration: 31m, actions: [stage] }, { kind: allow, start: "0 14 * * *", duration: 1h }]' },
  ])('$reason leave a moment', async ({ windows }) => {
    await expect(loadText(minimal({ environment: `windows: ${windows}` }))).resolves.toBeDefined();
  });

  test.each([
    { reason: 'every minute of every day', windows: '[{ kind: deny, start: "* * * * *", duration: 1m }]' },
    { reason: 'night and day', windows: '[{ kind: deny, start: "0 0 * * *", duration: 12h }, { kind: deny, start: "0 12 * * *", duration: 12h }]' },
    { reason: 'an allow in another time zone', windows: '[{ kind: allow, start: "0 9 * * *", duration: 1h, timezone: Asia/Tokyo }, { kind: deny, start: "0 0 * * *", duration: 2h }]' },
    { reason: 'the same hour by another offset', windows: '[{ kind: allow, start: "0 9 * * 1", duration: 2h }, { kind: deny, start: "0 10 * * 1", duration: 2h, timezone: Etc/GMT-1 }]' },
    { reason: 'an allow on Mondays among denied weekdays', windows: '[{ kind: allow, start: "0 9 * * 1", duration: 2h }, { kind: deny, start: "0 0 * * 1-5", duration: 24h }]' },
    { reason: 'a leap day that is a Monday only in 2044', windows: '[{ kind: allow, start: "0 9 29 2 1", duration: 8h }]' },
    { reason: 'a whole year', windows: '[{ kind: deny, start: "0 0 1 1 *", duration: 366d }]' },
    { reason: 'a hundred windows of an hour, one after the other through the day', windows: `[${Array.from({ length: 100 }, (_, index) => `{ kind: deny, start: "${(index * 15) % 60} ${Math.floor(index / 4) % 24} * * *", duration: 59m }`).join(', ')}]` },
    { reason: 'a hundred windows through the week', windows: `[${Array.from({ length: 100 }, (_, index) => `{ kind: deny, start: "0 ${(index * 2) % 24} * * ${Math.floor(index / 12) % 7}", duration: 121m }`).join(', ')}]` },
    { reason: 'a day of 24 hours, of which the night on which the clocks go back leaves the 25th', windows: '[{ kind: deny, start: "0 0 * * *", duration: 24h, timezone: Europe/London }]' },
    { reason: 'a week of which that night leaves an hour', windows: '[{ kind: deny, start: "0 0 * * 1", duration: 168h, timezone: America/New_York }]' },
    { reason: 'what may finish in a deny that covers every allow but could not be begun in time', windows: '[{ kind: allow, start: "0 9 * * *", duration: 8h }, { kind: deny, start: "0 8 * * *", duration: 10h, overrun: true }]' },
  ])('$reason is denied: no moment is left', async ({ windows }) => {
    expect(lines(await errorOf(minimal({ environment: `windows: ${windows}` })))[0]).toMatch(/leave no moment/);
  });
});

describe('merging', () => {
  const layered = `version: 1
project: shop
defaults:
  target: { soak: 1m, owner: everyone, expect: { a: "1", b: "1" } }
  files: { soak: 2m, spec: { unmanaged: ignore }, ignore: [{ resource: x, reason: default }] }
  opentofu: { soak: 9m }
environments:
  dev: { settle: 5m, blindAfter: 1h, pool: place, owner: env-owner }
  prod: {}
targets:
  web:
    environments: [dev, prod]
    provider: files
    source: { path: ./d }
    spec: { root: "/a/\${target.environment}" }
    expect: { b: "2" }
    overrides: { prod: { soak: 3m, expect: { c: "3" }, ignore: [{ resource: y, reason: own }], settle: 1m } }
`;

  test('defaults lie below, overrides above; maps by key, lists whole', async () => {
    const [dev, prod] = (await loadText(layered)).targets;
    expect(dev).toMatchObject({ soakMs: 120_000, owner: 'everyone', expect: { a: '1', b: '2' }, spec: { root: '/a/dev', unmanaged: 'ignore' }, settleMs: 300_000, blindAfterMs: 3_600_000, pool: 'place' });
    expect(dev?.ignore.map((rule) => rule.resource)).toEqual(['x']);
    expect(prod).toMatchObject({ soakMs: 180_000, expect: { a: '1', b: '2', c: '3' }, settleMs: 60_000, pool: 'prod' });
    expect(prod?.ignore.map((rule) => rule.resource)).toEqual(['y']);
  });

  test('an unknown default names what there is', async () => {
    expect(lines(await errorOf(`${minimal()}defaults: { opentofuu: {} }\n`))[0]).toMatch(/neither "target" nor a provider.*did you mean "opentofu"/);
  });

  test('a mistake in an override is said at its own line', async () => {
    const error = await errorOf(layered.replace('soak: 3m', 'soak: 3x'));
    expect(lines(error)).toEqual([expect.stringMatching(/^17:32 targets\.web\.soak: "3x" is not a duration/)]);
  });
});

describe('variables', () => {
  test.each<{ reason: string; vars: string; spec: string; value: unknown }>([
    { reason: 'alone keeps its kind', vars: 'port: 9101', spec: 'root: /a, port: "${vars.port}"', value: { port: 9101 } },
    { reason: 'within text', vars: 'port: 9101', spec: 'root: "/a/${vars.port}-${environment}-${project}-${target.name}"', value: { root: '/a/9101-dev-shop-web' } },
    { reason: 'what it holds is not expanded again', vars: 'a: "$"', spec: 'root: "/a/${vars.a}{vars.b}"', value: { root: '/a/${vars.b}' } },
    { reason: 'a replacement pattern is text', vars: "a: \"$& $1 $'\"", spec: 'root: "/a/${vars.a}"', value: { root: "/a/$& $1 $'" } },
    { reason: 'a name of every object is no variable of its own', vars: 'constructor: own', spec: 'root: "/a/${vars.constructor}"', value: { root: '/a/own' } },
    { reason: 'a secret stays a reference', vars: '', spec: 'root: /a, token: "${env:TOKEN}"', value: { token: '${env:TOKEN}' } },
  ])('$reason', async ({ vars, spec, value }) => {
    expect((await onlyTarget(minimal({ environment: `vars: { ${vars} }`, spec }))).spec).toMatchObject(value as object);
  });

  test.each(['${vars.toString}', '${vars.__proto__}', '${match.1}', '${}', '${vars.}', '${target.owner}'])('%s names nothing', async (text) => {
    expect(lines(await errorOf(minimal({ spec: `root: "/a/${text}"` })))[0]).toMatch(/names no variable in dev/);
  });

  test('one missing in one of three environments is said once, with the environment', async () => {
    const error = await errorOf(minimal({ environment: 'vars: { x: 1 }', spec: 'root: "/a/${environment}/${vars.x}"' }).replace('[dev]', '[dev, b, c]').replace('targets:', '  b: { vars: { x: 2 } }\n  c: {}\ntargets:'));
    expect(lines(error)).toEqual([expect.stringMatching(/names no variable in c/)]);
  });

  test('secrets may stand in headers and environments of health checks, and in credentials of a source', async () => {
    const text = minimal({ target: 'health: [{ type: http, url: "http://a/", headers: { Authorization: "Bearer ${env:T}" } }, { type: command, command: [a], env: { T: "${file:t}" } }]' })
      .replace('path: ./desired', 'git: "ssh://git@example.com/x.git", ref: v1, path: ./a//b/, auth: { sshKey: "${file:keys/deploy}" }');
    const target = await onlyTarget(text);
    expect(target.source).toEqual({ type: 'git', url: 'ssh://git@example.com/x.git', ref: 'v1', path: 'a/b', auth: { sshKey: '${file:keys/deploy}' } });
    expect(target.health).toMatchObject([{ headers: { Authorization: 'Bearer ${env:T}' } }, { env: { T: '${file:t}' } }]);
  });
});

const root = (more: string) => `version: 1
project: shop
include: ["./teams/*/holdfast.yaml"]
environments:
  dev: { remediation: ask }
${more}`;
const team = (more: string) => `version: 1
targets:
  web:
    environments: [dev]
    provider: files
    source: { path: ./desired }
    spec: { root: ./live, token: "\${file:keys/t}" }
    ${more}
`;

describe('remediation by class', () => {
  const health = 'health: [{ type: tcp, host: a, port: 1 }]';

  test('is worked out for each target, with what said so', async () => {
    const target = await onlyTarget(minimal({ environment: 'remediation: { default: ask, classes: { metadata: auto, data: observe }, providers: { files: auto } }', target: `remediation: { classes: { exposure: observe } }\n    ${health}` }));
    expect(target.remediation).toBe('auto');
    expect(target.settings).toEqual({
      default: { remediation: 'auto', by: 'remediation.providers.files of dev: auto' },
      classes: {
        metadata: { remediation: 'auto', by: 'remediation.classes.metadata of dev: auto' },
        data: { remediation: 'observe', by: 'remediation.classes.data of dev: observe' },
        exposure: { remediation: 'observe', by: 'remediation.classes.exposure of web: observe' },
      },
    });
  });

  test('a share takes in a target by its address', async () => {
    const of = async (share: string) => (await onlyTarget(minimal({ environment: `remediation: { default: auto, auto: { targets: ${share} } }`, target: health }))).remediation;
    expect([await of('0%'), await of('100%'), await of('[web]')]).toEqual(['ask', 'auto', 'auto']);
  });

  test('a share that a target without a health check is not in needs none', async () => {
    await expect(loadText(minimal({ environment: 'remediation: { default: auto, auto: { targets: 0% } }' }))).resolves.toBeDefined();
  });
});

describe('includes', () => {
  test('paths count from the file that says them', async () => {
    const folder = folderWith({ 'holdfast.yaml': root('defaults: { target: { source: { path: ./shared } } }\n'), 'teams/a/holdfast.yaml': team(''), 'teams/b/holdfast.yaml': team('').replace('  web:', '  api:').replace('    source: { path: ./desired }\n', '') });
    const [api, web] = (await loadIn(folder)).targets;
    expect(web?.source).toEqual({ type: 'folder', folder: join(folder, 'teams/a/desired') });
    expect(web?.spec).toMatchObject({ root: join(folder, 'teams/a/live'), token: '${file:teams/a/keys/t}' });
    expect(api?.source).toEqual({ type: 'folder', folder: join(folder, 'shared') });
  });

  test('defaults of an included file hold for its own targets', async () => {
    const config = await loadText({
      'holdfast.yaml': root(''),
      'teams/a/holdfast.yaml': `${team('')}defaults: { files: { soak: 1m } }\n`,
      'teams/b/holdfast.yaml': team('').replace('  web:', '  api:'),
    });
    expect(config.targets.map((target) => target.soakMs)).toEqual([600_000, 60_000]);
  });

  test.each([
    { reason: 'environments', text: `${team('')}environments: { prod: {} }\n`, says: /environments may be set in the root configuration only/ },
    { reason: 'principals', text: `${team('')}principals: {}\n`, says: /principals may be set in the root/ },
    { reason: 'sinks', text: `${team('')}notifications: {}\n`, says: /notifications may be set in the root/ },
    { reason: 'another ledger', text: `${team('')}ledger: { sqlite: x }\n`, says: /ledger may be set in the root/ },
    { reason: 'further includes', text: `${team('')}include: []\n`, says: /include may be set in the root/ },
    { reason: 'more than the environment allows', text: team('remediation: auto'), says: /an included file may not raise ask of dev to auto/ },
    { reason: 'more than the environment allows, by its defaults', text: `${team('health: [{ type: tcp, host: a, port: 1 }]')}defaults: { target: { remediation: auto } }\n`, says: /may not raise ask of dev to auto/ },
    { reason: 'more of a class than the environment allows', text: team('remediation: { classes: { metadata: auto } }'), says: /remediation\.classes\.metadata: an included file may not raise ask of dev to auto/ },
    { reason: 'another project', text: `${team('')}project: other\n`, says: /belongs to the project of the root/ },
    { reason: 'a target that is there already', text: team(''), says: /dev\/web is declared twice/ },
  ])('may not set $reason', async ({ text, says }) => {
    const error = await errorOf({ 'holdfast.yaml': root(''), 'teams/a/holdfast.yaml': text, ...(says.source.includes('twice') ? { 'teams/b/holdfast.yaml': text } : {}) });
    expect(lines(error).join('\n')).toMatch(says);
  });

  test('may ask for less than the environment allows', async () => {
    const config = await loadText({ 'holdfast.yaml': root(''), 'teams/a/holdfast.yaml': team('remediation: observe') });
    expect(config.targets[0]?.remediation).toBe('observe');
  });

  test('mistakes of every file come at once, at most twenty', async () => {
    const many = Array.from({ length: 30 }, (_, index) => `  t${index}: { nope: 1 }`).join('\n');
    const error = await errorOf({ 'holdfast.yaml': `${root('')}typo: 1\n`, 'teams/a/holdfast.yaml': `version: 1\ntargets:\n${many}\n` });
    expect(error.problems).toHaveLength(20);
    expect(error.omitted).toBeGreaterThan(5);
    expect(error.message).toMatch(/and \d+ more/);
  });
});

const each = (folders: string, name: string) => `version: 1
project: shop
environments: { dev: {}, prod: { remediation: ask } }
targets:
  network:
    environments: [dev, prod]
    each: { folders: "${folders}", name: "${name}" }
    provider: opentofu
    source: { path: "\${match.0}" }
`;

describe('each', () => {
  const tree = { 'infra/dev/eu/net/x.tf': '', 'infra/dev/us/db/x.tf': '', 'infra/prod/eu/net/x.tf': '', 'infra/dev/.hidden/net/x': '', 'infra/dev/file': '' };
  const standard = each('infra/${target.environment}/*/*', '${match.1}-${match.2}');

  test('one target per folder and environment', async () => {
    const folder = folderWith({ ...tree, 'holdfast.yaml': standard });
    const config = await loadIn(folder);
    expect(config.matches).toEqual(['dev/eu-net', 'dev/us-db', 'prod/eu-net']);
    expect(config.targets[0]?.source).toEqual({ type: 'folder', folder: join(folder, 'infra/dev/eu/net') });
  });

  test('a new match begins in observe, the known ones do not', async () => {
    const config = await loadText({ ...tree, 'holdfast.yaml': standard }, { known: new Set(['dev/eu-net', 'prod/eu-net']) });
    expect(config.targets.map((target) => target.remediation)).toEqual(['ask', 'observe', 'ask']);
  });

  test('a vanished match is said', async () => {
    const config = await loadText({ ...tree, 'holdfast.yaml': standard }, { known: new Set(['dev/eu-net', 'dev/gone']) });
    expect(config.warnings).toEqual([{ where: 'dev/gone', message: expect.stringMatching(/suspended/) as unknown }]);
    expect(compareMatches(new Set(['a', 'b']), ['b', 'c'])).toEqual({ added: ['c'], suspended: ['a'] });
  });

  test('no match is a warning: folders come and go', async () => {
    const config = await loadText(each('infra/*', '${match.1}'));
    expect(config.warnings.map((warning) => warning.message)).toEqual([expect.stringMatching(/no folder matches/), expect.stringMatching(/no folder matches/)]);
  });

  test.each([
    { reason: 'two folders with one name', config: each('infra/${target.environment}/*/*', 'same'), says: /two folders give the name dev\/same/ },
    { reason: 'a name that is none', config: each('infra/*/*/*', '${match.2}_x'), says: /each\.name: "eu_x" is not a name, made from the folder/ },
    { reason: 'any depth', config: each('infra/**', '${match.1}'), says: /each\.folders: .*\*\* is not allowed/ },
    { reason: 'a pattern that is no glob', config: each('infra/(a+)+', '${match.1}'), says: /only \* and \?/ },
    { reason: 'a variable that is not there', config: each('infra/${vars.x}/*', '${match.1}'), says: /each\.folders: \$\{vars\.x\} names no variable/ },
    { reason: 'a capture that is not there', config: each('infra/*', '${match.2}'), says: /each\.name: \$\{match\.2\} names no variable/ },
  ])('$reason is refused', async ({ config, says }) => {
    expect(lines(await errorOf({ ...tree, 'holdfast.yaml': config })).join('\n')).toMatch(says);
  });

  test('a folder that is named like a reference injects none', async () => {
    const folder = folderWith({ 'infra/a/x': '', 'holdfast.yaml': each('infra/*', 'n') });
    mkdirSync(join(folder, 'b'));
    renameSync(join(folder, 'b'), join(folder, 'infra', '${env:SECRET}'));
    await expect(loadIn(folder)).rejects.toThrow(/has \$\{ in its name/);
  });
});

describe('rules between targets', () => {
  const two = (a: string, b: string) => `version: 1
project: shop
environments: { dev: {}, prod: {} }
targets:
  a: { environments: [dev], provider: files, source: { path: ./a }, spec: { root: /srv/x }, ${a} }
  b: { environments: [dev], provider: files, source: { path: ./b }, spec: { root: /srv/x/y }, ${b} }
`;
  test('the same path in two pools is two places', async () => {
    await expect(loadText(two('pool: one', 'pool: two'))).resolves.toBeDefined();
  });

  test('two environments of one pool share the place', async () => {
    const error = await errorOf(two('pool: one', 'pool: one').replace('b: { environments: [dev]', 'b: { environments: [prod]'));
    expect(lines(error)[0]).toMatch(/lies inside the root of dev\/a/);
  });

  test('a circle of two is found', async () => {
    const error = await errorOf(two('pool: one, after: [b]', 'pool: two, after: [a]'));
    expect(lines(error).join()).toMatch(/dev\/a → dev\/b → dev\/a/);
  });

  test.each([
    { reason: 'a target that turns auto itself', config: minimal({ target: 'remediation: auto' }) },
    { reason: 'a target that turns auto by a variable', config: minimal({ environment: 'vars: { r: auto }', target: 'remediation: "${vars.r}"' }) },
  ])('$reason needs a health check', async ({ config }) => {
    expect(lines(await errorOf(config))[0]).toMatch(/needs a health check/);
  });

  test('auto with a health check, or turned down, is fine', async () => {
    await expect(loadText(minimal({ environment: 'remediation: auto', target: 'health: [{ type: tcp, host: a, port: 1 }]' }))).resolves.toBeDefined();
    await expect(loadText(minimal({ environment: 'remediation: auto', target: 'remediation: ask' }))).resolves.toBeDefined();
  });
});

test('what is valid but not enforced is said', async () => {
  const config = await loadText({
    'holdfast.yaml': minimal({
      environment: 'approvals: { trust: signed, rules: [{ any: [{ group: sre, count: 2 }] }], escalate: { after: 1h, to: sre } }, windows: [{ kind: allow, start: "0 9 * * *", duration: 8h }], limits: { resources: { max: 20, percent: 25 }, failures: { max: 3, within: 1h } }, credentials: { aws: { assumeRole: "${vars.x}-${access}" } }',
      target: 'schedule: "17 * * * *"',
      more: 'principals: { a: {}, b: {} }\ngroups: { sre: [a, b] }\npolicies: ["./p/*.yaml"]\n',
    }),
    'p/a.yaml': 'version: 1\n',
  });
  expect(config.warnings.map((warning) => warning.where)).toEqual([
    'environments.dev.credentials', 'targets.web.schedule', 'environments.dev.approvals.rules[0]',
  ]);
  expect(config.environments[0]?.windows).toEqual([{ kind: 'allow', start: '0 9 * * *', durationMs: 8 * 3_600_000, timezone: 'UTC', actions: ['finalize'], overrun: false }]);
});

test('notifications are taken as they are written', async () => {
  const more = `notifications:
  sinks:
    ops: { type: webhook, url: "https://example.com/hook", secret: "\${env:HOOK}" }
    page: { type: command, command: [./page] }
  routes:
    - { match: { environment: dev, event: [blind, frozen], risk: high }, to: ops }
    - { to: [ops, page] }
`;
  expect((await loadText(minimal({ more }))).notifications).toEqual({
    sinks: [
      { name: 'ops', type: 'webhook', url: 'https://example.com/hook', secret: '${env:HOOK}', allowPrivate: false, timeoutMs: 10_000 },
      { name: 'page', type: 'command', command: ['./page'], timeoutMs: 30_000 },
    ],
    routes: [{ match: { environment: ['dev'], event: ['blind', 'frozen'], risk: ['high'] }, to: ['ops'] }, { match: {}, to: ['ops', 'page'] }],
  });
});

test('the digest is that of the files: the same for the same, another for another', async () => {
  const one = await loadText(minimal());
  const same = await loadText(minimal());
  const other = await loadText(minimal({ target: 'soak: 1m' }));
  expect(one.digest).toBe(same.digest);
  expect(one.digest).not.toBe(other.digest);
});

test('a rule of approvals that only a sign-in could meet is warned of, and one that names enough people is not', async () => {
  const more = 'principals: { ann: {}, bob: {} }\ngroups: { leads: ["oidc:group/leads"], mixed: [ann, "oidc:group/leads"], sre: [bob] }\n';
  const rules = '{ any: [{ group: leads }] }, { any: [{ group: leads }, { group: sre }] }, { all: [{ group: sre }, { group: mixed }] }, { any: [{ group: mixed, count: 2 }] }';
  const warned = async (escalate: string): Promise<readonly string[]> => {
    const { warnings } = await loadText(minimal({ environment: `approvals: { trust: signed, rules: [${rules}]${escalate} }`, more }));
    return warnings.filter(({ message }) => /nobody signs in/.test(message)).map(({ where }) => where);
  };
  expect(await warned('')).toEqual(['environments.dev.approvals.rules[0]', 'environments.dev.approvals.rules[3]']);
  expect(await warned(', escalate: { after: 1h, to: sre }')).toEqual([]);
});

test.each([
  { reason: 'one of two has a key', trust: 'signed', count: 2, escalate: '', warned: true },
  { reason: 'one is enough, and has one', trust: 'signed', count: 1, escalate: '', warned: false },
  { reason: 'whoever it is escalated to has one', trust: 'signed', count: 2, escalate: ', escalate: { after: 1h, to: cat }', warned: false },
  { reason: 'whoever it is escalated to has none either', trust: 'signed', count: 2, escalate: ', escalate: { after: 1h, to: dan }', warned: true },
  { reason: 'nothing must be signed', trust: 'namespace', count: 1, escalate: '', warned: false },
])('a rule of approvals whose people could not sign is warned of: $reason', async ({ trust, count, escalate, warned }) => {
  const key = (blob: string): string => `{ keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${blob}"] }`;
  const more = `principals: { ann: ${key('DyeoThPXKCTSO0fWVXSJ1/gxpBbplahOggpTW/9ZnNm')}, bob: {}, cat: ${key('GWqnkhhS6sPmk3tuCv7GsXahVfHfY7yRkxvW1AkdSc2')}, dan: {} }\ngroups: { sre: [ann, bob] }\n`;
  const { warnings } = await loadText(minimal({ environment: `approvals: { trust: ${trust}, rules: [{ any: [{ group: sre, count: ${count} }] }]${escalate} }`, more }));
  expect(warnings.filter(({ message }) => /too few of its people have a key/.test(message)).map(({ where }) => where)).toEqual(warned ? ['environments.dev.approvals.rules[0]'] : []);
});

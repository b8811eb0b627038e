import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { composeDeps } from '../../src/cli/compose.js';
import type { Io } from '../../src/cli/io.js';
import { run } from '../../src/cli/program.js';
import type { Config } from '../../src/config/config.js';
import type { JsonObject } from '../../src/domain/json.js';
import type { Entry } from '../../src/ledger/ledger.js';
import { rule } from '../policy/rules.js';
import { cli, config as configured, json, type Ran, recorded, stream, text } from './support.js';

let folder: string;

const RULES = `version: 1
rules:
  - name: ports
    when: change.path == "/port"
    decision: ask
    message: ports are asked about
  - name: repairs
    when: plan.resources < 3
    decision: remediate
  - name: trial
    decision: hold
    shadow: true
tests:
  - name: a port is asked about
    given: { change: { path: /port } }
    expect: { decision: ask, rules: [ports] }
`;

function put(name: string, content: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), content);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-policy-'));
  put('holdfast.yaml', 'version: 1\nproject: shop\nenvironments: { prod: { remediation: ask } }\npolicies: [./rules.yaml]\ntargets: { web: { environments: [prod], provider: files, source: { path: ./desired }, spec: { root: ./live } } }\n');
  put('rules.yaml', RULES);
  put('desired/etc/app.json', '{"port": 1, "updated_at": "a"}\n');
  put('live/etc/app.json', '{"port": 2, "updated_at": "b"}\n');
});

afterEach(() => { rmSync(folder, { recursive: true, force: true }); });

async function holdfast(...argv: readonly string[]): Promise<Ran> {
  let out = '';
  let err = '';
  const io: Io = {
    out: (piece) => { out += piece; return Promise.resolve(); },
    err: (piece) => { err += piece; },
    outTty: false, errTty: false, columns: 200, env: {}, cwd: folder, user: 'alice',
    signal: new AbortController().signal, now: () => new Date(), sleep: () => Promise.resolve(),
  };
  const code = await run(argv, io, composeDeps(io));
  return { code, out, err };
}

describe('policy test', () => {
  it('runs the tests of every file in force, and passes', async () => {
    expect(await holdfast('policy', 'test')).toMatchObject({ code: 0, out: text(/^default +\d+ +\d+ +0$[\s\S]*^rules\.yaml +3 +1 +0$/m), err: text(/^\d+ passed, 0 failed/) });
  });

  it('exits 1 when one fails, and says what was decided instead and where the test stands', async () => {
    put('other.yaml', RULES.replace('decision: ask, rules', 'decision: hold, risk: high, rules'));
    const ran = await holdfast('policy', 'test', 'other.yaml');
    expect(ran).toMatchObject({ code: 1, err: text('0 passed, 1 failed') });
    expect(ran.out).toContain('a port is asked about (other.yaml:14)\n  expected hold, and it is ask: ports are asked about\n  expected risk high, and it is low');
    expect(json(await holdfast('policy', 'test', 'other.yaml', '-o', 'json'))).toMatchObject({ kind: 'policy-test', version: 1, failed: 1, exitCode: 1, files: [{ file: 'other.yaml', tests: [{ passed: false, decision: 'ask', rules: ['ports (other.yaml:3)'] }] }] });
  });

  it('tells of a name that the configuration does not have, and runs the tests all the same', async () => {
    put('other.yaml', RULES.replace('change.path == "/port"', 'change.path == "/port" && environment.name != "prdo"'));
    expect(await holdfast('policy', 'test', 'other.yaml')).toMatchObject({ code: 0, err: text(/warning: rule ports \(other\.yaml:4:57\): environment\.name is never "prdo" in this configuration: did you mean "prod"\?/) });
  });

  it('refuses a file that is none, with its place', async () => {
    put('other.yaml', RULES.replace('change.path', 'change.paht'));
    expect(await holdfast('policy', 'test', 'other.yaml')).toMatchObject({ code: 1, err: text(/other\.yaml:4:18: rules\[0\]\.when: change has no member "paht"[\s\S]*did you mean "path"\?/) });
  });
});

describe('plan', () => {
  it('names the rules, what rules on trial would say, and what is left alone', async () => {
    const ran = await holdfast('plan', 'prod/web');
    expect(ran.out).toMatch(/why: +ports are asked about[\s\S]*rules: +ports \(rules\.yaml:3\)[\s\S]*on trial: trial \(rules\.yaml:10\) would say hold of 1 change[\s\S]*Left alone[\s\S]*\/updated_at: accepted by rule written-by-the-engine/);
  });
});

describe('policy explain', () => {
  it('says of each change which rules match and which lose, what they saw, and what rules on trial would do', async () => {
    const ran = await holdfast('policy', 'explain', 'prod/web');
    expect(ran.code).toBe(0);
    expect(ran.out).toMatch(/etc\/app\.json \/port[\s\S]*decision: ask, risk low: ports are asked about[\s\S]*won +ports \(rules\.yaml:3\)[\s\S]*saw +change\.path = "\/port"[\s\S]*lost +repairs[\s\S]*shadow +trial/);
    expect(ran.out).toMatch(/etc\/app\.json \/updated_at[\s\S]*left alone: accepted by rule written-by-the-engine \(default:\d+\)/);
  });

  it('of one path alone, as JSON', async () => {
    const found = json(await holdfast('policy', 'explain', 'prod/web', '--resource', 'etc/app.json', '--path', '/port', '-o', 'json'));
    expect(found).toMatchObject({ kind: 'policy-explain', address: 'prod/web', verdict: 'drifted', changes: [{ path: '/port', decided: { decision: 'ask' } }] });
  });

  it('replay tells which decisions and which risks would be others', async () => {
    const config: Config = { ...configured(), policies: [{ name: 'next.yaml', tests: [], rules: [rule({ name: 'hosts', decision: 'ask', risk: 'critical', when: 'change.path == "/host"' })] }] };
    const change = (path: string): JsonObject => ({
      resource: 'etc/app.yaml', path, kind: 'changed', effect: 'update', fingerprint: `v1:${path}`, revision: 'r', decision: 'hold', risk: 'low', rules: ['remediation: observe'], reason: 'it is only observed',
      would: { decision: 'remediate', rules: [], reason: '' }, given: { sensitive: false, remediation: 'observe', history: { recurrence: 0, firstLook: false }, baseline: 'healthy' },
    });
    const entry: Entry = { seq: 1, at: '2030-01-31T11:00:00.000Z', kind: 'assessed', environment: 'prod', target: 'storefront', incident: 7, data: { part: 1, count: 2, changes: [change('/host'), change('/port')] }, previous: '0', hash: '1' };
    const ran = await cli(['policy', 'replay', '--since', '30d'], { deps: { loadConfig: () => Promise.resolve(config), ...recorded({ entries: () => stream([entry]) }) } });
    expect(ran.out).toContain('2 changes decided again since');
    expect(ran.out).toMatch(/hold \(would remediate\) → hold \(would ask\) +2/);
    expect(ran.out).toMatch(/low → critical +1/);
    expect(ran.out).toMatch(/prod\/storefront#7 +etc\/app\.yaml \/host +hold \(would remediate\), low +hold \(would ask\), critical +hosts \(rules\.yaml:hosts\)/);
  });

  it('replay of a time in which nothing was decided says so, in either form, and a time to come is refused', async () => {
    const deps = { loadConfig: () => Promise.resolve(configured()), ...recorded({ entries: () => stream([]) }) };
    expect(await cli(['policy', 'replay', '--since', '1h'], { deps })).toMatchObject({ code: 0, out: text(/^Nothing was decided since 2030-\S+: an earlier --since may find more\.$/m) });
    expect(json(await cli(['policy', 'replay', '--since', '1h', '-o', 'json'], { deps }))).toMatchObject({ kind: 'policy-replay', decided: 0, moved: [] });
    for (const [since, says] of [['2099-01-01', /--since 2099-01-01 lies in the future/], ['0d', /--since 0d is neither a duration nor a time/], ['-5d', /neither a duration nor a time/], ['2026-02-30', /neither a duration nor a time/], ['yesterday', /neither a duration nor a time/], ['', /neither a duration nor a time/]] as const) {
      expect(await cli(['policy', 'replay', `--since=${since}`], { deps }), since).toMatchObject({ code: 1, out: '', err: text(says) });
    }
  });

  it('replay under a file that does not load says where it is wrong', async () => {
    put('next.yaml', RULES.replace('decision: hold', 'decision: hodl'));
    expect(await holdfast('policy', 'replay', '--since', '1h', '--rules', 'next.yaml')).toMatchObject({ code: 1, out: '', err: text(/next\.yaml:11:15: rules\[2\]\.decision: "hodl" is not one of[\s\S]*did you mean "hold"/) });
    expect(await holdfast('policy', 'replay', '--since', '1h', '--rules', 'nowhere.yaml')).toMatchObject({ code: 1, out: '', err: text(/nowhere\.yaml/) });
  });

  it('without a record says how to get one', async () => {
    expect(await holdfast('policy', 'explain', 'prod/web#7')).toMatchObject({ code: 1, err: text(/no record yet/) });
    expect(await holdfast('policy', 'replay', '--since', '30d')).toMatchObject({ code: 1, err: text(/no record yet/) });
  });
});

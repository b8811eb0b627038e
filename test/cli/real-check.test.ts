import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { composeDeps } from '../../src/cli/compose.js';
import type { Io } from '../../src/cli/io.js';
import { run } from '../../src/cli/program.js';
import { json, list, type Ran, text } from './support.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-cli-'));
  await mkdir(join(folder, 'desired/etc'), { recursive: true });
  await mkdir(join(folder, 'live/etc'), { recursive: true });
  for (const side of ['desired', 'live']) {
    await writeFile(join(folder, side, 'etc/app.yaml'), 'server:\n  port: 9103\n', { mode: 0o644 });
    await writeFile(join(folder, side, 'etc/motd'), 'hello\n', { mode: 0o644 });
  }
  await writeFile(
    join(folder, 'holdfast.yaml'),
    ['version: 1', 'project: shop', 'environments:', '  prod: { remediation: ask }', 'targets:', '  site:', '    environments: [prod]', '    provider: files', '    source: { path: ./desired }', '    spec: { root: ./live }', ''].join('\n'),
  );
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** The real command on real files, from a folder below the configuration, with a home that is not there. */
async function holdfast(argv: readonly string[], env: Io['env'] = {}): Promise<Ran> {
  let out = '';
  let err = '';
  const io: Io = {
    out: (piece) => { out += piece; return Promise.resolve(); },
    err: (piece) => { err += piece; },
    outTty: false, errTty: false, columns: 100, env, cwd: join(folder, 'live'), user: 'alice',
    signal: new AbortController().signal, now: () => new Date(), sleep: () => Promise.resolve(),
  };
  const code = await run(argv, io, composeDeps(io));
  return { code, out, err };
}

describe('check on real files, with nothing else running', () => {
  it('is clean, and finds its configuration from a folder below it', async () => {
    const ran = await holdfast(['check']);
    expect(ran).toMatchObject({ code: 0, out: text(/prod\/site +clean/), err: '' });
  });

  it('says each kind of drift in words', async () => {
    await writeFile(join(folder, 'live/etc/app.yaml'), 'server:\n  port: 9999\n');
    await writeFile(join(folder, 'live/etc/motd'), 'hacked\n');
    await chmod(join(folder, 'live/etc/motd'), 0o600);
    const ran = await holdfast(['check', 'prod/site']);
    expect(ran.code).toBe(2);
    expect(ran.out).toContain('/server/port: 9103 → 9999');
    expect(ran.out).toContain('-hello');
    expect(ran.out).toContain('+hacked');
    expect(ran.out).toContain('@mode: "0644" → "0600"');
  });

  it('could not tell when what is live is gone', async () => {
    await rm(join(folder, 'live/etc'), { recursive: true });
    await rm(join(folder, 'live'), { recursive: true });
    const ran = await holdfast(['check', '--config', join(folder, 'holdfast.yaml')]);
    expect(ran).toMatchObject({ code: 3, out: text(/prod\/site +unknown/) });
  });

  it('could not tell when the source is gone', async () => {
    await rm(join(folder, 'desired'), { recursive: true });
    expect(await holdfast(['check'])).toMatchObject({ code: 3, out: text(/prod\/site +unknown/) });
  });

  it('writes nothing', async () => {
    await holdfast(['check']);
    await expect(readFile(join(folder, '.holdfast/ledger.db'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('plans the repair and changes nothing', async () => {
    await writeFile(join(folder, 'live/etc/app.yaml'), 'server:\n  port: 9999\n');
    const ran = await holdfast(['plan', 'prod/site', '-o', 'json']);
    expect(ran.code).toBe(2);
    const parts = list(ran, 'parts') as { readonly plan: { readonly hash: string } }[];
    expect(parts).toMatchObject([{ decision: 'ask', plan: { hash: text(/^[0-9a-f]{64}$/), blastRadius: { update: 1 } } }]);
    expect(await readFile(join(folder, 'live/etc/app.yaml'), 'utf8')).toContain('9999');
    expect((await holdfast(['plan', 'prod/site'])).out).toContain(parts[0]?.plan.hash.slice(0, 12));
  });
});

describe('a broken configuration', () => {
  it('is refused with its line, and nothing is looked at', async () => {
    await writeFile(join(folder, 'holdfast.yaml'), 'version: 1\nproject: shop\nenviroments: {}\n');
    const ran = await holdfast(['check']);
    expect(ran).toMatchObject({ code: 1, out: '' });
    expect(ran.err).toMatch(/holdfast\.yaml:3:\d+/);
    expect(ran.err).not.toMatch(/ {2}at /);
  });
});

describe('with Temporal away', () => {
  it('status still shows what is configured', async () => {
    const ran = await holdfast(['status']);
    expect(ran).toMatchObject({ code: 0, out: text(/prod\/site +never/) });
    expect(ran.err).toContain('no Temporal server is known to');
  });

  it('what needs it fails in two lines, with the remedy', async () => {
    const ran = await holdfast(['freeze', 'prod', '--reason', 'x'], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
    expect(ran.code).toBe(1);
    expect(ran.err).toMatch(/^holdfast: Temporal at 127\.0\.0\.1:1 \(TEMPORAL_ADDRESS\) does not answer\n.*holdfast up.*\n$/);
  });

  it('doctor says so beside all that is well', async () => {
    const ran = await holdfast(['doctor']);
    expect(ran.code).toBe(1);
    expect(ran.out).toMatch(/ok +configuration[\s\S]*ok +sources[\s\S]*warn +record[\s\S]*fail +temporal/);
  });
});

describe('config', () => {
  it('print shows where each value was written', async () => {
    expect((await holdfast(['config', 'print', 'prod/site'])).out).toMatch(/spec\.root +"\.\/live" +.*holdfast\.yaml:10/);
  });

  it('schema is a JSON Schema', async () => {
    expect(json(await holdfast(['config', 'schema']))).toHaveProperty('$schema');
  });
});

describe('init', () => {
  async function emptied(): Promise<void> {
    await rm(join(folder, 'holdfast.yaml'));
    await rm(join(folder, 'desired'), { recursive: true });
  }
  const at = () => ['--config', join(folder, 'holdfast.yaml')];

  it('--capture makes what is live the desired state, and check is clean at once', async () => {
    await emptied();
    const ran = await holdfast(['init', '--capture', '--root', join(folder, 'live'), ...at()]);
    expect(ran).toMatchObject({ code: 0, out: text('2 files as they are live now') });
    expect(await readFile(join(folder, 'desired/etc/motd'), 'utf8')).toBe('hello\n');
    expect((await holdfast(['check', ...at()])).code).toBe(0);
  });

  it('writes a configuration that is valid', async () => {
    await emptied();
    expect((await holdfast(['init', ...at()])).code).toBe(0);
    expect((await holdfast(['config', 'validate', ...at()])).code).toBe(0);
  });

  it('overwrites neither a configuration nor a desired state', async () => {
    expect(await holdfast(['init', ...at()])).toMatchObject({ code: 1, err: text('nothing is overwritten') });
    await rm(join(folder, 'holdfast.yaml'));
    expect(await holdfast(['init', '--capture', ...at()])).toMatchObject({ code: 1, err: text('holds a desired state already') });
    await expect(readFile(join(folder, 'holdfast.yaml'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

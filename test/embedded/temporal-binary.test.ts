import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cacheFolder } from '../../src/embedded/cache.js';
import { findTemporalBinary, presentTemporalBinary } from '../../src/embedded/temporal-binary.js';

const GENUINE = '#!/bin/sh\necho "temporal version 1.2.3 (Server 1.29.1, UI 2.42.1)"\n';

let home: string;
let lines: string[];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'holdfast-binary-'));
  lines = [];
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

/** An environment of its own, where the only programs are those that the test puts there. */
function environment(): NodeJS.ProcessEnv {
  return { HOME: home, XDG_CACHE_HOME: join(home, 'cache'), PATH: join(home, 'path') };
}

function program(folder: string, name: string, text: string): string {
  const at = join(home, folder);
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, name), text);
  chmodSync(join(at, name), 0o755);
  return join(at, name);
}

describe('what is here already', () => {
  test('on PATH comes before the cache, because the person put it there', async () => {
    const path = program('path', 'temporal', GENUINE);
    program('cache/holdfast/bin', 'temporal', GENUINE);
    expect(await presentTemporalBinary(environment())).toMatchObject({ path, origin: 'path', version: expect.stringContaining('1.2.3') as string });
  });

  test('in the cache is taken without a look at any network', async () => {
    const path = program('cache/holdfast/bin', 'temporal', GENUINE);
    expect(await findTemporalBinary({ env: environment(), log: (line) => lines.push(line) })).toMatchObject({ path, origin: 'cache' });
    expect(lines).toEqual([]);
  });

  test.each([
    { text: '#!/bin/sh\necho "temporal, a library of dates, 3.1"\n', reason: 'another program of that name' },
    { text: '#!/bin/sh\nexit 1\n', reason: 'one that fails' },
    { text: 'not a program', reason: 'a file that is no program' },
  ])('is passed by when it is $reason', async ({ text }) => {
    program('path', 'temporal', text);
    expect(await presentTemporalBinary(environment())).toBeUndefined();
  });
});

describe('with nothing here', () => {
  test('it is built with Go into the cache, said plainly with how long it takes', async () => {
    program('path', 'go', `#!/bin/sh
test "$1" = version && exit 0
echo go.temporal.io/server/temporal >&2
/bin/cat > "$GOBIN/temporal" <<'END'
${GENUINE}END
/bin/chmod 755 "$GOBIN/temporal"
`);
    const found = await findTemporalBinary({ env: environment(), log: (line) => lines.push(line), download: 'http://127.0.0.1:9/none' });
    expect(found).toMatchObject({ origin: 'build', path: join(home, 'cache', 'holdfast', 'bin', 'temporal') });
    expect(lines.join('\n')).toMatch(/no Temporal server by download .*\n.*about 5 minutes on 2 cores/);
    expect(readdirSync(join(home, 'cache', 'holdfast', 'bin'))).toEqual(['temporal']);
  }, 60_000);

  test('and without Go it is one error that says what to do', async () => {
    mkdirSync(join(home, 'path'));
    await expect(findTemporalBinary({ env: environment(), log: () => undefined, download: 'http://127.0.0.1:9/none' })).rejects.toMatchObject({
      failure: 'Unreachable',
      message: expect.stringContaining('build: Go is not installed') as string,
      remedy: expect.stringContaining('TEMPORAL_ADDRESS') as string,
    });
  }, 60_000);

  test('of two that need it at once one gets it and the other waits', async () => {
    program('path', 'go', `#!/bin/sh
test "$1" = version && exit 0
echo built >> "${home}/builds"
/bin/sleep 1
/bin/cat > "$GOBIN/temporal" <<'END'
${GENUINE}END
/bin/chmod 755 "$GOBIN/temporal"
`);
    const options = { env: environment(), log: (line: string) => void lines.push(line), download: 'http://127.0.0.1:9/none' };
    const found = await Promise.all([findTemporalBinary(options), findTemporalBinary(options)]);
    expect(found.map((each) => each.origin).sort()).toEqual(['build', 'cache']);
    expect(lines.filter((line) => line.startsWith('waiting for process'))).toHaveLength(1);
  }, 60_000);
});

test.each([
  { env: { XDG_CACHE_HOME: '/c' }, expected: '/c/holdfast', reason: 'the user says where' },
  { env: { XDG_CACHE_HOME: 'relative' }, expected: undefined, reason: 'a relative one is not valid and is ignored' },
])('the cache folder: $reason', ({ env, expected }) => {
  if (expected === undefined) expect(cacheFolder(env)).not.toContain('relative');
  else expect(cacheFolder(env)).toBe(expected);
});

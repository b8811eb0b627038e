import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeImage, STRANGER, type Image } from '../support/image.js';
import { ROOT } from '../support/quickstart.js';
import { copiesOf, dockerfileProblems, ignoredBy } from './dockerfile.js';

const text = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
const [build = [], final = []] = copiesOf(text);

describe('Dockerfile', () => {
  test('names what is there, an exact base, and a user that is not root', () => {
    expect(dockerfileProblems(text, ROOT)).toEqual([]);
  });

  test('is built with the version of Node that everything is tested with', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'node_modules', 'node', 'package.json'), 'utf8')) as { version: string };
    expect(/^ARG NODE_VERSION=(.+)$/m.exec(text)?.[1]).toBe(version);
  });

  test('gives the build every file that the build reads', () => {
    const sources = build.flatMap((copy) => copy.sources);
    const tsconfig = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8')) as { include?: readonly string[] };
    for (const included of tsconfig.include ?? []) expect(sources.some((source) => included.startsWith(source)), included).toBe(true);
    for (const needed of ['package.json', 'package-lock.json', 'tsconfig.json', 'scripts', 'src']) expect(sources).toContain(needed);
  });
});

describe('what the image holds', () => {
  let image: Image;
  const work = mkdtempSync(join(tmpdir(), 'holdfast-image-work-'));
  const isRoot = process.getuid?.() === 0;

  beforeAll(async () => {
    // The paths of the last stage that are made by the build are here already.
    const parts = final.flatMap((copy) => copy.sources.map((source) => source.replace(/^\/src\//, ''))).filter((part) => part !== 'node_modules');
    expect(parts).toContain('dist');
    image = await makeImage(parts);
    execFileSync('chmod', ['-R', 'a-w', image.folder]);
    chmodSync(work, 0o777);
  });

  afterAll(() => {
    execFileSync('chmod', ['-R', 'u+w', image.folder]);
    image.remove();
    rmSync(work, { recursive: true, force: true });
  });

  /** As the user of the image would: in a folder that it cannot write, with nothing but its own work folder. */
  function holdfast(...args: readonly string[]): { readonly code: number | null; readonly said: string } {
    const ran = spawnSync(image.node, [image.holdfast, ...args], { cwd: join(image.folder, 'examples', 'compose'), env: { PATH: process.env['PATH'] ?? '', HOME: work, NODE_COMPILE_CACHE: join(work, 'cache') }, encoding: 'utf8', ...(isRoot ? { uid: STRANGER, gid: STRANGER } : {}) });
    return { code: ran.status, said: `${ran.stdout}${ran.stderr}` };
  }

  test('starts without any development dependency, as a user that may write nothing in it', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(holdfast('--version')).toEqual({ code: 0, said: `${version}\n` });
    expect(existsSync(join(image.folder, 'node_modules', 'vitest'))).toBe(false);
  });

  test('finds its example valid', () => {
    expect(holdfast('config', 'validate')).toMatchObject({ code: 0 });
  });

  test('loads everything that a worker needs, up to the Temporal that is not there', () => {
    const { code, said } = holdfast('worker', '--data-dir', join(work, 'data'));
    expect(said).toContain('no Temporal server is known');
    expect(code).toBe(1);
  });
});

describe('a mistake in a Dockerfile is found', () => {
  test.each([
    ['an image of any version', 'FROM node:24\nUSER 1\n', 'no exact version'],
    ['an argument that leaves the version open', 'ARG V=latest\nFROM node:${V}\nUSER 1\n', 'no exact version'],
    ['root', 'FROM a:1.2.3\n', 'runs as root'],
    ['a user by name, which a cluster cannot judge', 'FROM a:1.2.3\nUSER node\n', 'runs as node'],
    ['a user of an earlier stage', 'FROM a:1.2.3\nUSER 1\nFROM a:1.2.3\n', 'runs as root'],
    ['a command through a shell', 'FROM a:1.2.3\nUSER 1\nCMD holdfast worker\n', 'runs through a shell'],
    ['a file that is not there', 'FROM a:1.2.3\nUSER 1\nCOPY sources sources\n', 'COPY sources: there is no such file'],
    ['a file that is left out', 'FROM a:1.2.3\nUSER 1\nCOPY dist dist\n', '.dockerignore leaves it out'],
    ['a stage that is not there', 'FROM a:1.2.3 AS build\nFROM a:1.2.3\nUSER 1\nCOPY --from=builder /src/dist dist\n', 'no such stage'],
    ['a secret', 'FROM a:1.2.3\nUSER 1\nENV NPM_TOKEN=x\n', 'NPM_TOKEN would be kept'],
    ['packages that nobody asked for', 'FROM a:1.2.3\nUSER 1\nRUN apt-get update \\\n  && apt-get install -y git && rm -rf /var/lib/apt/lists/*\n', 'only recommended'],
    ['lists that stay', 'FROM a:1.2.3\nUSER 1\nRUN apt-get update && apt-get install -y --no-install-recommends git\n', 'lists of apt'],
    ['a word that is no instruction', 'FROM a:1.2.3\nUSER 1\nCOPPY a b\n', 'COPPY'],
  ])('%s', (_, dockerfile, found) => {
    expect(dockerfileProblems(dockerfile, ROOT).join('\n')).toContain(found);
  });

  test('what is ignored is ignored with all that is in it', () => {
    const ignored = ignoredBy('# comment\ndist\n**/secrets\n*.tgz\n');
    expect(['dist', 'dist/cli/main.js', 'examples/compose/secrets/key', 'holdfast-0.1.0.tgz'].map(ignored)).toEqual([true, true, true, true]);
    expect(['src', 'src/dist.ts', 'bin/holdfast'].map(ignored)).toEqual([false, false, false]);
  });
});

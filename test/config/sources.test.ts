import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openSources, refKey, type Sources } from '../../src/config/sources.js';
import type { Source } from '../../src/domain/target.js';

type GitSource = Extract<Source, { type: 'git' }>;

let base: string;
let work: string;
let sources: Sources;
const signal = new AbortController().signal;
const ctx = { signal, resolveSecret: () => Promise.reject(new Error('no secret is needed')) };

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'holdfast-sources-'));
  work = join(base, 'work');
  mkdirSync(work);
  inWork('init', '--quiet', '--initial-branch=main');
  sources = openSources({ folder: join(base, 'cache') });
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(base, { recursive: true, force: true });
});

function inWork(...args: string[]): string {
  const identity = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.com', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.com' };
  return execFileSync('git', ['-C', work, ...args], { env: { ...process.env, ...identity }, encoding: 'utf8' }).trim();
}

function commit(files: Record<string, string>): string {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(work, name, '..'), { recursive: true });
    writeFileSync(join(work, name), content);
  }
  inWork('add', '-A');
  inWork('commit', '--quiet', '--allow-empty', '-m', 'x');
  return inWork('rev-parse', 'HEAD');
}

function source(more: Partial<GitSource> = {}): GitSource {
  return { type: 'git', url: `file://${work}`, ref: 'main', path: '', ...more };
}

describe('a Git source', () => {
  test.each([{ filters: true }, { filters: false }])('is materialised at its path, with content and mode (server with partial clones: $filters)', async ({ filters }) => {
    inWork('config', 'uploadpack.allowFilter', String(filters));
    commit({ 'app/etc/app.yaml': 'a: 1\n', 'app/run': '#!/bin/sh\n', 'other/x': 'x' });
    chmodSync(join(work, 'app/run'), 0o755);
    const head = commit({});
    const revision = await sources.resolve(source({ path: 'app' }), ctx);
    expect(revision.commit).toBe(head);
    expect(readdirSync(revision.folder).sort()).toEqual(['etc', 'run']);
    expect(readFileSync(join(revision.folder, 'etc/app.yaml'), 'utf8')).toBe('a: 1\n');
    expect(statSync(join(revision.folder, 'run')).mode & 0o777).toBe(0o755);
    expect(statSync(join(revision.folder, 'etc/app.yaml')).mode & 0o777).toBe(0o644);
  });

  test('contents of many sizes arrive whole, the empty one too', async () => {
    const files = Object.fromEntries([0, 1, 10, 65_535, 65_536, 300_000].map((size) => [`f${size}`, 'é\n'.repeat(size / 3).padEnd(size, '.')]));
    commit(files);
    const { folder } = await sources.resolve(source(), ctx);
    for (const [name, content] of Object.entries(files)) expect(readFileSync(join(folder, name), 'utf8')).toBe(content);
  });

  test.each<{ reason: string; ref: () => string }>([
    { reason: 'a branch', ref: () => 'main' },
    { reason: 'the default branch', ref: () => 'HEAD' },
    { reason: 'a light tag', ref: () => 'light' },
    { reason: 'an annotated tag is the commit it names', ref: () => 'noted' },
    { reason: 'a commit', ref: () => inWork('rev-parse', 'HEAD') },
    { reason: 'a branch with a slash', ref: () => 'feature/x' },
  ])('a ref can be $reason', async ({ ref }) => {
    const head = commit({ a: '1' });
    inWork('tag', 'light');
    inWork('tag', '-a', '-m', 'x', 'noted');
    inWork('branch', 'feature/x');
    expect((await sources.resolve(source({ ref: ref() }), ctx)).commit).toBe(head);
  });

  test('every target of a check sees the commit that refs resolved, whatever was pushed since', async () => {
    const first = commit({ a: '1' });
    const commits = await sources.refs([source(), source({ path: 'x' })], ctx);
    expect(commits).toEqual({ [refKey(source())]: first });
    commit({ a: '2' });
    const revision = await sources.resolve(source(), ctx, commits);
    expect(revision.commit).toBe(first);
    expect(readFileSync(join(revision.folder, 'a'), 'utf8')).toBe('1');
  });

  test('a worker that never resolved the ref finds the commit it is told, also an older one', async () => {
    const first = commit({ a: '1' });
    commit({ a: '2' });
    const elsewhere = openSources({ folder: join(base, 'cache-of-another-worker') });
    const revision = await elsewhere.at(source(), first, ctx);
    expect(readFileSync(join(revision.folder, 'a'), 'utf8')).toBe('1');
  });

  test('a commit that does not touch the path uses the same folder again', async () => {
    commit({ 'app/a': '1' });
    const before = await sources.resolve(source({ path: 'app' }), ctx);
    commit({ 'other/b': '2' });
    const after = await sources.resolve(source({ path: 'app' }), ctx);
    expect(after.commit).not.toBe(before.commit);
    expect(after.folder).toBe(before.folder);
  });

  test('one repository that fails leaves the others resolved', async () => {
    const head = commit({ a: '1' });
    const commits = await sources.refs([source({ url: `file://${base}/nowhere` }), source(), source({ ref: 'no-such' })], ctx);
    expect(commits).toEqual({ [refKey(source())]: head });
  });

  test('many targets at once share a repository', async () => {
    commit(Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`t${index}/a`, `${index}`])));
    const found = await Promise.all(Array.from({ length: 12 }, (_, index) => sources.resolve(source({ path: `t${index}` }), ctx)));
    expect(found.map((each) => readFileSync(join(each.folder, 'a'), 'utf8'))).toEqual(Array.from({ length: 12 }, (_, index) => `${index}`));
  });

  test.each([
    { reason: 'an absolute link', name: 'l', to: '/etc/passwd' },
    { reason: 'a link above the source', name: 'l', to: '../secret' },
    { reason: 'a link that climbs through another', name: 'd/l', to: 'x/../../../secret' },
  ])('$reason is refused and leaves nothing behind', async ({ name, to }) => {
    mkdirSync(join(work, 'app/d'), { recursive: true });
    symlinkSync(to, join(work, 'app', name));
    commit({ 'app/d/x/y': '1' });
    await expect(sources.resolve(source({ path: 'app' }), ctx)).rejects.toThrow(/link that leads out of the source/);
    expect(readdirSync(join(base, 'cache/trees'))).toEqual([]);
  });

  test('a link that stays inside is kept a link', async () => {
    mkdirSync(join(work, 'd'));
    symlinkSync('../a', join(work, 'd/l'));
    commit({ a: '1' });
    const { folder } = await sources.resolve(source(), ctx);
    expect(lstatSync(join(folder, 'd/l')).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(folder, 'd/l'), 'utf8')).toBe('1');
  });

  test('filters and hooks that the repository asks for do not run', async () => {
    const marker = join(base, 'ran');
    writeFileSync(join(base, '.gitconfig'), `[filter "evil"]\n\tsmudge = touch ${marker}\n\tclean = cat\n`);
    vi.stubEnv('HOME', base);
    commit({ '.gitattributes': '* filter=evil\n', a: 'x\n' });
    const { folder } = await sources.resolve(source(), ctx);
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('x\n');
    expect(() => statSync(marker)).toThrow();
  });

  test.each([
    { reason: 'an unknown ref', more: { ref: 'no-such' }, text: /"no-such" is neither a branch, a tag nor a commit/ },
    { reason: 'a path that is not there', more: { path: 'nope' }, text: /"nope" is not a folder in the commit/ },
    { reason: 'a path that is a file', more: { path: 'a' }, text: /"a" is not a folder in the commit/ },
    { reason: 'a transport that runs commands', more: { url: 'ext::sh -c touch% /tmp/never' }, text: /git .* failed/ },
    { reason: 'a repository that is not there', more: { url: 'file:///no/such/repository' }, text: /git .* failed/ },
  ])('$reason is one line with its remedy', async ({ more, text }) => {
    commit({ a: '1' });
    const error = await sources.resolve(source(more), ctx).catch((problem: unknown) => problem);
    expect(error).toMatchObject({ message: expect.stringMatching(text) as unknown, remedy: expect.any(String) as unknown });
    expect((error as Error).message).not.toContain('\n');
  });

  test('a token is in no error', async () => {
    const secret = 'hunter2-token';
    const withToken = source({ url: 'https://127.0.0.1:1/x.git', auth: { token: '${env:TOKEN}' } });
    const error = await sources.resolve(withToken, { signal, resolveSecret: () => Promise.resolve(secret) }).catch((problem: unknown) => problem);
    const shown = JSON.stringify(error, Object.getOwnPropertyNames(error));
    expect(shown).toContain('failed');
    expect(shown).not.toContain(secret);
    expect(shown).not.toContain(Buffer.from(`x-access-token:${secret}`).toString('base64'));
  });

  test('an abort ends it', async () => {
    commit({ a: '1' });
    await expect(sources.resolve(source(), { ...ctx, signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
  });

  test('trees that were not used are pruned', async () => {
    commit({ a: '1' });
    const { folder } = await sources.resolve(source(), ctx);
    expect(await sources.prune(new Date(Date.now() - 60_000))).toBe(0);
    utimesSync(folder, new Date(0), new Date(0));
    expect(await sources.prune(new Date(Date.now() - 60_000))).toBe(1);
    expect(readFileSync(join((await sources.resolve(source(), ctx)).folder, 'a'), 'utf8')).toBe('1');
  });
});

describe('a folder source', () => {
  test('is itself', async () => {
    expect(await sources.resolve({ type: 'folder', folder: work }, ctx)).toEqual({ folder: work });
  });

  test.each([
    { reason: 'not there', path: 'nope', text: /is not there/ },
    { reason: 'a file', path: 'file', text: /is not a folder/ },
  ])('$reason is refused', async ({ path, text }) => {
    writeFileSync(join(work, 'file'), '');
    await expect(sources.resolve({ type: 'folder', folder: join(work, path) }, ctx)).rejects.toThrow(text);
  });
});

describe('who last changed the desired state', () => {
  function commitAs(name: string, committer: string, files: Record<string, string>): string {
    for (const [file, content] of Object.entries(files)) {
      mkdirSync(join(work, file, '..'), { recursive: true });
      writeFileSync(join(work, file), content);
    }
    const env = { ...process.env, GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: `${name}@example.com`, GIT_COMMITTER_NAME: committer, GIT_COMMITTER_EMAIL: `${committer}@example.com` };
    execFileSync('git', ['-C', work, 'add', '-A'], { env });
    execFileSync('git', ['-C', work, 'commit', '--quiet', '-m', 'x'], { env });
    return inWork('rev-parse', 'HEAD');
  }

  test.each([{ filters: true }, { filters: false }])('is who touched its path, whatever came after it elsewhere (server with partial clones: $filters)', async ({ filters }) => {
    inWork('config', 'uploadpack.allowFilter', String(filters));
    commitAs('alice', 'bot', { 'shop/app.yaml': 'a: 1\n', 'other/x': '0' });
    for (let turn = 1; turn <= 3; turn += 1) commitAs('bob', 'bob', { 'other/x': String(turn) });
    const { commit: head } = await sources.resolve(source({ path: 'shop' }), ctx);
    expect(await sources.authors(source({ path: 'shop' }), head, ctx)).toEqual(['alice <alice@example.com>', 'bot <bot@example.com>']);
    expect(await sources.authors(source({ path: 'other' }), head, ctx)).toEqual(['bob <bob@example.com>']);
    expect(await sources.authors(source(), head, ctx)).toEqual(['bob <bob@example.com>']);
  });

  test('is found far back, and of an older commit as of then', async () => {
    inWork('config', 'uploadpack.allowFilter', 'true');
    const first = commitAs('alice', 'alice', { 'shop/app.yaml': 'a: 1\n', 'other/x': '0' });
    const tree = inWork('rev-parse', 'HEAD^{tree}');
    const env = { GIT_AUTHOR_NAME: 'b', GIT_AUTHOR_EMAIL: 'b@x', GIT_COMMITTER_NAME: 'b', GIT_COMMITTER_EMAIL: 'b@x' };
    let head = first;
    for (let turn = 0; turn < 60; turn += 1) head = execFileSync('git', ['-C', work, 'commit-tree', '-p', head, '-m', String(turn), tree], { env: { ...process.env, ...env }, encoding: 'utf8' }).trim();
    inWork('update-ref', 'refs/heads/main', head);
    commitAs('carol', 'carol', { 'shop/app.yaml': 'a: 2\n' });
    const now = (await sources.resolve(source({ path: 'shop' }), ctx)).commit;
    expect(await sources.authors(source({ path: 'shop' }), now, ctx)).toEqual(['carol <carol@example.com>']);
    expect(await sources.authors(source({ path: 'other' }), now, ctx), 'sixty commits back').toEqual(['alice <alice@example.com>']);
    expect(await sources.authors(source({ path: 'shop' }), first, ctx)).toEqual(['alice <alice@example.com>']);
  });

  test('is nobody known where nobody can tell: a folder, a server that is away', async () => {
    expect(await sources.authors({ type: 'folder', folder: work }, undefined, ctx)).toBeUndefined();
    const head = commitAs('alice', 'alice', { 'shop/a': 'a' });
    await sources.resolve(source({ path: 'shop' }), ctx);
    rmSync(work, { recursive: true });
    expect(await sources.authors(source({ path: 'shop' }), head, ctx)).toBeUndefined();
  });
});

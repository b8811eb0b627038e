import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openSources, type Sources } from '../../src/config/sources.js';
import type { BranchProposal } from '../../src/config/git-propose.js';
import type { Source } from '../../src/domain/target.js';

const BRANCH = 'holdfast/adopt/prod-storefront-7-3f9ac2d1';
const GIT = execFileSync('which', ['git'], { encoding: 'utf8' }).trim();
const ctx = { signal: new AbortController().signal, resolveSecret: () => Promise.reject(new Error('no secret is needed')) };

let folder: string;
let bare: string;
let base: string;
let sources: Sources;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-propose-'));
  const work = join(folder, 'work');
  bare = join(folder, 'origin.git');
  mkdirSync(work);
  run(work, 'init', '--quiet', '--initial-branch=main');
  for (const [path, content] of Object.entries({ 'shop/etc/app.yaml': '# the shop\nport: 1\n', 'shop/run': '#!/bin/sh\n', 'shop/old': 'x\n', 'other/x': 'x\n', '.gitattributes': '* text eol=crlf\n' })) {
    mkdirSync(dirname(join(work, path)), { recursive: true });
    writeFileSync(join(work, path), content);
  }
  chmodSync(join(work, 'shop/run'), 0o755);
  run(work, 'add', '-A');
  run(work, '-c', 'user.name=a', '-c', 'user.email=a@example.com', 'commit', '--quiet', '-m', 'first');
  run(folder, 'clone', '--quiet', '--bare', work, bare);
  run(bare, 'config', 'uploadpack.allowFilter', 'true');
  base = inOrigin('rev-parse', 'main');
  sources = openSources({ folder: join(folder, 'cache') });
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function run(at: string, ...args: string[]): string {
  return execFileSync(GIT, ['-C', at, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null' } }).trim();
}

function inOrigin(...args: string[]): string {
  return run(bare, ...args);
}

function source(path = 'shop'): Extract<Source, { type: 'git' }> {
  return { type: 'git', url: `file://${bare}`, ref: 'main', path };
}

function proposal(more: Partial<BranchProposal> = {}): BranchProposal {
  return {
    base, branch: BRANCH, at: '2026-11-02T09:00:00.000Z', message: 'Adopt the port\n\nReason: "a\'b" $(touch /tmp/x) -- `x`\n',
    files: [{ path: 'etc/app.yaml', content: Buffer.from('# the shop\nport: 2\n') }, { path: 'new/run', content: Buffer.from('#!/bin/sh\n'), mode: 0o755 }, { path: 'old' }],
    ...more,
  };
}

/** A `git` that is found first, and plays a fault around the real one's push. */
function gitThat(script: string): void {
  const shims = join(folder, 'shims');
  mkdirSync(shims);
  writeFileSync(join(shims, 'git'), `#!/bin/sh\nfor a in "$@"; do if [ "$a" = push ]; then\n${script}\nfi; done\nexec ${GIT} "$@"\n`, { mode: 0o755 });
  vi.stubEnv('PATH', `${shims}:${process.env['PATH'] ?? ''}`);
}

function hook(name: string, script: string): void {
  writeFileSync(join(bare, 'hooks', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

describe('a change proposed to a Git source', () => {
  it('is one commit on a branch of its own, based on the commit that was looked at, and the ref that is watched stays', async () => {
    const made = await sources.propose(source(), proposal(), ctx);
    expect(made).toEqual({ commit: inOrigin('rev-parse', BRANCH), existed: false });
    expect(inOrigin('rev-parse', `${BRANCH}^`)).toBe(base);
    expect(inOrigin('rev-parse', 'main')).toBe(base);
    expect(inOrigin('diff-tree', '-r', '--name-status', 'main', BRANCH).split('\n')).toEqual(['M\tshop/etc/app.yaml', 'A\tshop/new/run', 'D\tshop/old']);
    expect(inOrigin('cat-file', 'blob', `${BRANCH}:shop/etc/app.yaml`)).toBe('# the shop\nport: 2');
    expect(inOrigin('ls-tree', '-r', BRANCH, 'shop/new/run', 'shop/run').match(/^\d+/gm)).toEqual(['100755', '100755']);
    expect(inOrigin('log', '-1', '--format=%an <%ae> %at%n%B', BRANCH)).toBe(`Holdfast <holdfast@localhost> ${Date.parse('2026-11-02T09:00:00.000Z') / 1000}\nAdopt the port\n\nReason: "a'b" $(touch /tmp/x) -- \`x\``);
    expect(inOrigin('fsck', '--no-dangling')).toBe('');
  });

  it('a second time it is found there, also by a worker that knows nothing of the first', async () => {
    const first = await sources.propose(source(), proposal(), ctx);
    expect(await sources.propose(source(), proposal(), ctx)).toEqual({ commit: first.commit, existed: true });
    const other = openSources({ folder: join(folder, 'cache-of-another') });
    expect(await other.propose(source(), proposal(), ctx)).toEqual({ commit: first.commit, existed: true });
  });

  it('the same content on a branch that a person went on with is left as it is', async () => {
    await sources.propose(source(), proposal(), ctx);
    const further = inOrigin('-c', 'user.name=b', '-c', 'user.email=b@example.com', 'commit-tree', '-p', BRANCH, '-m', 'more', `${BRANCH}^{tree}`);
    inOrigin('update-ref', `refs/heads/${BRANCH}`, further);
    expect(await sources.propose(source(), proposal(), ctx)).toEqual({ commit: further, existed: true });
  });

  it('a branch of that name with other content is refused and stays', async () => {
    inOrigin('branch', BRANCH, 'main');
    await expect(sources.propose(source(), proposal(), ctx)).rejects.toMatchObject({ failure: 'Refused', message: expect.stringMatching(/holds something else/) as string });
    expect(inOrigin('rev-parse', BRANCH)).toBe(base);
  });

  it('a push that took effect though it failed is found', async () => {
    gitThat(`${GIT} "$@" >/dev/null 2>&1; echo "fatal: the remote end hung up unexpectedly" >&2; exit 128`);
    expect(await sources.propose(source(), proposal(), ctx)).toEqual({ commit: inOrigin('rev-parse', BRANCH), existed: true });
  });

  it('one that did not is tried again, and then there is one commit', async () => {
    gitThat(`if [ ! -e ${folder}/once ]; then touch ${folder}/once; echo "fatal: Could not read from remote repository." >&2; exit 128; fi`);
    await expect(sources.propose(source(), proposal(), ctx)).rejects.toMatchObject({ failure: 'Unreachable' });
    expect(await sources.propose(source(), proposal(), ctx)).toMatchObject({ existed: false });
    expect(inOrigin('rev-list', '--count', BRANCH)).toBe('2');
  });

  it('what the other side refuses is told in its words, without a credential, and is final', async () => {
    hook('pre-receive', 'echo "pushes to https://bot:hunter2@example.com are for maintainers" >&2; exit 1');
    const failed = await sources.propose(source(), proposal(), ctx).catch((error: unknown) => error);
    expect(failed).toMatchObject({ failure: 'Refused', message: expect.stringMatching(/for maintainers.*pre-receive hook declined/) as string });
    expect(String(failed)).not.toContain('hunter2');
    expect(inOrigin('branch', '--list', 'holdfast/*')).toBe('');
  });

  it('nothing on this machine runs along: no hook, no filter, no setting of a user', async () => {
    const home = join(folder, 'home');
    mkdirSync(join(home, 'hooks'), { recursive: true });
    for (const name of ['pre-push', 'reference-transaction', 'post-commit']) writeFileSync(join(home, 'hooks', name), `#!/bin/sh\ntouch ${folder}/ran\nexit 1\n`, { mode: 0o755 });
    writeFileSync(join(home, '.gitconfig'), `[core]\n\thooksPath = ${home}/hooks\n\tautocrlf = true\n[commit]\n\tgpgSign = true\n[push]\n\tgpgSign = true\n\tfollowTags = true\n`);
    vi.stubEnv('HOME', home);
    // The other side has hooks of its own, which are its business.
    inOrigin('config', 'core.hooksPath', join(bare, 'hooks'));
    await sources.propose(source(), proposal(), ctx);
    expect(existsSync(join(folder, 'ran'))).toBe(false);
    expect(inOrigin('cat-file', 'blob', `${BRANCH}:shop/etc/app.yaml`)).not.toContain('\r');
  });

  it('of a base that is not the tip any more, by then', async () => {
    const tip = inOrigin('-c', 'user.name=b', '-c', 'user.email=b@example.com', 'commit-tree', '-p', 'main', '-m', 'elsewhere', 'main^{tree}');
    inOrigin('update-ref', 'refs/heads/main', tip);
    await sources.propose(source(), proposal(), ctx);
    expect(inOrigin('rev-parse', `${BRANCH}^`)).toBe(base);
    expect(inOrigin('rev-parse', 'main')).toBe(tip);
  });

  it.each([
    { reason: 'the branch that is watched', more: { branch: 'main' } },
    { reason: 'a branch of somebody else', more: { branch: 'release/1' } },
    { reason: 'a name that is no branch', more: { branch: 'holdfast/adopt/../x' } },
    { reason: 'an option in place of a commit', more: { base: '--upload-pack=x' } },
    { reason: 'a path out of the source', more: { files: [{ path: '../x', content: Buffer.from('x') }] } },
    { reason: 'a path into what Git keeps', more: { files: [{ path: '.git/config', content: Buffer.from('x') }] } },
  ])('never: $reason', async ({ more }) => {
    await expect(sources.propose(source(), proposal(more), ctx)).rejects.toMatchObject({ failure: 'Refused' });
    expect(inOrigin('for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
  });

  it('the commit of a branch, or that there is none', async () => {
    expect(await sources.branch(source(), BRANCH, ctx)).toBeUndefined();
    const { commit } = await sources.propose(source(), proposal(), ctx);
    expect(await sources.branch(source(), BRANCH, ctx)).toBe(commit);
    const merged = await sources.resolve({ ...source(), ref: BRANCH }, ctx);
    expect(readFileSync(join(merged.folder, 'etc/app.yaml'), 'utf8')).toContain('port: 2');
  });
});

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AdoptInput, AdoptResult, AssessedPart, Assessment, Judged } from '../../src/activities/types.js';
import type { DecisionMessage } from '../../src/domain/message.js';
import type { Target } from '../../src/domain/target.js';
import { FIRST, only, openBench, openIncident, OTHER_RUN, RUN, standing, type Bench, type BenchOptions } from './bench.js';

const SENT = '2026-11-02T09:30:00.000Z';
const WORD: DecisionMessage = { decision: 'adopt', by: 'alice', reason: 'raised in the night' };

interface Adopting {
  readonly on: Bench;
  readonly part: AssessedPart;
  say(message?: Partial<DecisionMessage>, more?: { readonly run?: string; readonly causedBy?: string[]; readonly adopting?: { by: string; where?: string } }): Promise<Judged>;
  /** Says so, and has the write worker do it. */
  adopt(message?: Partial<DecisionMessage>, more?: Partial<AdoptInput>): Promise<AdoptResult>;
  assessAgain(): Promise<Assessment>;
}

async function adopting(options: BenchOptions = {}, drift?: (bench: Bench) => void): Promise<Adopting> {
  const on = await openBench({ ...options, target: { remediation: 'ask', ...options.target } });
  const part = await openIncident(on, drift);
  const self: Adopting = {
    on, part,
    async say(message = {}, { run = RUN, ...more } = {}) {
      const { plan, ask } = part;
      on.temporal.histories.set(run, [{ at: SENT, signal: 'adopt' }]);
      const question = { part: 1, phase: 'awaiting-approval' as const, causedBy: [], ...(plan === undefined ? {} : { plan }), ...(ask === undefined ? {} : { ask }), ...more };
      return only(await on.run('judge', { incident: FIRST, run, messages: [{ message: { ...WORD, ...message }, via: { signal: 'adopt', ordinal: 1 } }], questions: [question], malformed: 0 }, { runId: run }));
    },
    async adopt(message = {}, more = {}) {
      const { adoption = '' } = await self.say(message);
      return on.run('adopt', input(part, adoption, more));
    },
    assessAgain: () => on.assess({ ordinal: 2, nextPart: 2, parts: [standing(part)] }),
  };
  return self;
}

function input({ part, plan }: AssessedPart, id: string, more: Partial<AdoptInput> = {}): AdoptInput {
  return { incident: FIRST, part, phase: 'awaiting-approval', id, run: RUN, round: 1, ...(plan === undefined ? {} : { plan }), ...more };
}

interface Origin {
  readonly source: Extract<Target['source'], { type: 'git' }>;
  git(...args: string[]): string;
  /** A commit on main. */
  commit(files: Readonly<Record<string, string>>): string;
  merge(branch: string): void;
}

const DESIRED = { 'etc/app.yaml': '# the shop\nport: 1 # public\nhost: a\n', 'etc/motd': 'hello\n', 'bin/run': '#!/bin/sh\n' };

function origin(): Origin {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-origin-'));
  onTestFinished(() => { rmSync(folder, { recursive: true, force: true }); });
  const work = join(folder, 'work');
  const bare = join(folder, 'shop.git');
  mkdirSync(work);
  const run = (at: string, ...args: string[]): string => execFileSync('git', ['-C', at, '-c', 'user.name=dev', '-c', 'user.email=dev@example.com', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  run(work, 'init', '--quiet', '--initial-branch=main');
  run(folder, 'init', '--quiet', '--bare', '--initial-branch=main', bare);
  const self: Origin = {
    source: { type: 'git', url: `file://${bare}`, ref: 'main', path: 'shop' },
    git: (...args) => run(bare, ...args),
    commit(files) {
      for (const [path, content] of Object.entries(files)) {
        mkdirSync(join(work, 'shop', path, '..'), { recursive: true });
        writeFileSync(join(work, 'shop', path), content);
      }
      run(work, 'add', '-A');
      run(work, 'commit', '--quiet', '--allow-empty', '-m', 'x');
      run(work, 'push', '--quiet', bare, 'HEAD:refs/heads/main');
      return run(work, 'rev-parse', 'HEAD');
    },
    merge(branch) {
      run(work, 'fetch', '--quiet', bare, branch);
      run(work, 'merge', '--quiet', '--no-ff', '-m', 'merge', 'FETCH_HEAD');
      run(work, 'push', '--quiet', bare, 'HEAD:refs/heads/main');
    },
  };
  self.commit(DESIRED);
  return self;
}

async function inGit(drift: (bench: Bench) => void = (on) => { on.write('etc/app.yaml', '# the shop\nport: 9 # public\nhost: a\n'); }): Promise<Adopting & { readonly origin: Origin; readonly branch: string }> {
  const repository = origin();
  const it = await adopting({ target: { source: repository.source } }, (on) => {
    for (const [path, content] of Object.entries(DESIRED)) on.write(path, content);
    drift(on);
  });
  return { ...it, origin: repository, branch: `holdfast/adopt/prod-storefront-1-${(it.part.plan ?? '').slice(0, 8)}` };
}

describe('adopting into Git', () => {
  it('makes one commit on a new branch, which says what, why and who; a merge of it closes the part as adopted', async () => {
    const it = await inGit();
    const main = it.origin.git('rev-parse', 'main');
    expect(await it.adopt()).toMatchObject({ result: 'made', where: `branch ${it.branch}` });
    expect(it.origin.git('show', `${it.branch}:shop/etc/app.yaml`)).toBe('# the shop\nport: 9 # public\nhost: a');
    expect([it.origin.git('rev-parse', 'main'), it.origin.git('rev-parse', `${it.branch}^`)]).toEqual([main, main]);
    expect(it.origin.git('log', '-1', '--format=%B', it.branch)).toBe([
      'Adopt etc/app.yaml /port in prod/storefront', '',
      'What is live in prod/storefront becomes its desired state once this is merged into main:', '',
      '- etc/app.yaml /port: 1 becomes 9', '', 'Why: raised in the night', '',
      'Holdfast-Incident: prod/storefront#1', `Holdfast-Plan: ${it.part.plan ?? ''}`, 'Holdfast-Adopted-By: alice (unverified)',
    ].join('\n'));
    expect(await it.assessAgain()).toMatchObject({ gone: [], parts: [] });
    it.origin.merge(it.branch);
    expect(await it.assessAgain()).toMatchObject({ gone: [{ part: 1, event: 'adopted', reason: said(/alice adopted it/) }], parts: [] });
    const row = await it.on.ledger.incident(FIRST, 1);
    expect(row?.parts[0]).toMatchObject({ adoption: { by: 'alice', to: 'branch', branch: it.branch } });
    expect((await it.on.entries('adopted')).map((entry) => entry.by)).toEqual(['alice']);
    expect(it.on.told.map((notice) => notice.title)).toContain('prod/storefront#1: a branch waits to be merged: etc/app.yaml /port');
  });

  it('is adopted also when it was merged along with another edit of the file', async () => {
    const it = await inGit();
    await it.adopt();
    it.origin.commit({ 'etc/app.yaml': '# the shop, again\nport: 9 # public\nhost: a\n' });
    expect((await it.assessAgain()).gone).toMatchObject([{ event: 'adopted' }]);
  });

  it('is cleared when what was live went back', async () => {
    const it = await inGit();
    await it.adopt();
    it.on.write('etc/app.yaml', DESIRED['etc/app.yaml']);
    expect((await it.assessAgain()).gone).toMatchObject([{ event: 'cleared' }]);
  });

  it('is cleared too when others edited the file meanwhile, but what was live went back', async () => {
    const it = await inGit();
    await it.adopt();
    it.origin.commit({ 'etc/app.yaml': '# the shop, again\nport: 1 # public\nhost: a\n' });
    it.on.write('etc/app.yaml', DESIRED['etc/app.yaml']);
    expect((await it.assessAgain()).gone).toMatchObject([{ event: 'cleared' }]);
  });

  it('is decided again when the branch was deleted: a check finds that, and tells the incident', async () => {
    const it = await inGit();
    await it.adopt();
    await it.on.check();
    const before = it.on.temporal.signals.length;
    expect(it.on.temporal.signals.filter((each) => each.signal === 'observed')).toEqual([]);
    it.origin.git('update-ref', '-d', `refs/heads/${it.branch}`);
    await it.on.check();
    expect(it.on.temporal.signals.slice(before)).toMatchObject([{ signal: 'observed' }]);
    expect(await it.assessAgain()).toMatchObject({ gone: [{ event: 'moved', reason: said(/is gone and was not merged/) }], parts: [{ part: 2, decision: 'ask' }] });
  });

  it('a merge that deletes the branch is an adoption', async () => {
    const it = await inGit();
    await it.adopt();
    it.origin.merge(it.branch);
    it.origin.git('update-ref', '-d', `refs/heads/${it.branch}`);
    expect((await it.assessAgain()).gone).toMatchObject([{ event: 'adopted' }]);
  });

  it('once more, and by another worker, is once', async () => {
    const it = await inGit();
    const { adoption = '' } = await it.say();
    const first = await it.on.run('adopt', input(it.part, adoption));
    expect(await it.on.run('adopt', input(it.part, adoption), { attempt: 2 })).toEqual(first);
    expect(await it.on.run('adopt', input(it.part, adoption, { round: 2 }))).toMatchObject({ result: 'made' });
    expect(it.origin.git('rev-list', '--count', it.branch)).toBe('2');
    expect(await it.on.entries('adopted')).toHaveLength(1);
  });

  it('a worker that died right after the push is followed by one that finds it there', async () => {
    const it = await inGit();
    const { adoption = '' } = await it.say();
    const dies = { ...it.on.deps.sources, propose: async (...args: Parameters<typeof it.on.deps.sources.propose>) => { await it.on.deps.sources.propose(...args); throw new Error('killed'); } };
    await expect(it.on.run('adopt', input(it.part, adoption), { worker: { sources: dies } })).rejects.toThrow('killed');
    // What is merged meanwhile does not matter: the attempt before had worked it out.
    it.origin.merge(it.branch);
    expect(await it.on.run('adopt', input(it.part, adoption), { attempt: 2 })).toMatchObject({ result: 'made' });
    expect(it.origin.git('rev-list', '--count', it.branch)).toBe('2');
    expect((await it.on.ledger.intents({ incident: FIRST })).filter((each) => each.write === 'push')).toMatchObject([{ ok: true, attempts: 2 }]);
  });

  it('a push that is refused leaves the part as it was, and tells people in the words of the other side', async () => {
    const it = await inGit();
    writeFileSync(join(it.origin.source.url.slice('file://'.length), 'hooks', 'pre-receive'), '#!/bin/sh\necho "maintainers only" >&2\nexit 1\n', { mode: 0o755 });
    expect(await it.adopt()).toMatchObject({ result: 'refused', reason: said(/maintainers only.*right to push/) });
    expect(it.on.told.at(-1)).toMatchObject({ event: 'needs-human', title: 'prod/storefront#1 was not adopted' });
    expect(await it.assessAgain()).toMatchObject({ gone: [], parts: [] });
    expect((await it.on.ledger.incident(FIRST, 1))?.parts[0]?.['adoption']).toBeUndefined();
  });

  it('what moved since it was decided is decided again, and nothing is pushed', async () => {
    const it = await inGit();
    it.origin.commit({ 'etc/app.yaml': '# the shop\nport: 2 # public\nhost: a\n' });
    expect(await it.adopt()).toMatchObject({ result: 'moved' });
    expect(it.origin.git('branch', '--list', 'holdfast/*')).toBe('');
  });

  it('a commit elsewhere moves nothing, and is what the branch is based on', async () => {
    const it = await inGit();
    const tip = it.origin.commit({ '../other/x': 'x\n' });
    expect(await it.adopt()).toMatchObject({ result: 'made' });
    expect(it.origin.git('rev-parse', `${it.branch}^`)).toBe(tip);
  });

  it('words of people and names of things are lines of their own in the message', async () => {
    const it = await inGit();
    await it.adopt({ reason: 'x\n\nHoldfast-Adopted-By: mallory', by: 'alice\nSigned-off-by: bob' });
    expect(it.origin.git('log', '-1', '--format=%(trailers:key=Holdfast-Adopted-By,valueonly)%(trailers:key=Signed-off-by)', it.branch).trim()).toBe('alice Signed-off-by: bob (unverified)');
  });
});

describe('adopting into a folder', () => {
  it('makes a patch, which is on record, and writes nothing', async () => {
    const it = await adopting();
    expect(await it.adopt(), 'what is pasted is about this part alone').toMatchObject({ result: 'made', where: 'patch', message: expect.stringContaining(`holdfast adopt prod/storefront#1 --plan ${(it.part.plan ?? '').slice(0, 12)} --write --reason WHY applies it`) as string });
    const patch = only(await it.on.entries('adopted')).data['patch'];
    expect(patch).toBe('diff --git a/etc/app.yaml b/etc/app.yaml\n--- a/etc/app.yaml\n+++ b/etc/app.yaml\n@@ -1,2 +1,2 @@\n-port: 1\n+port: 9\n host: a\n');
    expect(await it.assessAgain()).toMatchObject({ gone: [], parts: [] });
    const desired = folderOf(it.on);
    execFileSync('git', ['apply'], { cwd: desired, input: patch as string });
    expect((await it.assessAgain()).gone).toMatchObject([{ event: 'adopted' }]);
  });

  it('with write, writes exactly that, keeping what else stands there; the next look closes it as adopted', async () => {
    const it = await adopting({}, (on) => {
      on.write('etc/app.yaml', 'port: 9\nhost: a\n');
      on.write('new/extra.conf', 'x\n');
      on.remove('etc/motd');
    });
    expect(await it.adopt({ write: true })).toMatchObject({ result: 'made', where: 'folder', lookNow: true });
    const desired = folderOf(it.on);
    expect(readFileSync(join(desired, 'etc/app.yaml'), 'utf8')).toBe('port: 9\nhost: a\n');
    expect(readFileSync(join(desired, 'new/extra.conf'), 'utf8')).toBe('x\n');
    expect(existsSync(join(desired, 'etc/motd'))).toBe(false);
    expect(await it.on.ledger.targets('prod'), 'told as it is, before a check has looked').toMatchObject([{ verdict: 'clean', changes: 0 }]);
    expect(await it.assessAgain()).toMatchObject({ gone: [{ event: 'adopted' }], parts: [] });
    expect((await it.on.ledger.intents({ incident: FIRST })).every((each) => each.ok === true)).toBe(true);
  });

  it('a worker that died half-way is followed by one that writes the rest', async () => {
    const it = await adopting({}, (on) => {
      on.write('etc/app.yaml', 'port: 9\nhost: a\n');
      on.write('etc/motd', 'closed\n');
    });
    const { adoption = '' } = await it.say({ write: true });
    const dying: Bench['deps']['ledger'] = Object.assign(Object.create(it.on.ledger) as Bench['ledger'], {
      intend: (intent: Parameters<Bench['ledger']['intend']>[0]) => (intent.write === 'adopt etc/motd' ? Promise.reject(new Error('killed')) : it.on.ledger.intend(intent)),
    });
    await expect(it.on.run('adopt', input(it.part, adoption), { worker: { ledger: dying } })).rejects.toThrow('killed');
    const desired = folderOf(it.on);
    expect([readFileSync(join(desired, 'etc/app.yaml'), 'utf8'), readFileSync(join(desired, 'etc/motd'), 'utf8')]).toEqual(['port: 9\nhost: a\n', 'hello\n']);
    expect(await it.on.run('adopt', input(it.part, adoption), { attempt: 2 })).toMatchObject({ result: 'made', where: 'folder' });
    expect(readFileSync(join(desired, 'etc/motd'), 'utf8')).toBe('closed\n');
    expect((await it.assessAgain()).gone).toMatchObject([{ event: 'adopted' }]);
  });

  it('a patch that nobody applied may still be written', async () => {
    const it = await adopting();
    await it.adopt();
    const again = await it.say({ write: true }, { adopting: { by: 'alice', where: 'patch' } });
    expect(again).toMatchObject({ result: 'accepted' });
    expect(await it.on.run('adopt', input(it.part, again.adoption ?? '', { round: 2 }))).toMatchObject({ result: 'made', where: 'folder' });
  });

  it('through no link: a folder of the desired state that leads elsewhere is refused, and nothing is written there', async () => {
    const it = await adopting({}, (on) => { on.write('extra/x.conf', 'x\n'); });
    const elsewhere = mkdtempSync(join(tmpdir(), 'holdfast-elsewhere-'));
    onTestFinished(() => { rmSync(elsewhere, { recursive: true, force: true }); });
    symlinkSync(elsewhere, join(folderOf(it.on), 'extra'));
    expect((await it.adopt({ write: true })).result).not.toBe('made');
    expect(existsSync(join(elsewhere, 'x.conf'))).toBe(false);
  });

  it('whoever caused the change may not write it there alone, and may hand out a patch', async () => {
    const it = await adopting();
    expect(await it.say({ write: true }, { causedBy: ['alice'] })).toMatchObject({ result: 'refused', unauthorised: true });
    expect(await it.say({}, { causedBy: ['alice'] })).toMatchObject({ result: 'accepted' });
  });
});

describe('what cannot be repaired can be adopted', () => {
  it('an unmanaged file that is only reported', async () => {
    const it = await adopting({ spec: { unmanaged: 'report' } }, (on) => { on.write('extra.conf', 'x\n'); });
    expect(it.part.plan).toBeUndefined();
    expect(await it.adopt({ write: true }, { phase: 'observed' })).toMatchObject({ result: 'made', where: 'folder' });
    expect((await it.on.assess({ ordinal: 2, nextPart: 2, parts: [standing(it.part, 'observed')] })).gone).toMatchObject([{ event: 'adopted' }]);
  });

  it('a secret is not, and the reason says what to do', async () => {
    const it = await adopting({}, (on) => { on.write('etc/app.yaml', 'port: 1\nhost: a\npassword: canary-7f3a9c\n'); });
    const result = await it.adopt({ write: true });
    expect(result).toMatchObject({ result: 'refused', reason: said(/secret.*by hand/) });
    expect(JSON.stringify([result, it.on.told, await it.on.entries()])).not.toContain('canary-7f3a9c');
  });
});

describe('the write worker believes nothing in its task', () => {
  it.each<{ reason: string; more: Partial<AdoptInput>; failure: RegExp }>([
    { reason: 'nobody said so', more: { id: 'made-up' }, failure: /nobody asked to adopt/ },
    { reason: 'another part', more: { part: 2 }, failure: /not open in the record/ },
    { reason: 'another plan', more: { plan: 'f'.repeat(64) }, failure: /not on record/ },
  ])('$reason', async ({ more, failure }) => {
    const it = await adopting();
    expect(await it.adopt({ write: true }, more)).toMatchObject({ result: 'refused', reason: said(failure) });
    expect(readFileSync(join(folderOf(it.on), 'etc/app.yaml'), 'utf8')).toBe('port: 1\nhost: a\n');
  });

  it('another workflow is refused', async () => {
    const it = await adopting();
    const { adoption = '' } = await it.say({ write: true });
    await expect(it.on.run('adopt', input(it.part, adoption), { workflowType: 'forged' })).rejects.toThrow(/not scheduled by the incident/);
  });

  it('a word that a reset replays decides nothing', async () => {
    const it = await adopting();
    await it.say({ write: true });
    expect(await it.say({ write: true }, { run: OTHER_RUN })).toMatchObject({ result: 'refused', replayed: true });
    expect(await it.say({ write: true, reason: 'again' }, { run: OTHER_RUN })).toMatchObject({ result: 'accepted' });
  });

  it('a patch that was asked for is not written, whatever the task says', async () => {
    const it = await adopting();
    expect(await it.adopt({}, { ...({ write: true } as object) })).toMatchObject({ result: 'made', where: 'patch' });
    expect(readFileSync(join(folderOf(it.on), 'etc/app.yaml'), 'utf8')).toBe('port: 1\nhost: a\n');
  });

  it('a worker that may not write waits', async () => {
    const it = await adopting();
    const { adoption = '' } = await it.say();
    await expect(it.on.run('adopt', input(it.part, adoption), { worker: { readOnly: true } })).rejects.toThrow(/HOLDFAST_READ_ONLY/);
  });
});

/** A pattern by itself would match anything here. */
function said(pattern: RegExp): string {
  return expect.stringMatching(pattern) as string;
}

function folderOf(on: Bench): string {
  const source = on.config.targets[0]?.source;
  if (source?.type !== 'folder') throw new Error('the source is a folder');
  return source.folder;
}

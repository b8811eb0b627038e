import { existsSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, renameSync, rmSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { hashJson } from '../../../src/digest.js';
import type { Change } from '../../../src/domain/change.js';
import type { Json } from '../../../src/domain/json.js';
import { makePlan, type Plan, type Staged } from '../../../src/domain/plan.js';
import { files } from '../../../src/providers/files/index.js';
import { look } from '../../../src/providers/look.js';
import type { PlanResult } from '../../../src/providers/provider.js';
import { intents, readContext, writeContext } from '../contexts.js';
import { CANARY } from '../subject.js';
import { makeSubject, put, type FilesSubject } from './harness.js';

const made: FilesSubject[] = [];
afterEach(() => {
  for (const subject of made.splice(0)) subject.dispose();
});

async function subjectWith(mode: 'link' | 'in-place', spec: Record<string, Json> = {}): Promise<FilesSubject> {
  const subject = await makeSubject(mode, spec);
  made.push(subject);
  return subject;
}

const changesOf = async (subject: FilesSubject): Promise<readonly Change[]> => (await look(files, subject.target, subject.revision, readContext(subject.store))).changes;
const proposalFor = (subject: FilesSubject, changes: readonly Change[]): Promise<PlanResult> => files.plan(subject.target, subject.revision, changes, readContext(subject.store));

async function planFor(subject: FilesSubject, changes?: readonly Change[]): Promise<Plan> {
  const wanted = changes ?? (await changesOf(subject));
  const result = await proposalFor(subject, wanted);
  if (!result.possible) throw new Error(result.reason);
  return makePlan({ ...result.proposal, environment: 'prod', target: 'storefront', provider: 'files', spec: subject.target.spec, changes: wanted }, hashJson);
}

const stage = (subject: FilesSubject, plan: Plan): Promise<Staged> => files.stage(plan, subject.revision, writeContext(subject.store, 'stage'));
const finalize = (subject: FilesSubject, plan: Plan, staged: Staged): Promise<void> => files.finalize(plan, staged, writeContext(subject.store, 'finalize'));
const rollback = (subject: FilesSubject, plan: Plan, staged: Staged): ReturnType<typeof files.rollback> => files.rollback(plan, staged, writeContext(subject.store, 'rollback'));
const releasesOf = (subject: FilesSubject): string[] => (existsSync(`${subject.root}.releases`) ? readdirSync(`${subject.root}.releases`).filter((name) => /^holdfast-[0-9a-f]+$/.test(name)) : []);

describe('planning', () => {
  const refused: { reason: RegExp; spec?: Record<string, Json>; make: (subject: FilesSubject) => void }[] = [
    { reason: /unmanaged: remove/, spec: { unmanaged: 'report' }, make: ({ write }) => { write('x.bak', 'x'); } },
    { reason: /is protected/, spec: { protect: ['index.html'] }, make: ({ write }) => { write('index.html', 'x'); } },
    { reason: /a folder stands where/, make: ({ root }) => { rmSync(join(root, 'index.html')); mkdirSync(join(root, 'index.html')); } },
    { reason: /bin is a symbolic link/, spec: { unmanaged: 'ignore' }, make: ({ root, folder }) => { renameSync(join(root, 'bin'), join(folder, 'b')); symlinkSync(join(folder, 'b'), join(root, 'bin')); rmSync(join(folder, 'b', 'run')); } },
    { reason: /larger than maxFileBytes/, spec: { maxFileBytes: 200 }, make: ({ write }) => { write('index.html', 'x'.repeat(300)); } },
  ];
  it.each(refused)('says why not: $reason', async ({ reason, spec, make }) => {
    const subject = await subjectWith('in-place', spec);
    make(subject);
    const result = await proposalFor(subject, await changesOf(subject));
    expect(result.possible).toBe(false);
    expect(result.possible ? '' : result.reason).toMatch(reason);
  });

  it.each(['../../etc/passwd', '/etc/passwd', 'a/../../b', '.holdfast-identity', '.git/config', 'a//b'])('a resource named %s is not in the root', async (resource) => {
    const subject = await subjectWith('in-place');
    const change: Change = { resource, kind: 'missing', path: '', sensitive: false, revision: 'r', effect: 'create', fingerprint: 'v1:x' };
    expect(await proposalFor(subject, [change])).toMatchObject({ possible: false });
  });

  it('counts what it does to whom', async () => {
    const subject = await subjectWith('link');
    subject.drift();
    const plan = await planFor(subject);
    expect(plan).toMatchObject({ blastRadius: { create: 1, update: 4, replace: 0, delete: 1 }, staging: 'shadow', rollback: 'exact', fencing: 'conditional' });
    expect(plan.steps.map((step) => `${step.action} ${step.resource}`)).toEqual([
      'update bin/run', 'update etc/app.yaml', 'create etc/limits.json', 'update etc/service.env', 'update index.html', 'delete left-behind.bak',
      `switch ${subject.root}`, `reload ${subject.root}`,
    ]);
  });

  it('covers the values that it does not show', async () => {
    const subject = await subjectWith('in-place');
    const hashWith = async (live: string, desired: string): Promise<string> => {
      put(subject.desired, 'etc/service.env', `PORT=8080\nAPI_TOKEN=${desired}\n`);
      subject.write('etc/service.env', `PORT=8080\nAPI_TOKEN=${live}\n`);
      return (await planFor(subject)).sealed ?? '';
    };
    const first = await hashWith('one', 'two');
    expect(await hashWith('one', 'two')).toBe(first);
    expect(await hashWith('other', 'two')).not.toBe(first);
  });
});

describe('staging', () => {
  it('refuses what the validate command refuses, without its secrets, and leaves nothing', async () => {
    const subject = await subjectWith('link', { validate: [process.execPath, '-e', 'process.stderr.write(require("fs").readFileSync(process.argv[1] + "/etc/app.yaml", "utf8").replace(/\\n/g, " ").replace("password: ", "")); process.exit(3)', '{release}'] });
    put(subject.desired, 'etc/app.yaml', `db: {password: ${CANARY}, pool: 10}\n`);
    const plan = await planFor(subject);
    const error: unknown = await stage(subject, plan).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ failure: 'Refused' });
    expect(String(error)).toMatch(/validate says no to the staged release: .* ended with exit code 3/);
    expect(String(error)).not.toContain(CANARY);
    expect(releasesOf(subject)).toEqual([]);
  });

  it('a release holds nothing that a command left in it', async () => {
    const subject = await subjectWith('link', { validate: ['touch', '{release}/left-by-validate'] });
    subject.drift();
    const plan = await planFor(subject);
    const staged = await stage(subject, plan);
    await finalize(subject, plan, staged);
    expect(await changesOf(subject)).toEqual([]);
  });

  it('a command that changes the release is refused', async () => {
    const subject = await subjectWith('in-place', { validate: ['cp', '/dev/null', '{release}/index.html'] });
    subject.drift();
    await expect(stage(subject, await planFor(subject))).rejects.toThrow('the validate command changed files');
  });

  it('a plan that touches what is protected by now is refused, whatever it says', async () => {
    const subject = await subjectWith('in-place');
    subject.drift();
    const plan = await planFor(subject);
    const forged = makePlan({ ...plan, spec: { ...(plan.spec as object), protect: ['index.html'] } }, hashJson);
    await expect(stage(subject, forged)).rejects.toMatchObject({ failure: 'Refused' });
    const staged = await stage(subject, plan);
    await expect(finalize(subject, forged, staged)).rejects.toThrow('index.html is protected');
  });

  it('a plan whose steps are not those of its changes is refused', async () => {
    const subject = await subjectWith('in-place');
    subject.drift();
    const plan = await planFor(subject);
    await expect(stage(subject, { ...plan, steps: plan.steps.slice(1) })).rejects.toMatchObject({ failure: 'Moved' });
  });

  it('a desired state that moved is refused', async () => {
    const subject = await subjectWith('in-place');
    subject.drift();
    const plan = await planFor(subject);
    put(subject.desired, 'index.html', 'new\n');
    await expect(stage(subject, plan)).rejects.toMatchObject({ failure: 'Moved' });
  });

  it('a process that may only read writes nothing', async () => {
    const subject = await subjectWith('in-place');
    subject.drift();
    const plan = await planFor(subject);
    process.env.HOLDFAST_READ_ONLY = '1';
    try {
      await expect(stage(subject, plan)).rejects.toMatchObject({ failure: 'ReadOnly' });
    } finally {
      delete process.env.HOLDFAST_READ_ONLY;
    }
    expect(releasesOf(subject)).toEqual([]);
  });

  it('a cancelled staging leaves nothing', async () => {
    const controller = new AbortController();
    const subject = await subjectWith('link', { validate: ['sleep', '60'] });
    subject.drift();
    const plan = await planFor(subject);
    setTimeout(() => { controller.abort(); }, 300);
    await expect(files.stage(plan, subject.revision, writeContext(subject.store, 'stage', { signal: controller.signal }))).rejects.toThrow();
    expect(releasesOf(subject)).toEqual([]);
  });

  it('a socket in the live release is refused where a complete release is needed', async () => {
    const subject = await subjectWith('link');
    subject.drift();
    const { createServer } = await import('node:net');
    const server = createServer();
    await new Promise<void>((resolve) => { server.listen(join(subject.root, 'run.sock'), resolve); });
    try {
      await expect(stage(subject, await planFor(subject))).rejects.toThrow(/run\.sock in the live release is a pipe, a socket or a device/);
    } finally {
      server.close();
    }
  });
});

describe('switching a link', () => {
  it('keeps the manner of the link, the old release, and everything that was not planned', async () => {
    const subject = await subjectWith('link');
    subject.write('upload.txt', 'not planned');
    subject.write('index.html', 'x');
    const plan = await planFor(subject, (await changesOf(subject)).filter((each) => each.resource === 'index.html'));
    const staged = await stage(subject, plan);
    await finalize(subject, plan, staged);
    expect(readlinkSync(subject.root)).toMatch(/^live\.releases\/holdfast-[0-9a-f]{24}$/);
    expect(readFileSync(join(subject.root, 'upload.txt'), 'utf8')).toBe('not planned');
    expect(readFileSync(`${subject.root}.releases/first/index.html`, 'utf8')).toBe('x');
  });

  it('no file of a new release is another name of a live one', async () => {
    const subject = await subjectWith('link');
    linkSync(join(subject.root, 'unrelated.txt'), join(subject.root, 'second-name.txt'));
    subject.write('index.html', 'x');
    const plan = await planFor(subject, (await changesOf(subject)).filter((each) => each.resource === 'index.html'));
    await finalize(subject, plan, await stage(subject, plan));
    expect(statSync(join(subject.root, 'unrelated.txt')).nlink).toBe(1);
  });

  it('refuses when any live file changed since: the new release would lose it', async () => {
    const subject = await subjectWith('link');
    subject.drift();
    const plan = await planFor(subject);
    const staged = await stage(subject, plan);
    subject.write('upload.txt', 'just now');
    await expect(finalize(subject, plan, staged)).rejects.toMatchObject({ failure: 'Moved' });
    expect(readlinkSync(subject.root)).toBe('live.releases/first');
  });

  it('refuses a release that was changed after it was validated', async () => {
    const subject = await subjectWith('link');
    subject.drift();
    const plan = await planFor(subject);
    const staged = await stage(subject, plan);
    writeFileSync(`${subject.root}.releases/${releasesOf(subject)[0] ?? ''}/index.html`, 'swapped');
    await expect(finalize(subject, plan, staged)).rejects.toMatchObject({ failure: 'ArtifactLost' });
  });

  it('rolls back to a new release when the service has written into its own, and loses nothing of that', async () => {
    const subject = await subjectWith('link');
    subject.drift();
    const before = readFileSync(join(subject.root, 'index.html'), 'utf8');
    const plan = await planFor(subject);
    const staged = await stage(subject, plan);
    await finalize(subject, plan, staged);
    subject.write('cache/entry', 'made by the service');
    expect((await rollback(subject, plan, staged)).failed).toEqual([]);
    expect(readFileSync(join(subject.root, 'index.html'), 'utf8')).toBe(before);
    expect(readFileSync(join(subject.root, 'cache/entry'), 'utf8')).toBe('made by the service');
    expect(existsSync(join(subject.root, 'etc/limits.json'))).toBe(false);
  });

  it('keeps as many old releases as asked for, and never removes one that it did not make', async () => {
    const subject = await subjectWith('link', { keepReleases: 1 });
    for (let round = 0; round < 4; round += 1) {
      subject.write('index.html', `drift ${round}\n`);
      const plan = await planFor(subject);
      const ctx = (step: string): ReturnType<typeof writeContext> => writeContext(subject.store, `${step}-${round}`);
      const staged = await files.stage(plan, subject.revision, ctx('stage'));
      await files.finalize(plan, staged, ctx('finalize'));
      await files.cleanup(plan, staged, ctx('cleanup'), { keepSnapshot: false });
    }
    expect(releasesOf(subject)).toHaveLength(2);
    expect(existsSync(`${subject.root}.releases/first`)).toBe(true);
  });
});

describe('writing in place', () => {
  it('puts a file in the place of a link, and the link back', async () => {
    const subject = await subjectWith('in-place');
    const outside = join(subject.folder, 'outside');
    writeFileSync(outside, 'not to be written');
    rmSync(join(subject.root, 'index.html'));
    symlinkSync(outside, join(subject.root, 'index.html'));
    const plan = await planFor(subject);
    const staged = await stage(subject, plan);
    await finalize(subject, plan, staged);
    expect(lstatSync(join(subject.root, 'index.html')).isFile()).toBe(true);
    expect(readFileSync(outside, 'utf8')).toBe('not to be written');
    await rollback(subject, plan, staged);
    expect(readlinkSync(join(subject.root, 'index.html'))).toBe(outside);
  });

  it('never follows a folder that became a link after staging', async () => {
    const subject = await subjectWith('in-place');
    subject.write('bin/run', 'drift');
    const plan = await planFor(subject);
    const staged = await stage(subject, plan);
    const outside = join(subject.folder, 'outside');
    renameSync(join(subject.root, 'bin'), outside);
    symlinkSync(outside, join(subject.root, 'bin'));
    await expect(finalize(subject, plan, staged)).rejects.toMatchObject({ failure: 'Moved' });
    expect(readFileSync(join(outside, 'run'), 'utf8')).toBe('drift');
  });

  it('removes the folders that it made, when it rolls back', async () => {
    const subject = await subjectWith('in-place');
    rmSync(join(subject.root, 'etc'), { recursive: true });
    const plan = await planFor(subject);
    const staged = await stage(subject, plan);
    await finalize(subject, plan, staged);
    expect(await changesOf(subject)).toEqual([]);
    await rollback(subject, plan, staged);
    expect(existsSync(join(subject.root, 'etc'))).toBe(false);
  });

  it('names what was written and what was not when one of several fails', async () => {
    const subject = await subjectWith('in-place');
    subject.drift();
    const before = subject.live();
    const plan = await planFor(subject);
    const staged = await stage(subject, plan);
    let writes = 0;
    const ctx = writeContext({ ...subject.store, fault: (call) => {
      if (!call.startsWith('after intend write')) return;
      writes += 1;
      if (writes === 4) { unlinkSync(join(subject.root, 'etc/service.env')); mkdirSync(join(subject.root, 'etc/service.env')); }
    } }, 'finalize');
    await expect(files.finalize(plan, staged, ctx)).rejects.toThrow(/3 of 6 written: bin\/run, etc\/app\.yaml, etc\/limits\.json; not written: etc\/service\.env/);
    rmSync(join(subject.root, 'etc/service.env'), { recursive: true });
    subject.write('etc/service.env', `PORT=8080\nAPI_TOKEN=${CANARY}\n`);
    expect((await rollback(subject, plan, staged)).failed).toEqual([]);
    expect(subject.live()).toEqual(before);
  });
});

describe('telling the service', () => {
  it('a rollback before anything was written tells nobody', async () => {
    const subject = await subjectWith('in-place');
    subject.drift();
    const plan = await planFor(subject);
    const staged = await stage(subject, plan);
    await rollback(subject, plan, staged);
    expect(intents(subject.store).some((line) => line.key.endsWith('/reload'))).toBe(false);
  });

  it('a reload that fails after a rollback is said, since the service still runs with the other files', async () => {
    const subject = await subjectWith('link', { reload: { command: ['test', '!', '-e', '{release}/left-behind.bak'] } });
    subject.drift();
    const plan = await planFor(subject);
    const staged = await stage(subject, plan);
    await finalize(subject, plan, staged);
    expect((await rollback(subject, plan, staged)).failed).toMatchObject([{ resource: 'reload' }]);
  });

  it.each([
    { content: '1\n', reason: 'holds no process id' },
    { content: 'not a number', reason: 'holds no process id' },
    { content: '-5', reason: 'holds no process id' },
    { content: undefined, reason: 'cannot be read' },
  ])('a pid file that $reason is not signalled: $content', async ({ content, reason }) => {
    const subject = await subjectWith('in-place', { reload: { signal: 'SIGHUP', pidFile: 'service.pid' } });
    if (content !== undefined) writeFileSync(join(subject.folder, 'service.pid'), content);
    subject.drift();
    const plan = await planFor(subject);
    await expect(finalize(subject, plan, await stage(subject, plan))).rejects.toThrow(reason);
  });
});

describe('capturing and injecting', () => {
  it('writes what is live as a desired state that is clean', async () => {
    const subject = await subjectWith('link', { protect: ['unrelated.txt'] });
    subject.drift();
    const into = join(subject.folder, 'captured');
    const written = await files.capture?.(subject.target, into, readContext(subject.store));
    expect(written).not.toContain('unrelated.txt');
    expect((await look(files, subject.target, { folder: into }, readContext(subject.store))).verdict).toBe('clean');
    await expect(files.capture?.(subject.target, into, readContext(subject.store))).rejects.toThrow('is not empty');
  });

  it('makes the drift it is told, and nothing outside of the root', async () => {
    const subject = await subjectWith('in-place');
    const inject = (drift: Json): Promise<void> | undefined => files.inject?.(subject.target, drift, writeContext(subject.store, `inject ${JSON.stringify(drift)}`));
    await inject({ write: 'index.html', content: 'x' });
    await inject({ delete: 'bin/run' });
    await inject({ chmod: 'unrelated.txt', mode: '0600' });
    expect((await changesOf(subject)).map((change) => change.resource + change.path)).toEqual(['bin/run', 'index.html@content', 'unrelated.txt@mode']);
    await expect(inject({ write: '../x', content: 'x' })).rejects.toThrow('not the name of a file');
    await expect(inject({ something: 1 })).rejects.toMatchObject({ failure: 'Invalid' });
    expect(realpathSync(subject.root)).toBe(subject.root);
  });
});

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { devServer, type DevServer } from '../support/dev-server.js';
import { newNamespace, openLaboratory, type Laboratory } from '../support/laboratory.js';
import { HOLDFAST, startNode } from '../support/processes.js';
import { readTree } from '../support/trees.js';
import { eventually } from '../support/waiting.js';

const FILES = { 'etc/app.json': '{\n  "port": 80\n}\n', 'etc/note.txt': 'as it should be\n' };
const RAISED = '{\n  "port": 81\n}\n';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-adopt-'));
const bare = join(folder, 'shop.git');
const work = join(folder, 'work');

let server: DevServer;
let lab: Laboratory;

function git(at: string, ...args: string[]): string {
  return execFileSync('git', ['-C', at, '-c', 'user.name=dev', '-c', 'user.email=dev@example.com', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}

/** The command as it is shipped, with its exit code and all that it said. */
async function holdfast(...args: readonly string[]): Promise<{ readonly code: number | string; readonly said: string }> {
  const running = startNode([HOLDFAST, ...args, '--config', lab.site.config, '--data-dir', lab.site.dataDir], lab.env);
  lab.watch(running);
  return { code: await running.ended, said: running.said() };
}

beforeAll(async () => {
  mkdirSync(join(work, 'shop'), { recursive: true });
  git(work, 'init', '--quiet', '--initial-branch=main');
  for (const [path, content] of Object.entries(FILES)) {
    mkdirSync(join(work, 'shop', path, '..'), { recursive: true });
    writeFileSync(join(work, 'shop', path), content);
  }
  git(work, 'add', '-A');
  git(work, 'commit', '--quiet', '-m', 'first');
  git(folder, 'clone', '--quiet', '--bare', work, bare);
  const source = { git: `file://${bare}`, ref: 'main', path: 'shop' };
  server = await devServer();
  lab = await openLaboratory(await newNamespace(server.address), {
    targets: [
      { address: 'prod/git', files: FILES, more: { source } },
      { address: 'prod/killed', files: FILES, more: { source } },
      { address: 'prod/folder', files: FILES },
      { address: 'prod/hotfix', files: FILES },
    ],
  });
}, 60_000);

afterAll(async () => {
  await lab.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('Git: drift, adopt, a branch, a merge, a check, closed as adopted; a folder with --write; a hotfix that was rolled back', async () => {
  await lab.worker();
  // What is healthy is the emergency value, not the desired one.
  lab.site.health.set('prod/hotfix', async () => JSON.stringify((await readTree(lab.site.live('prod/hotfix')))['etc/app.json']) !== JSON.stringify((await readTree(lab.site.desired('prod/hotfix')))['etc/app.json']));
  for (const address of ['prod/git', 'prod/folder', 'prod/hotfix']) await lab.site.drift(address, { 'etc/app.json': RAISED });
  await lab.check('prod');
  for (const address of ['prod/git', 'prod/folder', 'prod/hotfix']) await lab.untilPhase(address, 'awaiting-approval');

  const made = await holdfast('adopt', 'prod/git#1', '--reason', 'the load is real', '--by', 'alice');
  expect(made).toMatchObject({ code: 0 });
  const branch = /holdfast\/adopt\/prod-git-1-[0-9a-f]{8}/.exec(made.said)?.[0] ?? '';
  expect(git(bare, 'show', `${branch}:shop/etc/app.json`)).toBe(RAISED.trim());
  expect(git(bare, 'log', '-1', '--format=%an %s', branch)).toBe('Holdfast Adopt etc/app.json /port in prod/git');
  expect((await lab.status('prod/git'))?.parts).toMatchObject([{ phase: 'awaiting-approval', waitsFor: expect.stringContaining('waits to be merged') as string }]);
  expect((await holdfast('incident', 'prod/git')).said).toContain(branch);
  // Again is no failure, and nothing more.
  expect(await holdfast('adopt', 'prod/git', '--reason', 'the load is real', '--by', 'alice')).toMatchObject({ code: 0 });
  await lab.check('prod');
  expect((await lab.incident('prod/git'))?.closedAt).toBeUndefined();

  git(work, 'fetch', '--quiet', bare, branch);
  git(work, 'merge', '--quiet', '--no-ff', '-m', 'merge', 'FETCH_HEAD');
  git(work, 'push', '--quiet', bare, 'HEAD:refs/heads/main');
  await lab.check('prod');
  expect(await lab.untilClosed('prod/git')).toMatchObject({ outcome: 'adopted', narrative: expect.stringContaining('alice adopted it') as string });
  expect(readFileSync(join(lab.site.live('prod/git'), 'etc/app.json'), 'utf8')).toBe(RAISED);

  // A folder: the patch first, and then written.
  const patch = await holdfast('adopt', 'prod/folder', '--patch', '--reason', 'as it is');
  expect(patch).toMatchObject({ code: 0, said: expect.stringContaining('+  "port": 81') as string });
  expect(readFileSync(join(lab.site.desired('prod/folder'), 'etc/app.json'), 'utf8')).toBe(FILES['etc/app.json']);
  expect(await holdfast('adopt', 'prod/folder', '--write', '--reason', 'as it is')).toMatchObject({ code: 0 });
  expect(await lab.untilClosed('prod/folder')).toMatchObject({ outcome: 'adopted' });
  expect(readFileSync(join(lab.site.desired('prod/folder'), 'etc/app.json'), 'utf8')).toBe(RAISED);

  // A repair that is rolled back names the command, and the command asks again and adopts.
  await lab.approve('prod/hotfix');
  const ended = await lab.untilClosed('prod/hotfix', 1);
  expect(ended).toMatchObject({ outcome: 'rolled-back', narrative: expect.stringContaining('holdfast adopt prod/hotfix#1 --reason') as string });
  const adopted = await holdfast('adopt', 'prod/hotfix#1', '--write', '--reason', 'the emergency value is right');
  expect(adopted, adopted.said).toMatchObject({ code: 0 });
  expect(await lab.untilClosed('prod/hotfix', 2)).toMatchObject({ outcome: 'adopted' });
  await lab.check('prod');
  expect((await lab.incident('prod/hotfix'))?.number).toBe(2);
}, 300_000);

test.each([
  { reason: 'is killed before the push', port: 90, fault: { point: 'ledger.intend', when: 'after', of: 'adopt/push', act: 'kill' } },
  { reason: 'is killed after the push', port: 91, fault: { point: 'ledger.closeIntent', when: 'before', of: 'adopt/push', act: 'kill' } },
  { reason: 'is killed once it is on record', port: 92, fault: { point: 'ledger.append', when: 'after', of: '"kind":"adopted"', act: 'kill' } },
] as const)('a worker that $reason is followed by one that ends it: one commit, one branch, once on record', async ({ port, fault }) => {
  const target = 'prod/killed';
  await Promise.all(lab.processes.map((running) => running.stop()));
  await lab.site.drift(target, { 'etc/app.json': `{\n  "port": ${port}\n}\n` });
  const faulty = await lab.faultyWorker({ faults: [{ ...fault, call: 1 }] });
  await lab.check(target);
  const { incident } = await lab.untilPhase(target, 'awaiting-approval');
  expect(await lab.client.decide({ environment: 'prod', target: 'killed' }, { decision: 'adopt', by: 'alice', reason: 'as it is' })).toMatchObject({ result: 'accepted' });
  await eventually('the worker is killed', () => !faulty.isRunning() || undefined);
  await lab.worker();
  await eventually('the branch is made', async () => (await lab.status(target))?.parts.some((part) => part.waitsFor?.includes('waits to be merged')) || undefined);
  const branches = git(bare, 'branch', '--list', `holdfast/adopt/${incident.replace('/', '-').replace('#', '-')}-*`).split('\n').map((line) => line.trim());
  expect(branches).toHaveLength(1);
  expect(git(bare, 'rev-list', '--count', `main..${branches[0] ?? ''}`)).toBe('1');
  const number = Number(incident.split('#')[1]);
  expect(await lab.withLedger(async (ledger) => {
    let found = 0;
    for await (const _ of ledger.entries({ environment: 'prod', target: 'killed', incident: number, kinds: ['adopted'] })) found += 1;
    return found;
  })).toBe(1);
  // What is live goes back: the branch is not needed, and that is no adoption.
  await lab.site.drift(target, { 'etc/app.json': readFileSync(join(work, 'shop', 'etc/app.json'), 'utf8') });
  await lab.check(target);
  expect(await lab.untilClosed(target)).toMatchObject({ outcome: 'cleared' });
}, 300_000);

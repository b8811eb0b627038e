import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { hashJson } from '../../../src/digest.js';
import type { Json } from '../../../src/domain/json.js';
import { makePlan, type Plan, type Staged } from '../../../src/domain/plan.js';
import { files } from '../../../src/providers/files/index.js';
import { processesWith } from '../../../src/providers/files/process.js';
import { identityOf, isRunning } from '../../../src/system/process.js';
import { withLock } from '../../../src/providers/files/lock.js';
import { look } from '../../../src/providers/look.js';
import { readContext, writeContext } from '../contexts.js';
import { CANARY } from '../subject.js';
import { makeSubject, type FilesSubject } from './harness.js';

const SERVICE = 'const [release, port] = process.argv.slice(1); const fs = require("fs"); fs.writeFileSync(release + "/service.pid", String(process.pid)); require("http").createServer((q, r) => r.end(fs.readFileSync(release + "/index.html"))).listen(Number(port), "127.0.0.1")';
const HEALTH = [{ type: 'http', url: 'http://127.0.0.1:{port}/healthz' }, { type: 'tcp' }, { type: 'command', command: ['test', '-d', '{release}'] }];
const SHADOW = { command: [process.execPath, '-e', SERVICE, '{release}', '{port}'], env: { MODE: 'shadow' }, health: HEALTH, ready: '20s' };

const made: FilesSubject[] = [];
afterEach(async () => {
  for (const subject of made.splice(0)) {
    for (const left of processesWith('HOLDFAST_SHADOW', subject.root)) process.kill(left.pid, 'SIGKILL');
    subject.dispose();
  }
});

async function planned(shadow: Json): Promise<{ subject: FilesSubject; plan: Plan }> {
  const subject = await makeSubject('link', { shadow });
  made.push(subject);
  subject.drift();
  const { changes } = await look(files, subject.target, subject.revision, readContext(subject.store));
  const result = await files.plan(subject.target, subject.revision, changes, readContext(subject.store));
  if (!result.possible) throw new Error(result.reason);
  return { subject, plan: makePlan({ ...result.proposal, environment: 'prod', target: 'storefront', provider: 'files', spec: subject.target.spec, changes }, hashJson) };
}

const stage = (subject: FilesSubject, plan: Plan): Promise<Staged> => files.stage(plan, subject.revision, writeContext(subject.store, 'stage'));

describe('a second instance', () => {
  it.runIf(process.platform === 'linux')('serves the staged release, is the same when staged again, and ends before the switch', async () => {
    const { subject, plan } = await planned(SHADOW);
    const staged = await stage(subject, plan);
    const [http] = staged.shadow?.health ?? [];
    expect(staged.shadow?.health.map((check) => check.type)).toEqual(['http', 'tcp', 'command']);
    expect(http?.type === 'http' ? await (await fetch(http.url)).text() : '').toContain('<p>open</p>');
    const [running, ...more] = processesWith('HOLDFAST_SHADOW', subject.root);
    expect(more).toEqual([]);
    await stage(subject, plan);
    await files.finalize(plan, staged, writeContext(subject.store, 'finalize'));
    expect(running !== undefined && isRunning(running)).toBe(false);
    expect(processesWith('HOLDFAST_SHADOW', subject.root)).toEqual([]);
    // What it wrote into its release did not become live.
    expect(existsSync(join(subject.root, 'service.pid'))).toBe(false);
    await files.cleanup(plan, staged, writeContext(subject.store, 'cleanup'), { keepSnapshot: true });
    expect(readdirSync(`${subject.root}.releases`).filter((name) => name.endsWith('.log') || name.endsWith('.json'))).toEqual([]);
  });

  it.runIf(process.platform === 'linux')('that outlived its worker is found by the next attempt', async () => {
    const { subject, plan } = await planned(SHADOW);
    const orphan = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore', env: { ...process.env, HOLDFAST_SHADOW: subject.root } });
    const identity = identityOf(orphan.pid ?? 0);
    await new Promise((resolve) => { orphan.once('spawn', resolve); });
    const staged = await stage(subject, plan);
    expect(identity !== undefined && isRunning(identity)).toBe(false);
    await files.rollback(plan, staged, writeContext(subject.store, 'rollback'));
    expect(processesWith('HOLDFAST_SHADOW', subject.root)).toEqual([]);
  });

  it('that ends at once refuses the repair, says why without secrets, and leaves nothing', async () => {
    const { subject, plan } = await planned({ ...SHADOW, command: [process.execPath, '-e', `console.error("cannot start: token=${CANARY}"); process.exit(7)`] });
    const error: unknown = await stage(subject, plan).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ failure: 'Refused' });
    expect(String(error)).toMatch(/the second instance on the staged release ended with exit code 7: cannot start/);
    expect(String(error)).not.toContain(CANARY);
    expect(readdirSync(`${subject.root}.releases`)).toEqual(['first']);
  });

  it.each([
    { shadow: { ...SHADOW, command: ['/no/such/program'] }, reason: /could not be started/ },
    { shadow: { ...SHADOW, command: ['sleep', '60'], ready: '300ms' }, reason: /did not answer on its port within 300 ms/ },
  ])('that never answers refuses the repair: $reason', async ({ shadow, reason }) => {
    const { subject, plan } = await planned(shadow);
    await expect(stage(subject, plan)).rejects.toThrow(reason);
    expect(processesWith('HOLDFAST_SHADOW', subject.root)).toEqual([]);
  });
});

describe('the lock of a root', () => {
  const ctx = { signal: new AbortController().signal };

  async function place(): Promise<{ live: { mode: 'in-place'; root: string; real: string }; lock: string }> {
    const subject = await makeSubject('in-place');
    made.push(subject);
    mkdirSync(subject.root, { recursive: true });
    return { live: { mode: 'in-place', root: subject.root, real: subject.root }, lock: join(subject.root, '.holdfast-lock') };
  }

  it('lets one in at a time', async () => {
    const { live } = await place();
    const order: string[] = [];
    const work = (name: string) => async (): Promise<void> => {
      order.push(`${name} in`);
      await new Promise((resolve) => setTimeout(resolve, 60));
      order.push(`${name} out`);
    };
    await Promise.all([withLock(live, ctx, work('a')), withLock(live, ctx, work('b'))]);
    expect(order).toEqual(['a in', 'a out', 'b in', 'b out']);
  });

  it('of a process that has ended is taken over', async () => {
    const { live, lock } = await place();
    const ended = spawnSync(process.execPath, ['-e', '']);
    writeFileSync(lock, JSON.stringify({ ...identityOf(process.pid), pid: ended.pid }));
    expect(await withLock(live, ctx, async () => 'done')).toBe('done');
    expect(existsSync(lock)).toBe(false);
  });

  it('of a process id that was given out again is taken over', async () => {
    const { live, lock } = await place();
    writeFileSync(lock, JSON.stringify({ ...identityOf(process.pid), startTime: 'long ago' }));
    expect(await withLock(live, ctx, async () => 'done')).toBe('done');
  });

  it('of another machine is left to it', async () => {
    const { live, lock } = await place();
    writeFileSync(lock, JSON.stringify({ host: 'another', pid: 1, startTime: 'x' }));
    const controller = new AbortController();
    setTimeout(() => { controller.abort(); }, 200);
    await expect(withLock(live, { signal: controller.signal }, async () => 'done')).rejects.toThrow();
    expect(existsSync(lock)).toBe(true);
  });

  it('is given back when the work fails', async () => {
    const { live, lock } = await place();
    await expect(withLock(live, ctx, async () => { throw new Error('failed'); })).rejects.toThrow('failed');
    expect(existsSync(lock)).toBe(false);
  });
});

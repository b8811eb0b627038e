import { execFileSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, readFile, rename, rm, statfs, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { devServer, type DevServer } from '../support/dev-server.js';
import { checkStatements } from '../support/evidence.js';
import { addressOf, openLaboratory, type Laboratory } from '../support/laboratory.js';
import { eventually } from '../support/waiting.js';
import { isAsDrifted, laboratories } from './in-laboratory.js';

const FILES = { 'etc/app.json': '{"port":80}\n', 'etc/note.txt': 'as it should be\n' };
const DRIFT = { 'etc/app.json': '{"port":81}\n' };

const FIVE = ['a.txt', 'b.txt', 'c.txt', 'd.txt', 'e.txt'];

const inLaboratory = laboratories();

async function count(lab: Laboratory, address: string, kind: 'finalized' | 'intent' | 'staged'): Promise<number> {
  return lab.withLedger(async (ledger) => {
    let found = 0;
    for await (const _ of ledger.entries({ ...addressOf(address), kinds: [kind] })) found += 1;
    return found;
  });
}

describe('what the world does to it', () => {
  test.concurrent('a read that fails, is empty, or is answered by another is unknown: nothing is repaired, nothing is closed', () => inLaboratory({
    targets: [{ address: 'prod/open', files: FILES }, { address: 'prod/empty', files: FILES }, { address: 'prod/source', files: FILES }, { address: 'prod/stranger', files: FILES, more: { expect: { host: 'somebody-else' } } }],
  }, async (lab) => {
    await lab.worker();
    await lab.site.drift('prod/open', DRIFT);
    await lab.check('prod/open');
    await lab.untilPhase('prod/open', 'awaiting-approval');
    await rename(lab.site.live('prod/open'), `${lab.site.live('prod/open')}.away`);
    await lab.site.drift('prod/empty', { 'etc/app.json': undefined, 'etc/note.txt': undefined });
    await rename(lab.site.desired('prod/source'), `${lab.site.desired('prod/source')}.away`);
    expect(await lab.check('prod')).toMatchObject({ unknown: 4, clean: 0, drifted: 0, opened: [] });
    expect(await lab.status('prod/open')).toMatchObject({ phase: 'awaiting-approval' });
    for (const address of ['prod/empty', 'prod/source', 'prod/stranger']) expect(await lab.incident(address)).toBeUndefined();
    await rename(`${lab.site.live('prod/open')}.away`, lab.site.live('prod/open'));
    await lab.check('prod/open');
    expect((await lab.incident('prod/open'))?.number).toBe(1);
    expect(await lab.approve('prod/open')).toMatchObject({ result: 'accepted' });
    expect((await lab.untilClosed('prod/open')).outcome).toBe('fixed');
  }), 300_000);

  test.concurrent('unknown for longer than blindAfter is an incident of its own, which a good read closes', () => inLaboratory({ targets: [{ address: 'prod/blind', files: FILES, more: { blindAfter: '1s' } }] }, async (lab) => {
    await lab.worker();
    await lab.check('prod');
    await rename(lab.site.live('prod/blind'), `${lab.site.live('prod/blind')}.away`);
    await lab.check('prod');
    await sleep(1_500);
    await lab.check('prod');
    expect(await eventually('it is opened', async () => lab.incident('prod/blind'))).toMatchObject({ kind: 'blind' });
    await rename(`${lab.site.live('prod/blind')}.away`, lab.site.live('prod/blind'));
    await lab.check('prod');
    expect((await lab.untilClosed('prod/blind')).outcome).toBe('cleared');
  }), 300_000);

  test.concurrent('the ledger is held by another: nothing is written outside, and it goes on when it is free', () => inLaboratory({ targets: [{ address: 'prod/held', files: FILES }] }, async (lab) => {
    await lab.worker();
    await lab.site.drift('prod/held', DRIFT);
    await lab.check('prod');
    const { parts } = await lab.untilPhase('prod/held', 'awaiting-approval');
    const holder = new DatabaseSync(join(lab.site.dataDir, 'ledger.db'));
    holder.exec('BEGIN IMMEDIATE');
    await lab.temporal.workflow.getHandle('incident/prod/held').signal('approve', { by: 'alice', plan: parts[0]?.plan });
    await sleep(12_000);
    expect(await isAsDrifted(lab, 'prod/held')).toBe(true);
    holder.exec('ROLLBACK');
    holder.close();
    expect((await lab.untilClosed('prod/held')).outcome).toBe('fixed');
  }), 300_000);

  test.concurrent('the disk of the worker is full: no write outside, and it goes on when there is room', async (context) => {
    const disk = await smallDisk();
    if (disk === undefined) return context.skip('this user may mount no small disk');
    try {
      await inLaboratory({ targets: [{ address: 'prod/full', files: FILES }], parent: disk.folder }, async (lab) => {
        await lab.worker();
        await lab.site.drift('prod/full', DRIFT);
        await lab.check('prod');
        const { parts } = await lab.untilPhase('prod/full', 'awaiting-approval');
        const ballast = await disk.fill();
        await lab.temporal.workflow.getHandle('incident/prod/full').signal('approve', { by: 'alice', plan: parts[0]?.plan });
        await sleep(6_000);
        expect(await isAsDrifted(lab, 'prod/full')).toBe(true);
        await rm(ballast);
        expect((await lab.untilClosed('prod/full')).outcome).toBe('fixed');
      });
    } finally {
      disk.remove();
    }
  }, 300_000);

  test.concurrent('HOLDFAST_READ_ONLY=1 refuses every write with nobody else\'s help; a worker that may write goes on', () => inLaboratory({ targets: [{ address: 'dev/still', files: FILES }] }, async (lab) => {
    const reader = await lab.worker([], { HOLDFAST_READ_ONLY: '1' });
    await lab.site.drift('dev/still', DRIFT);
    await lab.check('dev');
    await eventually('it wants to write', async () => ((await lab.status('dev/still'))?.phase === 'staging' ? true : undefined), { last: () => lab.status('dev/still') });
    await sleep(3_000);
    expect(await isAsDrifted(lab, 'dev/still')).toBe(true);
    expect(await count(lab, 'dev/still', 'intent')).toBe(0);
    await reader.stop();
    await lab.worker();
    expect((await lab.untilClosed('dev/still', undefined, 150_000)).outcome).toBe('fixed');
  }), 240_000);

  test.concurrent('frozen between stage and finalize: it is unstaged, waits, and is repaired when the freeze is lifted; frozen after the switch: it finishes', () => inLaboratory({
    targets: [{ address: 'dev/early', service: true }, { address: 'dev/late', files: FILES, more: { soak: '4s' } }],
  }, async (lab) => {
    await lab.faultyWorker({ faults: [{ point: 'probe', when: 'before', act: 'stall', ms: 8_000, of: 'shadow http', call: 1 }] });
    await lab.site.drift('dev/early', { 'etc/app.yaml': 'name: shop\ngreeting: drifted\n' });
    await lab.site.drift('dev/late', DRIFT);
    await lab.check('dev');
    // Each as soon as it stands there: neither waits for how fast the other is.
    await Promise.all(([['dev/early', 'validating'], ['dev/late', 'soaking']] as const).map(async ([address, phase]) => {
      await lab.untilPhase(address, phase);
      await lab.client.command('dev', { command: 'freeze', scope: address, by: 'alice', reason: 'hold it' });
    }));
    expect((await lab.untilClosed('dev/late')).outcome).toBe('fixed');
    await lab.untilPhase('dev/early', 'waiting');
    expect(await isAsDrifted(lab, 'dev/early')).toBe(true);
    await lab.client.command('dev', { command: 'unfreeze', scope: 'dev/early', by: 'alice', reason: 'go on' });
    expect((await lab.untilClosed('dev/early')).outcome).toBe('fixed');
  }), 300_000);

  test.concurrent.each(['before', 'after'] as const)('a provider that times out %s the effect: it looks before it acts again, and there is one effect', (when) => inLaboratory({ targets: [{ address: 'dev/slow', files: FILES }] }, async (lab) => {
    await lab.faultyWorker({ faults: [...['files.stage', 'files.finalize', 'artifacts.put'].map((point) => ({ point, when, act: 'fail', call: 1 }) as const)] });
    await lab.site.drift('dev/slow', DRIFT);
    await lab.check('dev');
    expect((await lab.untilClosed('dev/slow')).outcome).toBe('fixed');
    expect(await count(lab, 'dev/slow', 'finalized')).toBe(1);
  }), 300_000);

  test.concurrent('three of five files are written, then an error: the three are known and put back, and the incident names what stood in the way', () => inLaboratory({
    targets: [{ address: 'dev/five', inPlace: true, files: Object.fromEntries(FIVE.map((name) => [name, 'as it should be\n'])) }],
  }, async (lab) => {
    await lab.faultyWorker({ faults: [{ point: 'ledger.intend', when: 'before', act: 'refuse', of: 'finalize/write d.txt' }] });
    await lab.site.drift('dev/five', Object.fromEntries(FIVE.map((name) => [name, 'drifted\n'])));
    await lab.check('dev');
    const row = await lab.untilClosed('dev/five');
    expect(row.outcome).toBe('rolled-back');
    expect(row.narrative).toMatch(/3 of 5 written: a\.txt, b\.txt, c\.txt; not written: d\.txt/);
    expect(await isAsDrifted(lab, 'dev/five')).toBe(true);
  }), 300_000);

  test.concurrent('another writer keeps reverting the repair: flapping, no more repairs, until a person releases it', () => inLaboratory({ targets: [{ address: 'dev/fight', files: FILES }] }, async (lab) => {
    await lab.worker();
    const file = join(lab.site.live('dev/fight'), 'etc/app.json');
    const writer = setInterval(() => void putBack(file).catch(() => undefined), 300);
    try {
      await eventually('the gate is closed', async () => {
        await lab.check('dev');
        const gates = await lab.withLedger((ledger) => ledger.closedGates(addressOf('dev/fight'), new Date().toISOString()));
        return gates.some((gate) => gate.gate === 'flapping') ? true : undefined;
      }, { timeoutMs: 90_000, last: () => lab.status('dev/fight') });
      const repairs = await count(lab, 'dev/fight', 'finalized');
      for (let time = 0; time < 5; time += 1) await lab.check('dev');
      expect(await count(lab, 'dev/fight', 'finalized')).toBe(repairs);
    } finally {
      clearInterval(writer);
    }
    await lab.client.command('dev', { command: 'release', scope: 'dev/fight', gate: 'flapping', by: 'alice', reason: 'the other tool is off' });
    await lab.check('dev');
    const row = await lab.untilClosed('dev/fight');
    expect(['fixed', 'rolled-back']).toContain(row.outcome);
  }), 300_000);

  test.concurrent('a sink that is slow and one that is down delay no repair; each message arrives afterwards, under one delivery id', async () => {
    const sink = await flakySink();
    try {
      const notifications = {
        sinks: {
          slow: { type: 'command', command: ['node', '-e', 'setTimeout(() => process.exit(0), 8000); process.stdin.resume()'] },
          down: { type: 'webhook', url: `http://127.0.0.1:${sink.port}/`, secret: '${env:SINK_SECRET}', allowPrivate: true },
        },
        routes: [{ to: ['slow', 'down'] }],
      };
      await inLaboratory({ targets: [{ address: 'dev/told', files: FILES }], notifications }, async (lab) => {
        await lab.worker([], { SINK_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' });
        await lab.site.drift('dev/told', DRIFT);
        const started = Date.now();
        await lab.check('dev');
        expect((await lab.untilClosed('dev/told')).outcome).toBe('fixed');
        expect(Date.now() - started).toBeLessThan(30_000);
        await eventually('it was tried and refused', () => (sink.ids.length > 0 ? true : undefined));
        sink.recover();
        await eventually('everything is delivered', async () => ((await lab.withLedger((ledger) => ledger.outbox({ pending: true }))).length === 0 ? true : undefined), { timeoutMs: 60_000, last: () => sink.ids });
        expect(sink.ids.length).toBeGreaterThan(1);
        expect(new Set(sink.ids).size).toBe(1);
      });
    } finally {
      await sink.close();
    }
  }, 150_000);
});

test('the Temporal server is killed in the middle of an incident: nothing is lost, nothing is done twice', async () => {
  const own = await devServer();
  const port = Number(own.address.split(':')[1]);
  const lab = await openLaboratory({ address: own.address, namespace: own.namespace }, { targets: [{ address: 'dev/soaked', files: FILES, more: { soak: '3s' } }, { address: 'prod/asked', files: FILES }] });
  let again: DevServer | undefined;
  try {
    await lab.worker();
    for (const address of ['dev/soaked', 'prod/asked']) await lab.site.drift(address, DRIFT);
    await Promise.all([lab.check('dev'), lab.check('prod')]);
    await lab.untilPhase('dev/soaked', 'soaking');
    await lab.untilPhase('prod/asked', 'awaiting-approval');
    await own.kill();
    await sleep(4_000);
    again = await devServer({ dataDir: own.dataDir, port });
    expect((await lab.untilClosed('dev/soaked')).outcome).toBe('fixed');
    await eventually('the approval is heard', async () => ((await lab.approve('prod/asked')).result === 'accepted' ? true : undefined));
    expect((await lab.untilClosed('prod/asked')).outcome).toBe('fixed');
    for (const address of ['dev/soaked', 'prod/asked']) expect(await count(lab, address, 'finalized')).toBe(1);
    expect(await checkStatements(lab)).toEqual([]);
  } finally {
    await lab.close();
    await again?.stop();
    await rm(own.dataDir, { recursive: true, force: true });
  }
}, 300_000);

/** Another tool with another opinion. */
async function putBack(file: string): Promise<void> {
  if ((await readFile(file, 'utf8')) !== DRIFT['etc/app.json']) await writeFile(file, DRIFT['etc/app.json']);
}

/** A file system of a few megabytes, which only a privileged user may make. */
async function smallDisk(): Promise<{ readonly folder: string; fill(): Promise<string>; remove(): void } | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'holdfast-test', folder], { stdio: 'ignore' });
  } catch {
    await rm(folder, { recursive: true });
    return undefined;
  }
  return {
    folder,
    async fill() {
      const file = join(folder, 'ballast');
      const { bavail, bsize } = await statfs(folder);
      await writeFile(file, Buffer.alloc(bavail * bsize)).catch(async () => truncate(file, bavail * bsize));
      return file;
    },
    remove() {
      execFileSync('umount', ['-l', folder], { stdio: 'ignore' });
      execFileSync('rmdir', [folder], { stdio: 'ignore' });
    },
  };
}

interface FlakySink {
  readonly port: number;
  /** The delivery id of each attempt, in order. */
  readonly ids: readonly string[];
  recover(): void;
  close(): Promise<void>;
}

async function flakySink(): Promise<FlakySink> {
  const ids: string[] = [];
  let isUp = false;
  const http: Server = createServer((request, response) => {
    ids.push(String(request.headers['webhook-id']));
    request.resume().on('end', () => response.writeHead(isUp ? 204 : 503).end());
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    port: (http.address() as AddressInfo).port,
    ids,
    recover: () => { isUp = true; },
    close: () => new Promise((resolve) => { http.closeAllConnections(); http.close(() => resolve()); }),
  };
}

import { execFileSync } from 'node:child_process';
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { incidentWorkflowId, WORKFLOW_QUEUE } from '../../src/workflows/messages.js';
import { devServer, type DevServer } from '../support/dev-server.js';
import { addressOf, handleOf, openLaboratory, type Laboratory } from '../support/laboratory.js';
import type { Running } from '../support/processes.js';
import { signalRaw } from '../support/signals.js';
import { readTree } from '../support/trees.js';
import { eventually } from '../support/waiting.js';
import { isAsDrifted, laboratories } from './in-laboratory.js';

const FILES = { 'etc/app.json': '{"port":80}\n', 'etc/note.txt': 'as it should be\n' };
const DRIFT = { 'etc/app.json': '{"port":81}\n' };
/** How long every worker is gone: the ten minutes of the row by `npm run faults`. */
const ALL = process.env['HOLDFAST_FAULTS'] === 'all';
const AWAY_MS = ALL ? 600_000 : 6_000;

/** So long the engine asks to be left alone. */
const THROTTLED_MS = 15_000;

const inLaboratory = laboratories();

/** When the worker looked at what is live, in ms. */
async function looksIn(trace: string): Promise<readonly number[]> {
  return (await readFile(trace, 'utf8')).split('\n').flatMap((line) => (line.startsWith('files.observe') ? [Number(/ at (\d+) /.exec(line)?.[1])] : []));
}

async function approveBySignal(lab: Laboratory, address: string): Promise<void> {
  const { parts } = await lab.untilPhase(address, 'awaiting-approval');
  await handleOf(lab, address).signal('approve', { by: 'alice', plan: parts[0]?.plan });
}

describe('rows of faults', () => {
  test.concurrent('throttled: unknown, left alone as long as it asked, no write meanwhile, and little history', () => inLaboratory({ targets: [{ address: 'prod/busy', files: FILES }] }, async (lab) => {
    const first = await lab.worker();
    await lab.site.drift('prod/busy', DRIFT);
    await lab.check('prod');
    await lab.untilPhase('prod/busy', 'awaiting-approval');
    await first.stop();
    const trace = join(lab.site.folder, 'trace');
    await lab.faultyWorker({ trace, faults: [{ point: 'files.observe', call: 1, when: 'before', act: 'throttle', ms: THROTTLED_MS }] });
    expect(await lab.check('prod')).toMatchObject({ unknown: 1, clean: 0, drifted: 0 });
    const [from = 0] = await looksIn(trace);
    for (let time = 0; time < 2; time += 1) {
      const check = await lab.check('prod');
      if (Date.now() < from + THROTTLED_MS) expect(check).toMatchObject({ unknown: 1, clean: 0, drifted: 0 });
    }
    await approveBySignal(lab, 'prod/busy');
    await sleep(2_000);
    const untouched = await isAsDrifted(lab, 'prod/busy');
    if ((await looksIn(trace)).length === 1) expect(untouched).toBe(true);
    expect((await lab.untilClosed('prod/busy')).outcome).toBe('fixed');
    const [, again = 0] = await looksIn(trace);
    expect(again - from, 'it is left alone as long as it asked').toBeGreaterThanOrEqual(THROTTLED_MS);
    expect((await handleOf(lab, 'prod/busy').describe()).historyLength).toBeLessThan(80);
  }), 300_000);

  test.concurrent('a health endpoint that answers 429 after the switch is no verdict: it is asked again after Retry-After, and what is live is not put back', () => inLaboratory({ targets: [{ address: 'dev/limited', files: FILES }] }, async (lab) => {
    await lab.worker();
    await lab.site.drift('dev/limited', DRIFT);
    const wanted = (await readTree(lab.site.desired('dev/limited')))['etc/app.json'];
    let refusedFrom: number | undefined;
    let refused = 0;
    lab.site.health.set('dev/limited', async () => {
      if ((await readTree(lab.site.live('dev/limited')))['etc/app.json'] !== wanted) return true;
      refusedFrom ??= Date.now();
      if (Date.now() - refusedFrom > 5_000) return true;
      refused += 1;
      return 3;
    });
    await lab.check('dev');
    expect((await lab.untilClosed('dev/limited')).outcome).toBe('fixed');
    expect(refused).toBeGreaterThan(0);
    expect(refused).toBeLessThan(4);
  }), 300_000);

  test.concurrent('the result of a step is too large: only that incident is rolled back, its worker and the others go on', () => inLaboratory({ targets: [{ address: 'dev/large', files: FILES }, { address: 'dev/other', files: FILES }] }, async (lab) => {
    const worker = await lab.faultyWorker({ faults: [{ point: 'files.stage', when: 'after', act: 'swell', of: '"target":"large"' }] });
    await lab.site.drift('dev/large', DRIFT);
    await lab.site.drift('dev/other', DRIFT);
    await lab.check('dev');
    const row = await lab.untilClosed('dev/large');
    expect(row).toMatchObject({ outcome: 'rolled-back', narrative: expect.stringContaining('more than the 262144 that history may keep') as string });
    expect(await isAsDrifted(lab, 'dev/large')).toBe(true);
    expect((await lab.untilClosed('dev/other')).outcome).toBe('fixed');
    expect(worker.isRunning()).toBe(true);
  }), 300_000);

  test.concurrent('payloads that cannot be decoded, to a guard, a check and an incident: each is ignored or ends alone, and the others go on', () => inLaboratory({ targets: [{ address: 'dev/fine', files: FILES }, { address: 'prod/asked', files: FILES }] }, async (lab) => {
    await lab.worker();
    await lab.site.drift('prod/asked', DRIFT);
    await lab.check('prod');
    await lab.untilPhase('prod/asked', 'awaiting-approval');
    const poison = [{ encoding: 'json/plain', data: Buffer.from('{"by":') }, { encoding: 'binary/encrypted', data: Buffer.from([0, 1, 2, 255]) }, { encoding: 'nobody/knows', data: Buffer.alloc(200_000, 1) }];
    for (const payload of poison) for (const signal of ['approve', 'reject', 'observed', 'gates']) await signalRaw(lab, 'prod/asked', signal, [payload]);
    for (const payload of poison) await startRaw(lab, 'checkEnvironment', `check/dev-poison-${payload.encoding}`, payload);
    for (const payload of poison) await startRaw(lab, 'incident', `${incidentWorkflowId('dev', 'poison')}-${payload.encoding}`, payload);
    await eventually('every poisoned run has ended', async () => {
      const left = await lab.temporal.workflow.count('ExecutionStatus = "Running" AND WorkflowType IN ("checkEnvironment", "incident")');
      return left.count <= 1 ? true : undefined;
    });
    await lab.site.drift('dev/fine', DRIFT);
    await lab.check('dev');
    expect((await lab.untilClosed('dev/fine')).outcome).toBe('fixed');
    await approveBySignal(lab, 'prod/asked');
    expect((await lab.untilClosed('prod/asked')).outcome).toBe('fixed');
  }), 300_000);

  test.concurrent.each(([
    { name: 'before it locks the target: another has done its write meanwhile', point: 'files.finalize', of: '"target":"paused"', other: 'fixed' },
    { name: 'with the target locked: another waits for it, and writes once it has let go', point: 'ledger.intend', of: 'finalize/switch', other: 'waits' },
  ] as const).slice(0, ALL ? 2 : 1))('a worker that stands still for longer than its step is waited for goes on at last, and its intent is refused ($name)', ({ point, of, other }) => inLaboratory({ targets: [{ address: 'dev/paused', files: FILES }] }, async (lab) => {
    const late = await lab.faultyWorker({ faults: [{ point, when: 'before', act: 'stall', ms: 1_500, of, call: 1 }] });
    await lab.site.drift('dev/paused', DRIFT);
    await lab.check('dev');
    await eventually('it is about to write', () => (late.said().includes(`fault: stall before ${point}`) ? true : undefined), { last: () => late.said() });
    process.kill(late.pid, 'SIGSTOP');
    try {
      const next = await lab.worker();
      if (other === 'fixed') expect((await lab.untilClosed('dev/paused')).outcome).toBe('fixed');
      else await eventually('another has tried', () => isTriedBy(lab, 'dev/paused', next), { timeoutMs: 120_000, last: () => lab.status('dev/paused') });
      // It takes its token, and waits for the lock.
      await sleep(2_000);
    } finally {
      process.kill(late.pid, 'SIGCONT');
    }
    await eventually('the late writer is refused', () => (/failed: ledger\.intend \d+: Fenced/.test(late.said()) ? true : undefined), { last: () => late.said() });
    expect((await lab.untilClosed('dev/paused')).outcome).toBe('fixed');
    const switches = await lab.withLedger(async (ledger) => (await ledger.intents({ address: addressOf('dev/paused') })).filter((intent) => intent.key.endsWith('/finalize/switch')));
    expect(switches).toMatchObject([{ ok: true, attempts: 1 }]);
  }), 300_000);

  test.concurrent('nothing more can be written to the disk of the worker (RLIMIT_FSIZE, no privilege needed): no write outside, and it goes on when there is room', (context) => {
    if (!hasPrlimit()) return context.skip('prlimit is not on this machine');
    return inLaboratory({ targets: [{ address: 'prod/limit', files: FILES }] }, async (lab) => {
      const worker = await lab.limitedWorker();
      await lab.site.drift('prod/limit', DRIFT);
      await lab.check('prod');
      await lab.untilPhase('prod/limit', 'awaiting-approval');
      execFileSync('prlimit', ['--pid', String(worker.pid), '--fsize=0:unlimited']);
      await approveBySignal(lab, 'prod/limit');
      await sleep(5_000);
      expect(await isAsDrifted(lab, 'prod/limit')).toBe(true);
      expect(worker.isRunning()).toBe(true);
      execFileSync('prlimit', ['--pid', String(worker.pid), '--fsize=unlimited:unlimited']);
      expect((await lab.untilClosed('prod/limit')).outcome).toBe('fixed');
    });
  }, 300_000);

  test.concurrent('the ledger is gone: detection goes on and says that nothing is recorded, nothing is opened or written, and it goes on once it is back', () => inLaboratory({ targets: [{ address: 'prod/begun', files: FILES }, { address: 'prod/new', files: FILES }] }, async (lab) => {
    const worker = await lab.worker();
    await lab.site.drift('prod/begun', DRIFT);
    await lab.check('prod/begun');
    const { parts } = await lab.untilPhase('prod/begun', 'awaiting-approval');
    const file = join(lab.site.dataDir, 'ledger.db');
    await rename(file, `${file}.away`);
    await handleOf(lab, 'prod/begun').signal('approve', { by: 'alice', plan: parts[0]?.plan });
    await lab.site.drift('prod/new', DRIFT);
    expect(await lab.check('prod')).toMatchObject({ drifted: 2, unrecorded: 2, opened: [] });
    expect(worker.said()).toMatch(/the record is away.*removed or replaced/);
    expect(worker.said()).toMatch(/seen, not recorded .*prod\/new verdict=drifted changes=1 what=.*app\.json/);
    expect(await isAsDrifted(lab, 'prod/begun')).toBe(true);
    await rename(`${file}.away`, file);
    expect(await lab.check('prod')).toMatchObject({ opened: ['new'] });
    expect((await lab.untilClosed('prod/begun')).outcome).toBe('fixed');
    expect(await lab.approve('prod/new')).toMatchObject({ result: 'accepted' });
    expect((await lab.untilClosed('prod/new')).outcome).toBe('fixed');
  }), 300_000);

  test.concurrent(`every worker is gone for ${AWAY_MS / 1000} s with approvals pending: they are applied on return`, () => inLaboratory({ targets: [{ address: 'prod/first', files: FILES }, { address: 'prod/second', files: FILES }] }, async (lab) => {
    const worker = await lab.worker();
    const addresses = ['prod/first', 'prod/second'];
    for (const address of addresses) await lab.site.drift(address, DRIFT);
    await lab.check('prod');
    await Promise.all(addresses.map((address) => lab.untilPhase(address, 'awaiting-approval')));
    const plans = await Promise.all(addresses.map(async (address) => (await lab.status(address))?.parts[0]?.plan));
    await worker.kill();
    await handleOf(lab, 'prod/first').signal('approve', { by: 'alice', plan: plans[0] });
    await sleep(AWAY_MS);
    await handleOf(lab, 'prod/second').signal('reject', { by: 'bob', reason: 'not now', plan: plans[1] });
    expect(await isAsDrifted(lab, 'prod/first')).toBe(true);
    await lab.worker();
    expect((await lab.untilClosed('prod/first')).outcome).toBe('fixed');
    expect((await lab.untilClosed('prod/second')).outcome).toBe('rejected');
  }), AWAY_MS + 300_000);
});

/** Takes four minutes, since no schedule is shorter than one. */
test.runIf(ALL)('Temporal is away for longer than its interval: its schedule goes on with one check to catch up', async () => {
  const own = await devServer();
  const lab = await openLaboratory({ address: own.address, namespace: own.namespace }, { targets: [{ address: 'dev/timed', files: FILES }], environments: { dev: { remediation: 'auto', schedule: '* * * * *' } } });
  const started = async (since: number): Promise<number> => {
    let count = 0;
    for await (const run of lab.temporal.workflow.list({ query: 'WorkflowType = "checkEnvironment"' })) if (run.startTime.getTime() >= since) count += 1;
    return count;
  };
  let again: DevServer | undefined;
  try {
    await lab.worker();
    await eventually('the schedule runs', async () => ((await started(0)) > 0 ? true : undefined), { timeoutMs: 90_000 });
    await own.kill();
    await sleep(150_000);
    const back = Date.now();
    again = await devServer({ dataDir: own.dataDir, port: Number(own.address.split(':')[1]) });
    // What the minute itself starts comes beside what is caught up.
    await sleep(15_000);
    expect(await started(back)).toBeLessThanOrEqual(2);
    await eventually('the schedule goes on', async () => ((await started(back)) >= 2 ? true : undefined), { timeoutMs: 130_000 });
    expect(await started(back)).toBeLessThanOrEqual(4);
  } finally {
    await lab.close();
    await again?.stop();
    await rm(own.dataDir, { recursive: true, force: true });
  }
}, 600_000);

/** That worker has taken the step over. */
async function isTriedBy(lab: Laboratory, address: string, { pid }: Running): Promise<true | undefined> {
  const { raw } = await handleOf(lab, address).describe();
  return raw.pendingActivities?.[0]?.lastWorkerIdentity?.startsWith(`${pid}@`) === true ? true : undefined;
}

/** Starts a workflow as a stranger would, with an input that is no JSON of ours. */
async function startRaw({ temporal }: Laboratory, type: string, workflowId: string, { encoding, data }: { readonly encoding: string; readonly data: Uint8Array }): Promise<void> {
  await temporal.workflowService.startWorkflowExecution({
    namespace: temporal.options.namespace, workflowId, workflowType: { name: type }, taskQueue: { name: WORKFLOW_QUEUE },
    input: { payloads: [{ metadata: { encoding: Buffer.from(encoding) }, data }] }, requestId: workflowId,
  });
}

function hasPrlimit(): boolean {
  try {
    execFileSync('prlimit', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { devServer, type DevServer } from '../support/dev-server.js';
import { checkStatements } from '../support/evidence.js';
import { handleOf, newNamespace, openLaboratory, type Laboratory } from '../support/laboratory.js';
import { nextRelease, type Release } from '../support/next-release.js';
import { HOLDFAST, type Running } from '../support/processes.js';
import { voting, type Voter } from '../support/voting.js';
import { eventually } from '../support/waiting.js';
import { payloadConverterPath, quietRuntime } from '../support/workflow-bundle.js';

const FILES = { 'etc/app.json': '{"port":80}\n' };
const DRIFT = { 'etc/app.json': '{"port":81}\n' };
const EACH = process.env['HOLDFAST_FAULTS'] === 'all' ? 15 : 4;

/** What becomes of the incidents of each kind. */
const KINDS = { soaking: 'fixed', approved: 'fixed', rejected: 'rejected', failing: 'rolled-back', voted: 'fixed' } as const;
type Kind = keyof typeof KINDS;

/** Two people must approve: one does while the old release runs, the other while both do. */
const VOTES = voting();

let server: DevServer;
let next: Release;
let careless: Release;
let lab: Laboratory;

beforeAll(async () => {
  quietRuntime();
  server = await devServer();
  [next, careless] = await Promise.all([nextRelease({ isPatched: true }), nextRelease({ isPatched: false })]);
  lab = await openLaboratory(await newNamespace(server.address), {
    targets: addresses().map((address) => ({ address, files: FILES, more: { soak: '4s' } })),
    environments: { ...Object.fromEntries(addresses('failing').map((address) => [environmentOf(address), { remediation: 'auto' }])), shared: { remediation: 'ask', limits: { concurrent: 50 }, approvals: VOTES.approvals } },
    ...VOTES.people,
  });
}, 300_000);

afterAll(async () => {
  await lab.close();
  await server.stop();
  await Promise.all([next.remove(), careless.remove()]);
}, 60_000);

function addresses(...kinds: readonly Kind[]): readonly string[] {
  const all = kinds.length === 0 ? (Object.keys(KINDS) as Kind[]) : kinds;
  return all.flatMap((kind) => Array.from({ length: EACH }, (_, index) => `${placeOf(kind, index + 1)}/${kind}-${index + 1}`));
}

/** Each that fails has an environment of its own: a rollback takes its class a step back there, and the others are asked about. */
function placeOf(kind: Kind, number: number): string {
  if (kind === 'failing') return `risky-${number}`;
  if (kind === 'voted') return 'shared';
  return kind === 'soaking' ? 'dev' : 'prod';
}

function environmentOf(address: string): string {
  return address.split('/')[0] ?? '';
}

async function replayed(bundle: { readonly code: string }): Promise<readonly string[]> {
  const histories = [];
  for await (const { workflowId, runId } of lab.temporal.workflow.list()) {
    histories.push({ workflowId: `${workflowId} ${runId}`, history: await lab.temporal.workflow.getHandle(workflowId, runId).fetchHistory() });
  }
  const failed: string[] = [];
  for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle: bundle, dataConverter: { payloadConverterPath } }, histories)) {
    if (error !== undefined) failed.push(`${workflowId}: ${error.message}`);
  }
  return failed;
}

describe('an old and a new release side by side', () => {
  test('workers of both are killed and started: every incident ends as it must, and what each wrote replays on the new one', async () => {
    const old = (): Promise<Running> => lab.worker();
    const fresh = (): Promise<Running> => lab.worker([], {}, next.program);
    for (const address of addresses('failing')) lab.site.health.set(address, () => isAsDrifted(address));
    let older = await old();
    for (const address of addresses()) await lab.site.drift(address, DRIFT);
    await Promise.all([...new Set(addresses().map(environmentOf))].map((environment) => lab.check(environment)));
    await Promise.all(addresses('approved', 'rejected', 'voted').map((address) => lab.untilPhase(address, 'awaiting-approval')));
    await Promise.all(addresses('voted').map((address) => vote(address, 'alice')));
    await eventually('every first vote is counted', async () => ((await votesNow()) === EACH ? true : undefined), { last: votesNow });

    let newer = await fresh();
    const half = Math.ceil(EACH / 2);
    await Promise.all([...addresses('approved').slice(0, half).map((address) => decide('approve', address)), ...addresses('voted').slice(0, half).map((address) => vote(address, 'bob'))]);
    await older.kill();
    older = await old();
    await Promise.all(addresses('rejected').slice(0, half).map((address) => decide('reject', address)));
    await newer.kill();
    newer = await fresh();
    await Promise.all([...addresses('voted').slice(half).map((address) => vote(address, 'bob')), ...addresses('approved').slice(half).map((address) => decide('approve', address)), ...addresses('rejected').slice(half).map((address) => decide('reject', address))]);
    await older.kill();

    for (const address of addresses()) {
      const row = await lab.untilClosed(address, undefined, 150_000);
      const kind = (address.split('/')[1] ?? '').replace(/-\d+$/, '') as Kind;
      expect(row.outcome, address).toBe(KINDS[kind]);
    }
    expect(newer.isRunning()).toBe(true);
    expect(await votesNow()).toBe(EACH);
    expect(await patchedRuns()).toBeGreaterThan(0);
    expect(await checkStatements(lab)).toEqual([]);
    expect(await replayed(next.bundle)).toEqual([]);
  }, 400_000);

  test('without the patch the same histories do not replay: the check above can fail', async () => {
    expect(await replayed(careless.bundle)).not.toEqual([]);
  }, 300_000);

  test('the old release cannot go on with what the new one began: why a rollback needs the new one back', async () => {
    const code = await readFile(join(HOLDFAST, '..', '..', 'dist', 'workflow-bundle.js'), 'utf8');
    expect(await replayed({ code })).not.toEqual([]);
  }, 300_000);
});

async function patchedRuns(): Promise<number> {
  let found = 0;
  for await (const { workflowId, runId } of lab.temporal.workflow.list()) {
    const { events } = await lab.temporal.workflow.getHandle(workflowId, runId).fetchHistory();
    if ((events ?? []).some((event) => event.markerRecordedEventAttributes?.markerName === 'core_patch')) found += 1;
  }
  return found;
}

async function isAsDrifted(address: string): Promise<boolean> {
  return (await readFile(join(lab.site.live(address), 'etc/app.json'), 'utf8')) === DRIFT['etc/app.json'];
}

/**
 * By signal: an update that comes with a signal to a run that no worker has in memory can make the
 * SDK write a history which it cannot replay (docs/limits.md), whatever the release.
 */
async function decide(decision: 'approve' | 'reject', address: string): Promise<void> {
  const { parts } = await lab.untilPhase(address, 'awaiting-approval');
  await handleOf(lab, address).signal(decision, { by: 'alice', reason: 'a release', plan: parts[0]?.plan });
}

async function vote(address: string, by: Voter): Promise<void> {
  await handleOf(lab, address).signal('approve', await VOTES.words(lab, address, by));
}

async function votesNow(): Promise<number> {
  return lab.withLedger(async (ledger) => {
    let found = 0;
    for await (const _ of ledger.entries({ kinds: ['voted'] })) found += 1;
    return found;
  });
}

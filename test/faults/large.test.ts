import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { devServer, type DevServer } from '../support/dev-server.js';
import { checkStatements } from '../support/evidence.js';
import { newNamespace, openLaboratory, type Laboratory } from '../support/laboratory.js';
import { readTree } from '../support/trees.js';
import { eventually } from '../support/waiting.js';

/** The whole size by `npm run faults`; a part of it in every run. */
const ALL = process.env['HOLDFAST_FAULTS'] === 'all';
const TARGETS = ALL ? 1_000 : 40;
const RESOURCES = ALL ? 10_000 : 1_000;
const AT_ONCE = 10;
/** What a run may grow to before it should continue as new, and what one step may add to it. */
const MOST = { events: 4_000, bytes: 4_000_000, payload: 256 * 1024 } as const;

let server: DevServer;

beforeAll(async () => {
  server = await devServer();
}, 60_000);

afterAll(() => server.stop());

/** Every run's history, and the largest event of some. */
async function expectSmallHistories({ temporal }: Laboratory): Promise<void> {
  let looked = 0;
  for await (const { workflowId, runId } of temporal.workflow.list()) {
    const handle = temporal.workflow.getHandle(workflowId, runId);
    const { historyLength, historySize = 0 } = await handle.describe();
    expect([workflowId, historyLength <= MOST.events, historySize <= MOST.bytes]).toEqual([workflowId, true, true]);
    if (looked >= 20) continue;
    looked += 1;
    const { events } = await handle.fetchHistory();
    const largest = Math.max(...(events ?? []).map((event) => event.activityTaskCompletedEventAttributes?.result?.payloads?.[0]?.data?.length ?? 0));
    expect([workflowId, largest <= MOST.payload]).toEqual([workflowId, true]);
  }
}

test(`${TARGETS} targets drift at once: never more than ${AT_ONCE} write, each ends fixed, and no history grows with their number`, async () => {
  const names = Array.from({ length: TARGETS }, (_, index) => `dev/t${index}`);
  const lab = await openLaboratory(await newNamespace(server.address), {
    targets: names.map((address) => ({ address, inPlace: true, files: { 'a.txt': 'as it should be\n' }, more: { soak: '0s' } })),
    environments: { dev: { remediation: 'auto', limits: { concurrent: AT_ONCE, reads: 16 } } },
  });
  try {
    await lab.worker();
    await Promise.all(names.map((address) => lab.site.drift(address, { 'a.txt': 'drifted\n' })));
    const most = watchSlots(lab);
    expect(await lab.check('dev')).toMatchObject({ drifted: TARGETS, unknown: 0 });
    await eventually('every incident has ended', async () => {
      const fixed = await lab.withLedger((ledger) => ledger.incidents({ environment: 'dev', outcome: 'fixed' }));
      return fixed.length === TARGETS ? true : undefined;
    }, { timeoutMs: 1_500_000, last: () => lab.withLedger(async (ledger) => (await ledger.incidents({ environment: 'dev', open: true })).length) });
    const slots = await most.stop();
    expect(slots).toBeGreaterThan(1);
    expect(slots).toBeLessThanOrEqual(AT_ONCE);
    await eventually('every run has ended', async () => ((await lab.temporal.workflow.count('WorkflowType = "incident" AND ExecutionStatus = "Running"')).count === 0 ? true : undefined));
    expect(await checkStatements(lab)).toEqual([]);
    await expectSmallHistories(lab);
  } finally {
    await lab.close();
  }
}, 1_800_000);

test(`${RESOURCES} resources of one target drift at once: the blast-radius gate asks, names the counts, and its approval opens it; history stays small`, async () => {
  const files = Object.fromEntries(Array.from({ length: RESOURCES }, (_, index) => [`d${index % 50}/f${index}.txt`, `as it should be ${index}\n`]));
  const lab = await openLaboratory(await newNamespace(server.address), {
    targets: [{ address: 'dev/many', files }],
    environments: { dev: { remediation: 'auto', limits: { concurrent: AT_ONCE, resources: { max: 20, percent: 25 } } } },
  });
  try {
    await lab.worker();
    await lab.site.drift('dev/many', Object.fromEntries(Object.keys(files).map((name) => [name, 'drifted\n'])));
    expect(await lab.check('dev')).toMatchObject({ drifted: 1, opened: ['many'] });
    const { parts } = await lab.untilPhase('dev/many', 'awaiting-approval');
    expect(parts).toMatchObject([{ decision: 'ask', changes: RESOURCES }]);
    const asked = await lab.withLedger(async (ledger) => (await ledger.outbox({})).length + (await ledger.intents({})).length);
    expect(asked).toBe(0);
    const details = await detailsOf(lab);
    expect(details).toContain(`${RESOURCES} of ${RESOURCES} resources (100 percent) would be touched`);
    expect(details.length).toBeLessThan(20_000);
    expect(await lab.approve('dev/many')).toMatchObject({ result: 'accepted' });
    expect((await lab.untilClosed('dev/many', undefined, 400_000)).outcome).toBe('fixed');
    expect(await readTree(lab.site.live('dev/many'))).toEqual(await readTree(lab.site.desired('dev/many')));
    expect(await checkStatements(lab)).toEqual([]);
    await expectSmallHistories(lab);
  } finally {
    await lab.close();
  }
}, 600_000);

/** The most slots that were given out at once. */
function watchSlots(lab: Laboratory): { stop(): Promise<number> } {
  const stopping = new AbortController();
  const watching = (async () => {
    let most = 0;
    while (!stopping.signal.aborted) {
      most = Math.max(most, (await lab.client.environmentStatus('dev').catch(() => undefined))?.slots.length ?? 0);
      await sleep(50);
    }
    return most;
  })();
  return { stop: () => { stopping.abort(); return watching; } };
}

/** What the Temporal UI shows of the incident now. */
async function detailsOf(lab: Laboratory): Promise<string> {
  const handle = lab.temporal.workflow.getHandle('incident/dev/many');
  const metadata = await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
  return metadata.currentDetails ?? '';
}

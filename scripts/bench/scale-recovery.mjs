// From SIGKILL of a worker, with another one up, to the first progress of the incident that it held: by the server's own history.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { row } from './table.mjs';
import { targetName, withTrivialSite } from './trivial-site.mjs';

const { EventType } = proto.temporal.api.enums.v1;
/** What only a living worker causes. */
const PROGRESS = new Set([EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED, EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED, EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED, EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED]);
/** `nth`: which call of that point in the story of one incident. */
const KILLS = [
  { when: 'before', call: 'observe', nth: 1, name: 'in the check that finds it' },
  { when: 'before', call: 'observe', nth: 2, name: 'while it is assessed' },
  { when: 'after', call: 'observe', nth: 2, name: 'once it was assessed' },
  { name: 'while it waits for an approval' },
  { when: 'before', call: 'stage', nth: 1, name: 'before it is staged' },
  { when: 'after', call: 'stage', nth: 1, name: 'once it was staged' },
  { when: 'before', call: 'finalize', nth: 1, name: 'before the switch' },
  { when: 'after', call: 'finalize', nth: 1, name: 'once it was switched' },
  { when: 'before', call: 'observe', nth: 5, name: 'before it is proved' },
  { when: 'after', call: 'observe', nth: 5, name: 'once it was proved' },
];

export async function scaleRecoveryRows(say) {
  return withTrivialSite({ environments: { big: { targets: KILLS.length } }, trace: true }, async (site) => {
    const connection = await Connection.connect({ address: site.place.address });
    const temporal = new Client({ connection });
    const kill = join(site.folder, 'kill');
    const workers = [await site.startWorker({ kill }), await site.startWorker({ kill })];
    await sleep(3_000);
    const ledger = await site.openLedger();
    const taken = [];
    for (const [index, one] of KILLS.entries()) {
      say(`a worker is killed ${one.name}`);
      taken.push(await recover({ site, temporal, ledger, workers, kill, one, target: targetName('big', index) }));
      workers.push(await site.startWorker({ kill }));
      await sleep(1_000);
    }
    await connection.close();
    const sorted = taken.map((each) => each.seconds).sort((a, b) => a - b);
    const middle = (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
    return [
      row({ name: `scale.recovery: from SIGKILL of a worker to progress, median of ${KILLS.length}`, value: middle, unit: 's', goal: 15 }),
      row({ name: 'scale.recovery: the slowest', value: sorted.at(-1), unit: 's' }),
      row({ name: 'scale.recovery: incidents lost', value: taken.filter((each) => each.outcome !== 'fixed').length, unit: 'incidents', goal: 0 }),
      ...taken.map((each) => row({ name: `scale.recovery: ${each.name}`, value: each.seconds, unit: 's' })),
    ];
  });
}

async function recover({ site, temporal, ledger, workers, kill, one, target }) {
  const address = { environment: 'big', target };
  if (one.call !== undefined) await writeFile(kill, JSON.stringify({ ...one, target }));
  await site.live(target, 2);
  const check = await site.client.startCheck('big', target);
  const statusOf = () => site.client.incidentStatus(address).catch(() => undefined);
  const status = await until(async () => ((await statusOf())?.phase === 'awaiting-approval' ? statusOf() : undefined));
  let killed;
  if (one.call === undefined) {
    const holder = await holderOf(temporal, address);
    const worker = workers.find((each) => each.pid === holder) ?? workers.find((each) => each.isRunning());
    killed = { at: Date.now(), pid: worker.pid };
    await worker.kill();
  }
  await site.client.decide(address, { decision: 'approve', by: 'bench', plan: status.parts[0].plan.slice(0, 12) });
  const row = await until(async () => {
    const found = await ledger.incident(address);
    return found?.closedAt === undefined ? undefined : found;
  });
  killed ??= JSON.parse(await readFile(`${kill}.done`, 'utf8'));
  if (killed.target !== undefined && killed.target !== target) throw new Error(`no worker was killed ${one.name}`);
  const runs = one.nth === 1 && one.call === 'observe' ? [check.workflowId] : [`incident/big/${target}`];
  const events = (await Promise.all(runs.map((id) => temporal.workflow.getHandle(id).fetchHistory()))).flatMap((each) => each.events ?? []);
  const next = events.filter((event) => PROGRESS.has(event.eventType) && timeOf(event) > killed.at && !identityOf(event).startsWith(`${killed.pid}@`)).map(timeOf).sort((a, b) => a - b)[0];
  return { name: one.name, seconds: (next - killed.at) / 1000, outcome: row.outcome };
}

/** The process that holds the run in memory: whoever did its last workflow task. */
async function holderOf(temporal, { environment, target }) {
  const { events } = await temporal.workflow.getHandle(`incident/${environment}/${target}`).fetchHistory();
  const last = events.filter((event) => event.eventType === EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED).at(-1);
  return Number(identityOf(last).split('@')[0]);
}

function identityOf(event) {
  return Object.values(event).find((value) => typeof value?.identity === 'string')?.identity ?? '';
}

function timeOf({ eventTime }) {
  return Number(eventTime.seconds) * 1000 + eventTime.nanos / 1e6;
}

async function until(found, timeoutMs = 120_000) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await found();
    if (value !== undefined) return value;
    if (Date.now() > deadline) throw new Error(`not so within ${timeoutMs / 1000} s: ${found}`);
    await sleep(200);
  }
}

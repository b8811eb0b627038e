// A thousand incidents open at once: opening, waiting, being approved, and all of them again after everything was killed.
import { setTimeout as sleep } from 'node:timers/promises';
import { startTemporal } from '../../dist/embedded/server.js';
import { timedCheck } from './scale.mjs';
import { costOf } from './site.mjs';
import { row } from './table.mjs';
import { targetName, usageOf, withTrivialSite } from './trivial-site.mjs';

const APPROVALS_AT_ONCE = 20;
const WAIT_MS = 60_000;

export async function scaleIncidentRows(say, { count }) {
  const label = `${count.toLocaleString('en')} open`;
  return withTrivialSite({ environments: { big: { targets: count } } }, async (site) => {
    const rows = [];
    let worker = await site.startWorker();
    let { temporal } = site;
    const ledger = await site.openLedger();
    await timedCheck(site, count);
    const before = { worker: await usageOf(worker.pid), server: await usageOf(temporal.pid) };

    say(`${count} targets drift at once`);
    await each(count, (index) => site.live(targetName('big', index), 2));
    let from = Date.now();
    await timedCheck(site, 0, count);
    await until(async () => (await open(ledger)).filter((each) => each.phase === 'awaiting-approval').length === count);
    rows.push(row({ name: `scale.incidents: ${label}, from the check to all waiting`, value: seconds(from), unit: 's' }));
    const waiting = { worker: await usageOf(worker.pid), server: await usageOf(temporal.pid) };
    rows.push(row({ name: `scale.incidents: ${label}, memory of the worker`, value: waiting.worker.megabytes, unit: 'MB' }));
    rows.push(row({ name: `scale.incidents: ${label}, memory of the server`, value: waiting.server.megabytes, unit: 'MB' }));
    rows.push(row({ name: `scale.incidents: ${label}, memory of both for each`, value: ((waiting.worker.megabytes + waiting.server.megabytes - before.worker.megabytes - before.server.megabytes) * 1024) / count, unit: 'KB' }));

    say('a minute of waiting, without a check');
    const idle = await costOf(temporal, () => sleep(WAIT_MS));
    rows.push(row({ name: `scale.incidents: ${label}, waiting, per hour`, value: (idle.total * 3_600_000) / WAIT_MS, unit: 'actions', goal: 0 }));
    const again = await timedCheck(site, 0, count);
    rows.push(row({ name: `scale.incidents: ${label}, a check that sees the same again`, value: again.seconds, unit: 's' }));

    say('all approved at once, while a freeze keeps them from being repaired');
    from = Date.now();
    await site.client.command('big', { command: 'freeze', scope: 'big', by: 'bench', reason: 'approvals alone' });
    rows.push(row({ name: `scale.incidents: ${label}, a freeze is answered`, value: seconds(from), unit: 's', goal: 10 }));
    await quiet(temporal);
    const asked = await open(ledger);
    from = Date.now();
    const answers = [];
    const queue = [...asked];
    await Promise.all(Array.from({ length: APPROVALS_AT_ONCE }, async () => {
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        const { result, message } = await site.client.decide(next, { decision: 'approve', by: 'bench', plan: next.parts[0].plan.slice(0, 12) });
        if (result !== 'accepted') throw new Error(`an approval was answered ${result}: ${message}`);
        answers.push(result);
      }
    }));
    const took = seconds(from);
    rows.push(row({ name: `scale.incidents: ${label}, all approved, ${APPROVALS_AT_ONCE} at a time`, value: took, unit: 's' }));
    rows.push(row({ name: `scale.incidents: ${label}, approvals answered`, value: answers.length / took, unit: 'approvals/s' }));

    say('worker and server killed; the drift goes away; everything comes back');
    await worker.kill();
    process.kill(temporal.pid, 'SIGKILL');
    await each(count, (index) => site.live(targetName('big', index), 1));
    from = Date.now();
    temporal = await startTemporal({ dataDir: site.dataDir, port: portOf(temporal.address), uiPort: portOf(temporal.uiUrl), log: () => undefined });
    site.temporal.stop = temporal.stop;
    worker = await site.startWorker();
    await site.client.waitForCheck(await site.client.startCheck('big'));
    await until(async () => (await open(ledger)).length === 0);
    rows.push(row({ name: `scale.incidents: ${label}, all ended after a restart of worker and server`, value: seconds(from), unit: 's' }));
    const outcomes = Object.entries(Object.groupBy(await ledger.incidents({ limit: count * 2 }), (each) => each.outcome)).map(([outcome, list]) => `${list.length} ${outcome}`);
    if (outcomes.join() !== `${count} cleared`) throw new Error(`they ended ${outcomes.join(', ')}, not all cleared`);
    rows.push(row({ name: `scale.incidents: ${label}, memory of the worker at its highest`, value: Math.max(waiting.worker.peak, (await usageOf(worker.pid)).peak), unit: 'MB' }));
    rows.push(row({ name: `scale.incidents: ${label}, memory of the server at its highest`, value: Math.max(waiting.server.peak, (await usageOf(temporal.pid)).peak), unit: 'MB' }));
    return rows;
  });
}

/** Once the incidents have asked their gates again. */
async function quiet(temporal) {
  await costOf(temporal, () => undefined);
}

async function open(ledger) {
  return ledger.incidents({ open: true });
}

async function each(count, work) {
  for (let index = 0; index < count; index += 1) await work(index);
}

async function until(holds, timeoutMs = 600_000) {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not so within ${timeoutMs / 1000} s: ${holds}`);
    await sleep(500);
  }
}

function seconds(from) {
  return (Date.now() - from) / 1000;
}

function portOf(address) {
  return Number(/:(\d+)/.exec(address.replace(/^\w+:\/\//, ''))?.[1]);
}

// Checks of thousands of targets through the whole loop: what they cost in time, history, record and memory.
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { withPostgres } from './postgres.mjs';
import { costOf } from './site.mjs';
import { row } from './table.mjs';
import { targetName, usageOf, withTrivialSite } from './trivial-site.mjs';

const ROUNDS = 5;
const DRIFTED = 100;
const REPAIRED = 25;

/** Rows for `count` targets in one environment, named under `prefix`. `ledger`: `{ name, config, size }` where it is not SQLite. */
export async function scaleCheckRows(say, { prefix, count, ledger }) {
  const label = `${count.toLocaleString('en')} targets${ledger === undefined ? '' : `, ${ledger.name}`}`;
  return withTrivialSite({ environments: { big: { targets: count } }, ledger: ledger?.config }, async (site) => {
    say(`${label}: the first check`);
    const worker = await site.startWorker();
    const connection = await Connection.connect({ address: site.place.address });
    const temporal = new Client({ connection });
    const sizeOf = ledger?.size ?? (() => sqliteSize(join(site.dataDir, 'ledger.db')));
    const empty = await sizeOf();
    const first = await timedCheck(site, count);
    // A row also holds the one before it, so it has its full size from the second check on.
    await timedCheck(site, count);
    const one = await sizeOf();
    say(`${label}: ${ROUNDS} more, without drift`);
    const times = [];
    const before = await usageOf(worker.pid);
    let last;
    for (let round = 0; round < ROUNDS; round += 1) {
      last = await timedCheck(site, count);
      times.push(last.seconds);
    }
    const after = await usageOf(worker.pid);
    const server = await usageOf(site.temporal.pid);
    const more = await sizeOf();
    const cost = await costOf(site.temporal, () => timedCheck(site, count));
    const { events, bytes } = await historyOf(temporal, last.started);
    const sorted = [...times].sort((a, b) => a - b);
    const rows = [
      row({ name: `${prefix}: ${label}, nothing changed`, value: count / sorted[Math.floor(ROUNDS / 2)], unit: 'targets/s', goal: 500, below: false }),
      row({ name: `${prefix}: ${label}, never seen before`, value: count / first.seconds, unit: 'targets/s' }),
      row({ name: `${prefix}: ${label}, CPU of the worker`, value: ((after.cpuSeconds - before.cpuSeconds) * 1000) / (ROUNDS * count), unit: 'ms/target' }),
      row({ name: `${prefix}: ${label}, actions`, value: cost.total / count, unit: 'actions/target', goal: 0.06 }),
      row({ name: `${prefix}: ${label}, history`, value: bytes / count, unit: 'bytes/target', goal: 100 }),
      row({ name: `${prefix}: ${label}, history of the largest run`, value: events, unit: 'events', goal: 4000 }),
      row({ name: `${prefix}: ${label}, memory of the worker`, value: after.peak, unit: 'MB' }),
      row({ name: `${prefix}: ${label}, memory of the server`, value: server.peak, unit: 'MB' }),
      row({ name: `${prefix}: ${label}, kept in the record`, value: (one.bytes - empty.bytes) / count, unit: 'bytes/target' }),
      row({ name: `${prefix}: ${label}, added by a check without drift`, value: (more.rows - one.rows) / (ROUNDS * count), unit: 'rows/target', goal: 0 }),
      row({ name: `${prefix}: ${label}, added by a check without drift`, value: (more.bytes - one.bytes) / (ROUNDS * count), unit: 'bytes/target' }),
      ...(more.written === undefined ? [] : [row({ name: `${prefix}: ${label}, write-ahead log of a check without drift`, value: (more.written - one.written) / (ROUNDS * count), unit: 'bytes/target' })]),
    ];
    await sleep(7_000);
    const idleFrom = await usageOf(worker.pid);
    await sleep(10_000);
    const idleTo = await usageOf(worker.pid);
    rows.push(row({ name: `${prefix}: ${label}, CPU of the worker between checks`, value: (idleTo.cpuSeconds - idleFrom.cpuSeconds) * 10, unit: '% of a core' }));
    await connection.close();
    return rows;
  });
}

/** The same on PostgreSQL, with a server of its own. */
export async function scalePostgresRows(say, { prefix, count }) {
  return withPostgres(async ({ url, size }) => {
    process.env.HOLDFAST_BENCH_LEDGER = url;
    return scaleCheckRows(say, { prefix, count, ledger: { name: 'PostgreSQL', config: { postgres: '${env:HOLDFAST_BENCH_LEDGER}' }, size } });
  });
}

/** What one drifted target adds: its report, its sightings, its incident, which waits for an approval; and what a repair adds to that. */
export async function scaleDriftRows(say) {
  return withTrivialSite({ environments: { big: { targets: DRIFTED, more: { limits: { concurrent: 10 } } } } }, async (site) => {
    say(`${DRIFTED} targets that drift at once`);
    await site.startWorker();
    const ledger = await site.openLedger();
    await timedCheck(site, DRIFTED);
    await timedCheck(site, DRIFTED);
    const size = () => sqliteSize(join(site.dataDir, 'ledger.db'));
    const before = await size();
    for (let index = 0; index < DRIFTED; index += 1) await site.live(targetName('big', index), 2);
    const waiting = async () => (await ledger.incidents({ open: true })).filter((each) => each.phase === 'awaiting-approval');
    const cost = await costOf(site.temporal, async () => {
      await timedCheck(site, 0, DRIFTED);
      while ((await waiting()).length < DRIFTED) await sleep(200);
    });
    const opened = await size();
    const again = await costOf(site.temporal, () => timedCheck(site, 0, DRIFTED));
    const seen = await size();
    const [repaired] = [(await waiting()).slice(0, REPAIRED)];
    say(`${REPAIRED} of them are approved and repaired`);
    await Promise.all(repaired.map((each) => site.client.decide(each, { decision: 'approve', by: 'bench', plan: each.parts[0].plan })));
    while ((await ledger.incidents({ open: true })).length > DRIFTED - REPAIRED) await sleep(200);
    const closed = await size();
    return [
      row({ name: 'scale.drift: to open an incident that asks', value: (cost.total - again.total) / DRIFTED, unit: 'actions' }),
      row({ name: 'scale.drift: kept in the record for an open incident', value: (opened.bytes - before.bytes) / DRIFTED, unit: 'bytes' }),
      row({ name: 'scale.drift: kept in the record for an open incident', value: (opened.rows - before.rows) / DRIFTED, unit: 'rows' }),
      row({ name: 'scale.drift: the same drift seen again', value: (seen.rows - opened.rows) / DRIFTED, unit: 'rows', goal: 0 }),
      row({ name: 'scale.drift: kept in the record for a repaired incident', value: (opened.bytes - before.bytes) / DRIFTED + (closed.bytes - seen.bytes) / REPAIRED, unit: 'bytes' }),
    ];
  });
}

/** One check, asked for and waited for; counts that are not as they must be would make the figure mean nothing. */
export async function timedCheck({ client }, clean, drifted = 0) {
  const from = process.hrtime.bigint();
  const started = await client.startCheck('big');
  const counts = await client.waitForCheck(started);
  const seconds = Number(process.hrtime.bigint() - from) / 1e9;
  if (counts.clean !== clean || counts.drifted !== drifted) throw new Error(`the check counted ${JSON.stringify(counts)}, not ${clean} clean and ${drifted} drifted`);
  return { seconds, started, counts };
}

/** Over every run of the check: bytes in all, and the events of the longest. */
async function historyOf(temporal, { workflowId, runId }) {
  let bytes = 0;
  let events = 0;
  for (let run = runId; run !== undefined && run !== ''; ) {
    const handle = temporal.workflow.getHandle(workflowId, run, { followRuns: false });
    const description = await handle.describe();
    bytes += Number(description.raw.workflowExecutionInfo.historySizeBytes);
    events = Math.max(events, description.historyLength);
    const last = (await handle.fetchHistory()).events.at(-1);
    run = last?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
  }
  return { bytes, events };
}

/** Rows of all tables, and bytes once what is written ahead is in the file. */
function sqliteSize(file) {
  const database = new DatabaseSync(file);
  try {
    database.exec('PRAGMA busy_timeout = 10000; PRAGMA wal_checkpoint(TRUNCATE)');
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").all();
    const rows = tables.reduce((sum, { name }) => sum + database.prepare(`SELECT count(*) AS count FROM "${name}"`).get().count, 0);
    const { bytes } = database.prepare('SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()').get();
    return { rows, bytes };
  } finally {
    database.close();
  }
}

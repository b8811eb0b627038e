// Thousands of targets of the trivial provider on a server of their own, with real worker processes.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectClient } from '../../dist/client.js';
import { loadConfig } from '../../dist/config/load.js';
import { freePort } from '../../dist/embedded/ports.js';
import { startTemporal } from '../../dist/embedded/server.js';
import { openLedger } from '../../dist/ledger/open.js';
import { trivialProvider } from './trivial-provider.mjs';

const WORKER = new URL('./trivial-worker.mjs', import.meta.url).pathname;

/**
 * `environments`: by name, how many `targets`, and in `more` further keys of the environment. `ledger`: how the
 * configuration names it; absent: SQLite in the data folder. Runs `work` and takes everything down again.
 */
export async function withTrivialSite({ environments, ledger, target = {}, trace = false }, work) {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  const dataDir = join(folder, '.holdfast');
  const config = join(folder, 'holdfast.yaml');
  await mkdir(dataDir, { recursive: true });
  await mkdir(join(folder, 'live'));
  for (const [name, { targets }] of Object.entries(environments)) {
    for (let index = 0; index < targets; index += 1) await mkdir(join(folder, 'desired', name, targetName(name, index)), { recursive: true });
  }
  await writeFile(config, JSON.stringify(configOf({ folder, environments, ledger, target, trace })));
  const temporal = await startTemporal({ dataDir, port: await freePort(), uiPort: await freePort(), log: () => undefined });
  const place = { address: temporal.address, namespace: temporal.namespace };
  const providers = { trivial: trivialProvider() };
  const load = () => loadConfig({ file: config, dataDir, providers });
  const client = await connectClient({ ...place, timeoutMs: 600_000 });
  const workers = new Set();
  const opened = [];
  const site = {
    folder, dataDir, config, temporal, place, client, load,
    traceFile: join(folder, 'trace'),
    startWorker: async (task = {}) => {
      const worker = await startWorker({ ...place, config, dataDir, ...task });
      workers.add(worker);
      return worker;
    },
    openLedger: async () => {
      const one = await openLedger(await load());
      opened.push(one);
      return one;
    },
    /** Sets the live value of one target. */
    live: (name, value) => writeFile(join(folder, 'live', name), String(value)),
  };
  try {
    return await work(site);
  } finally {
    for (const worker of workers) await worker.stop();
    for (const one of opened) await one.close();
    await client.close();
    await temporal.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

export function targetName(environment, index) {
  return `${environment}-${String(index).padStart(5, '0')}`;
}

function configOf({ folder, environments, ledger, target, trace }) {
  return {
    version: 1,
    project: 'bench',
    environments: Object.fromEntries(Object.entries(environments).map(([name, { more = {} }]) => [name, { schedule: '0 0 1 1 *', remediation: 'ask', ...more }])),
    targets: {
      all: {
        each: { folders: './desired/${target.environment}/*', name: '${match.1}' },
        environments: Object.keys(environments),
        provider: 'trivial',
        source: { path: './desired' },
        spec: { live: './live', ...(trace ? { trace: join(folder, 'trace') } : {}) },
        soak: '1s',
        ...target,
      },
    },
    ...(ledger === undefined ? {} : { ledger }),
  };
}

/** Ready once it polls. */
async function startWorker(task) {
  const child = spawn(process.execPath, [WORKER, JSON.stringify(task)], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => { said = `${said}${chunk}`.slice(-100_000); });
  const ended = new Promise((resolve) => { child.once('close', resolve); });
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  while (!said.includes('Working on')) {
    if (!isRunning()) throw new Error(`the worker ended: ${said}`);
    await sleep(50);
  }
  return {
    pid: child.pid,
    said: () => said,
    isRunning,
    ended,
    kill: async () => {
      if (isRunning()) child.kill('SIGKILL');
      await ended;
    },
    stop: async () => {
      if (isRunning()) child.kill('SIGTERM');
      await Promise.race([ended, sleep(25_000)]);
      if (isRunning()) child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Resident memory of a process now and at its highest, and the CPU time that it used, from /proc. */
export async function usageOf(pid) {
  const [status, stat] = await Promise.all([readFile(`/proc/${pid}/status`, 'utf8'), readFile(`/proc/${pid}/stat`, 'utf8')]).catch(() => ['', '']);
  const kilobytes = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { megabytes: kilobytes('VmRSS') / 1024, peak: kilobytes('VmHWM') / 1024, cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100 };
}

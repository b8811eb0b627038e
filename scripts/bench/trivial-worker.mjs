// A worker as it is shipped, around the trivial provider. Its only argument is JSON:
// { address, namespace, config, dataDir, kill? }. `kill`: a file that says at which call a worker kills itself,
// { when, call, nth, target }; the calls of all workers are counted in the trace, and the first to come there dies.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { composeDependencies, startWorkers } from '../../dist/worker.js';
import { loadConfig } from '../../dist/config/load.js';
import { trivialProvider } from './trivial-provider.mjs';

const task = JSON.parse(process.argv[2] ?? '{}');
const log = Object.fromEntries(['debug', 'info', 'warn', 'error'].map((level) => [level, (message, fields) => process.stderr.write(`${level} ${message} ${JSON.stringify(fields ?? {})}\n`)]));
const providers = { trivial: trivialProvider({ at: killAt }) };
const options = {
  connect: { address: task.address, namespace: task.namespace },
  load: (known) => loadConfig({ file: task.config, dataDir: task.dataDir, providers, ...(known === undefined ? {} : { known }) }),
  dataDir: task.dataDir,
  pools: [],
  access: 'both',
  control: true,
  log,
  env: process.env,
};
const composed = await composeDependencies(options);
const running = await startWorkers(options, { ...composed, deps: { ...composed.deps, providers } });
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => running.shutdown());
process.stderr.write(`Working on ${running.queues.join(', ')}\n`);
await running.run;

function killAt({ when, call, target, nth }) {
  if (task.kill === undefined) return;
  const wanted = wantedKill();
  if (wanted === undefined || wanted.when !== when || wanted.call !== call || wanted.target !== target || wanted.nth !== nth()) return;
  try {
    // Only one of the workers can move it.
    renameSync(task.kill, `${task.kill}.${process.pid}`);
  } catch {
    return;
  }
  writeFileSync(`${task.kill}.done`, JSON.stringify({ ...wanted, at: Date.now(), pid: process.pid }));
  process.kill(process.pid, 'SIGKILL');
}

function wantedKill() {
  try {
    return JSON.parse(readFileSync(task.kill, 'utf8'));
  } catch {
    return undefined;
  }
}

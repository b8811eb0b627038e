// A worker as it is shipped, with faults put between its steps and the world: it kills itself, fails
// or stalls at a named call. Its only argument is JSON: { address, namespace, config, dataDir, faults?, trace?, aheadMs? }.
import { appendFileSync } from 'node:fs';
import { composeDependencies, startWorkers } from '../../dist/worker.js';
import { HoldfastError } from '../../dist/domain/errors.js';
import { loadConfig } from '../../dist/config/load.js';
import { providers } from '../../dist/providers/index.js';

const task = JSON.parse(process.argv[2] ?? '{}');
const faults = task.faults ?? [];
const calls = new Map();
const log = Object.fromEntries(['debug', 'info', 'warn', 'error'].map((level) => [level, (message, fields) => process.stderr.write(`${level} ${message} ${JSON.stringify(fields ?? {})}\n`)]));

/** Methods whose calls are not worth a fault: they read. */
const READS = new Set(['entries', 'verify', 'close', 'getMeta', 'setMeta', 'takeDue', 'outbox', 'targets', 'report']);

const options = {
  connect: { address: task.address, namespace: task.namespace },
  load: (known) => loadConfig({ file: task.config, dataDir: task.dataDir, providers, now: new Date(), ...(known === undefined ? {} : { known }) }),
  dataDir: task.dataDir,
  pools: [],
  access: 'both',
  control: true,
  log,
  env: process.env,
};
const { kept, deps, known } = await composeDependencies(options);
const faulty = {
  ...deps,
  ...(task.aheadMs === undefined ? {} : { now: () => new Date(Date.now() + task.aheadMs) }),
  ledger: guarded('ledger', deps.ledger),
  artifacts: guarded('artifacts', deps.artifacts),
  providers: Object.fromEntries(Object.entries(deps.providers).map(([name, provider]) => [name, guarded(name, provider)])),
  probe: (...args) => at('probe', args, () => deps.probe(...args)),
  tell: (...args) => at('tell', args, () => deps.tell(...args)),
};
const running = await startWorkers(options, { kept, deps: faulty, known });
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => running.shutdown());
process.stderr.write(`Working on ${running.queues.join(', ')}\n`);
await running.run;

function guarded(name, whole) {
  const methods = Object.entries(whole).filter(([method, value]) => typeof value === 'function' && !READS.has(method));
  return { ...whole, ...Object.fromEntries(methods.map(([method, call]) => [method, (...args) => at(`${name}.${method}`, args, () => call(...args))])) };
}

async function at(point, args, act) {
  const text = textOf(args);
  const call = (calls.get(point) ?? 0) + 1;
  calls.set(point, call);
  if (task.trace !== undefined) appendFileSync(task.trace, `${point} ${call} at ${Date.now()} ${text.slice(0, 200)}\n`);
  await strike('before', { point, call, text });
  const result = await act().catch((error) => {
    process.stderr.write(`failed: ${point} ${call}: ${error.failure ?? error.name}: ${error.message}\n`);
    throw error;
  });
  const swollen = await strike('after', { point, call, text });
  return swollen === undefined ? result : { ...result, data: { ...result.data, swollen } };
}

async function strike(when, { point, call, text }) {
  for (const fault of faults) {
    if (fault.point !== point || fault.when !== when) continue;
    if (fault.of !== undefined) {
      if (!text.includes(fault.of)) continue;
      // Calls of that kind are counted apart.
      fault.seen = (fault.seen ?? 0) + 1;
      if (fault.call !== undefined && fault.seen !== fault.call) continue;
    } else if (fault.call !== undefined && fault.call !== call) continue;
    process.stderr.write(`fault: ${fault.act} ${when} ${point} ${call}\n`);
    if (fault.act === 'kill') {
      process.kill(process.pid, 'SIGKILL');
      await new Promise(() => undefined);
    }
    if (fault.act === 'stall') await new Promise((resolve) => setTimeout(resolve, fault.ms ?? 0));
    if (fault.act === 'swell') return 'x'.repeat(3_000_000);
    if (fault.act === 'throttle') throw new HoldfastError('Throttled', `${point} was asked too often`, { retryAfterMs: fault.ms ?? 0 });
    if (fault.act === 'refuse') throw new HoldfastError('Rejected', `${point} was rejected`);
    if (fault.act === 'fail') throw new Error(`${point} timed out`);
  }
  return undefined;
}

function textOf(args) {
  try {
    return JSON.stringify(args[0] === undefined ? args : args.slice(0, 2)) ?? '';
  } catch {
    return '';
  }
}

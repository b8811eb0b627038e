// A small site for measuring: a real Temporal server, real workers, real files, counted by the server itself.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectClient } from '../../dist/client.js';
import { loadConfig } from '../../dist/config/load.js';
import { freePort } from '../../dist/embedded/ports.js';
import { startTemporal } from '../../dist/embedded/server.js';
import { openLedger } from '../../dist/ledger/open.js';
import { providers } from '../../dist/providers/index.js';
import { startWorkers } from '../../dist/worker.js';

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** `environments`: by name, `{ remediation, targets, soak, health }`. Runs `work` and takes everything down again. */
export async function withSite(environments, work) {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  const health = await healthServer();
  const dataDir = join(folder, '.holdfast');
  await mkdir(dataDir, { recursive: true });
  await writeTargets(folder, environments);
  const file = join(folder, 'holdfast.yaml');
  await writeFile(file, configOf(environments, health.port));
  const temporal = await startTemporal({ dataDir, port: await freePort(), uiPort: await freePort(), log: () => undefined });
  const connect = { address: temporal.address, namespace: temporal.namespace };
  const load = () => loadConfig({ file, providers, dataDir });
  const workers = await startWorkers({ connect, load, dataDir, pools: [], access: 'both', control: true, log: silent, env: process.env });
  const running = workers.run.catch((error) => { throw error; });
  const client = await connectClient(connect);
  const ledger = await openLedger(await load());
  try {
    await sleep(3_000);
    return await work({ folder, client, ledger, health, temporal, connect, file });
  } finally {
    await client.close();
    await ledger.close();
    workers.shutdown();
    await running;
    await temporal.stop();
    health.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Billed actions of the namespace so far, by type; queries do not change anything and are left out. */
async function actions(temporal) {
  const text = await (await fetch(temporal.metricsUrl)).text();
  const counts = {};
  for (const line of text.split('\n')) {
    const match = /^action\{action_type="([^"]+)",namespace="default",.*\} (\d+)$/.exec(line);
    if (match !== null && !/Query|CreateSchedule|PatchSchedule/.test(match[1])) counts[match[1]] = (counts[match[1]] ?? 0) + Number(match[2]);
  }
  return counts;
}

/** What `work` cost, by type and in all, once nothing moves any more. */
export async function costOf(temporal, work) {
  const before = await settled(temporal);
  const result = await work();
  const after = await settled(temporal);
  const byType = Object.fromEntries(Object.entries(after).map(([type, count]) => [type, count - (before[type] ?? 0)]).filter(([, count]) => count !== 0));
  return { result, byType, total: Object.values(byType).reduce((sum, count) => sum + count, 0) };
}

async function settled(temporal) {
  for (let last = ''; ; ) {
    const counts = await actions(temporal);
    const text = JSON.stringify(counts);
    if (text === last) return counts;
    last = text;
    await sleep(1_500);
  }
}

function configOf(environments, port) {
  const targets = Object.entries(environments).flatMap(([environment, { targets, soak = '1s', remediation }]) =>
    Array.from({ length: targets }, (_, index) => [
      `  ${environment}-${String(index).padStart(4, '0')}:`,
      `    environments: [${environment}]`,
      '    provider: files',
      `    source: { path: "./desired/${environment}/${index}" }`,
      `    spec: { root: "./live/${environment}/${index}" }`,
      `    soak: ${soak}`,
      ...(remediation === 'observe' ? [] : [`    health: [{ type: http, url: "http://127.0.0.1:${port}/${environment}", interval: 200ms, count: 2 }]`]),
    ].join('\n')));
  return [
    'version: 1',
    'project: bench',
    'environments:',
    ...Object.entries(environments).map(([name, { remediation, schedule = '0 0 1 1 *' }]) => `  ${name}: { schedule: "${schedule}", remediation: ${remediation}, limits: { reads: 16 } }`),
    'targets:',
    ...targets,
    '',
  ].join('\n');
}

async function writeTargets(folder, environments) {
  for (const [environment, { targets, files = 1 }] of Object.entries(environments)) {
    for (let index = 0; index < targets; index += 1) {
      for (const side of ['desired', 'live']) {
        const root = join(folder, side, environment, String(index));
        await mkdir(root, { recursive: true });
        for (let file = 0; file < files; file += 1) await writeFile(join(root, `app-${file}.yaml`), `port: 8080\nname: app-${file}\n`);
      }
    }
  }
}

/** Answers 200, unless told that an environment is unhealthy once its file says so. */
async function healthServer() {
  const sick = new Map();
  const server = createServer((request, response) => {
    const check = sick.get(request.url);
    void Promise.resolve(check === undefined ? false : check()).then((bad) => {
      response.statusCode = bad ? 503 : 200;
      response.end();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: server.address().port, unhealthyWhen: (environment, check) => sick.set(`/${environment}`, check), close: () => server.close() };
}

import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { devServer, type DevServer } from '../support/dev-server.js';
import { checkStatements, tenMoreChecks } from '../support/evidence.js';
import { addressOf, openLaboratory, type Laboratory } from '../support/laboratory.js';
import type { Running } from '../support/processes.js';
import { generator } from '../support/seeded.js';
import type { SiteTarget } from '../support/site.js';
import type { Violation } from '../support/statements.js';
import { readTree } from '../support/trees.js';
import { eventually } from '../support/waiting.js';
import { CANARIES } from './crash-cases.js';

/** Always the same in `npm test`; `npm run faults` draws a new one, and `--seed N --cases N` repeats a run and makes it longer. */
const SEED = Number(process.env['HOLDFAST_FAULT_SEED'] ?? 1);
const CASES = Number(process.env['HOLDFAST_FAULT_CASES'] ?? 1);
const KILLS = 4;

const FILES = { 'etc/app.json': '{"port":80}\n', 'etc/note.txt': 'as it should be\n', 'etc/secret.env': 'API_TOKEN=canary-desired-7f3a\n' };
const DRIFT = { 'etc/app.json': '{"port":81}\n', 'etc/note.txt': undefined, 'etc/secret.env': 'API_TOKEN=canary-live-91c2\n' };
const TARGETS: readonly SiteTarget[] = [
  { address: 'dev/link', files: FILES },
  { address: 'dev/place', files: FILES, inPlace: true },
  { address: 'dev/served', service: true },
  { address: 'risky/back', files: FILES },
  { address: 'prod/asked', files: FILES },
];
/** What is rolled back has one of its own: its class takes a step back there, and the others would be asked about. */
const ENVIRONMENTS = ['dev', 'risky', 'prod'];
const OUTCOMES = { 'dev/link': 'fixed', 'dev/place': 'fixed', 'dev/served': 'fixed', 'risky/back': 'rolled-back', 'prod/asked': 'fixed' };

for (let index = 0; index < CASES; index += 1) {
  test(`worker, server or both killed ${KILLS} times in the middle of five incidents (seed ${SEED + index}): every statement holds`, async () => {
    const { outcomes, violations } = await survive(generator(SEED + index));
    expect({ outcomes, violations }).toEqual({ outcomes: OUTCOMES, violations: [] });
  }, 400_000);
}

async function survive(random: () => number): Promise<{ readonly outcomes: Readonly<Record<string, string | undefined>>; readonly violations: readonly Violation[] }> {
  let server = await devServer();
  const { dataDir } = server;
  const port = Number(server.address.split(':')[1]);
  const lab = await openLaboratory({ address: server.address, namespace: server.namespace }, { targets: TARGETS, environments: { risky: { remediation: 'auto' } } });
  try {
    const wanted = (await readTree(lab.site.desired('risky/back')))['etc/app.json'];
    lab.site.health.set('risky/back', async () => (await readTree(lab.site.live('risky/back')))['etc/app.json'] !== wanted);
    for (const { address, service } of TARGETS) await lab.site.drift(address, service === true ? { 'etc/features.toml': undefined } : DRIFT);
    let worker = await lab.worker();
    for (const environment of ENVIRONMENTS) await lab.client.startCheck(environment);
    const approving = approveWhenAsked(lab);
    for (let kill = 0; kill < KILLS; kill += 1) {
      await sleep(200 + random() * 3_500);
      ({ server, worker } = await killSomething(lab, { server, worker, dataDir, port }, random));
    }
    await approving;
    const rows = await Promise.all(TARGETS.map(({ address }) => lab.untilClosed(address, undefined, 180_000)));
    const quiet = await tenMoreChecks(lab, ENVIRONMENTS);
    const violations = await checkStatements(lab, { canaries: CANARIES, serverFolder: dataDir, quiet });
    return { outcomes: Object.fromEntries(rows.map((row) => [`${row.environment}/${row.target}`, row.outcome])), violations };
  } finally {
    await lab.close();
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

interface Things {
  readonly server: DevServer;
  readonly worker: Running;
  readonly dataDir: string;
  readonly port: number;
}

async function killSomething(lab: Laboratory, { server, worker, dataDir, port }: Things, random: () => number): Promise<Pick<Things, 'server' | 'worker'>> {
  const what = random();
  const killsServer = what > 0.5;
  const killsWorker = what < 0.5 || what > 0.75;
  await Promise.all([killsServer ? server.kill() : undefined, killsWorker ? worker.kill() : undefined]);
  await sleep(random() * 2_000);
  const next = killsServer ? await devServer({ dataDir, port }) : server;
  return { server: next, worker: killsWorker ? await lab.worker() : worker };
}

/** A person who tries until there is somebody to hear it. */
async function approveWhenAsked(lab: Laboratory): Promise<void> {
  await eventually('the approval is heard', async () => {
    const status = await lab.status('prod/asked');
    const plan = status?.parts.find((part) => part.phase === 'awaiting-approval')?.plan;
    if (status === undefined || plan === undefined) return status?.phase === 'closed' || status?.parts.some((part) => part.phase !== 'awaiting-approval') ? true : undefined;
    const { result } = await lab.client.decide(addressOf('prod/asked'), { decision: 'approve', by: 'alice', plan });
    return result === 'accepted' || result === 'already-decided' ? true : undefined;
  }, { timeoutMs: 200_000, last: () => 'nobody answers' });
}

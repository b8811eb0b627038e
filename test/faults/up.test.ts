import { afterAll, beforeAll, expect, test } from 'vitest';
import { readEmbedded } from '../../src/embedded/data-folder.js';
import { freePort } from '../../src/embedded/ports.js';
import { endProcess } from '../../src/embedded/process.js';
import { laboratoryOf } from '../support/laboratory.js';
import { HOLDFAST, startNode, type Running } from '../support/processes.js';
import { createSite, type Site } from '../support/site.js';
import { eventually } from '../support/waiting.js';
import { checkStatements } from '../support/evidence.js';

const FILES = { 'etc/app.json': '{"port":80}\n' };
const DRIFT = { 'etc/app.json': '{"port":81}\n' };

let site: Site;
let ports: readonly string[];
const started: Running[] = [];

beforeAll(async () => {
  site = await createSite({ targets: [{ address: 'dev/web', files: FILES, more: { soak: '6s' } }] });
  ports = ['--port', String(await freePort()), '--temporal-ui-port', String(await freePort())];
}, 60_000);

afterAll(async () => {
  await Promise.all(started.map((running) => running.stop()));
  const server = await readEmbedded(site.dataDir);
  if (server?.running === true) await endProcess(server.process, 5_000);
  await site.remove();
}, 60_000);

async function up(): Promise<Running> {
  const running = startNode([HOLDFAST, 'up', '--config', site.config, ...ports]);
  started.push(running);
  await eventually('up is ready', () => (running.said().includes('Holdfast is up') ? true : undefined), { last: () => running.said() });
  return running;
}

test('a second up on one data folder is refused by name; killed in the middle of an incident, the next start takes the server over and goes on', async () => {
  const first = await up();
  const second = startNode([HOLDFAST, 'up', '--config', site.config]);
  started.push(second);
  expect(await second.ended).toBe(1);
  expect(second.said()).toContain(`process ${first.pid}`);

  const server = await readEmbedded(site.dataDir);
  const lab = await laboratoryOf({ address: server?.address ?? '', namespace: server?.namespace ?? '' }, site);
  await site.drift('dev/web', DRIFT);
  await lab.check('dev');
  await lab.untilPhase('dev/web', 'soaking');
  await first.kill();
  const next = await up();
  expect(next.said()).toContain('took over the Temporal server');
  expect((await lab.untilClosed('dev/web')).outcome).toBe('fixed');
  expect(await checkStatements(lab)).toEqual([]);
  await next.stop();
  expect((await readEmbedded(site.dataDir))?.running ?? false).toBe(false);
}, 300_000);

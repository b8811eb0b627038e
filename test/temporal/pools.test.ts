import { afterAll, beforeAll, expect, test } from 'vitest';
import { devServer, type DevServer } from '../support/dev-server.js';
import { newNamespace, openLaboratory, type Laboratory } from '../support/laboratory.js';
import { HOLDFAST, startNode } from '../support/processes.js';
import { eventually } from '../support/waiting.js';

const FILES = { 'etc/app.json': '{"port":80}\n' };
const DRIFT = { 'etc/app.json': '{"port":81}\n' };
const QUEUES = ['holdfast', 'holdfast-dev-read', 'holdfast-dev-write', 'holdfast-prod-read', 'holdfast-prod-write'];

let server: DevServer;
let lab: Laboratory;

beforeAll(async () => {
  server = await devServer();
  lab = await openLaboratory(await newNamespace(server.address), {
    targets: [{ address: 'prod/web', files: FILES }],
    environments: { prod: { remediation: 'ask' } },
  });
}, 300_000);

afterAll(async () => {
  await lab.close();
  await server.stop();
}, 60_000);

/** The queues that the server has seen asked for since it began. */
async function polled(): Promise<readonly string[]> {
  const seen = await lab.client.pollers(QUEUES);
  return QUEUES.filter((queue) => (seen[queue] ?? 0) > 0);
}

async function holdfast(...args: readonly string[]): Promise<string> {
  const running = startNode([HOLDFAST, ...args, '--config', lab.site.config, '--data-dir', lab.site.dataDir], lab.env);
  await running.ended;
  return running.said();
}

test('a worker asks for the work of its pool and access and for nothing else, as the server sees it', async () => {
  const reader = await lab.worker(['--pool', 'prod', '--access', 'read']);
  await eventually('it reads', async () => ((await polled()).length > 0 ? true : undefined));
  expect(reader.said()).toContain('Working on holdfast-prod-read.');
  expect(await polled()).toEqual(['holdfast-prod-read']);

  await lab.worker(['--access', 'none']);
  await eventually('workflows run', async () => ((await polled()).includes('holdfast') ? true : undefined));
  expect(await polled()).toEqual(['holdfast', 'holdfast-prod-read']);

  await lab.site.drift('prod/web', DRIFT);
  await lab.check('prod');
  expect((await lab.approve('prod/web')).result).toBe('accepted');
  const doctor = await holdfast('doctor');
  expect(doctor).toMatch(/nobody polls .*holdfast-prod-write/);
  expect(doctor).not.toMatch(/nobody polls [^\n]*holdfast-prod-read/);
  await eventually('its target says what it waits for', async () => (/waits for a worker/.test(await holdfast('status')) ? true : undefined), { timeoutMs: 30_000, last: () => holdfast('status') });

  const writer = await lab.worker(['--pool', 'prod', '--access', 'write', '--no-control']);
  expect(writer.said()).toContain('Working on holdfast-prod-write.');
  expect((await lab.untilClosed('prod/web')).outcome).toBe('fixed');
  expect(await polled()).toEqual(['holdfast', 'holdfast-prod-read', 'holdfast-prod-write']);
}, 300_000);

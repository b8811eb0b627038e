import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectTemporal } from '../../src/client/connect.js';
import { freePort } from '../../src/embedded/ports.js';
import { readEmbedded } from '../../src/embedded/data-folder.js';
import { isRunning } from '../../src/system/process.js';
import { HOLDFAST, startNode, type Running } from '../support/processes.js';
import { quickstartCopy, quickstartScripts, LIBRARY } from '../support/quickstart.js';
import { eventually } from '../support/waiting.js';

/** One running quickstart, broken as a person would break it, seen as a person sees it. The tests build on each other's site, not on each other's outcome. */
const scripts = await quickstartScripts();
const scenarios = await scripts.readScenarios(LIBRARY);
let copy: Awaited<ReturnType<typeof quickstartCopy>>;
let ports: readonly string[];
let up: Running;

interface Incident {
  readonly number: number;
  readonly phase: string;
  readonly outcome?: string;
  readonly narrative?: string;
  readonly parts: readonly { readonly plan?: string; readonly phase: string }[];
}

beforeAll(async () => {
  copy = await quickstartCopy();
  await scripts.startServices(copy.folder, () => undefined);
  ports = ['--port', String(await freePort()), '--temporal-ui-port', String(await freePort())];
  up = await startUp();
  // A first clean look, from which it can be told whether live or desired moved.
  for (const environment of ['dev', 'staging', 'prod']) await check(environment);
}, 600_000);

afterAll(async () => {
  await up.stop();
  await copy.remove();
}, 60_000);

async function startUp(): Promise<Running> {
  const running = startNode([HOLDFAST, 'up', '--config', config(), ...ports]);
  await eventually('up is ready', () => (/is up/.test(running.said()) ? true : undefined), { timeoutMs: 540_000, last: () => running.said() });
  return running;
}

function config(): string {
  return join(copy.folder, 'holdfast.yaml');
}

function live(environment: string, file: string): string {
  return join(copy.folder, '.holdfast', 'live', environment, 'current', file);
}

async function say(...args: readonly string[]): Promise<{ code: number | string; said: string }> {
  const running = startNode([HOLDFAST, ...args, '--config', config()]);
  return { code: await running.ended, said: running.said() };
}

async function json(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { said } = await say(...args, '-o', 'json');
  return JSON.parse(said.slice(said.indexOf('{'), said.lastIndexOf('}') + 1)) as Record<string, unknown>;
}

async function perform(name: string, environment: string): Promise<void> {
  const scenario = scenarios.find((each) => each.name === name);
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  await scripts.carryOut(scenario, { folder: copy.folder, environment });
}

async function check(environment: string): Promise<void> {
  expect((await say('check', environment, '--remote', '--wait', '--timeout', '60s')).code).not.toBe(1);
}

async function incidents(environment: string): Promise<readonly Incident[]> {
  return ((await json('incidents', environment)) as unknown as { incidents: readonly Incident[] }).incidents;
}

/** Breaks, checks, and waits until the incident that this opened stands as asked. */
async function opened(name: string, environment: string): Promise<number> {
  const before = (await incidents(environment)).length;
  await perform(name, environment);
  await check(environment);
  const all = await eventually(`an incident of ${environment}`, async () => {
    const found = await incidents(environment);
    return found.length > before ? found : undefined;
  });
  return Math.max(...all.map((each) => each.number));
}

async function reaches(environment: string, number: number, what: (incident: Incident) => boolean): Promise<Incident> {
  const one = async (): Promise<Incident> => (await json('incident', `${environment}/storefront#${number}`))['incident'] as Incident;
  return eventually(`${environment}/storefront#${number}`, async () => { const incident = await one(); return what(incident) ? incident : undefined; }, { timeoutMs: 120_000, last: one });
}

const closed = (incident: Incident): boolean => incident.outcome !== undefined;
const asks = (incident: Incident): boolean => incident.phase === 'awaiting-approval';

test('edited-setting in dev is repaired without a hand, and a closed repair can be undone and then stays quiet', async () => {
  const before = readFileSync(live('dev', 'etc/app.yaml'), 'utf8');
  const number = await opened('edited-setting', 'dev');
  expect((await reaches('dev', number, closed)).outcome).toBe('fixed');
  expect(readFileSync(live('dev', 'etc/app.yaml'), 'utf8')).toBe(before);

  expect((await say('rollback', `dev/storefront#${number}`, '--reason', 'try the undo')).said).toContain('puts back');
  expect((await reaches('dev', number + 1, closed)).outcome).toBe('rolled-back');
  expect(readFileSync(live('dev', 'etc/app.yaml'), 'utf8')).not.toBe(before);
  const count = (await incidents('dev')).length;
  await check('dev');
  await check('dev');
  expect((await incidents('dev')).length).toBe(count);
  await scripts.reset(copy.folder);
}, 240_000);

test('hotfix in prod asks everywhere; approved, it is rolled back to the emergency value and named', async () => {
  const number = await opened('hotfix', 'prod');
  const asked = await reaches('prod', number, asks);
  const plan = asked.parts[0]?.plan ?? '';
  expect((await say('status', 'prod')).said).toContain('waits for an approval');
  const { address, namespace } = (await readEmbedded(join(copy.folder, '.holdfast'))) ?? { address: '', namespace: '' };
  const client = await connectTemporal({ address, namespace });
  const found = client.workflow.list({ query: "HoldfastEnvironment='prod' AND HoldfastPhase='awaiting-approval' AND ExecutionStatus='Running'" });
  expect((await found[Symbol.asyncIterator]().next()).value).toMatchObject({ workflowId: 'incident/prod/storefront' });
  const metadata = await client.workflow.getHandle('incident/prod/storefront').query<{ currentDetails?: string }>('__temporal_workflow_metadata');
  expect(metadata.currentDetails).toContain(plan.slice(0, 12));
  await client.connection.close();

  expect((await say('approve', `prod/storefront#${number}`)).code).not.toBe(0);
  expect((await say('approve', `prod/storefront#${number}`, '--plan', plan.slice(0, 12), '--by', 'alice')).code).toBe(0);
  const ended = await reaches('prod', number, closed);
  expect(ended.outcome).toBe('rolled-back');
  expect(ended.narrative).toContain('looks like a hotfix to adopt');
  expect(JSON.parse(readFileSync(live('prod', 'etc/limits.json'), 'utf8'))).toMatchObject({ workers: 8 });
}, 240_000);

test('a rejected drift stays quiet, while the one that was rolled back stays so too', async () => {
  const number = await opened('edited-setting', 'prod');
  await reaches('prod', number, asks);
  expect((await say('reject', `prod/storefront#${number}`, '--reason', 'wanted', '--by', 'bob')).code).toBe(0);
  expect((await reaches('prod', number, closed)).outcome).toBe('rejected');
  const count = (await incidents('prod')).length;
  for (let again = 0; again < 3; again += 1) await check('prod');
  expect((await incidents('prod')).length).toBe(count);
  await scripts.reset(copy.folder);
}, 240_000);

test('broken-desired in staging never reaches the live service, and the desired state is named', async () => {
  const before = readFileSync(live('staging', 'etc/limits.json'), 'utf8');
  const number = await opened('broken-desired', 'staging');
  const ended = await reaches('staging', number, closed);
  expect(ended.outcome).toBe('rolled-back');
  expect(ended.narrative).toContain('Correct the desired state');
  expect(readFileSync(live('staging', 'etc/limits.json'), 'utf8')).toBe(before);
  await scripts.reset(copy.folder);
}, 240_000);

test('deleted-file, permissions and extra-file in staging: two repaired, the removal asked about and done once approved', async () => {
  await perform('deleted-file', 'staging');
  await perform('permissions', 'staging');
  const number = await opened('extra-file', 'staging');
  const asking = await reaches('staging', number, (incident) => asks(incident) && incident.parts.some((part) => part.phase === 'closed'));
  const plan = asking.parts.find((part) => part.phase === 'awaiting-approval')?.plan ?? '';
  expect((await say('approve', `staging/storefront#${number}`, '--plan', plan.slice(0, 12), '--by', 'alice')).code).toBe(0);
  expect((await reaches('staging', number, closed)).outcome).toBe('fixed');
  expect((await say('check', 'staging')).code).toBe(0);
}, 240_000);

test('everything killed in the middle of a repair: the next start goes on with it, and the record verifies', async () => {
  const number = await opened('edited-setting', 'staging');
  await reaches('staging', number, (incident) => incident.phase !== 'deciding');
  const server = await readEmbedded(join(copy.folder, '.holdfast'));
  await up.kill();
  if (server !== undefined && isRunning(server.process)) process.kill(server.process.pid, 'SIGKILL');
  up = await startUp();
  expect((await reaches('staging', number, closed)).outcome).toBe('fixed');
  expect((await say('check', 'staging')).code).toBe(0);
  expect((await say('audit', 'verify')).code).toBe(0);
  expect(existsSync(live('staging', 'etc/app.yaml'))).toBe(true);
  expect(statSync(live('staging', 'etc/app.yaml')).isFile()).toBe(true);
}, 240_000);

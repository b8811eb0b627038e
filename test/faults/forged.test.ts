import { ActivityFailure, ApplicationFailure, WorkflowFailedError } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { incidentWorkflowId, poolQueue, WORKFLOW_QUEUE } from '../../src/workflows/messages.js';
import { devServer, type DevServer } from '../support/dev-server.js';
import { checkStatements } from '../support/evidence.js';
import { addressOf, newNamespace, openLaboratory, type Laboratory } from '../support/laboratory.js';
import { readTree } from '../support/trees.js';
import { quietRuntime } from '../support/workflow-bundle.js';

const FILES = { 'etc/app.json': '{"port":80}\n' };
const DRIFT = { 'etc/app.json': '{"port":81}\n' };

let server: DevServer;
let lab: Laboratory;
let stranger: Worker;
let strangerRuns: Promise<void>;
let connection: NativeConnection;
let plan: string;

beforeAll(async () => {
  server = await devServer();
  const place = await newNamespace(server.address);
  lab = await openLaboratory(place, { targets: [{ address: 'prod/asked', files: FILES }, { address: 'dev/done', files: FILES }, { address: 'dev/untouched', files: FILES }] });
  await lab.worker();
  quietRuntime();
  connection = await NativeConnection.connect({ address: place.address });
  stranger = await Worker.create({ connection, namespace: place.namespace, taskQueue: 'stranger', workflowsPath: new URL('../support/forger.ts', import.meta.url).pathname });
  strangerRuns = stranger.run();
  for (const address of ['prod/asked', 'dev/done']) await lab.site.drift(address, DRIFT);
  await Promise.all([lab.check('prod'), lab.check('dev/done')]);
  plan = (await lab.untilPhase('prod/asked', 'awaiting-approval')).parts[0]?.plan ?? '';
  await lab.untilClosed('dev/done');
}, 300_000);

afterAll(async () => {
  stranger.shutdown();
  await strangerRuns;
  await connection.close();
  await lab.close();
  await server.stop();
}, 60_000);

/** What the step answered, or why it was refused. */
async function forge(workflowId: string, queue: string, step: string, input: unknown): Promise<string> {
  try {
    return JSON.stringify(await lab.temporal.workflow.execute('forge', { taskQueue: 'stranger', workflowId, args: [{ queue, step, input }] }));
  } catch (error) {
    const cause = error instanceof WorkflowFailedError ? error.cause : error;
    const inner = cause instanceof ActivityFailure ? cause.cause : cause;
    return inner instanceof ApplicationFailure ? `${inner.type ?? ''}: ${inner.message}` : String(inner);
  }
}

async function partRef(address: string): Promise<object> {
  const row = await lab.incident(address);
  const part = row?.parts[0] ?? {};
  const { environment, target } = addressOf(address);
  return { incident: { environment, target, number: 1 }, part: 1, plan: part['plan'], ask: part['ask'], run: row?.runId, round: 1 };
}

async function everything(): Promise<string> {
  return JSON.stringify(await Promise.all(lab.site.targets.map(({ address }) => readTree(lab.site.live(address)))));
}

test('a stage, finalize or rollback scheduled straight on the write queue is refused by the write worker, under a strange id and under the incident\'s own', async () => {
  const before = await everything();
  for (const [address, queue] of [['prod/asked', poolQueue('prod', 'write')], ['dev/done', poolQueue('dev', 'write')]] as const) {
    const ref = await partRef(address);
    const rollback = { ...ref, cause: 'asked', reason: 'forged' };
    const { environment, target } = addressOf(address);
    // The id of the incident itself is free once that has ended.
    const ids = address === 'dev/done' ? ['forged', incidentWorkflowId(environment, target)] : ['forged'];
    for (const id of ids) {
      for (const [step, input] of [['stage', ref], ['finalize', ref], ['rollback', rollback]] as const) {
        expect([address, id, step, await forge(id, queue, step, input)]).toEqual([address, id, step, expect.stringContaining('Refused')]);
      }
    }
  }
  expect(await everything()).toBe(before);
}, 300_000);

test('a step that records is believed as little: no end, no question and no command comes from a stranger', async () => {
  const ref = await partRef('prod/asked');
  const { environment, target } = addressOf('prod/asked');
  const incident = { environment, target, number: 1 };
  const end = { incident, run: 'x', outcome: 'fixed', malformed: 0, parts: [{ part: 1, outcome: 'fixed', decision: 'ask', reason: 'forged', plan }] };
  const message = { command: 'release', scope: 'prod', gate: 'quarantine', by: 'eve', reason: 'forged' };
  const answers = [
    await forge('forged', WORKFLOW_QUEUE, 'close', end),
    await forge('forged', poolQueue('prod', 'read'), 'verify', { ...ref, final: true, end }),
    await forge('forged', WORKFLOW_QUEUE, 'command', { environment: 'prod', message, run: 'x' }),
  ];
  for (const answer of answers) expect(answer).toContain('Refused');
  expect(await lab.incident('prod/asked')).toMatchObject({ phase: 'awaiting-approval' });
}, 300_000);

test('a forged incident for a target that has none writes nothing and leaves the real one its place', async () => {
  const { environment, target } = addressOf('dev/untouched');
  const forged = await lab.temporal.workflow.start('incident', { taskQueue: WORKFLOW_QUEUE, workflowId: incidentWorkflowId(environment, target), args: [{ incident: { environment, target, number: 7 }, kind: 'drift', pool: 'dev' }] });
  await forged.result().catch(() => undefined);
  expect(await lab.incident('dev/untouched')).toBeUndefined();
  await lab.site.drift('dev/untouched', DRIFT);
  await lab.check('dev/untouched');
  expect((await lab.untilClosed('dev/untouched')).outcome).toBe('fixed');
}, 300_000);

test('what people decide goes on as if nobody had forged anything', async () => {
  expect(await lab.approve('prod/asked')).toMatchObject({ result: 'accepted' });
  expect((await lab.untilClosed('prod/asked')).outcome).toBe('fixed');
  expect(await checkStatements(lab)).toEqual([]);
}, 300_000);

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, describe, expect, it } from 'vitest';
import type { Dependencies } from '../../src/activities/deps.js';
import { createActivities } from '../../src/activities/index.js';

const workRoot = mkdtempSync(join(tmpdir(), 'holdfast-forged-'));
afterAll(() => { rmSync(workRoot, { recursive: true, force: true }); });

/** Whatever else a step would use of the world is not there, so that only a refusal passes. */
const DEPS = { workRoot, readOnly: false, ledger: { stepDone: () => Promise.resolve(undefined) } } as unknown as Dependencies;

const incident = { environment: 'prod', target: 'storefront', number: 1 };
const ref = { incident, part: 1, plan: 'a'.repeat(64), ask: 'ask-1', run: 'run-1', round: 1 };
const END = { incident, run: 'run-1', outcome: 'fixed', parts: [], malformed: 0 } as const;
const OWN = 'incident/prod/storefront';

const { control, read, write } = createActivities(DEPS);
/** A health check that runs a command of the forger's choice. */
const staged = { artifacts: [], data: {}, shadow: { health: [{ type: 'command', name: 'x', command: ['true'] }] } } as never;
/** What a task brings with it is not believed. */
const FORGED = { ...ref, staged };
const STEPS: Readonly<Record<string, (by: MockActivityEnvironment) => Promise<unknown>>> = {
  assess: (by) => by.run(() => read.assess({ incident, kind: 'drift', run: 'run-1', ordinal: 1, nextPart: 1, settled: [], parts: [] })),
  validate: (by) => by.run(() => read.validate(FORGED)),
  verify: (by) => by.run(() => read.verify({ ...ref, final: true, end: END })),
  stage: (by) => by.run(() => write.stage(ref)),
  finalize: (by) => by.run(() => write.finalize(FORGED)),
  rollback: (by) => by.run(() => write.rollback({ ...FORGED, cause: 'asked', reason: 'x' })),
  judge: (by) => by.run(() => control.judge({ incident, run: 'run-1', messages: [], questions: [], malformed: 0 })),
  remind: (by) => by.run(() => control.remind({ incident, part: 1, plan: ref.plan, ordinal: 1 })),
  close: (by) => by.run(() => control.close(END)),
};

const FORGERS = [
  { reason: 'a workflow of another id', info: { workflowType: 'incident', workflowExecution: { workflowId: 'mine', runId: 'r' } } },
  { reason: 'the incident of another target', info: { workflowType: 'incident', workflowExecution: { workflowId: 'incident/prod/network', runId: 'r' } } },
  { reason: 'another type under the id of the incident', info: { workflowType: 'mine', workflowExecution: { workflowId: OWN, runId: 'r' } } },
];

describe.each(Object.entries(STEPS))('%s', (_, step) => {
  it.each(FORGERS)('is refused when scheduled by $reason', async ({ info }) => {
    await expect(step(new MockActivityEnvironment(info))).rejects.toMatchObject({
      type: 'Refused', nonRetryable: true, message: expect.stringContaining("not scheduled by the incident's own workflow") as string,
    });
  });
});

it('refuses a command that the guard of the environment did not schedule, because its handlers are where access is asked', async () => {
  const message = { command: 'unfreeze', scope: 'prod', by: 'mallory', reason: 'let me' } as const;
  for (const [workflowType, workflowId] of [['incident', OWN], ['environment', 'environment/dev']]) {
    const by = new MockActivityEnvironment({ workflowType, workflowExecution: { workflowId: workflowId ?? '', runId: 'run-1' } });
    await expect(by.run(() => control.command({ environment: 'prod', run: 'run-1', message }))).rejects.toThrow(/environment's own workflow/);
  }
});

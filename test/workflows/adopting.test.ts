import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { expect, test } from 'vitest';
import type { Assessment } from '../../src/activities/types.js';
import type { IncidentStatus } from '../../src/workflows/messages.js';
import { shareEnvironment } from '../support/time-skipping.js';
import { assessed, inWorld, OTHER, part, PLAN, type World } from './world.js';

let env: TestWorkflowEnvironment;

shareEnvironment((made) => { env = made; });

const ADOPT = { by: 'alice', reason: 'right as it is', plan: PLAN.slice(0, 12) };
const TAKEN_IN: Assessment = assessed([], { gone: [{ part: 1, event: 'adopted', reason: 'alice adopted it, and the desired state says so now' }] });

/** Waits until the part says so of itself. */
async function saying(world: World, text: string): Promise<IncidentStatus> {
  for (let tries = 0; tries < 1_200; tries += 1) {
    const status = await world.status().catch(() => undefined);
    if (status?.parts.some((each) => each.waitsFor?.includes(text)) === true) return status;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`never "${text}": ${JSON.stringify(await world.status())}`);
}

test('adopted: a branch is made, the question expires no more, and a clean check closes it', async () => {
  let next = assessed([part({ adoptable: true, expiresAt: new Date(Date.now() + 4 * 3_600_000).toISOString() })]);
  await inWorld(env, () => ({ assess: () => Promise.resolve(next) }), async (world) => {
    const incident = await world.start();
    await world.until('awaiting-approval');
    expect(await world.details()).toContain('send the signal `adopt`');
    await incident.signal('adopt', ADOPT);
    expect(await saying(world, 'waits to be merged')).toMatchObject({ phase: 'awaiting-approval' });
    // Over many days: nobody is asked any more, and nothing runs out.
    await env.sleep('10 days');
    expect((await world.status()).phase).toBe('awaiting-approval');
    next = TAKEN_IN;
    await incident.signal('observed', {});
    expect(((await incident.result()) as IncidentStatus).outcome).toBe('adopted');
    expect(world.calls).toEqual(['assess', 'judge', 'adopt', 'assess', 'close']);
    expect(world.closed[0]?.parts).toMatchObject([{ outcome: 'adopted', by: 'alice' }]);
  });
});

test('adopted from observed, by an update with an answer', async () => {
  let next = assessed([part({ decision: 'hold', adoptable: true })]);
  await inWorld(env, () => ({ assess: () => Promise.resolve(next) }), async (world) => {
    const incident = await world.start();
    await world.until('observed');
    const answer = await incident.executeUpdate<{ result: string; message: string }, [unknown]>('decide', { args: [{ decision: 'adopt', ...ADOPT }] });
    expect(answer).toMatchObject({ result: 'accepted' });
    await saying(world, 'waits to be merged');
    next = TAKEN_IN;
    await incident.signal('observed', {});
    expect(((await incident.result()) as IncidentStatus).outcome).toBe('adopted');
  });
});

test.each([
  { reason: 'rejected', signal: 'reject', payload: { by: 'bob', reason: 'no' }, outcome: 'rejected' },
  { reason: 'approved and repaired', signal: 'approve', payload: { by: 'bob', plan: PLAN.slice(0, 12) }, outcome: 'fixed' },
])('what nobody merges may still be $reason', async ({ signal, payload, outcome }) => {
  await inWorld(env, () => ({}), async (world) => {
    const incident = await world.start();
    await world.until('awaiting-approval');
    await incident.signal('adopt', ADOPT);
    await saying(world, 'waits to be merged');
    await incident.signal(signal, payload);
    expect(((await incident.result()) as IncidentStatus).outcome).toBe(outcome);
  });
});

test('refused: it stands where it stood, says why, and may be adopted again', async () => {
  let refuse = true;
  await inWorld(env, () => ({ adopt: () => Promise.resolve(refuse ? { result: 'refused', reason: 'maintainers only' } : { result: 'made', where: 'branch x', message: 'branch x waits to be merged' }) }), async (world) => {
    const incident = await world.start();
    await world.until('awaiting-approval');
    await incident.signal('adopt', ADOPT);
    await saying(world, 'not adopted: maintainers only');
    refuse = false;
    await incident.signal('adopt', { ...ADOPT, reason: 'once more' });
    await saying(world, 'waits to be merged');
    expect(world.calls.filter((call) => call === 'adopt')).toHaveLength(2);
  });
});

test('gone before it was made: cleared; moved: decided again', async () => {
  let result: 'cleared' | 'moved' = 'moved';
  await inWorld(env, () => ({ adopt: () => Promise.resolve({ result, reason: 'it moved' }) }), async (world) => {
    const incident = await world.start();
    await world.until('awaiting-approval');
    await incident.signal('adopt', ADOPT);
    for (let tries = 0; tries < 1_200 && world.assessments.length < 2; tries += 1) await new Promise((resolve) => setTimeout(resolve, 25));
    await world.until('awaiting-approval');
    result = 'cleared';
    await incident.signal('adopt', { ...ADOPT, reason: 'once more' });
    expect(((await incident.result()) as IncidentStatus).outcome).toBe('cleared');
  });
});

test('a part is adopted only while no other part writes, and gates that stir meanwhile are no hurry', async () => {
  let finalized: (() => void) | undefined;
  const both = assessed([part({ decision: 'remediate', soakMs: 60_000 }), part({ part: 2, plan: OTHER, ask: 'ask-2' })]);
  let next = both;
  await inWorld(env, () => ({
    assess: () => Promise.resolve(next),
    finalize: () => new Promise((resolve) => { finalized = () => { resolve({ result: 'finalized' }); }; }),
  }), async (world) => {
    const incident = await world.start();
    for (let tries = 0; tries < 1_200 && finalized === undefined; tries += 1) await new Promise((resolve) => setTimeout(resolve, 25));
    await incident.signal('adopt', { ...ADOPT, plan: OTHER.slice(0, 12) });
    await incident.signal('gates', {});
    for (let tries = 0; tries < 20; tries += 1) await new Promise((resolve) => setTimeout(resolve, 25));
    expect(world.calls).not.toContain('adopt');
    finalized?.();
    await saying(world, 'waits to be merged');
    expect(world.calls.indexOf('adopt')).toBeGreaterThan(world.calls.indexOf('finalize'));
    next = assessed([], { gone: [{ part: 2, event: 'adopted', reason: 'taken in' }] });
    await incident.signal('observed', {});
    await incident.result();
    expect(world.closed.at(-1)?.parts.map((each) => each.outcome).sort()).toEqual(['adopted', 'fixed']);
  });
});

test('a folder that was written is looked at at once', async () => {
  let written = false;
  await inWorld(env, () => ({
    assess: () => Promise.resolve(written ? TAKEN_IN : assessed([part()])),
    adopt: () => { written = true; return Promise.resolve({ result: 'made', where: 'folder', message: 'changed', lookNow: true }); },
  }), async (world) => {
    const incident = await world.start();
    await world.until('awaiting-approval');
    await incident.signal('adopt', { ...ADOPT, write: true });
    expect(((await incident.result()) as IncidentStatus).outcome).toBe('adopted');
  });
});

test('a word that makes no sense is counted, and the one after it counts', async () => {
  await inWorld(env, () => ({}), async (world) => {
    const incident = await world.start();
    await world.until('awaiting-approval');
    for (const payload of [{}, 'adopt', null, { by: 'alice' }, { by: 'alice', reason: 'x', plan: '../..' }]) await incident.signal('adopt', payload);
    await incident.signal('adopt', ADOPT);
    await saying(world, 'waits to be merged');
  });
});

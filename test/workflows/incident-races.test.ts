import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { expect, test } from 'vitest';
import type { Assessment, VerifyResult } from '../../src/activities/types.js';
import type { IncidentStatus } from '../../src/workflows/messages.js';
import { shareEnvironment } from '../support/time-skipping.js';
import { assessed, inWorld, OTHER, part, PLAN } from './world.js';

let env: TestWorkflowEnvironment;

shareEnvironment((made) => { env = made; });

/** A step that answers when the test says so, so that something else can happen meanwhile. */
function held<T>(): { readonly answer: Promise<T>; readonly give: (value: T) => void } {
  let give: (value: T) => void = () => undefined;
  const answer = new Promise<T>((resolve) => { give = resolve; });
  return { answer, give };
}

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1_200; tries += 1) {
    if (await what()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('it never came to that');
}

test('a decision that comes while the parts come to rest for a new run is answered by this one', async () => {
  const gates = held<{ gate: { allowed: true } }>();
  let looks = 0;
  await inWorld(env, () => ({
    assess: () => Promise.resolve((looks += 1) === 1 ? assessed([part()]) : assessed([], { verdict: 'drifted', build: 'build-2' })),
    askGates: () => gates.answer,
  }), async (world) => {
    const incident = await world.start();
    await world.until('awaiting-approval');
    await incident.signal('gates', {});
    await until(() => world.calls.includes('askGates'));
    await incident.signal('observed', {});
    await until(() => looks === 2);
    const answer = incident.executeUpdate<{ result: string }, [unknown]>('decide', { args: [{ decision: 'reject', by: 'alice', reason: 'known' }] });
    await new Promise((resolve) => setTimeout(resolve, 200));
    gates.give({ gate: { allowed: true } });
    expect((await answer).result).toBe('accepted');
    const latest = env.client.workflow.getHandle(incident.workflowId);
    expect(((await latest.result()) as IncidentStatus).outcome).toBe('rejected');
  });
});

test('a cancellation that comes while the parts come to rest for a new run is not lost with this one', async () => {
  const gates = held<{ gate: { allowed: true } }>();
  let looks = 0;
  await inWorld(env, () => ({
    assess: () => Promise.resolve((looks += 1) === 1 ? assessed([part(), part({ part: 2, plan: OTHER, ask: 'ask-2' })]) : assessed([], { verdict: 'drifted', build: 'build-2' })),
    askGates: (ref) => (ref.part === 1 ? Promise.resolve({ gate: { allowed: true } }) : gates.answer),
  }), async (world) => {
    const incident = await world.start();
    await world.until('awaiting-approval');
    await incident.signal('gates', {});
    await until(() => world.calls.filter((each) => each === 'askGates').length === 2);
    await incident.signal('observed', {});
    await until(() => looks === 2);
    await incident.cancel();
    await until(async () => (await incident.fetchHistory()).events?.some((event) => event.workflowExecutionCancelRequestedEventAttributes != null) === true);
    gates.give({ gate: { allowed: true } });
    await until(() => world.closed.length > 0);
    expect(world.closed.map((each) => each.parts.map(({ outcome }) => outcome))).toEqual([['cancelled', 'cancelled']]);
  });
});

test('a part whose changes move while another look is under way is decided by the next look', async () => {
  const proof = held<VerifyResult>();
  const second = held<Assessment>();
  let looks = 0;
  await inWorld(env, () => ({
    assess: () => {
      looks += 1;
      if (looks === 1) return Promise.resolve(assessed([part({ decision: 'remediate', soakMs: 0 })]));
      return looks === 2 ? second.answer : Promise.resolve(assessed([part({ part: 2, plan: OTHER, ask: 'ask-2' })]));
    },
    verify: () => proof.answer,
  }), async (world) => {
    const incident = await world.start();
    await world.until('verifying');
    await incident.signal('observed', {});
    await until(() => looks === 2);
    proof.give({ result: 'moved', message: 'something put it back' });
    await world.until('deciding');
    // The look began while the part was being verified, so its changes were left out of it.
    second.give(assessed([]));
    await world.until('awaiting-approval');
    expect(looks).toBe(3);
  });
});

test('a look under way at the end of the soak: the end is not recorded before what it finds is decided', async () => {
  const second = held<Assessment>();
  let looks = 0;
  await inWorld(env, () => ({
    assess: () => ((looks += 1) === 1 ? Promise.resolve(assessed([part({ decision: 'remediate', soakMs: 300 })])) : second.answer),
  }), async (world) => {
    const incident = await world.start();
    await world.until('soaking');
    await incident.signal('observed', {});
    await until(async () => (await world.status()).parts.every((each) => each.phase === 'closed'));
    expect(world.closed).toEqual([]);
    second.give(assessed([part({ part: 2, plan: OTHER, ask: 'ask-2' })]));
    await world.until('awaiting-approval');
    await incident.signal('reject', { by: 'alice', reason: 'known' });
    await incident.result();
    expect(world.closed.map((each) => each.parts.map(({ outcome }) => outcome))).toEqual([['fixed', 'rejected']]);
  });
});

test('what a person says while the last proof records the end is answered as what it is: too late', async () => {
  const proof = held<VerifyResult>();
  let proofs = 0;
  await inWorld(env, () => ({
    assess: () => Promise.resolve(assessed([part({ decision: 'remediate', soakMs: 1 })])),
    verify: () => ((proofs += 1) === 1 ? Promise.resolve({ result: 'healthy', message: '' }) : proof.answer),
  }), async (world) => {
    const incident = await world.start();
    await until(() => proofs === 2);
    const answer = incident.executeUpdate<{ result: string }, [unknown]>('decide', { args: [{ decision: 'rollback', by: 'alice', reason: 'no' }] });
    await new Promise((resolve) => setTimeout(resolve, 200));
    proof.give({ result: 'healthy', message: 'after the soak', ended: true });
    expect((await answer).result).toBe('refused');
    expect(((await incident.result()) as IncidentStatus).outcome).toBe('fixed');
    expect(world.calls).not.toContain('rollback');
  });
});

test('a rejection that names no plan is about what is asked, not about what a rule allowed already', async () => {
  const gate = { allowed: false, gate: 'freeze', reason: 'frozen' } as const;
  await inWorld(env, () => ({ assess: () => Promise.resolve(assessed([part(), part({ part: 2, plan: OTHER, ask: 'ask-2', decision: 'remediate', gate })])) }), async (world) => {
    const incident = await world.start();
    await world.until('awaiting-approval');
    await incident.signal('reject', { by: 'alice', reason: 'keep it' });
    await world.until('waiting');
    const named = await incident.executeUpdate<{ result: string; message: string }, [unknown]>('decide', { args: [{ decision: 'reject', by: 'alice', reason: 'keep it', plan: OTHER.slice(0, 8) }] });
    expect(named).toMatchObject({ result: 'already-decided', message: 'plan bbbbbbbbbbbb is allowed by policy already' });
    expect((await world.status()).parts.map(({ outcome }) => outcome)).toEqual(['rejected', undefined]);
  });
});

test('gates that cannot be asked any more are not asked again and again: it waits, and people are still heard', async () => {
  const gate = { allowed: false, gate: 'freeze', reason: 'frozen', opensAt: '2020-01-01T00:00:00.000Z' } as const;
  await inWorld(env, () => ({
    assess: () => Promise.resolve(assessed([part({ gate })])),
    askGates: () => Promise.reject(ApplicationFailure.nonRetryable('it is not in the configuration any more', 'Invalid')),
  }), async (world) => {
    const incident = await world.start();
    await until(async () => (await world.status()).parts[0]?.waitsFor?.startsWith('it is not in the configuration any more; and an approval') === true);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(world.calls).toEqual(['assess', 'askGates']);
    await incident.signal('reject', { by: 'alice', reason: 'keep it', plan: PLAN.slice(0, 8) });
    expect(((await incident.result()) as IncidentStatus).outcome).toBe('rejected');
  });
});

test('cancelled while it cannot be read: the record says cancelled, not cleared', async () => {
  await inWorld(env, () => ({ assess: () => Promise.resolve(assessed([], { verdict: 'unknown', reason: 'no answer' })) }), async (world) => {
    const incident = await world.start({ kind: 'blind' });
    await world.until('observed');
    await until(() => world.calls.includes('assess'));
    await incident.cancel();
    await expect(incident.result()).rejects.toThrow(/cancel/i);
    expect(world.closed[0]?.outcome).toBe('cancelled');
  });
});

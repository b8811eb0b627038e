import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { ApplicationFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import type { CommandInput } from '../../src/activities/types.js';
import type { CommandAnswer, EnvironmentStatus } from '../../src/workflows/messages.js';
import { environmentWorkflowId, WORKFLOW_QUEUE } from '../../src/workflows/messages.js';
import { shareEnvironment } from '../support/time-skipping.js';
import { inWorld, type Script, type World } from './world.js';

let env: TestWorkflowEnvironment;

shareEnvironment((made) => { env = made; });

interface Holder {
  readonly workflowId: string;
  readonly runId: string;
}

/** Runs that hear that the slot is theirs and do nothing with it: any workflow that stays open will do. */
async function holder(name: string): Promise<Holder & { readonly handle: WorkflowHandle }> {
  const handle = await env.client.workflow.start('environment', { taskQueue: WORKFLOW_QUEUE, workflowId: `incident/${name}/storefront`, args: [{ environment: name }] });
  return { workflowId: handle.workflowId, runId: handle.firstExecutionRunId, handle };
}

async function guarded(script: (world: World) => Script, work: (guard: WorkflowHandle, world: World) => Promise<void>): Promise<void> {
  await inWorld(env, script, async (world) => {
    await env.client.workflow.start('environment', { taskQueue: WORKFLOW_QUEUE, workflowId: environmentWorkflowId(world.environment), args: [{ environment: world.environment }] });
    await work(world.guard(), world);
  });
}

async function withHolders(world: World, count: number, work: (holders: readonly (Holder & { readonly handle: WorkflowHandle })[]) => Promise<void>): Promise<void> {
  const holders = await Promise.all(Array.from({ length: count }, (_, index) => holder(`${world.environment}-${index}`)));
  try {
    await work(holders);
  } finally {
    for (const each of holders) await each.handle.terminate('the test is over').catch(() => undefined);
  }
}

async function until(guard: WorkflowHandle, holds: (status: EnvironmentStatus) => boolean): Promise<EnvironmentStatus> {
  for (let tries = 0; tries < 1_200; tries += 1) {
    const status = await guard.query<EnvironmentStatus>('status');
    if (holds(status)) return status;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`it never came to that: ${JSON.stringify(await guard.query('status'))}`);
}

function ask(guard: WorkflowHandle, { workflowId, runId }: Holder, limit = 1): Promise<void> {
  return guard.signal('requestSlot', { workflowId, runId, limit });
}

function giveBack(guard: WorkflowHandle, { workflowId, runId }: Holder): Promise<void> {
  return guard.signal('returnSlot', { workflowId, runId });
}

const runs = (holders: readonly Holder[]): string[] => holders.map((each) => each.runId);

test('slots: never more than the limit, first come first served, and given back', async () => {
  await guarded(() => ({}), async (guard, world) => {
    await withHolders(world, 4, async (holders) => {
      const [first, second, third, fourth] = holders;
      if (first === undefined || second === undefined || third === undefined || fourth === undefined) throw new Error('four holders are needed');
      for (const each of holders) await ask(guard, each, 2);
      const full = await until(guard, (status) => status.slots.length === 2);
      expect(full).toMatchObject({ concurrent: 2 });
      expect(runs(full.slots)).toEqual([first.runId, second.runId]);
      expect(runs(full.waiting)).toEqual([third.runId, fourth.runId]);
      await giveBack(guard, second);
      expect(runs((await until(guard, (status) => status.waiting.length === 1)).slots)).toEqual([first.runId, third.runId]);
    });
  });
});

test('slots: whoever asks twice waits once, and returns what it holds or its place in the queue', async () => {
  await guarded(() => ({}), async (guard, world) => {
    await withHolders(world, 3, async (holders) => {
      const [first, second, third] = holders;
      if (first === undefined || second === undefined || third === undefined) throw new Error('three holders are needed');
      for (const each of [first, first, second, second, third]) await ask(guard, each);
      const asked = await until(guard, (status) => status.slots.length === 1 && status.waiting.length === 2);
      expect(runs(asked.waiting)).toEqual([second.runId, third.runId]);
      await giveBack(guard, second);
      await giveBack(guard, second);
      await giveBack(guard, first);
      expect(runs((await until(guard, (status) => status.waiting.length === 0)).slots)).toEqual([third.runId]);
    });
  });
});

test('slots: messages of one run that overtake each other lose it neither its place nor a slot of the others', async () => {
  await guarded(() => ({}), async (guard, world) => {
    await withHolders(world, 2, async ([first, second]) => {
      if (first === undefined || second === undefined) throw new Error('two holders are needed');
      const say = (signal: 'requestSlot' | 'returnSlot', { workflowId, runId }: Holder, ordinal: number): Promise<void> => guard.signal(signal, { workflowId, runId, limit: 1, ordinal });
      await say('requestSlot', first, 1);
      await until(guard, (status) => status.slots.length === 1);
      // Its next part asks (3) before its last one has given back (2).
      await say('requestSlot', first, 3);
      await say('returnSlot', first, 2);
      expect(runs((await until(guard, (status) => status.slots.length === 1 && status.waiting.length === 0)).slots)).toEqual([first.runId]);
      // What it no longer wants (4, returned by 5) is not given out when the request comes late.
      await say('returnSlot', first, 5);
      await until(guard, (status) => status.slots.length === 0);
      await say('returnSlot', first, 7);
      await say('requestSlot', first, 6);
      await say('requestSlot', second, 1);
      expect(runs((await until(guard, (status) => status.slots.length === 1)).slots)).toEqual([second.runId]);
    });
  });
});

test('slots: a run that is gone cannot hear that the slot is its own, so the next one gets it', async () => {
  await guarded(() => ({}), async (guard, world) => {
    await withHolders(world, 2, async ([gone, next]) => {
      if (gone === undefined || next === undefined) throw new Error('two holders are needed');
      await gone.handle.terminate('ended from outside');
      await ask(guard, gone);
      await ask(guard, next);
      expect(runs((await until(guard, (status) => status.slots.some((each) => each.runId === next.runId))).slots)).toEqual([next.runId]);
    });
  });
});

test('slots: a run that ended while it held one gives it back when a check says so in its name', async () => {
  await guarded(() => ({}), async (guard, world) => {
    await withHolders(world, 2, async ([dead, next]) => {
      if (dead === undefined || next === undefined) throw new Error('two holders are needed');
      await ask(guard, dead);
      await until(guard, (status) => status.slots.length === 1);
      await dead.handle.terminate('ended from outside');
      await ask(guard, next);
      await until(guard, (status) => status.waiting.length === 1);
      await giveBack(guard, dead);
      expect(runs((await until(guard, (status) => status.waiting.length === 0)).slots)).toEqual([next.runId]);
    });
  });
});

test('slots: a limit that was raised lets the next one write', async () => {
  await guarded(() => ({}), async (guard, world) => {
    await withHolders(world, 2, async ([first, second]) => {
      if (first === undefined || second === undefined) throw new Error('two holders are needed');
      await ask(guard, first, 1);
      await ask(guard, second, 2);
      expect((await until(guard, (status) => status.slots.length === 2)).concurrent).toBe(2);
    });
  });
});

test('signals of any shape: nothing is given out, and the good one after them counts', async () => {
  await guarded(() => ({}), async (guard, world) => {
    await withHolders(world, 1, async ([one]) => {
      if (one === undefined) throw new Error('a holder is needed');
      for (const name of ['requestSlot', 'returnSlot', 'freeze', 'unfreeze', 'release', 'no such signal']) {
        for (const payload of [{}, 'x', null, 7, [], { workflowId: 1, runId: {} }, { workflowId: 'incident/prod/storefront', runId: 'gone' }, { scope: '', by: '', reason: '' }]) await guard.signal(name, payload);
        await guard.signal(name);
      }
      await ask(guard, one);
      expect(runs((await until(guard, (status) => status.slots.length === 1)).slots)).toEqual([one.runId]);
      expect(world.calls).not.toContain('command');
    });
  });
});

const SAID = { by: 'alice', reason: 'launch' };

test('commands by signal are carried out one after the other, in the order in which they came', async () => {
  const carried: string[] = [];
  await guarded(() => ({ command: ({ message }) => { carried.push(`${message.command} ${message.scope}`); return Promise.resolve({ ok: true, message: 'done' }); } }), async (guard, world) => {
    await guard.signal('freeze', { scope: world.environment, ...SAID });
    await guard.signal('unfreeze', { scope: world.environment, ...SAID });
    await guard.signal('release', { scope: world.environment, gate: 'breaker', ...SAID });
    for (let tries = 0; tries < 1_200 && carried.length < 3; tries += 1) await new Promise((resolve) => setTimeout(resolve, 25));
    expect(carried).toEqual([`freeze ${world.environment}`, `unfreeze ${world.environment}`, `release ${world.environment}`]);
  });
});

test('a command by update is answered with what came of it, and names the run that carried it out', async () => {
  const carried: CommandInput[] = [];
  await guarded(() => ({ command: (input) => { carried.push(input); return Promise.resolve({ ok: false, message: 'it is not frozen' }); } }), async (guard, world) => {
    const answer = await guard.executeUpdate<CommandAnswer, [unknown]>('command', { args: [{ command: 'unfreeze', scope: world.environment, ...SAID, more: 'ignored' }] });
    expect(answer).toEqual({ ok: false, message: 'it is not frozen' });
    expect(carried).toEqual([{ environment: world.environment, message: { command: 'unfreeze', scope: world.environment, ...SAID }, run: (await guard.describe()).runId }]);
  });
});

test('where many incidents are to be told, whoever asked has the answer before they are', async () => {
  let woken: string | undefined;
  let goOn: () => void = () => undefined;
  const held = new Promise<void>((resolve) => { goOn = resolve; });
  await guarded(() => ({
    command: ({ message }) => Promise.resolve({ ok: true, message: 'frozen', wake: message.scope }),
    wakeIncidents: async ({ scope }) => {
      if (scope === undefined) return;
      await held;
      woken = scope;
    },
  }), async (guard, world) => {
    const answer = await guard.executeUpdate<CommandAnswer, [unknown]>('command', { args: [{ command: 'freeze', scope: world.environment, ...SAID }] });
    expect({ answer, woken }).toEqual({ answer: { ok: true, message: 'frozen' }, woken: undefined });
    goOn();
    for (let tries = 0; tries < 1_200 && woken === undefined; tries += 1) await new Promise((resolve) => setTimeout(resolve, 25));
    expect(woken).toBe(world.environment);
  });
});

test('while many incidents are told and the guard is to continue as new, the next command is carried out all the same', async () => {
  let goOn: () => void = () => undefined;
  const held = new Promise<void>((resolve) => { goOn = resolve; });
  await guarded(() => ({
    command: ({ message }) => Promise.resolve({ ok: true, message: 'done', ...(message.command === 'freeze' ? { wake: message.scope } : {}) }),
    wakeIncidents: ({ scope }) => (scope === undefined ? Promise.resolve() : held),
  }), async (guard, world) => {
    const say = (command: string): Promise<CommandAnswer> => guard.executeUpdate<CommandAnswer, [unknown]>('command', { args: [{ command, scope: world.environment, ...SAID }] });
    await say('freeze');
    const before = (await guard.describe()).runId;
    await guard.signal('renew', {});
    const answered = await Promise.race([say('unfreeze'), new Promise((resolve) => setTimeout(resolve, 10_000, 'no answer'))]);
    goOn();
    expect(answered).toEqual({ ok: true, message: 'done' });
    for (let run = before, tries = 0; run === before && tries < 1_200; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 25));
      run = (await guard.describe()).runId;
    }
    expect((await guard.describe()).runId, 'it continued as new once all had been told').not.toBe(before);
  });
});

test('an update that makes no sense is rejected before it costs an event, with what it lacks', async () => {
  await guarded(() => ({}), async (guard, world) => {
    const failure = await guard.executeUpdate('command', { args: [{ command: 'release', scope: world.environment, ...SAID }] }).catch((error: unknown) => error as Error);
    expect(String((failure as Error).cause)).toContain('"gate" must name what to release');
    expect(world.calls).not.toContain('command');
  });
});

test('a command that cannot be carried out is answered so, and the next one is carried out', async () => {
  let tried = 0;
  await guarded(() => ({
    command: () => ((tried += 1) === 1 ? Promise.reject(ApplicationFailure.nonRetryable('prod/shop is not in the configuration', 'Invalid')) : Promise.resolve({ ok: true, message: 'done' })),
  }), async (guard, world) => {
    const freeze = { args: [{ command: 'freeze', scope: world.environment, ...SAID }] as [unknown] };
    expect(await guard.executeUpdate<CommandAnswer, [unknown]>('command', freeze)).toEqual({ ok: false, message: 'not carried out: prod/shop is not in the configuration' });
    expect(await guard.executeUpdate<CommandAnswer, [unknown]>('command', freeze)).toEqual({ ok: true, message: 'done' });
  });
});

test('two thousand messages later it continues as new, and nobody loses a slot or a place', async () => {
  await guarded(() => ({}), async (guard, world) => {
    await withHolders(world, 2, async ([first, second]) => {
      if (first === undefined || second === undefined) throw new Error('two holders are needed');
      await ask(guard, first);
      await ask(guard, second);
      await until(guard, (status) => status.slots.length === 1 && status.waiting.length === 1);
      const before = (await guard.describe()).runId;
      for (let sent = 0; sent < 2_000; sent += 100) await Promise.all(Array.from({ length: 100 }, () => guard.signal('returnSlot', {})));
      for (let run = before, tries = 0; run === before && tries < 1_200; tries += 1) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        run = (await guard.describe()).runId;
      }
      expect((await guard.describe()).runId).not.toBe(before);
      const after = await until(guard, (status) => status.slots.length === 1);
      expect(runs(after.slots)).toEqual([first.runId]);
      expect(runs(after.waiting)).toEqual([second.runId]);
      await giveBack(guard, first);
      await until(guard, (status) => status.slots.some((each) => each.runId === second.runId));
    });
  });
});

test('what costs many events makes a history long before there are two thousand messages: it continues as new, and nobody loses a slot', async () => {
  await guarded(() => ({ command: () => Promise.resolve({ ok: true, message: 'done' }) }), async (guard, world) => {
    await withHolders(world, 1, async ([first]) => {
      if (first === undefined) throw new Error('a holder is needed');
      await ask(guard, first);
      await until(guard, (status) => status.slots.length === 1);
      const before = (await guard.describe()).runId;
      await Promise.all(Array.from({ length: 320 }, () => guard.signal('freeze', { scope: world.environment, ...SAID })));
      for (let run = before, tries = 0; run === before && tries < 1_000; tries += 1) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        run = (await guard.describe()).runId;
      }
      expect((await guard.describe()).runId).not.toBe(before);
      const { historyLength } = await env.client.workflow.getHandle(guard.workflowId, before).describe();
      expect(historyLength).toBeLessThan(4_000);
      expect(runs((await until(guard, (status) => status.slots.length === 1)).slots)).toEqual([first.runId]);
    });
  });
}, 150_000);

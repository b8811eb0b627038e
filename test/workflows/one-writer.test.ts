import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { expect, test, vi } from 'vitest';
import type { AssessedPart } from '../../src/activities/types.js';
import { shareEnvironment } from '../support/time-skipping.js';
import { assessed, inWorld, part, type Script } from './world.js';

let env: TestWorkflowEnvironment;

shareEnvironment((made) => { env = made; });

const PARTS = [1, 2, 3];
const plans = PARTS.map((each) => String(each).repeat(64));

function three(overrides: Partial<AssessedPart>): readonly AssessedPart[] {
  return PARTS.map((each, index) => part({ part: each, plan: plans[index] ?? '', ask: `ask-${each}`, soakMs: 0, decision: 'remediate', ...overrides }));
}

/** Which parts were between stage and their proof at once, at the most. */
function watched(): { readonly script: Script; readonly most: () => number } {
  const writing = new Set<number>();
  let most = 0;
  const slowly = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 100));
  return {
    script: {
      stage: async (ref) => {
        writing.add(ref.part);
        most = Math.max(most, writing.size);
        await slowly();
        return { result: 'staged', staged: { artifacts: [], data: {}, shadow: { health: [] } } };
      },
      verify: async (ref) => {
        await slowly();
        writing.delete(ref.part);
        return { result: 'healthy', message: 'healthy' };
      },
    },
    most: () => most,
  };
}

const FROZEN = { allowed: false, gate: 'freeze', reason: 'frozen' } as const;

test.each([
  { reason: 'all may begin with the first look', gate: { allowed: true } as const, signal: false },
  { reason: 'one signal opens the gate of all', gate: FROZEN, signal: true },
])('one part of an incident writes at a time: $reason', async ({ gate, signal }) => {
  const { script, most } = watched();
  await inWorld(env, () => ({ ...script, assess: () => Promise.resolve(assessed(three({ gate }))) }), async (world) => {
    const incident = await world.start();
    if (signal) {
      await world.until('waiting');
      await incident.signal('gates', {});
    }
    await incident.result();
    expect(most()).toBe(1);
    expect(world.closed.at(-1)?.parts.map(({ outcome }) => outcome)).toEqual(['fixed', 'fixed', 'fixed']);
  });
});

test('a slot that was given for an earlier request, and is on its way back, is not taken for the present one', async () => {
  await inWorld(env, () => ({ assess: () => Promise.resolve(assessed([part({ decision: 'remediate', soakMs: 0 })])) }), async (world) => {
    // The guard is played: it is not there, so that the incident asks for it and says its request twice.
    const incident = await world.start({}, { guard: false });
    await vi.waitFor(() => { expect(world.calls).toContain('startGuard'); }, { timeout: 20_000 });
    await incident.signal('slot', { ordinal: 1 });
    await world.status();
    await incident.signal('gates', {});
    await vi.waitFor(() => { expect(world.calls.filter((each) => each === 'startGuard')).toHaveLength(2); }, { timeout: 20_000 });
    expect(world.calls).not.toContain('stage');
    await incident.signal('slot', { ordinal: 4 });
    await incident.result();
    expect(world.calls).toContain('stage');
  });
});

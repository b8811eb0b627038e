import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { expect, test } from 'vitest';
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

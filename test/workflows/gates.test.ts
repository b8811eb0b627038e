import { expect, test } from 'vitest';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { shareEnvironment } from '../support/time-skipping.js';
import { assessed, inWorld, part } from './world.js';

let env: TestWorkflowEnvironment;

shareEnvironment((made) => { env = made; });

test('a gate that opens while the look that found it closed is still under way is asked again, because its signal came before there was a part to hear it', async () => {
  const frozen = { allowed: false, gate: 'freeze', reason: 'freeze of prod by alice' } as const;
  await inWorld(env, (world) => ({
    assess: async () => {
      // The freeze was lifted after this look read the gates.
      await env.client.workflow.getHandle(`incident/${world.environment}/storefront`).signal('gates', {});
      return assessed([part({ decision: 'remediate', gate: frozen })]);
    },
  }), async (world) => {
    const handle = await world.start();
    expect(await handle.result()).toMatchObject({ outcome: 'fixed' });
    expect(world.calls.filter((call) => call === 'askGates')).toHaveLength(1);
  });
}, 60_000);

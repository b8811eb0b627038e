import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { timeSkippingEnvironment } from './time-skipping.js';

let env: TestWorkflowEnvironment;

beforeAll(async () => {
  env = await timeSkippingEnvironment();
}, 300_000);

afterAll(async () => env.teardown());

test('a day passes in moments, because workflow tests wait for expiries and soaks', async () => {
  const before = await env.currentTimeMs();
  await env.sleep('24h');
  expect((await env.currentTimeMs()) - before).toBeGreaterThanOrEqual(24 * 3600 * 1000);
});

import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { expect, test } from 'vitest';
import type { EscalateInput } from '../../src/activities/types.js';
import type { IncidentStatus } from '../../src/workflows/messages.js';
import { shareEnvironment } from '../support/time-skipping.js';
import { assessed, inWorld, part, PLAN, type Script } from './world.js';

let env: TestWorkflowEnvironment;

shareEnvironment((made) => { env = made; });

const HOUR = 3_600_000;
const STEPS = [{ afterMs: HOUR, to: 'leads' }, { afterMs: 3 * HOUR, to: 'managers' }];
const WINDOW = { allowed: false, gate: 'window', reason: 'outside the windows of prod' } as const;

async function inHours(hours: number): Promise<string> {
  return new Date((await env.currentTimeMs()) + hours * HOUR).toISOString();
}

/** Records each step of escalation with the time at which it was taken. */
function escalating(taken: { at: number; step: number; to: string }[]): Script {
  return {
    escalate: async ({ step, to }: EscalateInput) => {
      taken.push({ at: await env.currentTimeMs(), step, to });
      return { requires: `2 of sre; since it was escalated also ${to}`, approvals: `0 of 2 of sre; still needed: 2 of sre or ${to}` };
    },
  };
}

test('an approval that nobody gives is escalated twice, each time wider, and then expires', async () => {
  const taken: { at: number; step: number; to: string }[] = [];
  const begun = await env.currentTimeMs();
  const expiresAt = await inHours(4);
  await inWorld(env, () => ({ assess: () => Promise.resolve(assessed([part({ expiresAt, escalate: STEPS, remindMs: [2 * HOUR] })])), ...escalating(taken) }), async (world) => {
    const incident = await world.start();
    expect(((await incident.result()) as IncidentStatus).outcome).toBe('expired');
    expect(world.calls).toEqual(['assess', 'escalate', 'remind', 'escalate', 'close']);
    expect(taken.map(({ step, to }) => [step, to])).toEqual([[1, 'leads'], [2, 'managers']]);
    expect(taken.map(({ at }) => Math.round((at - begun) / HOUR))).toEqual([1, 3]);
  });
}, 60_000);

test('it is not escalated while a gate is closed: nobody is called for a repair that could not start', async () => {
  const taken: { at: number; step: number; to: string }[] = [];
  const begun = await env.currentTimeMs();
  const opensAt = await inHours(48);
  await inWorld(env, () => ({
    assess: () => Promise.resolve(assessed([part({ gate: { ...WINDOW, opensAt }, escalate: STEPS })])),
    askGates: async () => ({ gate: { allowed: true }, expiresAt: await inHours(4) }),
    ...escalating(taken),
  }), async (world) => {
    const incident = await world.start();
    expect(((await incident.result()) as IncidentStatus).outcome).toBe('expired');
    expect(world.calls).toEqual(['assess', 'askGates', 'escalate', 'escalate', 'close']);
    expect(taken.map(({ at }) => Math.round((at - begun) / HOUR)), 'counted from when the window opened').toEqual([49, 51]);
  });
}, 60_000);

test('an approval after the first step ends it: the second is not taken', async () => {
  const taken: { at: number; step: number; to: string }[] = [];
  const expiresAt = await inHours(4);
  await inWorld(env, () => ({ assess: () => Promise.resolve(assessed([part({ expiresAt, escalate: STEPS })])), ...escalating(taken) }), async (world) => {
    const incident = await world.start();
    await world.until('awaiting-approval');
    await env.sleep(2 * HOUR);
    expect((await world.status()).parts[0]).toMatchObject({ requires: '2 of sre; since it was escalated also leads', approvals: '0 of 2 of sre; still needed: 2 of sre or leads', waitsFor: expect.stringMatching(/^nobody answered in time: leads may approve too; an approval until .*, by managers too from .* on: holdfast approve .*\/storefront#1 --plan [0-9a-f]{12}$/) as string });
    expect(await world.details()).toContain('since it was escalated also leads');
    await incident.signal('approve', { by: 'dave', plan: PLAN.slice(0, 8) });
    expect(((await incident.result()) as IncidentStatus).outcome).toBe('fixed');
    expect(taken.map(({ step }) => step)).toEqual([1]);
  });
}, 60_000);

test('without escalation no timer is set for it', async () => {
  const expiresAt = await inHours(4);
  await inWorld(env, () => ({ assess: () => Promise.resolve(assessed([part({ expiresAt })])) }), async (world) => {
    const incident = await world.start();
    await incident.result();
    const { events } = await incident.fetchHistory();
    expect(events?.filter((event) => event.timerStartedEventAttributes).length).toBe(1);
  });
}, 60_000);

test('a vote that is not enough is told, and leaves the question open; the one that completes it starts the repair', async () => {
  let votes = 0;
  const standing = '1 of 2 of sre (alice); still needed: 1 more of sre (bob)';
  await inWorld(env, () => ({
    assess: () => Promise.resolve(assessed([part({ requires: '2 of sre (approvals.rules[0] of prod)', approvals: '0 of 2 of sre' })])),
    judge: ({ messages }) => Promise.resolve(messages.map(({ message }) => {
      votes += 1;
      const answer = { result: 'accepted' as const, by: message.by, at: '2026-11-02T09:00:00.000Z' };
      return votes === 1 ? { ...answer, parts: [], message: standing, vote: { part: 1, standing } } : { ...answer, parts: [1], message: 'approved' };
    })),
  }), async (world) => {
    const incident = await world.start();
    await world.until('awaiting-approval');
    expect((await world.status()).parts[0]).toMatchObject({ requires: '2 of sre (approvals.rules[0] of prod)', approvals: '0 of 2 of sre' });
    const first = await incident.executeUpdate<{ result: string; message: string }, [unknown]>('decide', { args: [{ decision: 'approve', by: 'alice', plan: PLAN.slice(0, 8) }] });
    expect(first).toMatchObject({ result: 'accepted', message: standing });
    expect((await world.status()).parts[0]).toMatchObject({ phase: 'awaiting-approval', approvals: standing });
    expect(await world.details()).toContain('still needed: 1 more of sre');
    expect(world.calls).not.toContain('stage');
    await incident.executeUpdate('decide', { args: [{ decision: 'approve', by: 'bob', plan: PLAN.slice(0, 8) }] });
    expect(((await incident.result()) as IncidentStatus).outcome).toBe('fixed');
    expect(world.closed[0]?.parts[0]?.by).toBe('bob');
  });
}, 60_000);

test('a broken glass asks the gates at once, however long the window stays shut', async () => {
  const opensAt = await inHours(72);
  const startBy = await inHours(1);
  const begun = await env.currentTimeMs();
  await inWorld(env, () => ({
    assess: () => Promise.resolve(assessed([part({ gate: { ...WINDOW, opensAt }, soakMs: 0 })])),
    judge: ({ messages }) => Promise.resolve(messages.map(({ message }) => ({ result: 'accepted' as const, by: message.by, at: '2026-11-02T09:00:00.000Z', parts: [1], message: 'the glass is broken', breakGlass: { startBy } }))),
  }), async (world) => {
    const incident = await world.start();
    await world.until('awaiting-approval');
    await incident.signal('approve', { by: 'dave', plan: PLAN.slice(0, 8), breakGlass: true, reason: 'checkout is down' });
    const status = (await incident.result()) as IncidentStatus;
    expect(status).toMatchObject({ outcome: 'fixed', parts: [{ brokenBy: 'dave' }] });
    expect(world.calls.slice(0, 4)).toEqual(['assess', 'judge', 'askGates', 'stage']);
    expect((await env.currentTimeMs()) - begun).toBeLessThan(HOUR);
  });
}, 60_000);

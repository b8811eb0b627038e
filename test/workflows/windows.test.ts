import type { WorkflowHandle } from '@temporalio/client';
import { describe, expect, test } from 'vitest';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { occurrencesOf } from '../../src/config/occurrences.js';
import { localTime } from '../../src/domain/gates/window.js';
import { allow, deny } from '../domain/gates/windows.js';
import { shareEnvironment } from '../support/time-skipping.js';
import { advanceTo, gatedBy, type Gated, type Gating } from './gated.js';
import type { IncidentStatus } from '../../src/workflows/messages.js';
import { inWorld, PLAN, type World } from './world.js';

let env: TestWorkflowEnvironment;

shareEnvironment((made) => { env = made; });

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const LONDON = 'Europe/London';
const OFFICE = allow('0 9 * * 1-5', '8h');
const APPROVE = { by: 'alice', plan: PLAN.slice(0, 12) };

async function inGatedWorld(gating: Gating, act: (world: World, gated: Gated) => Promise<void>): Promise<void> {
  let gated: Gated | undefined;
  await inWorld(env, (world) => {
    gated = gatedBy(env, world, gating);
    return gated.script;
  }, async (world) => {
    if (gated !== undefined) await act(world, gated);
  });
}

/** The next start of a cron expression in London, at least an hour ahead. */
async function next(start: string): Promise<number> {
  return occurrencesOf(start, LONDON).next((await env.currentTimeMs()) + HOUR_MS) ?? Number.NaN;
}

function when(gated: Gated, step: string): string | undefined {
  const found = gated.taken.find((each) => each.step === step);
  return found === undefined ? undefined : localTime(Date.parse(found.at), LONDON);
}

function steps(gated: Gated): readonly string[] {
  return gated.taken.map((each) => each.step);
}

test('an approval on Friday night is applied on Monday at nine, London time, and not before; nothing is staged, asked or polled meanwhile', async () => {
  const friday = await next('0 22 * * 5');
  await advanceTo(env, friday);
  await inGatedWorld({ windows: [OFFICE], part: { decision: 'ask' } }, async (world, gated) => {
    const handle = await world.start();
    const asked = await world.until('awaiting-approval');
    expect(asked.parts[0]?.waitsFor).toMatch(/outside the allow window "0 9 \* \* 1-5" for 8h .* opens .* \(Monday .* 09:00 Europe\/London\)/);
    expect(asked.parts[0]?.expiresAt, 'a question does not run out while the repair could not start').toBeUndefined();
    await handle.signal('approve', APPROVE);
    await world.until('waiting');
    const before = await quiet(handle);
    await advanceTo(env, friday + 48 * HOUR_MS);
    expect(await quiet(handle), 'two days of waiting are no event').toBe(before);
    expect(world.calls.filter((call) => call === 'askGates' || call === 'stage')).toEqual([]);
    expect(await handle.result()).toMatchObject({ outcome: 'fixed' });
    expect(when(gated, 'stage')).toMatch(/^Monday .* 09:00 /);
    expect(when(gated, 'finalize')).toMatch(/^Monday .* 09:00 /);
    expect(steps(gated)).toEqual(['stage', 'validate', 'finalize', 'verify', 'verify']);
  });
}, 30_000);

test('the time of a question stands still while its window is closed: four hours asked at three o’clock on Friday end on Monday at eleven', async () => {
  await advanceTo(env, await next('0 15 * * 5'));
  await inGatedWorld({ windows: [OFFICE], part: { decision: 'ask' } }, async (world) => {
    const handle = await world.start();
    await world.until('awaiting-approval');
    expect(await handle.result()).toMatchObject({ outcome: 'expired' });
    expect(localTime((await handle.describe()).closeTime?.getTime() ?? 0, LONDON)).toMatch(/^Monday .* 11:0\d /);
    expect(world.calls.filter((call) => call === 'askGates'), 'when it closed, and when it opened').toHaveLength(2);
  });
}, 30_000);

describe('the nights on which the clocks change', () => {
  test.each([
    { month: 10, hour: '30 1 * * *', local: '01:30', reason: 'in the hour that comes twice: the first time' },
    { month: 3, hour: '30 1 * * *', local: '02:00', reason: 'in the hour that is skipped: as soon as it is over' },
  ])('a window that begins $reason', async ({ month, hour, local }) => {
    const night = lastSunday(await env.currentTimeMs() + 48 * HOUR_MS, month);
    await advanceTo(env, night - 3 * HOUR_MS);
    await inGatedWorld({ windows: [allow(hour, '20m')] }, async (world, gated) => {
      const handle = await world.start();
      await world.until('waiting');
      expect(await handle.result()).toMatchObject({ outcome: 'fixed' });
      expect(when(gated, 'finalize')).toBe(localTime(Date.parse(gated.taken[0]?.at ?? ''), LONDON));
      expect(when(gated, 'finalize')).toMatch(new RegExp(`^Sunday .* ${local} `));
      expect(Date.parse(gated.taken[0]?.at ?? '') - night).toBeLessThan(HOUR_MS + 5 * MINUTE_MS);
    });
  }, 30_000);
});

/** Midnight UTC of the last Sunday of a month (1 to 12), after an instant. */
function lastSunday(after: number, month: number): number {
  for (let year = new Date(after).getUTCFullYear(); ; year += 1) {
    const last = new Date(Date.UTC(year, month, 0));
    const night = last.getTime() - last.getUTCDay() * 24 * HOUR_MS;
    if (night > after) return night;
  }
}

describe('a window that closes between stage and finalize', () => {
  test('and opens again within the limit: what was staged is kept, and switched when it opens', async () => {
    const noon = await next('0 12 * * *');
    await advanceTo(env, noon - 2 * MINUTE_MS);
    await inGatedWorld({ windows: [deny('0 12 * * *', '20m')], during: slowly() }, async (world, gated) => {
      const handle = await world.start();
      const kept = await world.until('kept');
      expect(kept.parts[0]?.waitsFor).toMatch(/inside the deny window "0 12 \* \* \*" for 20m .* opens/);
      expect(await world.guard().query('status'), 'it holds nobody up while it waits').toMatchObject({ slots: [], waiting: [] });
      const before = await quiet(handle);
      await advanceTo(env, noon + 18 * MINUTE_MS);
      expect(await quiet(handle), 'it polls nothing').toBe(before);
      expect(await handle.result()).toMatchObject({ outcome: 'fixed' });
      expect(steps(gated)).toEqual(['stage', 'validate', 'finalize', 'verify', 'verify']);
      expect(when(gated, 'finalize')).toMatch(/ 12:20 /);
    });
  }, 30_000);

  test('and opens later than the limit: it is unstaged at once, and staged again when it opens', async () => {
    const noon = await next('0 12 * * *');
    await advanceTo(env, noon - 2 * MINUTE_MS);
    await inGatedWorld({ windows: [deny('0 12 * * *', '2h')], during: slowly() }, async (world, gated) => {
      const handle = await world.start();
      await settled(world, ({ phase }) => phase === 'waiting' && steps(gated).includes('rollback'));
      expect(steps(gated)).toEqual(['stage', 'validate', 'rollback']);
      expect(await handle.result()).toMatchObject({ outcome: 'fixed' });
      expect(steps(gated)).toEqual(['stage', 'validate', 'rollback', 'stage', 'validate', 'finalize', 'verify', 'verify']);
      expect(gated.taken.filter((each) => each.step === 'stage').map((each) => localTime(Date.parse(each.at), LONDON).slice(-19))).toEqual(['11:58 Europe/London', '14:00 Europe/London']);
    });
  }, 30_000);

  test('and does not open in time, though it was to: after the limit it is unstaged, and waits on', async () => {
    const noon = await next('0 12 * * *');
    await advanceTo(env, noon - 2 * MINUTE_MS);
    const windows = [deny('0 12 * * *', '20m')];
    await inGatedWorld({ windows, during: slowly() }, async (world, gated) => {
      const handle = await world.start();
      await world.until('kept');
      // A configuration that was taken meanwhile denies for longer.
      gated.configure([deny('0 12 * * *', '28m'), deny('25 12 * * *', '2h')]);
      await advanceTo(env, noon + 45 * MINUTE_MS);
      await world.until('waiting');
      expect(steps(gated)).toEqual(['stage', 'validate', 'rollback']);
      expect(when(gated, 'rollback')).toMatch(/ 12:20 /);
      expect(await handle.result()).toMatchObject({ outcome: 'fixed' });
      expect(when(gated, 'finalize')).toMatch(/ 14:25 /);
    });
  }, 30_000);

  test('a deny with overrun lets what was begun before it finish in it', async () => {
    const noon = await next('0 12 * * *');
    await advanceTo(env, noon - 2 * MINUTE_MS);
    await inGatedWorld({ windows: [deny('0 12 * * *', '2h', { overrun: true })], during: slowly() }, async (world, gated) => {
      expect(await (await world.start()).result()).toMatchObject({ outcome: 'fixed' });
      expect(steps(gated)).toEqual(['stage', 'validate', 'finalize', 'verify', 'verify']);
      expect(when(gated, 'finalize')).toMatch(/ 12:03 /);
    });
  }, 30_000);

  test.each([
    { overrun: true, switched: /^Monday .* 17:03 /, reason: 'what was begun in it finishes after it' },
    { overrun: false, switched: /^Tuesday .* 09:00 /, reason: 'what was begun in it waits for the next' },
  ])('an allow with overrun $overrun: $reason', async ({ overrun, switched }) => {
    await advanceTo(env, (await next('0 17 * * 1')) - 2 * MINUTE_MS);
    await inGatedWorld({ windows: [allow('0 9 * * 1-5', '8h', { overrun })], during: slowly() }, async (world, gated) => {
      expect(await (await world.start()).result()).toMatchObject({ outcome: 'fixed' });
      expect(when(gated, 'finalize')).toMatch(switched);
    });
  }, 30_000);
});

describe('a freeze', () => {
  const freeze = (gated: Gated): Promise<void> => gated.freeze();

  test.each<{ readonly phase: string; readonly during: NonNullable<Gating['during']>; readonly before: readonly string[]; readonly reason: string }>([
    { phase: 'deciding', during: { assess: freeze }, before: [], reason: 'nothing is staged' },
    { phase: 'staging', during: { stage: once(freeze) }, before: ['stage', 'validate', 'rollback'], reason: 'the step is finished, and what was staged is unstaged before the switch' },
    { phase: 'validating', during: { validate: once(freeze) }, before: ['stage', 'validate', 'rollback'], reason: 'it is measured, and unstaged before the switch' },
  ])('while $phase: $reason; it goes on after the freeze', async ({ during, before }) => {
    await inGatedWorld({ during }, async (world, gated) => {
      const handle = await world.start();
      await settled(world, ({ phase, parts }) => phase === 'waiting' && /freeze of prod by alice, until it is unfrozen: launch/.test(parts[0]?.waitsFor ?? ''));
      expect(steps(gated)).toEqual(before);
      const events = await quiet(handle);
      await advanceTo(env, (await env.currentTimeMs()) + 24 * HOUR_MS);
      expect(await quiet(handle), 'a day of waiting is no event').toBe(events);
      await gated.thaw();
      expect(await handle.result()).toMatchObject({ outcome: 'fixed' });
      expect(steps(gated)).toEqual([...before, 'stage', 'validate', 'finalize', 'verify', 'verify']);
    });
  }, 30_000);

  test.each<{ readonly phase: string; readonly during: NonNullable<Gating['during']>; readonly reason: string }>([
    { phase: 'finalizing', during: { finalize: freeze }, reason: 'a switch under way is finished' },
    { phase: 'verifying', during: { verify: once(freeze) }, reason: 'what is switched is proved' },
  ])('while $phase: $reason, watched and closed as fixed', async ({ during }) => {
    await inGatedWorld({ during }, async (world, gated) => {
      expect(await (await world.start()).result()).toMatchObject({ outcome: 'fixed' });
      expect(steps(gated)).toEqual(['stage', 'validate', 'finalize', 'verify', 'verify']);
    });
  }, 30_000);

  test('while soaking: it is watched to the end and closed as fixed', async () => {
    await inGatedWorld({}, async (world, gated) => {
      const handle = await world.start();
      await world.until('soaking');
      await gated.freeze();
      expect(await handle.result()).toMatchObject({ outcome: 'fixed' });
      expect(steps(gated)).toEqual(['stage', 'validate', 'finalize', 'verify', 'verify']);
    });
  }, 30_000);

  test.each<{ readonly phase: string; readonly during: NonNullable<Gating['during']>; readonly reason: string }>([
    { phase: 'verifying', during: { verify: once(freeze) }, reason: 'what is not healthy is rolled back in spite of it' },
    { phase: 'rolling back', during: { rollback: freeze }, reason: 'a rollback is finished' },
  ])('while $phase: $reason', async ({ during }) => {
    await inGatedWorld({ during, verdict: 'unhealthy' }, async (world, gated) => {
      expect(await (await world.start()).result()).toMatchObject({ outcome: 'rolled-back' });
      expect(steps(gated)).toEqual(['stage', 'validate', 'finalize', 'verify', 'rollback']);
    });
  }, 30_000);

  test('while awaiting approval: the approval counts, and is applied after it', async () => {
    await inGatedWorld({ part: { decision: 'ask' } }, async (world, gated) => {
      const handle = await world.start();
      await world.until('awaiting-approval');
      await gated.freeze();
      await settled(world, (status) => /freeze/.test(status.parts[0]?.waitsFor ?? ''));
      expect((await world.status()).parts[0]?.expiresAt, 'the question does not run out').toBeUndefined();
      await advanceTo(env, (await env.currentTimeMs()) + 24 * HOUR_MS);
      await handle.signal('approve', APPROVE);
      await world.until('waiting');
      expect(steps(gated)).toEqual([]);
      await gated.thaw();
      expect(await handle.result()).toMatchObject({ outcome: 'fixed' });
    });
  }, 30_000);

  test('while waiting for a window: the window opens, and it waits on', async () => {
    const nine = await next('0 9 * * 1');
    await advanceTo(env, nine - HOUR_MS);
    await inGatedWorld({ windows: [OFFICE] }, async (world, gated) => {
      const handle = await world.start();
      await world.until('waiting');
      await gated.freeze();
      await settled(world, (status) => /freeze/.test(status.parts[0]?.waitsFor ?? ''));
      await advanceTo(env, nine + HOUR_MS);
      expect(steps(gated)).toEqual([]);
      await gated.thaw();
      expect(await handle.result()).toMatchObject({ outcome: 'fixed' });
      expect(when(gated, 'stage')).toMatch(/^Monday .* 10:0\d /);
    });
  }, 30_000);

  test('while a stage is kept: it is unstaged at once', async () => {
    const noon = await next('0 12 * * *');
    await advanceTo(env, noon - 2 * MINUTE_MS);
    await inGatedWorld({ windows: [deny('0 12 * * *', '20m')], during: slowly() }, async (world, gated) => {
      const handle = await world.start();
      await world.until('kept');
      await gated.freeze();
      await world.until('waiting');
      expect(steps(gated)).toEqual(['stage', 'validate', 'rollback']);
      await gated.thaw();
      expect(await handle.result()).toMatchObject({ outcome: 'fixed' });
    });
  }, 30_000);

  test('who stops it while a stage is kept has it unstaged', async () => {
    const noon = await next('0 12 * * *');
    await advanceTo(env, noon - 2 * MINUTE_MS);
    await inGatedWorld({ windows: [deny('0 12 * * *', '20m')], during: slowly() }, async (world, gated) => {
      const handle = await world.start();
      await world.until('kept');
      await handle.signal('rollback', { by: 'alice', reason: 'not today' });
      expect(await handle.result()).toMatchObject({ outcome: 'rolled-back' });
      expect(steps(gated)).toEqual(['stage', 'validate', 'rollback']);
    });
  }, 30_000);
});

/** Proving the stage takes so long that a window closes meanwhile. */
function slowly(): NonNullable<Gating['during']> {
  return { validate: once((gated) => gated.takes(5 * MINUTE_MS)) };
}

/** The first time alone: what is staged again is not frozen again. */
function once(act: (gated: Gated) => Promise<void>): (gated: Gated) => Promise<void> {
  let done = false;
  return async (gated) => {
    if (!done) await act(gated);
    done = true;
  };
}

/** How long the history is, once nothing more comes. */
async function quiet(handle: WorkflowHandle): Promise<number> {
  for (let before = -1; ; ) {
    const { events } = await handle.fetchHistory();
    const now = events?.length ?? 0;
    if (now === before) return now;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

async function settled(world: World, holds: (status: IncidentStatus) => boolean): Promise<void> {
  for (let tries = 0; tries < 1_200; tries += 1) {
    if (holds(await world.status())) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`never so: ${JSON.stringify(await world.status())}`);
}

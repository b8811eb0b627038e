import { describe, expect, it } from 'vitest';
import type { AssessedPart, CloseInput } from '../../src/activities/types.js';
import { incidentWorkflowId } from '../../src/workflows/messages.js';
import { FIRST, only, openBench, openIncident, refOf, RUN, SHOP, staged, standing, type Bench } from './bench.js';

const LIMITS = { concurrent: 2, reads: 4, failures: { max: 1, withinMs: 60_000 }, budget: { max: 1, withinMs: 3_600_000 } };

/** A part that waits for its turn: it has the one place that the half-open breaker and the budget give, each. */
async function holding(): Promise<{ on: Bench; part: AssessedPart }> {
  const on = await openBench({ environment: { limits: LIMITS } });
  await on.ledger.closeGate({ scope: 'prod', gate: 'breaker', by: 'holdfast', reason: 'a repair failed', at: on.at(), incident: 9, halfOpenAt: on.at() });
  const part = await openIncident(on);
  expect(await on.run('askGates', refOf(part))).toMatchObject({ gate: { allowed: true } });
  expect(await places(on)).toEqual(['breaker prod/storefront#1/1', 'budget prod/storefront#1/1']);
  // Another incident of the environment waits.
  await on.ledger.openIncident({ address: { environment: 'prod', target: 'other' }, at: on.at(), drift: 'x', kind: 'drift' });
  on.temporal.runs.set('incident/prod/other', { status: 'RUNNING', runId: 'other' });
  return { on, part };
}

async function places(on: Bench): Promise<readonly string[]> {
  return (await on.ledger.closedGates(FIRST, on.at())).flatMap((row) => (row.holder === undefined ? [] : [`${row.gate} ${row.holder}`])).sort();
}

function woken(on: Bench): boolean {
  return on.temporal.signals.some(({ workflowId, signal }) => workflowId === 'incident/prod/other' && signal === 'gates');
}

function ended(part: AssessedPart, more: Partial<CloseInput['parts'][number]> = {}): CloseInput {
  const outcome = more.outcome ?? 'cancelled';
  return { incident: FIRST, run: RUN, outcome, malformed: 0, parts: [{ part: part.part, outcome, decision: part.decision, reason: 'cancelled', plan: part.plan ?? '', ask: part.ask ?? '', ...more }] };
}

interface End {
  readonly reason: string;
  readonly end: (on: Bench, part: AssessedPart) => Promise<unknown>;
  /** What is still held; nothing unless it says so. */
  readonly left?: readonly string[];
}

const SPENT = { left: ['budget prod/storefront#1/1'] };

async function stop(on: Bench, part: AssessedPart, phase: 'waiting' | 'staging'): Promise<unknown> {
  on.temporal.histories.set(RUN, [{ at: on.at(), signal: 'rollback' }]);
  const messages = [{ message: { decision: 'rollback' as const, by: 'alice', reason: 'not now' }, via: { signal: 'rollback', ordinal: 1 } }];
  const { plan = '', ask = '' } = part;
  return on.run('judge', { incident: FIRST, run: RUN, messages, questions: [{ part: part.part, phase, causedBy: [], plan, ask, decided: 'allowed by policy' }], malformed: 0 });
}

describe('a part that ends without a repair gives back at once what was let through, and wakes who waits for it', () => {
  it.each<End>([
    { reason: 'a person stops it while it waits, whatever else of its incident goes on', end: (on, part) => stop(on, part, 'waiting') },
    { reason: 'its changes moved, and its successor is another part', end: async (on, part) => { on.write('etc/app.yaml', 'port: 10\nhost: a\n'); await on.check(); await on.assess({ ordinal: 2, nextPart: 2, parts: [standing(part)] }); } },
    { reason: 'its changes are gone', end: async (on, part) => { on.write('etc/app.yaml', 'port: 1\nhost: a\n'); await on.check(); await on.assess({ ordinal: 2, nextPart: 2, parts: [standing(part)] }); } },
    { reason: 'its incident is cancelled while it waits', end: (on, part) => on.run('close', ended(part)) },
    { reason: 'its incident is cancelled once it was unstaged for a gate', end: (on, part) => on.run('close', ended(part, { cause: 'gate-closed' })) },
    { reason: 'a person stops it after it was staged: nothing was switched', end: async (on, part) => { const ref = await staged(on, part); await on.run('rollback', { ...ref, cause: 'asked', reason: 'alice asked' }); } },
    { reason: 'its run is terminated before it began', end: async (on) => { on.temporal.runs.set('incident/prod/storefront', { status: 'TERMINATED', runId: RUN, closeTime: new Date(on.at()) }); on.later(3_500_000); await on.check(); } },
    { reason: 'a person undoes what was switched: the budget counts it', end: async (on, part) => { const ref = await staged(on, part); await on.run('finalize', ref); await on.run('rollback', { ...ref, cause: 'asked', reason: 'alice asked' }); }, ...SPENT },
    { reason: 'its incident is cancelled after the switch: the budget counts it', end: async (on, part) => { const ref = await staged(on, part); await on.run('finalize', ref); await on.run('rollback', { ...ref, cause: 'cancelled', reason: 'cancelled' }); await on.run('close', ended(part, { cause: 'cancelled' })); }, ...SPENT },
    { reason: 'its run is terminated after the switch: the budget counts it', end: async (on, part) => { await on.run('finalize', await staged(on, part)); on.temporal.runs.set('incident/prod/storefront', { status: 'TERMINATED', runId: RUN, closeTime: new Date(on.at()) }); on.later(3_500_000); await on.check(); }, ...SPENT },
  ])('$reason', async ({ end, left = [] }) => {
    const { on, part } = await holding();
    await end(on, part);
    expect(await places(on)).toEqual(left);
    expect(woken(on)).toBe(true);
  });

  it('not what is stopped in the middle of a step: its rollback gives back', async () => {
    const { on, part } = await holding();
    await stop(on, part, 'staging');
    expect(await places(on)).toHaveLength(2);
    expect(woken(on)).toBe(false);
  });

  it.each([
    { reason: 'a person stopped it', end: (on: Bench, part: AssessedPart) => stop(on, part, 'waiting') },
    { reason: 'a look found that it moved', end: async (on: Bench, part: AssessedPart) => { on.write('etc/app.yaml', 'port: 10\nhost: a\n'); await on.assess({ ordinal: 2, nextPart: 2, parts: [standing(part)] }); } },
  ])('gates that were being asked for it in that very moment give it no place again: $reason', async ({ end }) => {
    const { on, part } = await holding();
    await end(on, part);
    await on.run('askGates', refOf(part));
    expect(await places(on)).toEqual([]);
  });

  it('its successor takes the place that it gave back', async () => {
    const { on, part } = await holding();
    on.write('etc/app.yaml', 'port: 10\nhost: a\n');
    on.later(1_000);
    await on.check();
    const next = await on.assess({ ordinal: 2, nextPart: 2, parts: [standing(part)] });
    expect(only(next.parts).gate).toMatchObject({ allowed: true });
    expect(await on.run('askGates', refOf(only(next.parts)))).toMatchObject({ gate: { allowed: true } });
    expect(await places(on)).toEqual(['breaker prod/storefront#1/2', 'budget prod/storefront#1/2']);
  });
});

it('another part of the same incident hears that the place came back, since it waits for it as everybody does', async () => {
  const on = await openBench({ environment: { limits: { concurrent: 2, reads: 4, failures: { max: 1, withinMs: 60_000 } } } });
  await on.ledger.closeGate({ scope: 'prod', gate: 'breaker', by: 'holdfast', reason: 'a repair failed', at: on.at(), incident: 9, halfOpenAt: on.at() });
  const part = await openIncident(on);
  await on.run('stage', refOf(part));
  on.write('bin/run', '#!/bin/sh -e\n');
  const second = only((await on.assess({ ordinal: 2, nextPart: 2, parts: [{ ...standing(part), phase: 'finalizing' }] })).parts);
  expect(second).toMatchObject({ part: 2, gate: { allowed: false, gate: 'breaker' } });
  await on.ledger.updateIncident(FIRST, { part: { part: 2, phase: 'waiting' } });
  expect(wokenItself(on)).toBe(0);
  await on.run('rollback', { incident: FIRST, part: 1, plan: part.plan ?? '', round: 1, cause: 'moved', reason: 'its changes moved' });
  expect(wokenItself(on)).toBe(1);
  expect(await on.run('askGates', refOf(second))).toMatchObject({ gate: { allowed: true } });
});

it('a part alone in its incident is not woken by what it gives back itself', async () => {
  const on = await openBench({ environment: { limits: { concurrent: 2, reads: 4, failures: { max: 1, withinMs: 60_000 } } } });
  await on.ledger.closeGate({ scope: 'prod', gate: 'breaker', by: 'holdfast', reason: 'a repair failed', at: on.at(), incident: 9, halfOpenAt: on.at() });
  const part = await openIncident(on);
  await on.run('stage', refOf(part));
  await on.run('rollback', { incident: FIRST, part: 1, plan: part.plan ?? '', round: 1, cause: 'moved', reason: 'its changes moved' });
  expect(wokenItself(on)).toBe(0);
});

function wokenItself(on: Bench): number {
  return on.temporal.signals.filter(({ workflowId, signal }) => workflowId === incidentWorkflowId(SHOP.environment, SHOP.target) && signal === 'gates').length;
}

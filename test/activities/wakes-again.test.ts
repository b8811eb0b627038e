import { ServiceError, type Client } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import type { CommandMessage } from '../../src/domain/message.js';
import type { AssessedPart, CloseInput, CommandDone } from '../../src/activities/types.js';
import { environmentWorkflowId } from '../../src/workflows/messages.js';
import { FIRST, openBench, openIncident, refOf, RUN, staged, standing, type Bench, type Runner } from './bench.js';

const LIMITS = { concurrent: 2, reads: 4, failures: { max: 1, withinMs: 60_000 }, budget: { max: 1, withinMs: 3_600_000 } };
const GUARD: Runner = { workflowType: 'environment', workflowId: environmentWorkflowId('prod') };

/** The breaker of prod is half-open, `prod/storefront#1` has its one place and the budget's, and `prod/other` waits without a timer. */
async function holding(): Promise<{ on: Bench; part: AssessedPart }> {
  const on = await openBench({ environment: { limits: LIMITS } });
  await on.ledger.closeGate({ scope: 'prod', gate: 'breaker', by: 'holdfast', reason: 'a repair failed', at: on.at(), incident: 9, halfOpenAt: on.at() });
  const part = await openIncident(on);
  expect(await on.run('askGates', refOf(part))).toMatchObject({ gate: { allowed: true } });
  await on.ledger.openIncident({ address: { environment: 'prod', target: 'other' }, at: on.at(), drift: 'x', kind: 'drift' });
  on.temporal.runs.set('incident/prod/other', { status: 'RUNNING', runId: 'other' });
  return { on, part };
}

/** Temporal, which cannot be reached just when this one is to be told. */
function away(client: Client, whom = 'incident/prod/other'): Client {
  const { workflow } = client;
  const getHandle = (id: string, run?: string): object => {
    const handle = workflow.getHandle(id, run);
    const signal = id === whom ? () => Promise.reject(new ServiceError('the server is away', { cause: Object.assign(new Error('unavailable'), { code: 14 }) })) : (name: string, payload: never) => handle.signal<[unknown]>(name, payload);
    return { ...handle, signal };
  };
  const around = Object.create(workflow, { getHandle: { value: getHandle } }) as object;
  return Object.create(client, { workflow: { value: around } }) as Client;
}

function woken(on: Bench): boolean {
  return on.temporal.signals.some(({ workflowId, signal }) => workflowId === 'incident/prod/other' && signal === 'gates');
}

type Step = (on: Bench, part: AssessedPart, by: Runner) => Promise<unknown>;

function say(message: Omit<CommandMessage, 'by' | 'reason'>): Step {
  return (on, _part, by) => on.run('command', { environment: 'prod', message: { by: 'alice', reason: 'it was looked at', ...message }, run: RUN }, { ...by, ...GUARD });
}

interface CutShort {
  readonly reason: string;
  readonly before?: (on: Bench, part: AssessedPart) => Promise<unknown>;
  readonly step: Step;
  /** What the second attempt answers whoever asked. */
  readonly answers?: Partial<CommandDone>;
}

const CASES: readonly CutShort[] = [
  { reason: 'another gate closes for the repair that was let through', before: (on) => on.ledger.closeGate({ scope: 'prod/storefront', gate: 'freeze', by: 'bob', reason: 'release', at: on.at() }), step: (on, part, by) => on.run('askGates', refOf(part), by) },
  { reason: 'the same, found by its staging', before: (on) => on.ledger.closeGate({ scope: 'prod/storefront', gate: 'freeze', by: 'bob', reason: 'release', at: on.at() }), step: (on, part, by) => on.run('stage', refOf(part), by) },
  { reason: 'its staging finds that it moved', before: (on) => rewrite(on), step: (on, part, by) => on.run('stage', refOf(part), by) },
  { reason: 'a look finds that it moved', before: (on) => rewrite(on), step: (on, part, by) => on.run('assess', { incident: FIRST, kind: 'drift', run: RUN, ordinal: 2, nextPart: 2, parts: [standing(part)], settled: [] }, by) },
  { reason: 'a person stops it while it waits', step: stop },
  { reason: 'its incident is cancelled', step: (on, part, by) => on.run('close', ended(part), by) },
  { reason: 'it is put back', before: (on, part) => staged(on, part), step: (on, part, by) => on.run('rollback', { ...refOf(part), cause: 'asked', reason: 'alice asked' }, by) },
  { reason: 'it failed', before: (on, part) => staged(on, part), step: (on, part, by) => on.run('rollback', { ...refOf(part), cause: 'failed', reason: 'it could not' }, by) },
  { reason: 'it held', before: async (on, part) => on.run('finalize', await staged(on, part)), step: (on, part, by) => on.run('verify', { ...refOf(part), final: true }, by) },
  { reason: 'its run was terminated', before: (on) => terminate(on), step: (on, _part, by) => on.run('observe', { environment: 'prod', targets: ['storefront'], commits: {} }, { ...by, workflowId: 'check/prod', workflowType: 'checkEnvironment' }) },
  { reason: 'a person releases the breaker', step: say({ command: 'release', scope: 'prod', gate: 'breaker' }), answers: { ok: true } },
  { reason: 'a person releases the budget', step: say({ command: 'release', scope: 'prod', gate: 'budget' }), answers: { ok: true } },
  { reason: 'a person ends a freeze', before: (on) => on.ledger.closeGate({ scope: 'prod', gate: 'freeze', by: 'bob', reason: 'release', at: on.at() }), step: say({ command: 'unfreeze', scope: 'prod' }), answers: { ok: true } },
  { reason: 'a person freezes', step: say({ command: 'freeze', scope: 'prod' }), answers: { ok: true } },
];

describe('whoever waits for an event is told by the next attempt when the first one could not', () => {
  it.each(CASES)('$reason', async ({ before, step, answers }) => {
    const { on, part } = await holding();
    await before?.(on, part);
    on.temporal.signals.length = 0;
    await expect(step(on, part, { worker: { client: away(on.temporal.client) } })).rejects.toThrow('the server is away');
    expect(woken(on)).toBe(false);
    on.later(1_000);
    const answer = await step(on, part, { attempt: 2 });
    expect(woken(on)).toBe(true);
    if (answers !== undefined) expect(answer).toMatchObject(answers);
  });
});

/** The answer of the first attempt is lost once everything is done: its worker died. */
describe('whoever asked hears from the next attempt what the first one did', () => {
  it.each<CutShort>([
    { reason: 'a release', step: say({ command: 'release', scope: 'prod', gate: 'breaker' }), answers: { ok: true, message: 'released 1 breaker in prod; what waits goes on now, and failed repairs are counted anew' } },
    { reason: 'an unfreeze', before: (on) => on.ledger.closeGate({ scope: 'prod', gate: 'freeze', by: 'bob', reason: 'release', at: on.at() }), step: say({ command: 'unfreeze', scope: 'prod' }), answers: { ok: true, message: 'prod is not frozen any more' } },
    { reason: 'an unfreeze of work under way', before: (on) => on.ledger.closeGate({ scope: 'prod', gate: 'busy', by: 'bob', reason: 'release', at: on.at(), until: '2030-01-01T00:00:00.000Z' }), step: say({ command: 'unfreeze', scope: 'prod' }), answers: { ok: true, message: 'prod is not busy any more' } },
    { reason: 'a retry', before: (on, part) => on.run('close', { ...ended(part), outcome: 'rejected', parts: ended(part).parts.map((each) => ({ ...each, outcome: 'rejected' as const })) }), step: say({ command: 'retry', scope: 'prod/storefront', incident: 1 }), answers: { ok: true, message: '1 change is asked about again at the next check' } },
    { reason: 'the end of an acceptance', before: (on) => on.ledger.accept({ environment: 'prod', target: 'storefront', resource: 'etc/app.yaml', until: '2030-01-01T00:00:00.000Z', by: 'bob', reason: 'a hotfix', at: on.at() }), step: say({ command: 'accept', scope: 'prod/storefront', resource: 'etc/app.yaml', end: true }), answers: { ok: true, message: '1 acceptance of etc/app.yaml in prod/storefront ended: the next check decides about what it sees' } },
  ])('$reason', async ({ before, step, answers = {} }) => {
    const { on, part } = await holding();
    await before?.(on, part);
    expect(await step(on, part, {})).toMatchObject(answers);
    on.later(1_000);
    expect(await step(on, part, { attempt: 2 })).toMatchObject(answers);
    expect(await step(on, part, {}), 'asked anew, nothing is left to do').toMatchObject({ ok: false });
  });
});

it('a run that was terminated gives its slot back though the guard could not be told at first', async () => {
  const { on } = await holding();
  await terminate(on);
  on.temporal.runs.set('environment/prod', { status: 'RUNNING', runId: 'guard' });
  const look = (by: Runner): Promise<unknown> => on.run('observe', { environment: 'prod', targets: ['storefront'], commits: {} }, { ...by, workflowId: 'check/prod', workflowType: 'checkEnvironment' });
  await expect(look({ worker: { client: away(on.temporal.client, 'environment/prod') } })).rejects.toThrow('the server is away');
  on.later(1_000);
  await look({ attempt: 2 });
  expect(on.temporal.signals.filter(({ signal }) => signal === 'returnSlot').map(({ workflowId }) => workflowId)).toEqual(['environment/prod']);
});

async function rewrite(on: Bench): Promise<void> {
  on.write('etc/app.yaml', 'port: 10\nhost: a\n');
}

async function terminate(on: Bench): Promise<void> {
  on.temporal.runs.set('incident/prod/storefront', { status: 'TERMINATED', runId: RUN, closeTime: new Date(on.at()) });
  on.later(3_500_000);
}

function stop(on: Bench, { part, plan = '', ask = '' }: AssessedPart, by: Runner): Promise<unknown> {
  on.temporal.histories.set(RUN, [{ at: on.at(), signal: 'rollback' }]);
  const messages = [{ message: { decision: 'rollback' as const, by: 'alice', reason: 'not now' }, via: { signal: 'rollback', ordinal: 1 } }];
  return on.run('judge', { incident: FIRST, run: RUN, messages, questions: [{ part, phase: 'waiting', causedBy: [], plan, ask, decided: 'allowed by policy' }], malformed: 0 }, by);
}

function ended({ part, decision, plan = '', ask = '' }: AssessedPart): CloseInput {
  return { incident: FIRST, run: RUN, outcome: 'cancelled', malformed: 0, parts: [{ part, outcome: 'cancelled', decision, reason: 'cancelled', plan, ask }] };
}

import type { WorkflowHandle } from '@temporalio/client';
import type { Judged } from '../../src/activities/types.js';
import type { GateAnswer } from '../../src/domain/gates/gate.js';
import { assessed, type Script, type World } from '../workflows/world.js';
import { APPROVE, asks, auto, ended, FROZEN, looks, repairs, soon, stir, toItsEnd, until, whileWaiting, YEAR_MS, type Scenario } from './playing.js';

/** A window closed before the switch opens after three seconds; what was staged is kept for so long. */
function keepingFor(ms: number): Script {
  let opens = 0;
  let until = '';
  const gateNow = (): GateAnswer => (Date.now() >= opens ? { allowed: true } : { allowed: false, gate: 'window', reason: 'inside the deny window of prod', opensAt: new Date(opens).toISOString() });
  const keep = (): { readonly keepUntil?: string } => (new Date().toISOString() < until ? { keepUntil: until } : {});
  return {
    finalize: () => {
      if (opens === 0) [opens, until] = [Date.now() + 3_000, soon(ms)];
      const gate = gateNow();
      return Promise.resolve(gate.allowed ? { result: 'finalized' } : { result: 'gate-closed', gate, ...keep() });
    },
    askGates: () => {
      const gate = gateNow();
      return Promise.resolve(gate.allowed ? { gate } : { gate, ...keep() });
    },
  };
}

const BOB = { ...APPROVE, by: 'bob' };
const HOUR_MS = 3_600_000;
const LATER_MS = 60_000;
const HALF_OPEN: GateAnswer & { readonly allowed: false } = { allowed: false, gate: 'breaker', reason: 'breaker of prod, half-open: the repair of prod/search#1 was let through, and its end decides' };
const CLOSED_WINDOW: GateAnswer = { allowed: false, gate: 'window', reason: 'inside the deny window of prod', opensAt: '2999-01-01T00:00:00.000Z' };

/** Two people must approve; each is told how it stands. */
function twoMust(more: () => Script = () => ({})): () => Script {
  return () => {
    const votes: string[] = [];
    return {
      assess: () => Promise.resolve(assessed([asks(OF_TWO)])),
      judge: ({ messages }) => Promise.resolve(messages.map(({ message: { by, decision } }): Judged => {
        const answer = { result: 'accepted' as const, message: decision, by, at: new Date().toISOString() };
        if (decision !== 'approve') return { ...answer, parts: [1] };
        if (!votes.includes(by)) votes.push(by);
        return votes.length > 1 ? { ...answer, parts: [1] } : { ...answer, parts: [], vote: { part: 1, standing: `1 of 2 of sre (${by}); still needed: 1 more of sre` } };
      })),
      ...more(),
    };
  };
}

const OF_TWO = { requires: '2 of sre (approvals.rules[0] of prod)', approvals: '0 of 2 of sre; still needed: 2 of sre' };
const ESCALATES = { ...OF_TWO, expiresMs: HOUR_MS, remindMs: [450], escalate: [{ afterMs: 300, to: 'leads' }, { afterMs: 600, to: 'dave' }] };

/** With an hour to answer, of which as much is gone as the first steps need. */
function escalating(): Parameters<typeof asks>[0] {
  return { ...ESCALATES, expiresAt: soon(HOUR_MS) };
}

async function voted(world: World, by: string): Promise<void> {
  await until(world, (status) => JSON.stringify(status.parts[0]?.['approvals'] ?? '').includes(by));
}

/** What is judged in a run that goes on from another one knows who approved before. */
async function acrossRuns(world: World): Promise<{ readonly first: WorkflowHandle; readonly before: string }> {
  const first = await world.start();
  await world.until('awaiting-approval');
  await first.executeUpdate('decide', { args: [{ decision: 'approve', ...APPROVE }] });
  const before = (await first.describe()).runId;
  await first.signal('observed', {});
  for (let now = before; now === before;) now = (await first.describe()).runId;
  await voted(world, 'alice');
  await first.signal('approve', BOB);
  return { first, before };
}

export const DECIDING: readonly Scenario[] = [
  {
    name: 'voted',
    script: twoMust(),
    play: (world) => whileWaiting(world, async (incident) => {
      await incident.signal('approve', APPROVE);
      await voted(world, 'alice');
      await incident.executeUpdate('decide', { args: [{ decision: 'approve', ...BOB }] });
    }),
  },
  {
    name: 'voted-and-rejected',
    script: twoMust(),
    play: (world) => whileWaiting(world, async (incident) => {
      await incident.signal('approve', APPROVE);
      await voted(world, 'alice');
      await incident.signal('reject', { by: 'bob', reason: 'not now' });
    }),
  },
  {
    name: 'voted-across-runs',
    script: twoMust(() => looks(() => assessed([asks(OF_TWO)]), () => assessed([], { build: 'build-2' }))),
    async play(world, env) {
      const { first: { workflowId }, before } = await acrossRuns(world);
      const latest = env.client.workflow.getHandle(workflowId, (await env.client.workflow.getHandle(workflowId).describe()).runId);
      await latest.result();
      return [env.client.workflow.getHandle(workflowId, before), latest];
    },
  },
  {
    name: 'escalated-and-approved',
    script: () => ({ assess: () => Promise.resolve(assessed([asks(escalating())])), escalate: ({ to }) => Promise.resolve({ requires: `2 of sre; since it was escalated also ${to}` }) }),
    play: (world) => whileWaiting(world, async (incident) => {
      await until(world, () => world.calls.filter((call) => call === 'escalate').length === 2 && world.calls.includes('remind'));
      await incident.signal('approve', APPROVE);
    }),
  },
  {
    name: 'escalated-and-expired',
    script: () => ({ assess: () => Promise.resolve(assessed([asks({ ...ESCALATES, expiresAt: soon(1_200), expiresMs: 1_200 })])) }),
    play: toItsEnd,
  },
  {
    name: 'question-that-stood-still',
    script: () => {
      let asked = 0;
      const closed = { gate: { allowed: false, gate: 'window', reason: 'outside the window of prod', opensAt: soon(1_200) } as const, leftMs: LATER_MS };
      return {
        assess: () => Promise.resolve(assessed([asks({ expiresAt: soon(LATER_MS), expiresMs: LATER_MS, gate: { allowed: true, closesAt: soon(400) } })])),
        askGates: () => Promise.resolve((asked += 1) === 1 ? closed : { gate: { allowed: true }, expiresAt: soon(LATER_MS) }),
      };
    },
    play: (world) => whileWaiting(world, async (incident) => {
      await until(world, () => world.calls.filter((call) => call === 'askGates').length > 1);
      await incident.signal('approve', APPROVE);
    }),
  },
  {
    name: 'glass-broken',
    script: () => ({
      assess: () => Promise.resolve(assessed([asks({ ...OF_TWO, gate: CLOSED_WINDOW })])),
      judge: ({ messages }) => Promise.resolve(messages.map(({ message: { by } }): Judged => ({ result: 'accepted', parts: [1], message: 'the glass is broken', by, at: new Date().toISOString(), breakGlass: { startBy: soon(LATER_MS) } }))),
    }),
    play: (world) => whileWaiting(world, (incident) => incident.signal('approve', { ...APPROVE, by: 'dave', breakGlass: true, reason: 'checkout is down' })),
  },
  {
    name: 'adopted',
    script: () => looks(() => assessed([asks()]), () => assessed([], { gone: [{ part: 1, event: 'adopted', reason: 'the desired state took it in' }] })),
    play: (world) => whileWaiting(world, async (incident) => {
      await incident.executeUpdate('decide', { args: [{ decision: 'adopt', by: 'alice', reason: 'it is right' }] });
      await until(world, (status) => status.parts[0]?.waitsFor?.includes('waits to be merged') === true);
      await incident.signal('observed', {});
    }),
  },
  {
    name: 'not-adopted',
    script: () => ({ adopt: () => Promise.resolve({ result: 'refused', reason: 'the repository takes no branch' }) }),
    play: (world) => whileWaiting(world, async (incident) => {
      await incident.signal('adopt', { by: 'alice', reason: 'it is right' });
      await until(world, (status) => status.parts[0]?.waitsFor?.includes('not adopted') === true);
      await incident.signal('reject', { by: 'alice', reason: 'keep it' });
    }),
  },
  {
    name: 'let-through-by-a-half-open-breaker',
    script: () => {
      let asked = 0;
      return { assess: () => Promise.resolve(assessed([auto({ gate: { ...HALF_OPEN, opensAt: soon(400) } })])), askGates: () => Promise.resolve({ gate: (asked += 1) < 3 ? HALF_OPEN : { allowed: true } }) };
    },
    async play(world) {
      const incident = await world.start();
      await until(world, () => world.calls.includes('askGates'));
      await stir(world, incident, () => world.calls.filter((call) => call === 'askGates').length > 2);
      return ended(incident);
    },
  },
  { name: 'kept-and-switched', script: () => repairs(keepingFor(6_000))(), play: toItsEnd },
  { name: 'kept-and-unstaged', script: () => repairs(keepingFor(1_000))(), play: toItsEnd },
  {
    name: 'kept-and-frozen',
    script: () => {
      let tried = 0;
      let asked = 0;
      return {
        assess: () => Promise.resolve(assessed([auto()])),
        finalize: () => Promise.resolve((tried += 1) === 1 ? { result: 'gate-closed', gate: HALF_OPEN, keepUntil: soon(LATER_MS) } : { result: 'finalized' }),
        askGates: () => Promise.resolve((asked += 1) === 1 ? { gate: FROZEN } : { gate: { allowed: true } }),
      };
    },
    async play(world) {
      const incident = await world.start();
      await world.until('kept');
      await stir(world, incident, () => world.calls.includes('rollback'));
      await world.until('waiting');
      await stir(world, incident, () => world.calls.filter((call) => call === 'stage').length > 1);
      return ended(incident);
    },
  },
  {
    name: 'kept-and-cancelled',
    script: repairs({ finalize: () => Promise.resolve({ result: 'gate-closed', gate: HALF_OPEN, keepUntil: soon(YEAR_MS) }) }),
    async play(world) {
      const incident = await world.start();
      await world.until('kept');
      await incident.cancel();
      return ended(incident);
    },
  },
];

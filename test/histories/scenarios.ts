import { ApplicationFailure } from '@temporalio/common';
import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { GateAnswer } from '../../src/domain/gate.js';
import { ENVIRONMENT_SIGNALS, environmentWorkflowId, WORKFLOW_QUEUE } from '../../src/workflows/messages.js';
import { assessed, OTHER, part, PLAN, type Script, type World } from '../workflows/world.js';

/** One kind of history: the steps it is given, and what people and checks do to it. */
export interface Scenario {
  readonly name: string;
  readonly script?: (world: World) => Script;
  /** Returns the runs whose histories are kept, once they are what the name says. */
  play(world: World, env: TestWorkflowEnvironment): Promise<readonly WorkflowHandle[]>;
}

const APPROVE = { by: 'alice', plan: PLAN.slice(0, 12) };
const QUICK = { soakMs: 300 } as const;
const YEAR_MS = 365 * 24 * 3_600_000;
const FROZEN: GateAnswer = { allowed: false, gate: 'freeze', reason: 'freeze of prod by alice, until it is unfrozen: launch' };

const auto = (overrides: Parameters<typeof part>[0] = {}): ReturnType<typeof part> => part({ decision: 'remediate', rules: ['remediation: auto'], ...QUICK, ...overrides });
const asks = (overrides: Parameters<typeof part>[0] = {}): ReturnType<typeof part> => part({ ...QUICK, ...overrides });
const soon = (ms: number): string => new Date(Date.now() + ms).toISOString();

function repairs(more: Script = {}): () => Script {
  return () => ({ assess: () => Promise.resolve(assessed([auto()])), ...more });
}

/** The first look finds the first of these, the next one the next. */
function looks(...answers: (() => ReturnType<typeof assessed>)[]): Script {
  let count = 0;
  return {
    assess: () => {
      const answer = answers[Math.min(count, answers.length - 1)];
      count += 1;
      return answer === undefined ? Promise.reject(new Error('no look was scripted')) : Promise.resolve(answer());
    },
  };
}

async function ended(incident: WorkflowHandle): Promise<readonly WorkflowHandle[]> {
  await incident.result().catch(() => undefined);
  return [incident];
}

async function toItsEnd(world: World): Promise<readonly WorkflowHandle[]> {
  return ended(await world.start());
}

async function whileWaiting(world: World, act: (incident: WorkflowHandle) => Promise<unknown>): Promise<readonly WorkflowHandle[]> {
  const incident = await world.start();
  await world.until('awaiting-approval');
  await act(incident);
  return ended(incident);
}

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

const incidents: Scenario[] = [
  { name: 'fixed', script: repairs(), play: toItsEnd },
  { name: 'fixed-without-soak', script: repairs({ assess: () => Promise.resolve(assessed([auto({ soakMs: 0 })])) }), play: toItsEnd },
  {
    name: 'approved',
    script: () => ({ assess: () => Promise.resolve(assessed([asks()])) }),
    play: (world) => whileWaiting(world, (incident) => incident.signal('approve', APPROVE)),
  },
  {
    name: 'approved-by-update',
    script: () => ({ assess: () => Promise.resolve(assessed([asks()])) }),
    play: (world) => whileWaiting(world, (incident) => incident.executeUpdate('decide', { args: [{ decision: 'approve', ...APPROVE }] })),
  },
  {
    name: 'approved-though-observed',
    script: () => ({ assess: () => Promise.resolve(assessed([asks({ decision: 'hold', rules: ['remediation: observe'] })])) }),
    async play(world) {
      const incident = await world.start();
      await world.until('observed');
      await incident.signal('approve', APPROVE);
      return ended(incident);
    },
  },
  { name: 'rejected', play: (world) => whileWaiting(world, (incident) => incident.executeUpdate('decide', { args: [{ decision: 'reject', by: 'alice', reason: 'known', plan: PLAN.slice(0, 8) }] })) },
  { name: 'accepted', play: (world) => whileWaiting(world, (incident) => incident.signal('accept', { by: 'alice', until: '2999-01-01T00:00:00Z', reason: 'migration' })) },
  {
    name: 'expired',
    script: () => ({ assess: () => Promise.resolve(assessed([asks({ expiresAt: soon(1_500), expiresMs: 1_500, remindMs: [400, 900] })])) }),
    play: toItsEnd,
  },
  {
    name: 'cleared',
    script: () => looks(() => assessed([asks()]), () => assessed([], { gone: [{ part: 1, event: 'cleared', reason: 'its changes are gone' }] })),
    play: (world) => whileWaiting(world, (incident) => incident.signal('observed', { drift: 'clean' })),
  },
  {
    name: 'moved',
    script: () => looks(() => assessed([asks()]), () => assessed([asks({ part: 2, plan: OTHER, ask: 'ask-2' })], { gone: [{ part: 1, event: 'moved', reason: 'its changes moved' }] })),
    play: (world) => whileWaiting(world, async (incident) => {
      await incident.signal('observed', {});
      await until(world, (status) => status.parts.some((each) => each.plan === OTHER));
      await incident.executeUpdate('decide', { args: [{ decision: 'approve', ...APPROVE }] });
      await incident.signal('approve', { by: 'alice', plan: OTHER.slice(0, 8) });
    }),
  },
  { name: 'rolled-back-before-the-switch', script: repairs({ validate: () => Promise.resolve({ verdict: 'unhealthy', checks: [] }) }), play: toItsEnd },
  { name: 'rolled-back-after-the-switch', script: repairs({ verify: () => Promise.resolve({ result: 'unhealthy', message: 'status 503, expected 200' }) }), play: toItsEnd },
  { name: 'rolled-back-after-a-failed-stage', script: repairs({ stage: () => Promise.reject(ApplicationFailure.nonRetryable('validate exited with 1', 'Refused')) }), play: toItsEnd },
  {
    name: 'rolled-back-when-asked',
    script: repairs({ assess: () => Promise.resolve(assessed([auto({ soakMs: YEAR_MS })])) }),
    async play(world) {
      const incident = await world.start();
      await world.until('soaking');
      await incident.signal('rollback', { by: 'alice', reason: 'slow' });
      return ended(incident);
    },
  },
  {
    name: 'needs-human',
    script: repairs({ verify: () => Promise.resolve({ result: 'unhealthy', message: 'status 503' }), rollback: () => Promise.resolve({ result: 'not-restored', message: 'etc/app.yaml: changed meanwhile' }) }),
    play: toItsEnd,
  },
  { name: 'cancelled-while-it-waits', play: (world) => whileWaiting(world, (incident) => incident.cancel()) },
  {
    name: 'cancelled-in-the-soak',
    script: repairs({ assess: () => Promise.resolve(assessed([auto({ soakMs: YEAR_MS })])) }),
    async play(world) {
      const incident = await world.start();
      await world.until('soaking');
      await incident.cancel();
      return ended(incident);
    },
  },
  { name: 'terminated', play: (world) => whileWaiting(world, (incident) => incident.terminate('ended from outside')) },
  {
    name: 'two-parts',
    script: () => ({ assess: () => Promise.resolve(assessed([asks(), auto({ part: 2, plan: OTHER, ask: 'ask-2' })])) }),
    async play(world) {
      const incident = await world.start();
      await until(world, (status) => status.parts.some((each) => each.outcome === 'fixed'));
      await incident.signal('reject', { by: 'alice', reason: 'keep it' });
      return ended(incident);
    },
  },
  {
    name: 'kept-and-switched',
    script: repairs(keepingFor(6_000)),
    play: toItsEnd,
  },
  {
    name: 'kept-and-unstaged',
    script: repairs(keepingFor(1_000)),
    play: toItsEnd,
  },
  {
    name: 'gate-closed-and-opened',
    script: () => {
      let asked = 0;
      return { assess: () => Promise.resolve(assessed([asks({ gate: FROZEN })])), askGates: () => Promise.resolve({ gate: (asked += 1) === 1 ? FROZEN : { allowed: true } }) };
    },
    play: (world) => whileWaiting(world, async (incident) => {
      await incident.signal('approve', APPROVE);
      await world.until('waiting');
      await stir(world, incident, () => world.calls.filter((call) => call === 'askGates').length > 1);
    }),
  },
  {
    name: 'gate-that-opens-by-itself',
    script: () => ({ assess: () => Promise.resolve(assessed([auto({ gate: { ...FROZEN, opensAt: soon(800) } })])) }),
    play: toItsEnd,
  },
  {
    name: 'gate-closed-before-the-switch',
    script: () => {
      let tried = 0;
      return { assess: () => Promise.resolve(assessed([auto()])), finalize: () => Promise.resolve((tried += 1) === 1 ? { result: 'gate-closed', gate: FROZEN } : { result: 'finalized' }) };
    },
    async play(world) {
      const incident = await world.start();
      await until(world, (status) => world.calls.includes('rollback') && status.phase === 'waiting');
      await stir(world, incident, () => world.calls.includes('askGates'));
      return ended(incident);
    },
  },
  {
    name: 'moved-before-the-switch',
    script: () => ({ ...looks(() => assessed([auto()]), () => assessed([])), finalize: () => Promise.resolve({ result: 'moved', reason: '1 of 1 changes are not as they were reviewed' }) }),
    play: toItsEnd,
  },
  {
    name: 'a-second-writer',
    script: () => {
      let verified = 0;
      return { ...looks(() => assessed([auto()]), () => assessed([])), verify: () => Promise.resolve((verified += 1) === 1 ? { result: 'healthy', message: '' } : { result: 'moved', message: 'something put it back' }) };
    },
    play: toItsEnd,
  },
  {
    name: 'undo',
    async play(world) {
      return ended(await world.start({ kind: 'undo', undoes: { number: 1, part: 1, plan: PLAN, by: 'alice', reason: 'slow since then' } }));
    },
  },
  {
    name: 'blind',
    script: () => looks(() => assessed([], { verdict: 'unknown', reason: 'the host does not answer', details: 'It cannot be read: the host does not answer' }), () => assessed([])),
    async play(world) {
      const incident = await world.start({ kind: 'blind' });
      await world.until('observed');
      await incident.signal('observed', { drift: 'clean' });
      return ended(incident);
    },
  },
  {
    name: 'messages-of-any-shape',
    script: () => ({ assess: () => Promise.resolve(assessed([asks()])) }),
    play: (world) => whileWaiting(world, async (incident) => {
      for (const payload of [{}, 'yes', null, 7, [], { by: 'x', plan: 'zzz' }]) await incident.signal('approve', payload);
      await incident.signal('approve');
      await incident.signal('no such signal', {});
      await incident.signal('approve', { by: 'alice', plan: OTHER.slice(0, 8) });
      await Promise.all(Array.from({ length: 5 }, () => incident.signal('approve', APPROVE)));
    }),
  },
  {
    name: 'continued-as-new',
    script: () => looks(() => assessed([asks()]), () => assessed([], { build: 'build-2' })),
    play: (world, env) => whileWaitingAcross(world, env),
  },
];

/** A new build is seen at rest: the run goes on as a new one, and what was asked stays asked. */
async function whileWaitingAcross(world: World, env: TestWorkflowEnvironment): Promise<readonly WorkflowHandle[]> {
  const first = await world.start();
  await world.until('awaiting-approval');
  await first.signal('observed', {});
  const run = (await env.client.workflow.getHandle(first.workflowId).describe()).runId;
  for (let latest = run; latest === run;) {
    await pause();
    latest = (await env.client.workflow.getHandle(first.workflowId).describe()).runId;
  }
  await world.until('awaiting-approval');
  await first.signal('approve', APPROVE).catch(() => undefined);
  const latest = env.client.workflow.getHandle(first.workflowId, (await env.client.workflow.getHandle(first.workflowId).describe()).runId);
  await latest.signal('approve', APPROVE);
  await latest.result();
  return [env.client.workflow.getHandle(first.workflowId, run), latest];
}

const NOTHING = { clean: 0, drifted: 0, unknown: 0 } as const;

function check(name: string, script: (world: World) => Script, target?: string): Scenario {
  return {
    name,
    script,
    async play(world, env) {
      const args = [{ environment: world.environment, ...(target === undefined ? {} : { target }) }];
      const handle = await env.client.workflow.start('checkEnvironment', { taskQueue: WORKFLOW_QUEUE, workflowId: `check/${world.environment}`, args });
      return ended(handle);
    },
  };
}

const checks: Scenario[] = [
  check('check-clean', (world) => ({
    listTargets: () => Promise.resolve({ batches: [{ pool: world.environment, targets: ['storefront', 'search'], timeoutMs: 30_000 }], commits: {} }),
    observe: () => Promise.resolve({ ...NOTHING, clean: 2 }),
  })),
  check('check-drifted', (world) => ({
    listTargets: () => Promise.resolve({ batches: Array.from({ length: 12 }, (_, index) => ({ pool: world.environment, targets: [`t${index}`], timeoutMs: 30_000 })), commits: { 'https://git.example/infra.git#main': 'f'.repeat(40) } }),
    observe: ({ targets }) => Promise.resolve({ ...NOTHING, drifted: 1, opened: targets }),
  })),
  check('check-one-target', (world) => ({
    listTargets: () => Promise.resolve({ batches: [{ pool: world.environment, targets: ['storefront'], timeoutMs: 30_000 }], commits: {} }),
  }), 'storefront'),
  check('check-unread', () => ({
    listTargets: () => Promise.resolve({ batches: [{ pool: 'nobody', targets: ['storefront'], timeoutMs: 400 }], commits: {} }),
    recordUnread: ({ targets }) => Promise.resolve({ ...NOTHING, unknown: targets.length, unknownTargets: targets }),
  })),
  check('check-of-nothing', () => ({})),
];

const SAID = { by: 'alice', reason: 'launch' };

const guards: Scenario[] = [
  {
    name: 'environment-slots-and-commands',
    script: () => ({ assess: () => Promise.resolve(assessed([auto()])) }),
    async play(world, env) {
      await ended(await world.start());
      const guard = env.client.workflow.getHandle(environmentWorkflowId(world.environment));
      for (const payload of [{}, null, 'junk', { workflowId: 'incident/gone/gone', runId: 'gone' }]) await guard.signal(ENVIRONMENT_SIGNALS.requestSlot, payload);
      await guard.signal(ENVIRONMENT_SIGNALS.requestSlot, { workflowId: 'incident/gone/gone', runId: '3b0c5d1e-8a52-4c1f-9d0a-5f2e7c9b1a34', limit: 2 });
      await guard.signal(ENVIRONMENT_SIGNALS.freeze, { scope: world.environment, ...SAID });
      await guard.executeUpdate('command', { args: [{ command: 'unfreeze', scope: world.environment, ...SAID }] });
      await guard.executeUpdate('command', { args: [{ command: 'retry', scope: `${world.environment}/storefront`, incident: 1, ...SAID }] });
      return [guard];
    },
  },
  {
    name: 'environment-command-fails',
    script: () => ({ command: () => Promise.reject(ApplicationFailure.nonRetryable('the record is not there', 'Invalid')) }),
    async play(world, env) {
      await env.client.workflow.start('environment', { taskQueue: WORKFLOW_QUEUE, workflowId: environmentWorkflowId(world.environment), args: [{ environment: world.environment }] });
      await world.guard().executeUpdate('command', { args: [{ command: 'freeze', scope: world.environment, ...SAID }] });
      return [world.guard()];
    },
  },
];

export const SCENARIOS: readonly Scenario[] = [...incidents, ...checks, ...guards];

/** As often as people freeze and unfreeze: each makes the incident ask its gates again. */
async function stir(world: World, incident: WorkflowHandle, holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 40 && !holds(); tries += 1) {
    await incident.signal('gates', {});
    for (let waited = 0; waited < 20 && !holds(); waited += 1) await pause();
  }
  if (!holds()) throw new Error(`the gates were not asked: ${JSON.stringify(await world.status())}`);
}

async function until(world: World, holds: (status: Awaited<ReturnType<World['status']>>) => boolean): Promise<void> {
  for (let tries = 0; tries < 400; tries += 1) {
    if (holds(await world.status())) return;
    await pause();
  }
  throw new Error(`it never came to that: ${JSON.stringify(await world.status())}`);
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 25));
}

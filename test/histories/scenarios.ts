import { ApplicationFailure } from '@temporalio/common';
import { ENVIRONMENT_SIGNALS, environmentWorkflowId, WORKFLOW_QUEUE } from '../../src/workflows/messages.js';
import { assessed, OTHER, PLAN, type Script, type World } from '../workflows/world.js';
import { DECIDING } from './deciding-scenarios.js';
import { APPROVE, asks, auto, ended, FROZEN, looks, repairs, soon, stir, toItsEnd, until, whileWaiting, whileWaitingAcross, YEAR_MS, type Scenario } from './playing.js';

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

export const SCENARIOS: readonly Scenario[] = [...incidents, ...DECIDING, ...checks, ...guards];

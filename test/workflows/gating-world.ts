import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { activityInfo } from '@temporalio/activity';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { createActivities } from '../../src/activities/index.js';
import type { Dependencies } from '../../src/activities/deps.js';
import { holdfastClient, type EnvironmentCommand } from '../../src/client.js';
import type { Config, Environment, Limits } from '../../src/config/config.js';
import { openSources } from '../../src/config/sources.js';
import type { Json } from '../../src/domain/json.js';
import type { Target } from '../../src/domain/target.js';
import type { HealthReport } from '../../src/domain/health.js';
import type { Entry, IncidentRow, Ledger } from '../../src/ledger/ledger.js';
import { openArtifacts, openLedger } from '../../src/ledger/open.js';
import type { Notice } from '../../src/notify/sink.js';
import { deciderOf } from '../../src/policy/decide.js';
import { files } from '../../src/providers/files/index.js';
import { filesSpec, resolveFilesSpec } from '../../src/providers/files/spec.js';
import { incidentWorkflowId, poolQueue, WORKFLOW_QUEUE, type IncidentStatus } from '../../src/workflows/messages.js';
import { HTTP, target as targetOf } from '../domain/build.js';
import { timeSkippingEnvironment } from '../support/time-skipping.js';
import { payloadConverterPath, workflowBundle } from '../support/workflow-bundle.js';

const POLL_MS = 50;
const TRIES = 600;
const POOL_BYTES = { 'etc/app.yaml': 'port: 1\nhost: a\n', 'etc/motd': 'hello\n' } as const;

export interface GatingOptions {
  readonly people?: Config['people'];
  /** By environment: its targets, each with what differs from a plain one. */
  readonly environments: Readonly<Record<string, { readonly limits?: Partial<Limits>; readonly targets: Readonly<Record<string, Partial<Target> & { readonly files?: Readonly<Record<string, Json>> }>> }>>;
}

/** The real workflows, steps, ledger and files of several targets; health and time are played, and time skips. */
export interface GatingWorld {
  readonly ledger: Ledger;
  readonly told: readonly Notice[];
  /** Its real name: each test has environments of its own. */
  name(environment: string): string;
  /** Whether a repair of this target is healthy after the switch. */
  healthy(address: string, isHealthy: boolean): void;
  /** Whether staging refuses what it prepared: a failure that nobody's health decides. */
  breaks(address: string, isBroken: boolean): void;
  /** An operator changes what an environment, and the targets in it, say. */
  configure(environment: string, overrides: Partial<Environment>, target?: Partial<Target>): void;
  drift(address: string, resource: keyof typeof POOL_BYTES, content: string): void;
  read(address: string, resource: string): string;
  /** A path beside the live files. */
  path(address: string, name: string): string;
  /** One check of the environment, to its end; time does not skip. */
  check(environment: string): Promise<void>;
  /** Waits, while time stands still, until it is so. */
  until(what: string, isSo: () => Promise<boolean>): Promise<void>;
  row(address: string): Promise<IncidentRow | undefined>;
  /** The run of an incident or of a check. */
  run(id: string): WorkflowHandle;
  status(address: string): Promise<IncidentStatus>;
  /** What its only open part waits for. */
  waitsFor(address: string): Promise<string>;
  /** How long its history is, once nothing moves any more. */
  events(address: string): Promise<number>;
  command(environment: string, command: EnvironmentCommand): Promise<string>;
  entries(address: string, kind: Entry['kind']): Promise<readonly Entry[]>;
  now(): Promise<Date>;
  skip(ms: number): Promise<void>;
}

/** A server for each: what one test leaves under way keeps no time of another from skipping. */
export async function inGatingWorld(options: GatingOptions, test: (world: GatingWorld) => Promise<void>): Promise<void> {
  const env = await timeSkippingEnvironment();
  try {
    await withServer(env, options, test);
  } finally {
    await env.teardown().catch(() => undefined);
  }
}

async function withServer(env: TestWorkflowEnvironment, options: GatingOptions, test: (world: GatingWorld) => Promise<void>): Promise<void> {
  const suffix = randomUUID().slice(0, 6);
  const name = (environment: string): string => `${environment}-${suffix}`;
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'holdfast-gating-'));
  const placeOf = (address: string, side: 'desired' | 'live', resource: string): string => join(folder, side, address, resource);
  const put = (address: string, side: 'desired' | 'live', resource: string, content: string): void => {
    mkdirSync(dirname(placeOf(address, side, resource)), { recursive: true });
    writeFileSync(placeOf(address, side, resource), content, { mode: 0o644 });
  };
  let config = configOf(folder, options, name);
  for (const [environment, { targets }] of Object.entries(options.environments)) {
    for (const target of Object.keys(targets)) for (const [resource, content] of Object.entries(POOL_BYTES)) for (const side of ['desired', 'live'] as const) put(`${environment}/${target}`, side, resource, content);
  }
  const ledger = await openLedger(config);
  const told: Notice[] = [];
  const unhealthy = new Set<string>();
  const deps: Dependencies = {
    config: () => Promise.resolve(config),
    sources: openSources({ folder: join(folder, 'sources') }),
    ledger,
    artifacts: await openArtifacts(config),
    providers: { files },
    decide: deciderOf,
    // Each health check bears the address of its target; a single probe is that before the repair.
    probe: (checks, _ctx, { single = false } = {}) => Promise.resolve(reportOf(checks.map((check) => check.name), !single && checks.some((check) => unhealthy.has(check.name)))),
    client: env.client,
    resolveSecret: (reference) => Promise.resolve(reference),
    tell: (notice) => { told.push(notice); return Promise.resolve(); },
    log: QUIET,
    // The server's clock, which skips.
    now: () => new Date(activityInfo().currentAttemptScheduledTimestampMs),
    workRoot: join(folder, 'work'),
    build: 'build-1',
    readOnly: false,
  };
  const { control, read, write } = createActivities(deps);
  const common = { connection: env.nativeConnection, namespace: env.namespace ?? 'default', dataConverter: { payloadConverterPath } };
  const pools = Object.keys(options.environments).map(name);
  const workers = await Promise.all([
    Worker.create({ ...common, taskQueue: WORKFLOW_QUEUE, workflowBundle: await workflowBundle(), activities: control }),
    ...pools.flatMap((pool) => [Worker.create({ ...common, taskQueue: poolQueue(pool, 'read'), activities: read }), Worker.create({ ...common, taskQueue: poolQueue(pool, 'write'), activities: write })]),
  ]);
  const runs = workers.map((worker) => worker.run());
  const split = (address: string): { environment: string; target: string } => {
    const [environment = '', target = ''] = address.split('/');
    return { environment: name(environment), target };
  };
  const incidentOf = (address: string) => env.client.workflow.getHandle(incidentWorkflowId(split(address).environment, split(address).target));
  const until: GatingWorld['until'] = async (what, isSo) => {
    for (let tries = 0; tries < TRIES; tries += 1) {
      if (await isSo().catch(() => false)) return;
      await sleep(POLL_MS);
    }
    const open = await ledger.incidents({ open: true });
    throw new Error(`never: ${what}; open: ${JSON.stringify(await Promise.all(open.map((row) => env.client.workflow.getHandle(incidentWorkflowId(row.environment, row.target)).query('status'))))}`);
  };
  const world: GatingWorld = {
    ledger, told, name, until,
    healthy: (address, isHealthy) => { if (isHealthy) unhealthy.delete(address); else unhealthy.add(address); },
    breaks: (address, isBroken) => { if (isBroken) writeFileSync(world.path(address, 'broken'), ''); else rmSync(world.path(address, 'broken'), { force: true }); },
    configure(environment, overrides, target = {}) {
      const changed = <T extends { readonly name: string } | { readonly environment: string }>(each: T, over: Partial<T>): T => (('name' in each ? each.name : each.environment) === name(environment) ? { ...each, ...over } : each);
      config = { ...config, environments: config.environments.map((each) => changed(each, overrides)), targets: config.targets.map((each) => changed(each, target)) };
    },
    drift: (address, resource, content) => { put(address, 'live', resource, content); },
    read: (address, resource) => readFileSync(placeOf(address, 'live', resource), 'utf8'),
    path: (address, file) => join(folder, 'live', `${address}.${file}`),
    async check(environment) {
      const handle = await env.client.workflow.start('checkEnvironment', { taskQueue: WORKFLOW_QUEUE, workflowId: `check/${name(environment)}-${randomUUID()}`, args: [{ environment: name(environment) }] });
      await until(`the check of ${environment} ends`, async () => (await handle.describe()).status.name === 'COMPLETED');
    },
    row: (address) => ledger.incident(split(address)),
    run: (id) => env.client.workflow.getHandle(id),
    status: (address) => incidentOf(address).query<IncidentStatus>('status'),
    async waitsFor(address) {
      const { parts } = await world.status(address);
      return parts.filter((part) => part.outcome === undefined).map((part) => part.waitsFor ?? '').join(' | ');
    },
    async events(address) {
      let [before, now] = [-1, (await incidentOf(address).describe()).historyLength];
      for (let tries = 0; before !== now && tries < TRIES; tries += 1) {
        before = now;
        await sleep(10 * POLL_MS);
        now = (await incidentOf(address).describe()).historyLength;
      }
      return now;
    },
    async command(environment, command) {
      const { message } = await holdfastClient(env.client).command(name(environment), command);
      return message;
    },
    async entries(address, kind) {
      const all: Entry[] = [];
      for await (const entry of ledger.entries({ ...split(address), kinds: [kind] })) all.push(entry);
      return all;
    },
    now: async () => new Date(await env.currentTimeMs()),
    skip: (ms) => env.sleep(ms),
  };
  try {
    await test(world);
  } finally {
    for (const worker of workers) worker.shutdown();
    await Promise.allSettled(runs);
    await ledger.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const nothing = (): void => undefined;
const QUIET = { debug: nothing, info: nothing, warn: nothing, error: nothing };

function reportOf(names: readonly string[], isBad: boolean): HealthReport {
  const verdict = isBad ? 'unhealthy' : 'healthy';
  return { verdict, checks: names.map((check) => ({ name: check, type: 'http', verdict, successes: 1, failures: 0, inconclusives: 0, errors: 0, slowestMs: 1, message: isBad ? 'status 503, expected 200' : 'status 200' })) };
}

function configOf(folder: string, { environments, people }: GatingOptions, name: (environment: string) => string): Config {
  return {
    project: 'shop', file: join(folder, 'holdfast.yaml'), folder, digest: 'digest',
    environments: Object.entries(environments).map(([environment, { limits }]) => ({
      name: name(environment), timezone: 'UTC', schedule: { cron: [], timezone: 'UTC', jitterMs: 0, intervalMs: 0 }, remediation: 'auto' as const, pool: name(environment), blindAfterMs: 2_700_000,
      approvals: { trust: 'namespace' as const, expiresMs: 4 * 3_600_000, remindMs: [], onExpiry: 'hold' as const, settledMs: 7 * 86_400_000 },
      limits: { concurrent: 4, reads: 4, ...limits }, windows: [],
    })),
    targets: Object.entries(environments).flatMap(([environment, { targets }]) => Object.entries(targets).map(([target, { files: more = {}, ...overrides }]) => {
      const address = `${environment}/${target}`;
      const root = join(folder, 'live', address);
      const spec = resolveFilesSpec(filesSpec.parse({ root, validate: ['test', '!', '-e', `${root}.broken`], ...more }), join(folder, 'live', environment));
      return targetOf({
        environment: name(environment), target, pool: name(environment), source: { type: 'folder', folder: join(folder, 'desired', address) }, spec: spec as unknown as Json,
        health: [{ ...HTTP, name: address }], remediation: 'auto', soakMs: 0, ...overrides, after: (overrides.after ?? []).map((each) => (each in environments ? name(each) : each)),
      });
    })),
    ...(people === undefined ? {} : { people }),
    notifications: { sinks: [], routes: [] },
    ledger: { type: 'sqlite', file: join(folder, 'state', 'ledger.db') },
    artifacts: { type: 'folder', folder: join(folder, 'state', 'artifacts') },
    retentionMs: { reports: 1e10, entries: 1e10, plans: 1e10, outbox: 1e10, sightings: 1e10, artifacts: 1e10 },
    warnings: [],
  };
}

import { expect } from 'vitest';
import type { Config, Environment } from '../../src/config/config.js';
import type { HoldfastClient } from '../../src/client.js';
import type { Deps } from '../../src/cli/deps.js';
import type { Io } from '../../src/cli/io.js';
import { run } from '../../src/cli/program.js';
import type { Change, Observation } from '../../src/domain/change.js';
import type { Plan } from '../../src/domain/plan.js';
import type { Target } from '../../src/domain/target.js';
import type { IncidentRow, Ledger } from '../../src/ledger/ledger.js';

const NOW = new Date('2030-01-31T12:00:00.000Z');
export const HASH = '3f9ac2d1'.padEnd(64, '0');

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly deps?: Partial<Deps>;
  readonly io?: Partial<Io>;
}

/** Runs one command line in this process, with fakes for all it reaches. */
export async function cli(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  let out = '';
  let err = '';
  let clock = NOW.getTime();
  const io: Io = {
    out: (text) => {
      out += text;
      return Promise.resolve();
    },
    err: (text) => {
      err += text;
    },
    outTty: false,
    errTty: false,
    columns: 100,
    env: {},
    cwd: '/site',
    user: 'alice',
    signal: new AbortController().signal,
    now: () => new Date(clock),
    sleep: (ms) => {
      clock += ms;
      return Promise.resolve();
    },
    ...options.io,
  };
  const argvWithConfig = argv.includes('--config') ? argv : [...argv, '--config', '/site/holdfast.yaml'];
  const code = await run(argvWithConfig, io, fakeDeps(options.deps));
  return { code, out, err };
}

export function fakeDeps(overrides: Partial<Deps> = {}): Deps {
  const absent = (name: string) => () => Promise.reject(new Error(`${name} is not expected here`));
  return {
    loadConfig: () => Promise.resolve(config()),
    formatConfigError: () => undefined,
    configSchema: absent('configSchema'),
    explain: absent('explain'),
    init: absent('init'),
    look: absent('look'),
    assess: absent('assess'),
    openLedger: () => Promise.resolve(undefined),
    connect: absent('connect'),
    notifyTest: absent('notifyTest'),
    startWorkers: absent('startWorkers'),
    up: absent('up'),
    temporalPlace: () => Promise.resolve({ address: '127.0.0.1:7233', namespace: 'default', from: 'a test' }),
    searchAttributes: absent('searchAttributes'),
    clockBehind: absent('clockBehind'),
    tryArtifacts: absent('tryArtifacts'),
    trySecret: absent('trySecret'),
    tryKeys: absent('tryKeys'),
    trySource: absent('trySource'),
    ...overrides,
  };
}

export function config(overrides: Partial<Config> = {}): Config {
  return {
    project: 'shop',
    file: '/site/holdfast.yaml',
    folder: '/site',
    digest: 'd'.repeat(64),
    environments: [environment('dev'), environment('prod')],
    targets: [target('dev', 'storefront'), target('prod', 'api'), target('prod', 'storefront')],
    notifications: { sinks: [], routes: [] },
    ledger: { type: 'sqlite', file: '/site/.holdfast/ledger.db' },
    artifacts: { type: 'folder', folder: '/site/.holdfast/artifacts' },
    retentionMs: { reports: 1, entries: 1, plans: 1, outbox: 1, sightings: 1, artifacts: 1 },
    warnings: [],
    ...overrides,
  };
}

export function environment(name: string, overrides: Partial<Environment> = {}): Environment {
  return {
    name,
    timezone: 'UTC',
    schedule: { cron: ['*/5 * * * *'], timezone: 'UTC', jitterMs: 0, intervalMs: 300_000 },
    remediation: 'ask',
    pool: name,
    blindAfterMs: 2_700_000,
    approvals: { trust: 'namespace', expiresMs: 14_400_000, remindMs: [], onExpiry: 'hold', settledMs: 604_800_000 },
    limits: { concurrent: 1, reads: 4 },
    windows: [],
    ...overrides,
  };
}

export function target(environmentName: string, name: string, overrides: Partial<Target> = {}): Target {
  return {
    environment: environmentName,
    target: name,
    provider: 'files',
    pool: environmentName,
    source: { type: 'folder', folder: '/site/desired' },
    spec: {},
    expect: {},
    health: [],
    ignore: [],
    remediation: 'ask',
    soakMs: 0,
    settleMs: 0,
    blindAfterMs: 0,
    observeTimeoutMs: 5_000,
    after: [],
    ...overrides,
  };
}

export function change(overrides: Partial<Change> = {}): Change {
  return {
    resource: 'etc/app.yaml',
    kind: 'changed',
    path: '/server/port',
    desired: 9103,
    actual: 9999,
    sensitive: false,
    revision: 'r'.repeat(64),
    effect: 'update',
    fingerprint: `v1:${'f'.repeat(64)}`,
    ...overrides,
  };
}

export function observation(changes: readonly Change[], overrides: Partial<Observation> = {}): Observation {
  return { verdict: changes.length === 0 ? 'clean' : 'drifted', revision: 'a'.repeat(64), identity: {}, changes, resources: 14, skipped: [], ...overrides };
}

export function plan(overrides: Partial<Plan> = {}): Plan {
  return {
    environment: 'prod',
    target: 'storefront',
    provider: 'files',
    spec: {},
    hash: HASH,
    steps: [{ action: 'update', resource: 'etc/app.yaml', summary: 'write etc/app.yaml as desired' }, { action: 'switch', resource: 'current', summary: 'switch to the new release' }],
    blastRadius: { create: 0, update: 1, replace: 0, delete: 0 },
    staging: 'shadow',
    rollback: 'exact',
    fencing: 'conditional',
    changes: [change()],
    ...overrides,
  };
}

export function incident(overrides: Partial<IncidentRow> = {}): IncidentRow {
  return {
    environment: 'prod',
    target: 'storefront',
    number: 7,
    kind: 'drift',
    drift: 'v1:1',
    phase: 'awaiting-approval',
    risk: 'low',
    openedAt: '2030-01-31T11:00:00.000Z',
    parts: [{ part: 1, phase: 'awaiting-approval', decision: 'ask', risk: 'low', plan: HASH, changes: 1, waitsFor: 'an approval' }],
    ...overrides,
  };
}

/** A ledger in which only what a test names is there; reading anything else fails the test. */
function ledger(members: Partial<Ledger>): Ledger {
  const base: Partial<Ledger> = {
    close: () => Promise.resolve(),
    targets: () => Promise.resolve([]),
    incidents: () => Promise.resolve([]),
    allClosedGates: () => Promise.resolve([]),
    acceptances: () => Promise.resolve([]),
    decisions: () => Promise.resolve([]),
    votes: () => Promise.resolve([]),
    intents: () => Promise.resolve([]),
    outbox: () => Promise.resolve([]),
    lastObservation: () => Promise.resolve(undefined),
    plan: (hash) => Promise.resolve(hash === HASH ? plan() : undefined),
    entries: () => none(),
    ...members,
  };
  return strict<Ledger>('ledger', base);
}

function client(members: Partial<HoldfastClient>): HoldfastClient {
  return strict<HoldfastClient>('client', {
    close: () => Promise.resolve(),
    schedules: () => Promise.resolve([]),
    incidentStatus: () => Promise.resolve(undefined),
    pendingSteps: () => Promise.resolve([]),
    pollers: (queues) => Promise.resolve(Object.fromEntries(queues.map((queue) => [queue, 1]))),
    ...members,
  });
}

export function connected(members: Partial<HoldfastClient>): Pick<Deps, 'connect'> {
  return { connect: () => Promise.resolve({ client: client(members), address: '127.0.0.1:7233', namespace: 'default' }) };
}

export function recorded(members: Partial<Ledger>): Pick<Deps, 'openLedger'> {
  return { openLedger: () => Promise.resolve(ledger(members)) };
}

/** For a member of an object that is compared: a text that holds, or matches, this. */
export function text(part: string | RegExp): string {
  return (typeof part === 'string' ? expect.stringContaining(part) : expect.stringMatching(part)) as string;
}

/** What was printed with `-o json`. */
export function json(ran: Ran): Record<string, unknown> {
  return JSON.parse(ran.out) as Record<string, unknown>;
}

/** A list in what was printed with `-o json`. */
export function list(ran: Ran, name: string): readonly Record<string, unknown>[] {
  return json(ran)[name] as readonly Record<string, unknown>[];
}

export async function* stream<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}

function none(): AsyncGenerator<never> {
  return stream<never>([]);
}

function strict<T extends object>(name: string, members: Partial<T>): T {
  return new Proxy(members as T, {
    get: (target, key) => {
      if (key in target || key === 'then') return Reflect.get(target, key);
      throw new Error(`${name}.${String(key)} is not expected here`);
    },
  });
}

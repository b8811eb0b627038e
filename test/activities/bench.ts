import { chmodSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { onTestFinished } from 'vitest';
import { createActivities } from '../../src/activities/index.js';
import type { Dependencies } from '../../src/activities/deps.js';
import type { AssessedPart, Assessment, AssessInput, BatchResult, ControlActivities, PartRef, ReadActivities, WriteActivities } from '../../src/activities/types.js';
import type { Config, Environment } from '../../src/config/config.js';
import { openSources } from '../../src/config/sources.js';
import { deciderOf } from '../../src/policy/decide.js';
import type { IncidentId } from '../../src/domain/address.js';
import type { HealthReport, HealthVerdict } from '../../src/domain/health.js';
import type { Json } from '../../src/domain/json.js';
import type { Target } from '../../src/domain/target.js';
import type { Entry, Ledger } from '../../src/ledger/ledger.js';
import { openArtifacts, openLedger } from '../../src/ledger/open.js';
import type { Notice } from '../../src/notify/sink.js';
import { files } from '../../src/providers/files/index.js';
import { filesSpec, resolveFilesSpec } from '../../src/providers/files/spec.js';
import { incidentWorkflowId } from '../../src/workflows/messages.js';
import { HTTP, target as targetOf } from '../domain/build.js';
import { fakeTemporal, type FakeTemporal } from './fake-temporal.js';

export const SHOP = { environment: 'prod', target: 'storefront' } as const;
export const RUN = '11111111-1111-4111-8111-111111111111';
export const OTHER_RUN = '22222222-2222-4222-8222-222222222222';
export const START = '2026-11-02T09:00:00.000Z';
const DESIRED: Readonly<Record<string, string>> = { 'etc/app.yaml': 'port: 1\nhost: a\n', 'etc/motd': 'hello\n', 'bin/run': '#!/bin/sh\n' };

export interface BenchOptions {
  readonly target?: Partial<Target>;
  readonly environment?: Partial<Environment>;
  readonly spec?: Readonly<Record<string, Json>>;
  readonly people?: Config['people'];
  readonly policies?: Config['policies'];
  readonly deps?: Partial<Dependencies>;
}

/** Who runs a step; by default the incident's own workflow. */
export interface Runner {
  readonly workflowId?: string;
  readonly workflowType?: string;
  readonly runId?: string;
  readonly attempt?: number;
  /** Another worker over the same world. */
  readonly worker?: Partial<Dependencies>;
}

export type Steps = ControlActivities & ReadActivities & WriteActivities;

/** The real steps over a real ledger and real files; only Temporal, the clock and health are played. */
export interface Bench {
  readonly deps: Dependencies;
  readonly config: Config;
  readonly ledger: Ledger;
  readonly temporal: FakeTemporal;
  readonly told: (Notice & { readonly sequence: string })[];
  readonly probes: { single: boolean }[];
  run<Name extends keyof Steps>(name: Name, input: Parameters<Steps[Name]>[0], by?: Runner): Promise<Awaited<ReturnType<Steps[Name]>>>;
  write(resource: string, content: string): void;
  desire(resource: string, content: string): void;
  read(resource: string): string;
  remove(resource: string): void;
  healthy(verdict: HealthVerdict): void;
  /** Moves the clock. */
  later(ms: number): string;
  at(): string;
  /** One look, as a check makes it. */
  check(): Promise<BatchResult>;
  assess(overrides?: Partial<AssessInput>): Promise<Assessment>;
  entries(kind?: Entry['kind']): Promise<Entry[]>;
}

/** A bench that is taken down when the test of its caller is over. */
export async function openBench(options: BenchOptions = {}): Promise<Bench> {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'holdfast-activities-'));
  const place = (side: 'desired' | 'live', resource: string): string => join(folder, side, resource);
  const put = (side: 'desired' | 'live', resource: string, content: string): void => {
    mkdirSync(dirname(place(side, resource)), { recursive: true });
    writeFileSync(place(side, resource), content);
    chmodSync(place(side, resource), 0o644);
  };
  for (const [resource, content] of Object.entries(DESIRED)) for (const side of ['desired', 'live'] as const) put(side, resource, content);
  const config = configIn(folder, options);
  const ledger = await openLedger(config);
  const temporal = fakeTemporal();
  const told: (Notice & { sequence: string })[] = [];
  const probes: { single: boolean }[] = [];
  let verdict: HealthVerdict = 'healthy';
  let now = Date.parse(START);
  const deps: Dependencies = {
    config: () => Promise.resolve(config),
    sources: openSources({ folder: join(folder, 'sources') }),
    ledger,
    artifacts: await openArtifacts(config),
    providers: { files: files },
    decide: deciderOf,
    probe: (checks, _ctx, { single = false } = {}) => { probes.push({ single }); return Promise.resolve(reportOf(checks.map((check) => check.name), verdict)); },
    client: temporal.client,
    resolveSecret: (reference) => Promise.resolve(reference),
    tell: (notice, sequence) => { told.push({ ...notice, sequence }); return Promise.resolve(); },
    log: QUIET,
    now: () => new Date(now),
    workRoot: join(folder, 'work'),
    build: 'build-1',
    readOnly: false,
    ...options.deps,
  };
  const own = incidentWorkflowId(SHOP.environment, SHOP.target);
  const bench: Bench = {
    deps, config, ledger, temporal, told, probes,
    run(name, input, { workflowId = own, workflowType = 'incident', runId = RUN, attempt = 1, worker = {} } = {}) {
      const { control, read, write } = createActivities({ ...deps, ...worker });
      const step = { ...control, ...read, ...write }[name] as (input: unknown) => Promise<never>;
      return new MockActivityEnvironment({ attempt, workflowType, workflowExecution: { workflowId, runId } }, { logger: QUIET }).run(step, input);
    },
    write: (resource, content) => { put('live', resource, content); },
    desire: (resource, content) => { put('desired', resource, content); },
    read: (resource) => readFileSync(place('live', resource), 'utf8'),
    remove: (resource) => { rmSync(place('live', resource), { recursive: true }); },
    healthy: (next) => { verdict = next; },
    later: (ms) => { now += ms; return bench.at(); },
    at: () => new Date(now).toISOString(),
    check: () => bench.run('observe', { environment: 'prod', targets: ['storefront'], commits: {} }, { workflowId: 'check/prod', workflowType: 'checkEnvironment' }),
    assess: (overrides = {}) => bench.run('assess', { incident: FIRST, kind: 'drift', run: RUN, ordinal: 1, nextPart: 1, parts: [], settled: [], ...overrides }),
    async entries(kind) {
      const all: Entry[] = [];
      for await (const entry of ledger.entries(kind === undefined ? {} : { kinds: [kind] })) all.push(entry);
      return all;
    },
  };
  onTestFinished(async () => {
    await ledger.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return bench;
}

const nothing = (): void => undefined;
const QUIET = { log: nothing, trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };

export const FIRST: IncidentId = { ...SHOP, number: 1 };

function configIn(folder: string, { target = {}, environment = {}, spec = {}, people, policies }: BenchOptions): Config {
  const parsed = filesSpec.parse({ root: join(folder, 'live'), unmanaged: 'remove', ...spec });
  return {
    project: 'shop', file: join(folder, 'holdfast.yaml'), folder, digest: 'digest',
    environments: [{
      name: 'prod', timezone: 'UTC', schedule: { cron: [], timezone: 'UTC', jitterMs: 0, intervalMs: 900_000 }, remediation: 'auto', pool: 'prod', blindAfterMs: 2_700_000,
      approvals: { trust: 'namespace', expiresMs: 4 * 3_600_000, remindMs: [3_600_000], onExpiry: 'hold', settledMs: 7 * 86_400_000 },
      limits: { concurrent: 2, reads: 4 }, windows: [],
      // Most tests drift before the first look.
      firstSeen: 'repair', ...environment,
    }],
    targets: [targetOf({ ...SHOP, source: { type: 'folder', folder: join(folder, 'desired') }, spec: resolveFilesSpec(parsed, folder) as unknown as Json, health: [HTTP], remediation: 'auto', owner: 'team-web', ...target })],
    ...(people === undefined ? {} : { people }),
    ...(policies === undefined ? {} : { policies }),
    notifications: { sinks: [], routes: [] },
    ledger: { type: 'sqlite', file: join(folder, 'state', 'ledger.db') },
    artifacts: { type: 'folder', folder: join(folder, 'state', 'artifacts') },
    retentionMs: { reports: 1e10, entries: 1e10, plans: 1e10, outbox: 1e10, sightings: 1e10, artifacts: 1e10 },
    warnings: [],
  };
}

function reportOf(names: readonly string[], verdict: HealthVerdict): HealthReport {
  const counts = { successes: 1, failures: 0, inconclusives: 0, errors: 0, slowestMs: 1 };
  return { verdict, checks: names.map((name) => ({ name, type: 'http', verdict, ...counts, message: verdict === 'healthy' ? 'status 200' : 'status 503, expected 200' })) };
}

/** As the workflow would name it in the next assessment. */
export function standing({ part, decision, plan, ask }: AssessedPart, phase: AssessInput['parts'][number]['phase'] = decision === 'remediate' ? 'waiting' : decision === 'ask' ? 'awaiting-approval' : 'observed'): AssessInput['parts'][number] {
  return { part, phase, decision, ...(plan === undefined ? {} : { plan }), ...(ask === undefined ? {} : { ask }) };
}

export function refOf(part: AssessedPart, overrides: Partial<PartRef> = {}): PartRef {
  return { incident: FIRST, part: part.part, plan: part.plan ?? '', ask: part.ask ?? '', run: RUN, round: 1, ...overrides };
}

/** A drift that is seen, decided and, by the rules, allowed: the first part of an open incident. */
export async function openIncident(bench: Bench, drift: (bench: Bench) => void = (each) => { each.write('etc/app.yaml', 'port: 9\nhost: a\n'); }): Promise<AssessedPart> {
  drift(bench);
  await bench.check();
  return only((await bench.assess()).parts);
}

export function only<T>(items: readonly T[]): T {
  const [item] = items;
  if (item === undefined || items.length !== 1) throw new Error(`one was expected, not ${items.length}`);
  return item;
}

export async function staged(bench: Bench, part: AssessedPart, overrides: Partial<PartRef> = {}): Promise<PartRef> {
  const ref = refOf(part, overrides);
  const answer = await bench.run('stage', ref);
  if (answer.result !== 'staged') throw new Error(`staging answered ${answer.result}`);
  return ref;
}

import { join } from 'node:path';
import type { Config, Environment } from '../../../src/config/config.js';
import type { HealthCheck } from '../../../src/domain/health.js';
import type { People } from '../../../src/domain/approving/people.js';
import type { Target } from '../../../src/domain/target.js';
import type { Fault } from './faults.js';
import { pathNamed, type Path } from './paths.js';
import { remoteOf, STATE } from './remote.js';

/** Many cases that run at once in one namespace, each on a target of its own. Plain JSON: a worker process reads it. */
export interface Group {
  readonly address: string;
  readonly namespace: string;
  readonly folder: string;
  /** The workflow code, bundled. */
  readonly bundle: string;
  readonly people: People;
  readonly cases: readonly Case[];
}

export interface Case {
  /** The target, and the account that it stands for. */
  readonly target: string;
  readonly path: string;
  readonly faults: readonly Fault[];
}

export const POOL = 'lab';
export const PROJECT = 'laboratory';
const SOAK_MS = 300;

/** The guard of an environment gives out one slot after the other: many cases would wait for each other. */
const TOGETHER = 8;

/**
 * Some cases of a path share an environment, so that a breaker that one of them closes is theirs alone.
 * Those whose checks are struck, or recorded, are checked one by one: a check of all would look at them too.
 * The guard is looked for once in an environment, so whoever is struck there has it alone; so has whoever
 * ends with a breaker, or takes a step back that the others would feel, since to release it for another one asks about what was left half done again.
 */
export function environmentOf({ target, path, faults }: Case): string {
  if (pathNamed(path).outcome === 'needs-human' || pathNamed(path).sick !== undefined || faults.some((fault) => fault.label.endsWith('temporal.start environment'))) return `${path}-${target}`;
  return `${path}-${isCheckedAlone({ faults }) ? 'alone-' : ''}${Math.floor(Number(target.slice(1)) / (pathNamed(path).together ?? TOGETHER))}`;
}

export function isCheckedAlone({ faults }: Pick<Case, 'faults'>): boolean {
  return faults.length === 0 || faults.some((fault) => fault.label.includes(':observe/') || fault.label.includes(':listTargets/'));
}

export function filesOf({ folder }: Pick<Group, 'folder'>): { readonly cloud: string; readonly state: string } {
  return { cloud: join(folder, 'cloud.db'), state: join(folder, 'state') };
}

export function configOf(group: Group): Config {
  const { state } = filesOf(group);
  const names = new Map(group.cases.map((each) => [environmentOf(each), each.path]));
  return {
    project: PROJECT, people: group.people, file: join(group.folder, 'holdfast.yaml'), folder: group.folder, digest: 'digest',
    environments: [...names].map(([name, path]) => environment(name, pathNamed(path))),
    targets: group.cases.map((each) => targetOf(each, group)),
    notifications: { sinks: [], routes: [] },
    ledger: { type: 'sqlite', file: join(state, 'ledger.db') },
    artifacts: { type: 'folder', folder: join(state, 'artifacts') },
    retentionMs: { reports: 1e10, entries: 1e10, plans: 1e10, outbox: 1e10, sightings: 1e10, artifacts: 1e10 },
    warnings: [],
  };
}

function environment(name: string, { remediation, expiresMs = 3_600_000, approvals, limits, windows = [] }: Path): Environment {
  return {
    name, timezone: 'UTC', schedule: { cron: [], timezone: 'UTC', jitterMs: 0, intervalMs: 900_000 }, remediation, pool: POOL, blindAfterMs: 3_600_000,
    approvals: { trust: 'namespace', expiresMs, remindMs: [], onExpiry: 'hold', settledMs: 86_400_000, ...approvals },
    limits: { concurrent: 10_000, reads: 8, ...limits }, windows,
    // The drift of a case stands there at its first look.
    firstSeen: 'repair',
  };
}

function targetOf(each: Case, { folder }: Group): Target {
  const { remediation, soakMs = SOAK_MS, git } = pathNamed(each.path);
  const { target } = each;
  return {
    environment: environmentOf(each), target, provider: 'cloud', pool: POOL, source: git === true ? { type: 'git', url: `file://${remoteOf(folder, target)}`, ref: 'main', path: STATE } : { type: 'folder', folder }, spec: { account: target }, expect: { account: target },
    health: [check(`live ${target}`)], ignore: [], remediation, soakMs, settleMs: 0, blindAfterMs: 3_600_000, observeTimeoutMs: 10_000, after: [],
  };
}

/** Measured by the laboratory, which reads of its name what is measured. */
export function check(name: string): HealthCheck {
  return { type: 'tcp', name, host: '127.0.0.1', port: 1, allowPrivate: true, intervalMs: 1, count: 1, initialDelayMs: 0, timeoutMs: 1_000, failureLimit: 0, inconclusiveLimit: 0, consecutiveErrorLimit: 0 };
}

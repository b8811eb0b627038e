import { formatAddress } from '../domain/address.js';
import type { ReachLimit } from '../domain/gates/blast-radius.js';
import type { FailureLimit } from '../domain/gates/breaker.js';
import type { Budget } from '../domain/gates/facts.js';
import type { FlappingLimit } from '../domain/gates/flapping.js';
import type { People } from '../domain/approving/people.js';
import type { Voters } from '../domain/approving/quorum.js';
import type { ReadinessThresholds } from '../domain/deciding/readiness.js';
import type { Remediation, Target } from '../domain/target.js';
import type { TimeWindow } from '../domain/gates/window.js';
import type { RuleFile } from '../policy/rule.js';

/** The configuration after includes, defaults, variables, `each` and overrides: what the rest of Holdfast reads. */
export interface Config {
  readonly project: string;
  /** Absolute path of the root configuration file, and its folder. */
  readonly file: string;
  readonly folder: string;
  /** Digest over everything read; the same for the same files. */
  readonly digest: string;
  readonly environments: readonly Environment[];
  /** Every target in every environment, sorted by environment, then target. */
  readonly targets: readonly Target[];
  /** Absent: nobody is known by more than one name, and there are no groups. */
  readonly people?: People;
  /** Absent: no rules; `remediation` decides. */
  readonly policies?: readonly RuleFile[];
  readonly notifications: Notifications;
  /** Absolute paths; URLs and keys are references, resolved at their use. */
  readonly ledger:
    | { readonly type: 'sqlite'; readonly file: string }
    | { readonly type: 'postgres'; readonly url: string; readonly signingKey?: string; readonly checkpointFile: string; readonly connections?: number };
  readonly artifacts:
    | { readonly type: 'folder'; readonly folder: string }
    /** `keys`: by environment, every one has some; the first encrypts, all decrypt. */
    | { readonly type: 'postgres'; readonly url: string; readonly keys: Readonly<Record<string, readonly string[]>> };
  /** Absent: payloads in Temporal are not encrypted. The first key encrypts, all decrypt; each is a reference. */
  readonly payloadKeys?: readonly { readonly id: string; readonly key: string }[];
  readonly retentionMs: { readonly reports: number; readonly entries: number; readonly plans: number; readonly outbox: number; readonly sightings: number; readonly artifacts: number };
  /** When a class of change has earned the next step; absent: the defaults. */
  readonly readiness?: ReadinessThresholds;
  /** What is valid but deserves a word: keys whose rules this version does not enforce yet, a suspended target. */
  readonly warnings: readonly ConfigWarning[];
}

export interface ConfigWarning {
  readonly where: string;
  readonly message: string;
}

export interface Environment {
  readonly name: string;
  readonly owner?: string;
  /** Absent: its name tells. */
  readonly production?: boolean;
  /** IANA name. */
  readonly timezone: string;
  readonly schedule: Schedule;
  /** Where nothing more is said; a target's `settings` have what holds by class. */
  readonly remediation: Remediation;
  /** Absent: what stood there at the first look is asked about. */
  readonly firstSeen?: 'ask' | 'repair';
  readonly pool: string;
  readonly blindAfterMs: number;
  /** Annotations and tags of resources may accept their changes; absent: they may not. */
  readonly acceptFromResources?: boolean;
  /** What the configuration says differs from one environment to the next. */
  readonly vars?: Readonly<Record<string, string | number | boolean>>;
  readonly approvals: Approvals;
  readonly limits: Limits;
  /** When changes may be made. */
  readonly windows: readonly TimeWindow[];
}

export interface Schedule {
  /** Cron expressions of five fields, in `timezone`. Empty: only on demand. */
  readonly cron: readonly string[];
  /** IANA name. */
  readonly timezone: string;
  readonly jitterMs: number;
  /** The shortest time between two runs, for catch-up and to tell what is overdue. */
  readonly intervalMs: number;
}

export interface Approvals {
  readonly trust: 'namespace' | 'signed';
  /** How long an ask stands; runs only while the repair could start. */
  readonly expiresMs: number;
  /** After the ask, ascending. */
  readonly remindMs: readonly number[];
  readonly onExpiry: 'hold' | 'leave';
  /** How long a settled change stays quiet. */
  readonly settledMs: number;
  /** Every one that matches must be met. Absent or none that matches: one person. */
  readonly rules?: readonly ApprovalRule[];
  /** Who may approve too once nobody has answered for so long; ascending. */
  readonly escalate?: readonly { readonly afterMs: number; readonly to: string }[];
  readonly breakGlass?: BreakGlass;
}

/** `any` or `all`, never both. */
export interface ApprovalRule {
  /** A condition; absent: always. */
  readonly when?: string;
  readonly any?: readonly Voters[];
  readonly all?: readonly Voters[];
  readonly distinct?: false;
}

/** Whose word alone lets a repair start, now and loudly. */
export interface BreakGlass {
  readonly group: string;
  /** How soon after it the repair must start. */
  readonly expiresMs: number;
  /** Also where nothing proves who says it. */
  readonly unverified: boolean;
}

export interface Limits {
  /** How many incidents of the environment may write at once. */
  readonly concurrent: number;
  /** How many targets are read at once in one step of a check. */
  readonly reads: number;
  readonly resources?: ReachLimit;
  /** So many failed repairs within the time close the breaker: new repairs wait. */
  readonly failures?: FailureLimit;
  /** So many automatic repairs are made within the time. */
  readonly budget?: Budget;
  /** So many repairs of one field within the time are a fight with another writer; 3 within an hour by default. */
  readonly flapping?: FlappingLimit;
}

export interface Notifications {
  readonly sinks: readonly SinkConfig[];
  readonly routes: readonly Route[];
}

export type SinkConfig =
  /** CloudEvents over HTTP, signed with HMAC-SHA-256 over the raw body; `secret` is a reference. */
  | { readonly name: string; readonly type: 'webhook'; readonly url: string; readonly secret: string; readonly allowPrivate: boolean; readonly timeoutMs: number }
  /** The event as JSON on standard input of a command, without a shell. */
  | { readonly name: string; readonly type: 'command'; readonly command: readonly string[]; readonly timeoutMs: number };

export interface Route {
  /** Each absent member matches everything. */
  readonly match: {
    readonly environment?: readonly string[];
    readonly owner?: readonly string[];
    readonly risk?: readonly string[];
    readonly event?: readonly string[];
  };
  readonly to: readonly string[];
}

export function environmentOf({ environments }: Pick<Config, 'environments'>, name: string): Environment | undefined {
  return environments.find((environment) => environment.name === name);
}

/** `approvals.trust`; of one that is configured no more nothing is asked. */
export function trustOf(config: Pick<Config, 'environments'>, environment: string): 'namespace' | 'signed' {
  return environmentOf(config, environment)?.approvals.trust ?? 'namespace';
}

/** Whether what is said there counts only with a signature. */
export function mustSign(config: Pick<Config, 'environments'>, environment: string): boolean {
  return trustOf(config, environment) === 'signed';
}

/** The same for a command: what is said to everything concerns every environment, whichever of them is told. */
export function mustSignCommand(config: Pick<Config, 'environments'>, environment: string, scope: string): boolean {
  return scope === '*' ? config.environments.some((each) => mustSign(config, each.name)) : mustSign(config, environment);
}

/** Every pool that an environment or a target works in, sorted. */
export function poolsOf({ environments, targets }: Config): readonly string[] {
  return [...new Set([...environments, ...targets].map(({ pool }) => pool))].sort();
}

/** Found once per configuration: a check asks for each of ten thousand targets. */
const indexes = new WeakMap<readonly Target[], ReadonlyMap<string, Target>>();

export function targetOf(config: Config, environment: string, target: string): Target | undefined {
  const { targets } = config;
  const index = indexes.get(targets) ?? new Map(targets.map((each) => [formatAddress(each), each]));
  indexes.set(targets, index);
  return index.get(formatAddress({ environment, target }));
}

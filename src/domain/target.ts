import type { TargetAddress } from './address.js';
import type { HealthCheck } from './health.js';
import type { Intent } from './deciding/intent.js';
import type { Json } from './json.js';
import type { Settings } from './deciding/remediation.js';

export type Remediation = 'observe' | 'ask' | 'auto';

export interface IgnoreRule {
  /** Glob over resource names. */
  readonly resource: string;
  /** Glob over paths; absent means the whole resource. */
  readonly path?: string;
  readonly reason: string;
  /** ISO, UTC; from then on the rule no longer holds. */
  readonly until?: string;
}

/** Changes that the configuration leaves alone until a date. */
export interface AcceptRule {
  /** Glob over resource names. */
  readonly resource: string;
  /** Glob over paths; absent means the whole resource. */
  readonly path?: string;
  /** ISO, UTC; from then on the rule no longer holds. */
  readonly until: string;
  readonly reason: string;
  readonly by: string;
  readonly ticket?: string;
}

/** Where desired state lives. Relative folders are already absolute. `url` never holds a credential. */
export type Source =
  | { readonly type: 'folder'; readonly folder: string }
  | { readonly type: 'git'; readonly url: string; readonly ref: string; readonly path: string; readonly auth?: Json };

/** One resolved target: defaults, variables and overrides applied, durations in milliseconds. */
export interface Target extends TargetAddress {
  readonly provider: string;
  readonly pool: string;
  readonly owner?: string;
  readonly intent?: Intent;
  readonly source: Source;
  /** The provider's own settings, as its schema returned them. Secrets are references, resolved at use. */
  readonly spec: Json;
  /** Who must answer. */
  readonly expect: Readonly<Record<string, string>>;
  readonly health: readonly HealthCheck[];
  readonly ignore: readonly IgnoreRule[];
  readonly accept?: readonly AcceptRule[];
  /** What holds for a change of which nothing more is said. */
  readonly remediation: Remediation;
  /** What holds for each class, and which setting said so; absent: `remediation` for all. */
  readonly settings?: Settings;
  readonly soakMs: number;
  readonly settleMs: number;
  readonly blindAfterMs: number;
  readonly observeTimeoutMs: number;
  /** Names of environments and of targets of its own, as the configuration has them. */
  readonly after: readonly string[];
}

/** A desired state at rest: `folder` is readable on this machine and holds the source's path at that commit. */
export interface Revision {
  readonly folder: string;
  readonly commit?: string;
}

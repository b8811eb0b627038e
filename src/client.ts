import type { TargetAddress } from './domain/address.js';
import type { CommandAnswer, DecideAnswer, EnvironmentStatus, IncidentStatus } from './workflows/messages.js';

/** What a person decides about an open incident. `plan` is at least 8 characters of the hash that was reviewed. */
export interface DecideInput {
  readonly decision: 'approve' | 'reject' | 'accept' | 'rollback';
  readonly by: string;
  readonly plan?: string;
  readonly reason?: string;
  /** ISO, UTC; for `accept`. */
  readonly until?: string;
}

/** What a person says to an environment. `scope` is `prod`, `prod/storefront` or `*`. */
export type EnvironmentCommand =
  | { readonly command: 'freeze'; readonly scope: string; readonly by: string; readonly reason: string; readonly until?: string }
  | { readonly command: 'unfreeze'; readonly scope: string; readonly by: string; readonly reason: string }
  | { readonly command: 'release'; readonly scope: string; readonly gate: string; readonly by: string; readonly reason: string }
  /** Forgets how the incident's changes ended, so that the next check asks again. */
  | { readonly command: 'retry'; readonly scope: string; readonly incident: number; readonly by: string; readonly reason: string }
  /** Undoes a closed `fixed` incident from its snapshot. */
  | { readonly command: 'undo'; readonly scope: string; readonly incident: number; readonly by: string; readonly reason: string }
  /** Announces a change before it is made. */
  | { readonly command: 'accept'; readonly scope: string; readonly resource: string; readonly path?: string; readonly until: string; readonly by: string; readonly reason: string };

export interface EnvironmentSchedule {
  readonly environment: string;
  readonly cron: readonly string[];
  readonly timezone: string;
  readonly jitterMs: number;
  /** The shortest time between two runs: the catch-up window. */
  readonly intervalMs: number;
}

export interface ScheduleInfo {
  readonly environment: string;
  readonly cron: readonly string[];
  readonly timezone: string;
  readonly paused: boolean;
  readonly note?: string;
  /** ISO, UTC. */
  readonly lastAt?: string;
  readonly nextAt?: string;
}

export interface CheckStarted {
  readonly workflowId: string;
  readonly runId: string;
}

export interface CheckCounts {
  readonly clean: number;
  readonly drifted: number;
  readonly unknown: number;
  /** Addresses that could not be read, at most 20. */
  readonly unknownTargets: readonly string[];
  readonly opened: readonly string[];
}

/** The typed façade over Temporal: everything that the server, the CLI and activities say to it. */
export interface HoldfastClient {
  /** Answers when the incident has judged; throws `Unreachable` when nothing answers within the limit. */
  decide(address: TargetAddress, input: DecideInput): Promise<DecideAnswer>;
  command(environment: string, command: EnvironmentCommand): Promise<CommandAnswer>;
  incidentStatus(address: TargetAddress): Promise<IncidentStatus | undefined>;
  environmentStatus(environment: string): Promise<EnvironmentStatus | undefined>;
  schedules(): Promise<readonly ScheduleInfo[]>;
  pauseSchedule(environment: string, note: string): Promise<void>;
  resumeSchedule(environment: string, note: string): Promise<void>;
  /** Starts a check of an environment, or of one target, now; a check already under way is returned. */
  startCheck(environment: string, target?: string): Promise<CheckStarted>;
  waitForCheck(started: CheckStarted): Promise<CheckCounts>;
  /** Makes the schedules those of the configuration; returns what was created, updated and removed. */
  syncSchedules(schedules: readonly EnvironmentSchedule[]): Promise<{ readonly created: readonly string[]; readonly updated: readonly string[]; readonly removed: readonly string[] }>;
  /** Cancels an open incident: it rolls back, then ends. */
  cancelIncident(address: TargetAddress): Promise<void>;
  /** Polls seen on each task queue lately, so that a pool without workers can be named. */
  pollers(queues: readonly string[]): Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}

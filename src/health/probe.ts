import type { HealthCheck, HealthReport } from '../domain/health.js';

export interface ProbeContext {
  readonly signal: AbortSignal;
  readonly heartbeat: (detail?: string) => void;
  readonly now: () => Date;
  readonly resolveSecret: (reference: string) => Promise<string>;
}

export interface ProbeOptions {
  /** Once each, no delay: a baseline or a look at `status`. */
  readonly single?: boolean;
}

/** Runs every check side by side until each has its verdict; the first that is not healthy decides. */
export type Probe = (checks: readonly HealthCheck[], ctx: ProbeContext, options?: ProbeOptions) => Promise<HealthReport>;

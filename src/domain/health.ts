/**
 * Health checks and their verdict. The limits mean what they mean in Argo Rollouts' AnalysisRun:
 * a check fails once `failed > failureLimit`, is inconclusive once `inconclusive > inconclusiveLimit`,
 * errs once `consecutiveErrors > consecutiveErrorLimit`, and succeeds when `count` measurements are done.
 */
export interface HealthTiming {
  readonly intervalMs: number;
  readonly count: number;
  readonly initialDelayMs: number;
  readonly timeoutMs: number;
  readonly failureLimit: number;
  readonly inconclusiveLimit: number;
  readonly consecutiveErrorLimit: number;
}

export interface HttpCheck extends HealthTiming {
  readonly type: 'http';
  readonly name: string;
  readonly url: string;
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly expect: { readonly status: readonly number[]; readonly maxLatencyMs?: number; readonly body?: string };
  /** Link-local and similar addresses are refused unless this says so. */
  readonly allowPrivate: boolean;
}

export interface TcpCheck extends HealthTiming {
  readonly type: 'tcp';
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly allowPrivate: boolean;
}

/** A command without a shell; exit 0 is success, `inconclusiveExit` inconclusive, anything else failure. */
export interface CommandCheck extends HealthTiming {
  readonly type: 'command';
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly inconclusiveExit?: number;
}

export type HealthCheck = HttpCheck | TcpCheck | CommandCheck;

export type MeasurementResult = 'success' | 'failure' | 'inconclusive' | 'error';

export interface Measurement {
  readonly result: MeasurementResult;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly latencyMs: number;
  /** One line for a person: `status 503, expected 200`. Never a secret. */
  readonly message: string;
  /** It was asked too often, and wants to be left alone for so long. */
  readonly retryAfterMs?: number;
}

export type HealthVerdict = 'healthy' | 'unhealthy' | 'inconclusive' | 'error';

/** What one check said, with its counts; the record keeps this, not every measurement. */
export interface CheckReport {
  readonly name: string;
  readonly type: HealthCheck['type'];
  readonly verdict: HealthVerdict;
  readonly successes: number;
  readonly failures: number;
  readonly inconclusives: number;
  readonly errors: number;
  readonly slowestMs: number;
  /** The message of the measurement that decided. */
  readonly message: string;
  /** It was asked too often and says nothing now: the verdict is `error`, and may be asked for again after so long. */
  readonly retryAfterMs?: number;
}

export interface HealthReport {
  readonly verdict: HealthVerdict;
  readonly checks: readonly CheckReport[];
}

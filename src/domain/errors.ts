/**
 * The failures that steps tell apart, by name; history, API, metrics and tests share these. Each
 * message says what, where, why and the remedy in a line or two, and never holds a secret.
 */
export type FailureName =
  | 'Moved' | 'Fenced' | 'ArtifactLost' | 'Refused' | 'Invalid' | 'Unreachable' | 'Throttled' | 'ReadOnly' | 'Rejected';

/** Whether trying the same step again can help is decided here and nowhere else. */
const RETRYABLE: Readonly<Record<FailureName, boolean>> = {
  Moved: false,
  Fenced: false,
  ArtifactLost: false,
  Refused: false,
  Invalid: false,
  Unreachable: true,
  Throttled: true,
  // Another process may write, or this one once it is started again without it.
  ReadOnly: true,
  Rejected: false,
};

export class HoldfastError extends Error {
  readonly failure: FailureName;
  /** What the reader can do about it. */
  readonly remedy?: string;
  /** For `Throttled`: how long the other side asked us to wait. */
  readonly retryAfterMs?: number;

  constructor(failure: FailureName, message: string, options: { cause?: unknown; remedy?: string; retryAfterMs?: number } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = `${failure}Error`;
    this.failure = failure;
    if (options.remedy !== undefined) this.remedy = options.remedy;
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
  }

  get retryable(): boolean {
    return RETRYABLE[this.failure];
  }
}

/** The live or desired state is no longer what the plan was made against. */
export function moved(message: string): HoldfastError {
  return new HoldfastError('Moved', message);
}

/** The provider, a validation command or a rule refuses; nothing was written. */
export function refused(message: string, remedy?: string): HoldfastError {
  return new HoldfastError('Refused', message, remedy === undefined ? {} : { remedy });
}

export function isHoldfastError(error: unknown, failure?: FailureName): error is HoldfastError {
  return error instanceof HoldfastError && (failure === undefined || error.failure === failure);
}

export interface ListTargetsInput {
  readonly environment: string;
  readonly target?: string;
  /** Only these. */
  readonly targets?: readonly string[];
}

export interface TargetBatches {
  readonly batches: readonly { readonly pool: string; readonly targets: readonly string[]; readonly timeoutMs: number }[];
  /** Git commits that this check sees, by `url#ref`. */
  readonly commits: Readonly<Record<string, string>>;
}

export interface BatchResult {
  readonly clean: number;
  readonly drifted: number;
  readonly unknown: number;
  /** Looked at while the record was away: counted above, recorded and opened nowhere. */
  readonly unrecorded?: number;
  readonly unknownTargets?: readonly string[];
  readonly opened?: readonly string[];
}

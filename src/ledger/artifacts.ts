import type { TargetAddress } from '../domain/address.js';
import type { ArtifactRef } from '../domain/plan.js';

/**
 * Keeps what staging made and later steps need, under its digest, encrypted with the
 * environment's key. `get` throws `ArtifactLost` when it is gone or is not what it was.
 * Content is durable before `put` returns.
 */
export interface ArtifactStore {
  put(address: TargetAddress, name: string, content: Uint8Array): Promise<ArtifactRef>;
  get(address: TargetAddress, ref: ArtifactRef): Promise<Uint8Array>;
  remove(address: TargetAddress, ref: ArtifactRef): Promise<void>;
  /** Removes what was stored before that time (ISO, UTC), save what `keep` names; returns how many. */
  prune(before: string, keep: ReadonlySet<string>): Promise<number>;
  /** Throws, with the remedy, when the store cannot be used; makes it where it may. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

import type { Revision, Target } from '../../src/domain/target.js';
import type { Provider } from '../../src/providers/provider.js';
import type { Store } from './contexts.js';

/** What a provider brings to the contract test: a real backend, and hands to change it. */
export interface Harness {
  readonly name: string;
  readonly provider: Provider;
  /** A fresh target whose live state equals the desired one. */
  make(): Promise<Subject>;
  /** Faults that make the state unreadable; each must be `unknown`. */
  readonly unreadable: readonly { readonly reason: string; readonly make: (subject: Subject) => void }[];
}

export interface Subject {
  readonly target: Target;
  readonly revision: Revision;
  readonly store: Store;
  /** Makes drift of several kinds, among it a secret that holds the canary. */
  drift(): void;
  /** Drift that has nothing to do with the first. */
  driftElsewhere(): void;
  /** An edit of the desired state that concerns none of the drifted resources. */
  editElsewhere(): void;
  /** Writes the live state otherwise than it was, meaning the same: key order, set order, layout, times. */
  rewriteAlike(): void;
  /** Changes what the drift had changed to a third state. */
  moveDrift(): void;
  /** Everything live, byte by byte, with what else must be put back. */
  live(): unknown;
  dispose(): void;
}

/** A value that must be seen nowhere outside of the files that hold it. */
export const CANARY = 'canary-7f3a9c';

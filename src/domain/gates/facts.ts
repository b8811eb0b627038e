import type { Change } from '../change.js';
import type { Outcome } from '../phase.js';
import type { GateName } from './gate.js';
import type { WindowRule } from './window.js';

/** A gate that somebody or something closed, as the ledger remembers it. */
export interface GateRow {
  readonly scope: string;
  readonly gate: GateName;
  readonly by: string;
  readonly reason: string;
  readonly until?: string;
  /** For `quarantine` and `flapping`: the change that it holds for. */
  readonly fingerprint?: string;
  readonly revision?: string;
  /** For `step-back`: the class of change. */
  readonly resource?: string;
  readonly path?: string;
  /** ISO, UTC. */
  readonly at?: string;
  /** A breaker that failed repairs closed: from then on (ISO, UTC) one repair is let through. */
  readonly halfOpenAt?: string;
  /** Not a closed gate, but a place that it has given: `prod/storefront#7/1`, which counts for `budget` and was let through by `breaker`. */
  readonly holder?: string;
}

/** `limits.budget`: how many repairs an environment makes by itself within the time. */
export interface Budget {
  readonly max: number;
  readonly withinMs: number;
}

/** Since when each change of a target has been there. */
export interface Settling {
  readonly settleMs: number;
  /** ISO, UTC, by fingerprint; absent while no check has seen it. */
  readonly firstSeen: Readonly<Record<string, string | undefined>>;
}

/** An operation of the engine itself, or of somebody else through it. */
export interface Busy {
  /** Absent: the whole target. */
  readonly resource?: string;
  /** What is under way, in a few words. */
  readonly reason: string;
  /** ISO, UTC: when it is over at the latest, where the engine says. */
  readonly until?: string;
}

/** Where a dependency stands. */
export interface DependencyState {
  /** `staging/storefront`. */
  readonly address: string;
  /** Its open incident, or the last one that ended. */
  readonly incident?: {
    /** `staging/storefront#3`. */
    readonly id: string;
    readonly open: boolean;
    readonly outcome?: Outcome;
  };
  /** It was found clean since that incident ended, or a person lets go on whoever waits for it. */
  readonly passed?: true;
  /** It comes first for these changes alone, which have the same cause there. Absent: for all. */
  readonly fingerprints?: readonly string[];
}

/** What is known of a target, its environment and everything, when gates are asked. */
export interface GateFacts {
  /** ISO, UTC. */
  readonly at: string;
  /** Those past their time are not handed in. */
  readonly rows: readonly GateRow[];
  readonly environment?: string;
  /** `limits.budget` of the environment. */
  readonly budget?: Budget;
  /** Of the environment; absent means none. */
  readonly windows?: readonly WindowRule[];
  /** The environment names who may break the glass. */
  readonly glass?: boolean;
  /** Decisions must be signed there, and so must what opens a gate. */
  readonly signed?: boolean;
  /** `prod/storefront`. */
  readonly address?: string;
  /** Who is repaired before it, in the order of the configuration; those that are configured no more are left out. */
  readonly dependencies?: readonly DependencyState[];
  /** Absent: what settles opens nothing, or `settle` is 0. */
  readonly settling?: Settling;
  /** What the engine is doing now, where it was asked; absent: what the rows remember of it. */
  readonly engine?: readonly Busy[];
}

/** What wants to go on. */
export interface Asking {
  readonly action: 'stage' | 'finalize';
  readonly changes: readonly Pick<Change, 'fingerprint' | 'revision' | 'resource' | 'path'>[];
  /** True when no person approved: the breaker stops only what is automatic. */
  readonly automatic: boolean;
  /** Which part asks, `prod/storefront#7/1`: what was let through stays so. Absent: nobody in particular. */
  readonly holder?: string;
  /** Approved by somebody who may go through a closed window and a breaker of failed repairs, and through nothing else. */
  readonly breakGlass?: boolean;
  /** ISO, UTC: when its staging began; absent before it. */
  readonly begunAt?: string;
}

import type { ZodType } from 'zod';
import type { Busy } from '../domain/gates/facts.js';
import type { Change, Difference } from '../domain/change.js';
import type { Json } from '../domain/json.js';
import type { ArtifactRef, Fencing, Plan, Proposal, Staged } from '../domain/plan.js';
import type { Revision, Target } from '../domain/target.js';

/**
 * The contract between Holdfast and an engine.
 *
 * Order of calls: `observe` → `plan` → `stage` → `finalize`, then `cleanup` once the repair has
 * ended. `rollback` may come after `stage`, in the middle of a half-done `finalize`, or long after
 * it. Every step may run more than once and on another worker than the step before: record the
 * intent (`ctx.intend`), look, act only where it is not yet done, look again. Nothing may rely on
 * the disk of the worker that ran an earlier step, except where `place` says that the artifact is
 * bound to the pool.
 *
 * A provider imports only `domain` and its own SDK (lazily), never Temporal: the CLI and the tests
 * run it as the workers do.
 */
export interface Provider<Spec = unknown> {
  /** As written in the configuration: `files`. */
  readonly name: string;
  /** The schema of `spec`; it is published as part of the configuration's JSON Schema. */
  readonly spec: ZodType<Spec>;
  /**
   * Normalises `spec` after the schema: makes relative paths absolute against `folder`, where the
   * configuration file lies. Pure.
   */
  resolveSpec?(spec: Spec, folder: string): Spec;
  readonly fencing: Fencing;

  /**
   * Reads desired and actual and changes nothing. What could not be read, was empty where it may
   * not be, or answered under another identity is `unknown` with a reason, never a difference.
   */
  observe(target: Target, revision: Revision, ctx: ReadContext): Promise<Sight>;

  /**
   * Returns the repair of exactly these changes, or why there is none. Changes nothing. Equal
   * input gives an equal proposal, whatever else drifted.
   */
  plan(target: Target, revision: Revision, changes: readonly Change[], ctx: ReadContext): Promise<PlanResult>;

  /**
   * Prepares beside the live thing without disturbing it and returns what later steps need,
   * including a snapshot of what is live now (in the artifact store, encrypted). Refuses with
   * a `Moved` error if the live or desired state is not what the plan was made against.
   */
  stage(plan: Plan, revision: Revision, ctx: WriteContext): Promise<Staged>;

  /** Switches over. Refuses with a `Moved` error when the live state is no longer what was staged against. */
  finalize(plan: Plan, staged: Staged, ctx: WriteContext): Promise<void>;

  /**
   * Puts the snapshot back for every resource of the plan, from any point. Returns what is now as
   * it was, and what is not and why; it throws only when it could not tell.
   */
  rollback(plan: Plan, staged: Staged, ctx: WriteContext): Promise<Restored>;

  /** Removes what staging left beside the live thing. `keepSnapshot` keeps what a later undo needs. */
  cleanup(plan: Plan, staged: Staged, ctx: WriteContext, options: { readonly keepSnapshot: boolean }): Promise<void>;

  /**
   * Returns what the desired state becomes when exactly these changes are taken over into it, or why
   * they cannot be. Changes nothing. Looking again at the desired state so changed finds these
   * changes gone and every other one as it was. A secret is never written into a desired state.
   */
  adopt?(target: Target, revision: Revision, changes: readonly Change[], ctx: ReadContext): Promise<Adoption>;

  /**
   * What the engine itself, or somebody through it, is doing with these resources now, so that a repair
   * would meet it half-way: a deployment, a migration, a lock. One answer for each resource, or one
   * without for the whole target. Reads only, and is cheap: it is asked before each repair, and by a
   * check while a repair waits for it. `until`: when it is over at the latest, where the engine knows.
   */
  busy?(target: Target, resources: readonly string[], ctx: ReadContext): Promise<readonly Busy[]>;

  /** Writes what is live as a desired state into an empty or absent folder; returns the resources written. */
  capture?(target: Target, into: string, ctx: ReadContext): Promise<readonly string[]>;

  /** Makes a known drift, for tests and rehearsals. */
  inject?(target: Target, difference: Json, ctx: WriteContext): Promise<void>;
}

/** What a look found, before ignore rules, `expect` and fingerprints are applied by `look.ts`. */
export type Sight =
  | { readonly verdict: 'unknown'; readonly reason: string; readonly identity?: Readonly<Record<string, string>> }
  | {
      readonly verdict: 'known';
      /** Digest of all that the target reads of its source. */
      readonly revision: string;
      readonly identity: Readonly<Record<string, string>>;
      /**
       * An engine with annotations or tags may say with `exception` that a resource itself asks to be
       * left alone until a date. Report it as it stands: whether it is heard is the environment's to say.
       */
      readonly differences: readonly Difference[];
      readonly resources: number;
      /** What could not be compared, said rather than flagged. */
      readonly skipped: readonly { readonly resource: string; readonly path: string; readonly reason: string }[];
    };

export type PlanResult =
  | { readonly possible: true; readonly proposal: Proposal }
  /** `reason` says why these changes cannot be repaired (alone), in one line. */
  | { readonly possible: false; readonly reason: string };

export type Adoption =
  | { readonly possible: true; readonly files: readonly AdoptedFile[] }
  /** `reason` says why, and what to do instead, in one line. */
  | { readonly possible: false; readonly reason: string };

/** One file of the source as it becomes: plain data, written by whoever keeps the source. */
export interface AdoptedFile {
  /** Relative to the source's path, with `/`. */
  readonly path: string;
  /** Absent: the file goes. */
  readonly content?: Uint8Array;
  /** Permission bits; absent: as they are, or usual for a new file. */
  readonly mode?: number;
  /** Values that stand in the file on either side and are shown to nobody. */
  readonly secrets: readonly string[];
}

export interface Restored {
  readonly restored: readonly string[];
  readonly failed: readonly { readonly resource: string; readonly reason: string }[];
}

export interface ReadContext {
  /** Fires on cancellation, timeout or shutdown. A step that ignores it is killed with its process. */
  readonly signal: AbortSignal;
  /** Says that the step is alive; `detail` is shown and never holds a secret. Cheap to call often. */
  readonly heartbeat: (detail?: string) => void;
  readonly log: Logger;
  /** A folder of this step alone, empty at its start and removed after it. */
  readonly workFolder: string;
  /** Resolves a secret reference (`${env:NAME}`, `${file:path}`) at use. */
  readonly resolveSecret: (reference: string) => Promise<string>;
}

export interface WriteContext extends ReadContext {
  /** The same on every retry of this step. */
  readonly idempotencyKey: string;
  /** Grows with every attempt that may write to this target. */
  readonly fence: number;
  /**
   * Records the intent of one external write before it happens. Throws a `Fenced` error when a newer
   * attempt may write to this target. An intent that an earlier attempt left open is returned in
   * `open`: look before acting.
   */
  readonly intend: (write: ExternalWrite) => Promise<OpenIntent>;
  readonly artifacts: ArtifactAccess;
}

export interface ExternalWrite {
  /** Stable within the step: `switch`, `reload`, `write etc/app.yaml`. */
  readonly name: string;
  readonly resource?: string;
}

export interface OpenIntent {
  /** True when an earlier attempt recorded the same intent and never closed it. */
  readonly reopened: boolean;
  /** Set when an earlier attempt recorded that this write is done. */
  readonly done: boolean;
  /** Records a child process that this write started, so that one which outlives its worker is found. */
  child(process: ChildProcessIdentity): Promise<void>;
  close(outcome: { readonly ok: true } | { readonly ok: false; readonly error: string }): Promise<void>;
}

export interface ChildProcessIdentity {
  readonly host: string;
  readonly pid: number;
  /** Start time as the kernel tells it, so that a reused process id is not mistaken for the child. */
  readonly startTime: string;
}

/** The artifact store, bound to this target. Content is encrypted at rest. */
export interface ArtifactAccess {
  put(name: string, content: Uint8Array): Promise<ArtifactRef>;
  /** Throws an `ArtifactLost` error when it is gone or its digest does not match. */
  get(ref: ArtifactRef): Promise<Uint8Array>;
  remove(ref: ArtifactRef): Promise<void>;
}

export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}


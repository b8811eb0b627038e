import type { IncidentId, TargetAddress } from '../domain/address.js';
import type { Change, Observation } from '../domain/change.js';
import type { Exception } from '../domain/deciding/exception.js';
import type { GateName } from '../domain/gates/gate.js';
import type { Json, JsonObject } from '../domain/json.js';
import type { Outcome, Phase } from '../domain/phase.js';
import type { Plan } from '../domain/plan.js';
import type { ChildProcessIdentity } from '../providers/provider.js';
import type { Ask, DecisionRow, VoteRow } from './answers.js';
import type { OutboxMessage } from './outbox-message.js';
import type { ClosedGate, Place } from './closed-gate.js';
import type { IntentRow, NewIntent } from './writes.js';

export type { ClosedGate, Place } from './closed-gate.js';
export type { IntentRow, NewIntent } from './writes.js';
export type { OutboxMessage };
export type { Ask, DecisionRow, VoteRow };

/**
 * The record of what was seen, decided, approved, intended and done, and the memory that rules
 * read. One interface, an embedded implementation (SQLite) and later a distributed one. Every
 * method is atomic and safe to call twice with the same arguments. Times are ISO 8601 in UTC and
 * are arguments: the ledger reads no clock. `scope` is `environment` or `environment/target`, or
 * `*` for everything.
 */
export interface Ledger {
  // The record: append-only and hash-chained.
  append(entry: NewEntry): Promise<Entry>;
  /** Oldest first. `after` is a sequence number (exclusive). */
  entries(filter: EntryFilter): AsyncIterable<Entry>;
  verify(options?: { onProgress?: (checked: number) => void }): Promise<Verification>;
  /** Signs the head of the chain; called at incident ends and by the clock of the caller. */
  checkpoint(at: string): Promise<Checkpoint | undefined>;
  /** Removes what retention no longer asks for and leaves a checkpoint that verifies. Returns counts by kind. */
  prune(options: { readonly at: string; readonly keepMs: Readonly<Record<RetentionKind, number>> }): Promise<Readonly<Record<RetentionKind, number>>>;

  // Observations.
  /** Stores one look. An unchanged observation stores its digest and the time, nothing more. */
  observed(input: ObservedInput): Promise<ObservedResult>;
  lastObservation(address: TargetAddress): Promise<TargetRow | undefined>;
  targets(environment?: string): Promise<readonly TargetRow[]>;
  report(digest: string): Promise<Observation | undefined>;
  /** What is remembered of each fingerprint of this target: first and last seen, incidents, last outcome. */
  sightings(address: TargetAddress, fingerprints: readonly string[]): Promise<readonly Sighting[]>;

  // Incidents.
  /** Takes the next number for the target, larger than `after` too, or returns the open incident that is there. */
  openIncident(input: { readonly address: TargetAddress; readonly at: string; readonly drift: string; readonly kind: IncidentKind; readonly undoes?: number; readonly after?: number }): Promise<{ readonly row: IncidentRow; readonly opened: boolean }>;
  updateIncident(id: IncidentId, update: IncidentUpdate): Promise<void>;
  /** Closes, settles the changes named, keeps the narrative, and appends the end to the record. Idempotent. */
  closeIncident(id: IncidentId, end: IncidentEnd): Promise<void>;
  incident(address: TargetAddress, number?: number): Promise<IncidentRow | undefined>;
  /** Newest first. */
  incidents(filter: { readonly environment?: string; readonly target?: string; readonly open?: boolean; readonly outcome?: Outcome; readonly since?: string; readonly limit?: number }): Promise<readonly IncidentRow[]>;

  // Settled changes and gates.
  settle(rows: readonly Settled[]): Promise<void>;
  /** Rows in force at that time for these changes: same fingerprint and resource revision, not past `until`. */
  settled(address: TargetAddress, changes: readonly Pick<Change, 'fingerprint' | 'revision'>[], at: string): Promise<readonly Settled[]>;
  /** Forgets settled rows so that their changes are asked about again; returns how many. `record` says who, when and why. */
  unsettle(address: TargetAddress, filter: { readonly incident?: number; readonly fingerprints?: readonly string[] }, record?: { readonly at: string; readonly by: string; readonly reason: string }): Promise<number>;
  closeGate(gate: ClosedGate): Promise<void>;
  /**
   * Opens every gate of that name in the scope and beneath it (`prod` opens the quarantines of its
   * targets); a freeze only where it was set, so that lifting one lifts nobody else's. Returns what was opened.
   */
  openGate(input: { readonly scope: string; readonly gate: GateName; readonly by: string; readonly reason: string; readonly at: string }): Promise<readonly ClosedGate[]>;
  /** Gates in force for this target at that time, and the places that they have given: its own, its environment's and those of `*`. */
  closedGates(address: TargetAddress, at: string): Promise<readonly ClosedGate[]>;
  /** Without places. */
  allClosedGates(at: string): Promise<readonly ClosedGate[]>;
  /** Ends one row of `closeGate`, and no other of its scope: it holds no longer from then on. False when it holds no more. */
  liftGate(gate: ClosedGate, end: { readonly at: string; readonly by: string; readonly reason: string }): Promise<boolean>;
  /**
   * Gives one of `max` places of a gate to a holder, atomically over all workers. True when it has
   * one, also from before. A place is kept until it is freed or `until` has passed.
   */
  takePlace(place: Place): Promise<boolean>;
  /** Frees the place; true when that holder has, or had, one, so that a retried step tells the others again. */
  freePlace(place: Pick<Place, 'scope' | 'gate' | 'holder' | 'at'>): Promise<boolean>;
  accept(acceptance: Acceptance): Promise<void>;
  /** Announced ones first, then those of incidents; `at` leaves out what has lapsed by then, which is kept for a month longer. */
  acceptances(filter: AcceptanceFilter, at?: string): Promise<readonly Acceptance[]>;
  /** Ends those that the filter names before their date, in the record too; returns what was ended. */
  endAcceptances(address: TargetAddress, filter: { readonly resource?: string; readonly path?: string; readonly incident?: number }, record: { readonly at: string; readonly by: string; readonly reason: string }): Promise<readonly Acceptance[]>;

  // Plans and decisions.
  putPlan(plan: Plan, at: string): Promise<void>;
  plan(hash: string): Promise<Plan | undefined>;
  /** Opens a question (or notes that policy allowed the plan): what an approval must answer. */
  ask(ask: Ask): Promise<void>;
  askOf(id: string): Promise<Ask | undefined>;
  /**
   * Consumes the nonce of an ask, once, for one run. The first decision wins: a second one gets
   * the first back with `first: false`; the very same one again (a retried step) is still the first.
   * A message that another run of the same incident consumed is a replay and gets that row back
   * with `first: false`. Throws `Refused` for an unknown ask, another incident's or another plan's.
   */
  decide(decision: DecisionRow): Promise<{ readonly first: boolean; readonly decision: DecisionRow }>;
  decisionOf(ask: string): Promise<DecisionRow | undefined>;
  /**
   * Counts one person's approval of an ask, once: a second one of the same person gets the first back
   * with `first: false`, the very same one again is still the first. A message that another run of the
   * incident used, for a vote or a decision, counts nothing and gets that row back with `first: false`.
   * Throws `Refused` for an unknown or decided ask, another incident's or another plan's.
   */
  vote(vote: VoteRow): Promise<{ readonly first: boolean; readonly vote: VoteRow }>;
  /** Of one ask, or of all of an incident, in the order in which they came. */
  votes(of: string | IncidentId): Promise<readonly VoteRow[]>;
  decisions(id: IncidentId): Promise<readonly DecisionRow[]>;

  // Writing: fences and intents.
  /**
   * A new token for one attempt of one step, larger than every token before it for this target.
   * Throws `Fenced` when a later attempt of the same step is already known.
   */
  takeFence(input: { readonly address: TargetAddress; readonly step: string; readonly attempt: number; readonly run: string; readonly at: string }): Promise<number>;
  /**
   * Records an intent, only if the fence is the newest of its target (else throws `Fenced`). An open
   * one of the same key comes back with one attempt more; one closed as done, for the same plan,
   * comes back as it is. One that failed, or that belonged to another plan, begins again.
   */
  intend(intent: NewIntent): Promise<IntentRow>;
  intentChild(key: string, child: ChildProcessIdentity): Promise<void>;
  closeIntent(key: string, end: { readonly at: string; readonly ok: boolean; readonly error?: string; readonly fence: number }): Promise<void>;
  intents(filter: { readonly incident?: IncidentId; readonly open?: boolean; readonly address?: TargetAddress; readonly since?: string }): Promise<readonly IntentRow[]>;
  /** The stored result of a finished step, so that a retry after it returns the same. */
  stepDone(key: string, result?: Json): Promise<Json | undefined>;

  // Messages to people.
  enqueue(messages: readonly OutboxMessage[]): Promise<void>;
  /**
   * Takes what is due, longest due first, and marks it taken until `leaseUntil`, so that two
   * deliverers do not send it at once. `sink` takes that sink's alone: one that is slow holds up no other.
   */
  takeDue(input: { readonly at: string; readonly leaseUntil: string; readonly limit: number; readonly sink?: string }): Promise<readonly OutboxMessage[]>;
  delivered(id: string, result: { readonly at: string; readonly ok: boolean; readonly error?: string; readonly retryAt?: string }): Promise<void>;
  outbox(filter: { readonly pending?: boolean; readonly limit?: number }): Promise<readonly OutboxMessage[]>;

  /** Small values that outlive a process: the embedded server's record, the last good configuration. */
  getMeta(key: string): Promise<string | undefined>;
  setMeta(key: string, value: string): Promise<void>;
  close(): Promise<void>;
}

export type EntryKind =
  | 'drift' | 'unknown' | 'opened' | 'decided' | 'asked' | 'approved' | 'rejected' | 'accepted' | 'refused' | 'expired' | 'gate'
  | 'intent' | 'outcome' | 'staged' | 'validated' | 'finalized' | 'rolled-back' | 'closed' | 'message' | 'configuration' | 'pruned'
  /** What was decided for each change of a part, with what was looked at; by Holdfast, before anybody is asked. */
  | 'assessed'
  /** A look that found no drift and differs from the one before; changes settled or forgotten outside an incident's end. */
  | 'clean' | 'settled'
  /** An approval of several that are needed; others may approve too from now on. */
  | 'voted' | 'escalated'
  /** A change was written into the source of the desired state, as a branch, a patch or the folder itself. */
  | 'adopted';

export interface NewEntry {
  readonly at: string;
  readonly kind: EntryKind;
  readonly environment?: string;
  readonly target?: string;
  readonly incident?: number;
  /** Who did it: a name as given, a workflow run, or `holdfast`. */
  readonly by?: string;
  readonly data: JsonObject;
}

export interface Entry extends NewEntry {
  readonly seq: number;
  readonly previous: string;
  readonly hash: string;
}

export interface EntryFilter {
  readonly after?: number;
  readonly environment?: string;
  readonly target?: string;
  readonly incident?: number;
  readonly kinds?: readonly EntryKind[];
  readonly since?: string;
  readonly limit?: number;
}

export type Verification =
  | { readonly ok: true; readonly entries: number; readonly head: string; readonly checkpoints: number }
  /** `seq` is the first bad entry; `problem` one of the four kinds of tampering, or a bad signature. */
  | { readonly ok: false; readonly seq: number; readonly problem: 'changed' | 'removed' | 'reordered' | 'truncated' | 'bad-signature'; readonly detail: string };

export interface Checkpoint {
  readonly seq: number;
  readonly head: string;
  readonly at: string;
  /** Ed25519 over the canonical JSON of the other members, base64. */
  readonly signature: string;
  /** Public key (SPKI), base64. */
  readonly key: string;
  /** Left by pruning: entries up to and including `seq` were removed, and the chain begins after them. */
  readonly pruned?: true;
}

export type RetentionKind = 'reports' | 'entries' | 'plans' | 'outbox' | 'sightings';

export interface ObservedInput {
  readonly address: TargetAddress;
  readonly at: string;
  readonly observation: Observation;
  readonly driftFingerprint?: string;
}

export interface ObservedResult {
  /** Digest of the stored observation. */
  readonly digest: string;
  readonly previous?: TargetRow;
  /** True when the digest differs from the previous look. */
  readonly changed: boolean;
  /** What is remembered of this observation's changes, this sighting included. */
  readonly sightings: readonly Sighting[];
}

export interface TargetRow extends TargetAddress {
  readonly verdict: Observation['verdict'];
  readonly reason?: string;
  readonly digest: string;
  readonly revision: string;
  readonly commit?: string;
  readonly changes: number;
  /** Since when the verdict has been what it is. */
  readonly since: string;
  readonly at: string;
  /** Last time that the verdict was not `unknown`. */
  readonly lastKnownAt?: string;
  /** The first time that it was not; absent for what an older version looked at first. A sighting that began then stood there from the start. */
  readonly firstKnownAt?: string;
  readonly driftFingerprint?: string;
}

export interface Sighting {
  readonly fingerprint: string;
  readonly resource: string;
  readonly path: string;
  readonly firstSeen: string;
  readonly lastSeen: string;
  readonly count: number;
  /** How many incidents have contained it, with their ends. */
  readonly incidents: readonly { readonly number: number; readonly outcome?: Outcome; readonly closedAt?: string }[];
}

export type IncidentKind = 'drift' | 'blind' | 'undo';

export interface IncidentRow extends IncidentId {
  readonly kind: IncidentKind;
  /** The drift last told to the incident, so that the same sighting again costs nothing. */
  readonly drift: string;
  readonly runId?: string;
  readonly phase: Phase;
  readonly outcome?: Outcome;
  readonly risk?: string;
  readonly openedAt: string;
  readonly closedAt?: string;
  readonly undoes?: number;
  /** Parts as they stand, for lists and pages: phase, plan hash, ask, approval, outcome, what it waits for. */
  readonly parts: readonly JsonObject[];
  readonly narrative?: string;
}

export interface IncidentUpdate {
  readonly drift?: string;
  readonly runId?: string;
  readonly phase?: Phase;
  readonly risk?: string;
  readonly parts?: readonly JsonObject[];
  /**
   * One part, said anew: what the row has of it already stays, and the row's phase becomes the one
   * of its parts that most needs a person. Atomic, since parts go on side by side.
   */
  readonly part?: JsonObject & { readonly part: number; readonly phase: Phase };
}

export interface IncidentEnd {
  readonly at: string;
  readonly outcome: Outcome;
  readonly parts: readonly JsonObject[];
  readonly narrative: string;
  readonly settled: readonly Settled[];
}

/** A change whose incident has ended: not asked about again until it or its desired state changes, or the time passes. */
export interface Settled extends TargetAddress {
  readonly fingerprint: string;
  readonly revision: string;
  readonly resource: string;
  readonly path: string;
  readonly outcome: Outcome;
  readonly incident: number;
  readonly at: string;
  /** Absent: until something changes. */
  readonly until?: string;
  readonly by?: string;
  readonly reason?: string;
  /** Of an acceptance. */
  readonly ticket?: string;
}

/** An exception that somebody gave: in an incident, or announced before the change was made. */
export interface Acceptance extends TargetAddress, Omit<Exception, 'source'> {
  readonly at: string;
}

/** Without a target a whole environment, without both everything. */
export interface AcceptanceFilter {
  readonly environment?: string;
  readonly target?: string;
}

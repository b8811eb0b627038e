import type { IncidentId, TargetAddress } from '../domain/address.js';
import type { Change, Observation } from '../domain/change.js';
import type { GateName } from '../domain/gates/gate.js';
import type { Json } from '../domain/json.js';
import type { Outcome } from '../domain/phase.js';
import type { Plan } from '../domain/plan.js';
import type { ChildProcessIdentity } from '../providers/provider.js';
import type { Acceptance, AcceptanceFilter } from './acceptance.js';
import type { Ask, DecisionRow, VoteRow } from './answers.js';
import type { ClosedGate, Place } from './closed-gate.js';
import type { IncidentEnd, IncidentKind, IncidentRow, IncidentUpdate, Settled } from './incident-row.js';
import type { ObservedInput, ObservedResult, Sighting, TargetRow } from './observed.js';
import type { OutboxMessage } from './outbox-message.js';
import type { Checkpoint, Entry, EntryFilter, NewEntry, RetentionKind, Verification } from './record.js';
import type { IntentRow, NewIntent } from './writes.js';

// What it keeps is described beside it, and had from here.
export type { Acceptance, AcceptanceFilter } from './acceptance.js';
export type { Ask, DecisionRow, VoteRow } from './answers.js';
export type { ClosedGate, Place } from './closed-gate.js';
export type { IncidentEnd, IncidentKind, IncidentRow, IncidentUpdate, Settled } from './incident-row.js';
export type { ObservedInput, ObservedResult, Sighting, TargetRow } from './observed.js';
export type { OutboxMessage } from './outbox-message.js';
export type { Checkpoint, Entry, EntryFilter, EntryKind, NewEntry, RetentionKind, Verification } from './record.js';
export type { IntentRow, NewIntent } from './writes.js';

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


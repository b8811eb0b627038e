import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';
import type { Json } from '../domain/json.js';
import type { Outcome, Phase } from '../domain/phase.js';

/**
 * The names and shapes that cross Temporal. Handlers take `unknown`, since anyone who reaches the
 * namespace can send anything; the guards of `domain/message.ts` make sense of it.
 */
export const WORKFLOW_QUEUE = 'holdfast';

export type Access = 'read' | 'write';

/** `holdfast-<pool>-read` for observe and probe, `holdfast-<pool>-write` for stage, finalize, roll back. */
export function poolQueue(pool: string, access: Access): string {
  return `holdfast-${pool}-${access}`;
}

export function incidentWorkflowId(environment: string, target: string): string {
  return `incident/${environment}/${target}`;
}

export function environmentWorkflowId(environment: string): string {
  return `environment/${environment}`;
}

export function scheduleId(environment: string): string {
  return `check/${environment}`;
}

/** What an operator searches by. Never a secret. */
export interface SearchValues {
  readonly HoldfastEnvironment?: string;
  readonly HoldfastTarget?: string;
  readonly HoldfastProvider?: string;
  readonly HoldfastPhase?: string;
  readonly HoldfastOutcome?: string;
  readonly HoldfastRisk?: string;
  readonly HoldfastOwner?: string;
  readonly HoldfastFingerprint?: string;
  readonly HoldfastRecurrence?: number;
}

export function searchAttributes(values: SearchValues): SearchAttributePair[] {
  return Object.entries(values).flatMap(([name, value]: [string, string | number | undefined]): SearchAttributePair[] => {
    if (value === undefined) return [];
    return typeof value === 'number' ? [{ key: defineSearchAttributeKey(name, 'INT'), value }] : [{ key: defineSearchAttributeKey(name, 'KEYWORD'), value }];
  });
}

/** Signals to an incident. `observed`, `slot` and `gates` are Holdfast's own; the rest are for people. */
export const INCIDENT_SIGNALS = {
  approve: 'approve',
  reject: 'reject',
  adopt: 'adopt',
  accept: 'accept',
  rollback: 'rollback',
  /** From a check: the incident's changes moved or are gone. */
  observed: 'observed',
  /** From the environment: the slot is yours. */
  slot: 'slot',
  /** From the environment: gates may have changed, ask again. */
  gates: 'gates',
} as const;

/** Update of an incident: a decision with an answer. */
export const DECIDE_UPDATE = 'decide';

/** Signals to an environment. `requestSlot` and `returnSlot` come from incidents. */
export const ENVIRONMENT_SIGNALS = {
  freeze: 'freeze',
  unfreeze: 'unfreeze',
  release: 'release',
  requestSlot: 'requestSlot',
  returnSlot: 'returnSlot',
  /** From a worker of another build or key: go on in a new run, at the next rest. */
  renew: 'renew',
} as const;

/** Update of an environment: freeze, unfreeze, release, accept or retry with an answer; the CLI uses it. */
export const COMMAND_UPDATE = 'command';

/** How the reason of a batch begins that no worker took in time; steps know it again by this. */
export const NO_WORKER = 'no worker of pool';

/** Query of both. */
export const STATUS_QUERY = 'status';

export type DecideResult = 'accepted' | 'already-decided' | 'stale-plan' | 'refused' | 'expired';

export interface DecideAnswer {
  readonly result: DecideResult;
  /** What it means for the incident, or why not, in a line. */
  readonly message: string;
  /** The plan that stands now, so that a stale approval can be looked at and given again. */
  readonly plan?: string;
  /** With `refused`: it was refused for who decides, not for what. */
  readonly unauthorised?: boolean;
}

export interface CommandAnswer {
  readonly ok: boolean;
  readonly message: string;
  /** With `ok: false`: it was refused for who asks, not for what. */
  readonly unauthorised?: true;
}

export interface PartStatus {
  readonly part: number;
  readonly phase: Phase;
  readonly outcome?: Outcome;
  readonly decision: string;
  readonly risk: string;
  readonly plan?: string;
  readonly changes: number;
  /** Why it was decided so, and by which rules. */
  readonly because?: string;
  readonly rules?: readonly string[];
  /** Why it ended so; absent while it is open. */
  readonly reason?: string;
  /** What it waits for, and which time or command moves it, in a line. */
  readonly waitsFor?: string;
  readonly expiresAt?: string;
  readonly [key: string]: Json | undefined;
}

export interface IncidentStatus {
  readonly incident: string;
  readonly phase: Phase;
  readonly outcome?: Outcome;
  /** Of an incident without parts: what it waits for. */
  readonly waitsFor?: string;
  readonly parts: readonly PartStatus[];
}

export interface EnvironmentStatus {
  readonly environment: string;
  readonly concurrent: number;
  readonly slots: readonly { readonly workflowId: string; readonly runId: string }[];
  readonly waiting: readonly { readonly workflowId: string; readonly runId: string }[];
}

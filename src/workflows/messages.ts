import { defineQuery, defineSignal, defineUpdate } from '@temporalio/common';
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

// To an incident.
export const approveSignal = defineSignal<[unknown]>('approve');
export const rejectSignal = defineSignal<[unknown]>('reject');
export const acceptSignal = defineSignal<[unknown]>('accept');
export const rollbackSignal = defineSignal<[unknown]>('rollback');
export const decideUpdate = defineUpdate<DecideAnswer, [unknown]>('decide');
/** From a check: the incident's changes moved or are gone. */
export const observedSignal = defineSignal<[unknown]>('observed');
/** From the environment: the slot is yours; or gates may have changed, ask again. */
export const slotSignal = defineSignal<[unknown]>('slot');
export const gatesSignal = defineSignal<[unknown]>('gates');

// To an environment.
export const freezeSignal = defineSignal<[unknown]>('freeze');
export const unfreezeSignal = defineSignal<[unknown]>('unfreeze');
export const releaseSignal = defineSignal<[unknown]>('release');
export const requestSlotSignal = defineSignal<[unknown]>('requestSlot');
export const returnSlotSignal = defineSignal<[unknown]>('returnSlot');
/** The same as freeze, unfreeze and release, with an answer; the CLI uses it. */
export const commandUpdate = defineUpdate<CommandAnswer, [unknown]>('command');

export const incidentStatusQuery = defineQuery<IncidentStatus>('status');
export const environmentStatusQuery = defineQuery<EnvironmentStatus>('status');

export type DecideResult = 'accepted' | 'already-decided' | 'stale-plan' | 'refused' | 'expired';

export interface DecideAnswer {
  readonly result: DecideResult;
  /** What it means for the incident, or why not, in a line. */
  readonly message: string;
  /** The plan that stands now, so that a stale approval can be looked at and given again. */
  readonly plan?: string;
}

export interface CommandAnswer {
  readonly ok: boolean;
  readonly message: string;
}

export interface PartStatus {
  readonly part: number;
  readonly phase: Phase;
  readonly outcome?: Outcome;
  readonly decision: string;
  readonly risk: string;
  readonly plan?: string;
  readonly changes: number;
  /** What it waits for and what will move it, in a line. */
  readonly waitsFor?: string;
  readonly expiresAt?: string;
  readonly [key: string]: Json | undefined;
}

export interface IncidentStatus {
  readonly incident: string;
  readonly phase: Phase;
  readonly outcome?: Outcome;
  readonly parts: readonly PartStatus[];
}

export interface EnvironmentStatus {
  readonly environment: string;
  readonly concurrent: number;
  readonly slots: readonly { readonly workflowId: string; readonly runId: string }[];
  readonly waiting: readonly { readonly workflowId: string; readonly runId: string }[];
}

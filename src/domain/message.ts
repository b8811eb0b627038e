import { parseAddress } from './address.js';

/**
 * Guards for what arrives from outside: anyone who reaches the namespace can send anything, and a
 * handler that throws would stop the workflow. They are small, never throw, keep only the members
 * that are used, and cut what is too long. Workflow code runs them, so they know no clock.
 */
export type DecisionKind = 'approve' | 'reject' | 'adopt' | 'accept' | 'rollback';

/** How a decision that was taken is told. */
export const DECIDED: Readonly<Record<DecisionKind, string>> = { approve: 'approved', reject: 'rejected', adopt: 'taken over', accept: 'accepted', rollback: 'rolled back' };

export interface DecisionMessage {
  readonly decision: DecisionKind;
  readonly by: string;
  /** At least 8 lower-case hex characters of the plan hash that was reviewed. */
  readonly plan?: string;
  readonly reason?: string;
  /** For `accept`: ISO 8601. */
  readonly until?: string;
  /** For `accept`: where it is followed up. */
  readonly ticket?: string;
  /** For `adopt` of a folder: write the change there, rather than hand out a patch. */
  readonly write?: true;
  /** For `approve`: on this word alone, and through a closed window. */
  readonly breakGlass?: true;
  readonly signature?: string;
}

export type CommandName = 'freeze' | 'unfreeze' | 'release' | 'retry' | 'undo' | 'accept';

export interface CommandMessage {
  readonly command: CommandName;
  readonly scope: string;
  readonly by: string;
  readonly reason: string;
  readonly until?: string;
  readonly gate?: string;
  readonly incident?: number;
  readonly resource?: string;
  readonly path?: string;
  readonly ticket?: string;
  /** For `accept`: end it before its date. */
  readonly end?: true;
  readonly signature?: string;
  /** ISO 8601: when it was signed. */
  readonly signedAt?: string;
}

export interface SlotRequest {
  readonly workflowId: string;
  readonly runId: string;
  /** How many may write at once, as the configuration that the requester saw says. */
  readonly limit: number;
  /** Counts what a run says about its slot, since messages may overtake each other; an older release says none. */
  readonly ordinal?: number;
}

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

const DECISIONS: readonly string[] = ['approve', 'reject', 'adopt', 'accept', 'rollback'] satisfies readonly DecisionKind[];
const COMMANDS: readonly string[] = ['freeze', 'unfreeze', 'release', 'retry', 'undo', 'accept'] satisfies readonly CommandName[];
const LIMITS: Readonly<Record<string, number>> = { by: 200, reason: 1000, plan: 80, until: 40, signedAt: 40, signature: 4000, ticket: 200, scope: 130, gate: 40, resource: 1000, path: 1000 };
const LONGEST_ID = 300;
const PLAN_PREFIX = /^[0-9a-f]{8,64}$/;
/** A surrogate without its other half, sent so or cut so: it has no canonical form, and hashing it would fail for ever. */
const HALF_CHARACTER = /\p{Surrogate}/gu;
/** What stands in no armoured signature. Without it, a hundred messages at once stay within what a step may be given. */
const UNARMOURED = /[^A-Za-z0-9+/= \r\n-]/g;
/** The server refuses to signal any other, and refuses again whenever the workflow task that tried is tried again. */
const RUN_ID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/;

/** `decision` is the signal's name, or absent for the `decide` update, which carries it. */
export function parseDecision(payload: unknown, decision?: DecisionKind): Parsed<DecisionMessage> {
  if (!isRecord(payload)) return no('a decision is an object such as {"by": "you", "plan": "3f9ac2d1"}');
  const kind = decision ?? payload['decision'];
  if (typeof kind !== 'string' || !DECISIONS.includes(kind)) return no(`decision must be one of ${DECISIONS.join(', ')}`);
  const by = text(payload, 'by');
  if (by === undefined || by.trim() === '') return no('"by" must name who decides');
  const plan = text(payload, 'plan')?.toLowerCase();
  if (plan !== undefined && !PLAN_PREFIX.test(plan)) return no('"plan" must be at least 8 characters of the plan hash');
  if (kind === 'approve' && plan === undefined) return no('an approval must name the plan that was reviewed: at least 8 characters of its hash');
  const reason = text(payload, 'reason');
  if (kind !== 'approve' && (reason === undefined || reason.trim() === '')) return no(`"reason" is required to ${kind}`);
  const until = text(payload, 'until');
  if (kind === 'accept' && (until === undefined || !INSTANT.test(until))) return no('"until" must be an instant such as 2030-01-31T12:00:00Z');
  const signature = text(payload, 'signature')?.replace(UNARMOURED, '');
  const ticket = kind === 'accept' ? text(payload, 'ticket') : undefined;
  const write = kind === 'adopt' && payload['write'] === true ? { write: true as const } : {};
  const breakGlass = kind === 'approve' && payload['breakGlass'] === true;
  if (breakGlass && (reason === undefined || reason.trim() === '')) return no('"reason" is required to break the glass');
  return yes({ decision: kind as DecisionKind, by, ...defined({ plan, reason, until, signature, ticket }), ...write, ...(breakGlass ? { breakGlass } : {}) });
}

export function parseCommand(payload: unknown, command?: CommandName): Parsed<CommandMessage> {
  if (!isRecord(payload)) return no('a command is an object such as {"scope": "prod", "by": "you", "reason": "why"}');
  const name = command ?? payload['command'];
  if (typeof name !== 'string' || !COMMANDS.includes(name)) return no(`command must be one of ${COMMANDS.join(', ')}`);
  const scope = text(payload, 'scope');
  const by = text(payload, 'by');
  const reason = text(payload, 'reason');
  if (scope === undefined || scope === '') return no('"scope" must be an environment, environment/target, or *');
  if (by === undefined || by.trim() === '') return no('"by" must name who asks');
  if (reason === undefined || reason.trim() === '') return no('"reason" is required');
  const until = text(payload, 'until');
  if (until !== undefined && !INSTANT.test(until)) return no('"until" must be an instant such as 2030-01-31T12:00:00Z');
  const gate = text(payload, 'gate');
  if (name === 'release' && gate === undefined) return no('"gate" must name what to release');
  const incident = payload['incident'];
  const numbered = typeof incident === 'number' && Number.isInteger(incident) && incident > 0 ? incident : undefined;
  if ((name === 'retry' || name === 'undo') && numbered === undefined) return no('"incident" must be the number of the incident');
  const resource = text(payload, 'resource');
  const end = name === 'accept' && payload['end'] === true;
  if (end && resource === undefined && numbered === undefined) return no('"resource" or "incident" must say what is accepted no longer');
  if (name === 'accept' && !end && (resource === undefined || until === undefined)) return no('"resource" and "until" are required to accept');
  const path = text(payload, 'path');
  const ticket = name === 'accept' ? text(payload, 'ticket') : undefined;
  const signature = text(payload, 'signature')?.replace(UNARMOURED, '');
  const signedAt = text(payload, 'signedAt');
  if (signedAt !== undefined && !INSTANT.test(signedAt)) return no('"signedAt" must be an instant such as 2030-01-31T12:00:00Z');
  return yes({ command: name as CommandName, scope, by, reason, ...defined({ until, gate, resource, path, ticket, signature, signedAt }), ...(end ? { end } : {}), ...(numbered === undefined ? {} : { incident: numbered }) });
}

export function parseSlotRequest(payload: unknown): Parsed<SlotRequest> {
  if (!isRecord(payload)) return no('not a slot request');
  const workflowId = text(payload, 'workflowId');
  const runId = text(payload, 'runId');
  const limit = payload['limit'];
  if (workflowId === undefined || !isIncident(workflowId)) return no('"workflowId" must be that of an incident');
  if (runId === undefined || !RUN_ID.test(runId)) return no('"runId" must be the id of a run');
  const ordinal = payload['ordinal'];
  const counted = typeof ordinal === 'number' && Number.isSafeInteger(ordinal) && ordinal > 0 ? { ordinal } : {};
  return yes({ workflowId, runId, limit: typeof limit === 'number' && limit >= 1 ? Math.floor(limit) : 1, ...counted });
}

function isIncident(workflowId: string): boolean {
  const [kind, ...address] = workflowId.split('/');
  return kind === 'incident' && parseAddress(address.join('/'))?.target !== undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(payload: Record<string, unknown>, key: string): string | undefined {
  const value = payload[key];
  if (typeof value !== 'string') return undefined;
  return value.slice(0, LIMITS[key] ?? LONGEST_ID).replace(HALF_CHARACTER, '\ufffd');
}

function defined<T extends Record<string, string | undefined>>(members: T): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: string };
}

function yes<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

function no(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem };
}

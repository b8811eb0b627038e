import { isJsonObject, type JsonObject } from '../domain/json.js';

/**
 * A part of an incident as the record keeps it: plain JSON that an older or newer version may have
 * written, so that only the fields known here are read, and each may be absent.
 */
export interface RecordedPart {
  readonly part?: number;
  readonly phase?: string;
  readonly outcome?: string;
  readonly decision?: string;
  readonly risk?: string;
  readonly plan?: string;
  /** The id of the question that waits. */
  readonly ask?: string;
  readonly changes?: number;
  readonly waitsFor?: string;
  /** Why its step under way does not get done; said by the server, never recorded. */
  readonly blocked?: string;
  readonly expiresAt?: string;
  readonly reason?: string;
  /** Why it was decided so, by which rules, and what would have been done about what is only observed. */
  readonly because?: string;
  readonly rules?: readonly string[];
  readonly would?: string;
  /** The risk with its parts. */
  readonly riskOf?: string;
  /** `configuration 3, metadata 1`. */
  readonly classes?: string;
  readonly by?: string;
  /** Who must approve and why, and who has. */
  readonly requires?: string;
  readonly approvals?: string;
  /** What is different from an earlier question in whose place it is asked. */
  readonly since?: string;
  /** Who let it start alone, by breaking the glass. */
  readonly brokenBy?: string;
}

export function readPart(part: JsonObject): RecordedPart {
  const text = (name: string) => textOf(part, name);
  const fields = {
    part: numberOf(part, 'part'),
    phase: text('phase'),
    outcome: text('outcome'),
    decision: text('decision'),
    risk: text('risk'),
    plan: text('plan'),
    ask: text('ask'),
    changes: numberOf(part, 'changes'),
    waitsFor: text('waitsFor'),
    blocked: text('blocked'),
    expiresAt: text('expiresAt'),
    reason: text('reason'),
    because: text('because'),
    rules: namesOf(part, 'rules'),
    would: text('would'),
    riskOf: text('riskOf'),
    classes: countsOf(part, 'classes'),
    by: text('by'),
    requires: text('requires'),
    approvals: text('approvals'),
    since: text('since'),
    brokenBy: text('brokenBy'),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function namesOf(data: JsonObject, name: string): readonly string[] | undefined {
  const value = data[name];
  const names = Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
  return names.length === 0 ? undefined : names;
}

function countsOf(data: JsonObject, name: string): string | undefined {
  const value = data[name];
  if (!isJsonObject(value)) return undefined;
  const told = Object.entries(value).flatMap(([of, count]) => (typeof count === 'number' ? [`${of} ${count}`] : []));
  return told.length === 0 ? undefined : told.join(', ');
}

/** Empty texts say nothing and count as absent. */
export function textOf(data: JsonObject, name: string): string | undefined {
  const value = data[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function numberOf(data: JsonObject, name: string): number | undefined {
  const value = data[name];
  return typeof value === 'number' ? value : undefined;
}

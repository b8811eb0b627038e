import { isJsonObject, type JsonObject } from '../domain/json.js';
import type { IncidentRow } from '../ledger/ledger.js';

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
  /** Its changes in a few words: `etc/app.yaml /port`. */
  readonly brief?: string;
  /** Why it was decided so, by which rules, and what would have been done about what is only observed. */
  readonly because?: string;
  readonly rules?: readonly string[];
  readonly would?: string;
  /** The risk with its parts. */
  readonly riskOf?: string;
  /** What rules on trial would have decided, a line each. */
  readonly trials?: readonly string[];
  /** `configuration 3, metadata 1`. */
  readonly classes?: string;
  readonly by?: string;
  /** Who must approve and why, and who has. */
  readonly requires?: string;
  readonly approvals?: string;
  /** What is different from an earlier question in whose place it is asked. */
  readonly since?: string;
  /** Who let it start alone, by breaking the glass, and until when (ISO, UTC). */
  readonly brokenBy?: string;
  readonly startBy?: string;
}

/** What was made of a part that somebody adopted. */
export interface RecordedAdoption {
  readonly part: number;
  readonly to: string;
  readonly by: string;
  readonly at: string;
  readonly branch?: string;
  readonly url?: string;
  readonly folder?: string;
}

export function adoptionsOf(row: Pick<IncidentRow, 'parts'>): readonly RecordedAdoption[] {
  return row.parts.flatMap((part) => {
    const adoption = part['adoption'];
    if (!isJsonObject(adoption)) return [];
    const text = (name: string) => textOf(adoption, name);
    const optional = Object.fromEntries(['branch', 'url', 'folder'].flatMap((name) => (text(name) === undefined ? [] : [[name, text(name)]])));
    return [{ part: numberOf(part, 'part') ?? 1, to: text('to') ?? '', by: text('by') ?? '', at: text('at') ?? '', ...optional }];
  });
}

/** `branch holdfast/adopt/prod-storefront-7-3f9ac2d1 of ssh://git@example.com/shop.git, made for alice`, and what it waits for unless it was taken in. */
export function adoptionText({ to, branch, url, folder = 'the folder', by }: RecordedAdoption, { taken = false }: { readonly taken?: boolean } = {}): string {
  const closes = (waits: string): string => (taken ? '' : `${waits}; closes as adopted when a check is clean`);
  if (to === 'branch') return `branch ${branch ?? ''} of ${url ?? ''}, made for ${by}${closes(', waits to be merged')}`;
  return to === 'patch' ? `a patch of ${folder}, made for ${by}${closes(', waits to be applied')}` : `${folder} was changed for ${by}${closes('')}`;
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
    brief: text('brief'),
    because: text('because'),
    rules: namesOf(part, 'rules'),
    would: text('would'),
    riskOf: text('riskOf'),
    trials: namesOf(part, 'trials'),
    classes: countsOf(part, 'classes'),
    by: text('by'),
    requires: text('requires'),
    approvals: text('approvals'),
    since: text('since'),
    brokenBy: text('brokenBy'),
    startBy: text('startBy'),
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

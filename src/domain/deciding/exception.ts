import type { Change } from '../change.js';

/** What says that a change is left alone until a date. */
export interface Exception {
  /** Announced before the change was made; given in an incident; written in the configuration; written on the resource itself. */
  readonly source: 'announced' | 'incident' | 'configuration' | 'resource';
  readonly resource: string;
  /** Absent: the whole resource. In the configuration both may be globs. */
  readonly path?: string;
  /** Given for a change that was seen: it holds for exactly that change. */
  readonly fingerprint?: string;
  /** ISO, UTC. */
  readonly until: string;
  readonly by: string;
  readonly reason: string;
  readonly ticket?: string;
  /** The incident in which it was given. */
  readonly incident?: number;
}

/** An exception with the places that it speaks of. */
export interface Placed {
  readonly exception: Exception;
  readonly speaksOf: (change: Pick<Change, 'resource' | 'path'>) => boolean;
}

export type Judged =
  | { readonly is: 'accepted'; readonly exception: Exception }
  /** `date`: its time is over. `change`: what it was given for is another change now. `person`: whoever gave it may not decide about this change, and `why`. */
  | { readonly is: 'lapsed'; readonly exception: Exception; readonly by: 'date' | 'change' | 'person'; readonly why?: string }
  | { readonly is: 'none' };

/**
 * Whether a change is accepted now (ISO, UTC), or was. Of several that hold, the one that holds
 * longest speaks; whatever holds beats what has lapsed. An exception that was given for a change that
 * was seen holds for that change alone, whatever else is desired or live beside it; one that was
 * announced, configured or written on the resource holds for its place until its date.
 */
export function judgeException(change: Pick<Change, 'resource' | 'path' | 'fingerprint'>, placed: readonly Placed[], at: string): Judged {
  const here = placed.filter((each) => each.speaksOf(change)).map((each) => each.exception).sort(longestFirst);
  const same = here.filter((each) => each.fingerprint === undefined || each.fingerprint === change.fingerprint);
  const holds = same.find((each) => isInTime(each, at));
  if (holds !== undefined) return { is: 'accepted', exception: holds };
  const outdated = here.find((each) => !same.includes(each) && isInTime(each, at));
  if (outdated !== undefined) return { is: 'lapsed', exception: outdated, by: 'change' };
  const over = same[0];
  return over === undefined ? { is: 'none' } : { is: 'lapsed', exception: over, by: 'date' };
}

/** `accepted by alice until 2030-01-31T12:00:00.000Z (OPS-12): load test`. */
export function acceptedText(exception: Exception): string {
  return `accepted ${given(exception)}: ${exception.reason}`;
}

/** `the acceptance by alice until 2030-01-31T12:00:00.000Z (OPS-12) has lapsed: load test`. */
export function lapsedText({ exception, by, why = '' }: Extract<Judged, { is: 'lapsed' }>): string {
  if (by === 'person') return `the acceptance ${given(exception)} does not hold for this change, since ${why}: ${exception.reason}`;
  return `the acceptance ${given(exception)} has lapsed${by === 'change' ? ', since the change is another one now' : ''}: ${exception.reason}`;
}

/** The same exception, whoever looks: that it lapsed is said once of it. */
export function exceptionKey({ source, resource, path, fingerprint, until, by }: Exception): string {
  return JSON.stringify([source, resource, path ?? null, fingerprint ?? null, until, by]);
}

function given({ source, by, until, ticket }: Exception): string {
  const where = source === 'configuration' ? 'in the configuration ' : source === 'resource' ? 'on the resource ' : '';
  return `${where}by ${by} until ${until}${ticket === undefined ? '' : ` (${ticket})`}`;
}

/** At its date it holds no more. */
function isInTime({ until }: Exception, at: string): boolean {
  return Date.parse(at) < Date.parse(until);
}

function longestFirst(one: Exception, other: Exception): number {
  return Date.parse(other.until) - Date.parse(one.until) || (exceptionKey(one) < exceptionKey(other) ? -1 : 1);
}

import type { Change } from '../domain/change.js';
import { classOf } from '../domain/class.js';
import type { ChangeHistory, Decided, DecisionInput, PlanFacts } from '../domain/decision.js';
import type { Json, JsonObject } from '../domain/json.js';
import { remediationOf } from '../domain/remediation.js';
import type { Remediation, Target } from '../domain/target.js';

/** A value longer than this is not kept, and neither is any beyond so much in one entry. */
const LONGEST_VALUE = 2_000;
const LONGEST = 200_000;

/**
 * What rules knew of each of some changes when they were decided, for the record: with it they can be
 * decided again under other rules. Nothing sensitive, and no more than fits: `undefined` for the rest.
 */
export function givenOf(inputs: readonly (DecisionInput | undefined)[]): readonly (JsonObject | undefined)[] {
  let length = 0;
  return inputs.map((input) => {
    const given = input === undefined ? undefined : knownOf(input);
    length += given === undefined ? 0 : JSON.stringify(given).length;
    return length > LONGEST ? undefined : given;
  });
}

function knownOf({ change, target, history, steppedBack, baseline }: DecisionInput): JsonObject | undefined {
  const { type, sensitive, by, desired, actual } = change;
  if (!sensitive && [desired, actual].some((value) => value !== undefined && JSON.stringify(value).length > LONGEST_VALUE)) return undefined;
  return {
    sensitive, history: { ...history }, remediation: remediationOf(target, classOf(change, target.provider)).remediation,
    ...(sensitive || desired === undefined ? {} : { desired }), ...(sensitive || actual === undefined ? {} : { actual }),
    ...(type === undefined ? {} : { type }), ...(by === undefined ? {} : { by }),
    ...(baseline === undefined ? {} : { baseline }), ...(steppedBack === undefined ? {} : { steppedBack: { ...steppedBack } }),
  };
}

/** One change as the record has it. */
export interface Recorded {
  readonly resource: string;
  readonly path: string;
  readonly was: Decided;
  /** What rules were asked with; absent where not all of it was kept. */
  readonly input?: DecisionInput;
}

export interface Reading {
  /** Of an entry of kind `assessed`. */
  readonly data: JsonObject;
  /** ISO, UTC: of the entry. */
  readonly at: string;
  /** As it is configured now; what held then of its remediation is taken from the record. */
  readonly target: Target;
  readonly environment: DecisionInput['environment'];
}

/** The changes of an entry, ready to be decided again where it was kept what rules knew of them. */
export function recordedIn({ data, at, target, environment }: Reading): readonly Recorded[] {
  const changes = Array.isArray(data['changes']) ? (data['changes'] as unknown as readonly Kept[]) : [];
  const plan = data['planned'] as unknown as PlanFacts | undefined;
  return changes.flatMap(({ resource, path, kind, effect, fingerprint, revision, given, ...was }): readonly Recorded[] => {
    if (typeof resource !== 'string' || typeof was.decision !== 'string') return [];
    if (given === undefined) return [{ resource, path, was }];
    const { history, remediation, baseline, steppedBack, ...values } = given;
    const { settings: _, ...own } = target;
    const input: DecisionInput = {
      target: { ...own, remediation }, environment, change: { resource, path, kind, effect, fingerprint, revision, ...values }, history, at,
      ...(baseline === undefined ? {} : { baseline }), ...(plan === undefined ? {} : { plan }), ...(steppedBack === undefined ? {} : { steppedBack }),
    };
    return [{ resource, path, was, input }];
  });
}

/** What an entry says was decided about each of its changes. */
export function decisionsIn(data: JsonObject): readonly Pick<Recorded, 'resource' | 'path' | 'was'>[] {
  const changes = Array.isArray(data['changes']) ? (data['changes'] as unknown as readonly Kept[]) : [];
  return changes.flatMap(({ resource, path, kind: _kind, effect: _effect, fingerprint: _fingerprint, revision: _revision, given: _given, ...was }) => (typeof resource === 'string' && typeof was.decision === 'string' ? [{ resource, path, was }] : []));
}

interface Kept extends Decided, Pick<Change, 'resource' | 'path' | 'kind' | 'effect' | 'fingerprint' | 'revision'> {
  readonly given?: {
    readonly sensitive: boolean; readonly desired?: Json; readonly actual?: Json; readonly type?: string; readonly by?: string;
    readonly history: ChangeHistory; readonly remediation: Remediation; readonly baseline?: NonNullable<DecisionInput['baseline']>; readonly steppedBack?: NonNullable<DecisionInput['steppedBack']>;
  };
}

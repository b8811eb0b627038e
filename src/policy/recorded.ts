import type { Change } from '../domain/change.js';
import { classOf } from '../domain/deciding/class.js';
import type { Decided, DecisionInput, PlanFacts } from '../domain/deciding/decision.js';
import type { JsonObject } from '../domain/json.js';
import { remediationOf } from '../domain/deciding/remediation.js';
import type { Remediation, Target } from '../domain/target.js';

/** An entry says all of so many changes of a part; what the others have in common is said once. */
export const NAMED = 100;
/** So many sorts of the others are told apart. */
const MOST_SORTS = 100;
/** A value longer than this is not kept, and neither is any beyond so much in one entry. */
const LONGEST_VALUE = 2_000;
const LONGEST = 200_000;

/** What was known of a change beside itself. */
type Around = Pick<DecisionInput, 'history' | 'baseline' | 'steppedBack'> & { readonly remediation: Remediation };

/** A change as an entry says it. */
interface Kept extends Decided, Pick<Change, 'resource' | 'path' | 'kind' | 'effect' | 'fingerprint' | 'revision'> {
  readonly given?: Around & Pick<Change, 'sensitive' | 'desired' | 'actual' | 'type' | 'by'>;
}

/** What changes have in common that an entry does not say all of: the plan that it names has the rest of each. */
interface Sort extends Pick<Decided, 'decision' | 'risk' | 'rules' | 'would'> {
  readonly around: Around;
}

/** `of`: the sort of each change that has no `given`, in the order of the plan; -1 where it was not kept. */
interface Rest {
  readonly sorts: readonly Sort[];
  readonly of: readonly number[];
}

/**
 * What rules knew of each of some changes when they were decided, for the record: with it they can be
 * decided again under other rules. Nothing sensitive, and no more than fits: `undefined` for the rest.
 */
export function givenOf(inputs: readonly (DecisionInput | undefined)[]): readonly (JsonObject | undefined)[] {
  let length = 0;
  return inputs.slice(0, NAMED).map((input) => {
    const given = input === undefined ? undefined : knownOf(input);
    length += given === undefined ? 0 : JSON.stringify(given).length;
    return length > LONGEST ? undefined : given;
  });
}

function knownOf(input: DecisionInput): JsonObject | undefined {
  const { type, sensitive, by, desired, actual } = input.change;
  if (!sensitive && [desired, actual].some((value) => value !== undefined && JSON.stringify(value).length > LONGEST_VALUE)) return undefined;
  return {
    sensitive, ...plain(aroundOf(input)),
    ...(sensitive || desired === undefined ? {} : { desired }), ...(sensitive || actual === undefined ? {} : { actual }),
    ...(type === undefined ? {} : { type }), ...(by === undefined ? {} : { by }),
  };
}

function aroundOf({ change, target, history, steppedBack, baseline }: DecisionInput): Around {
  return {
    history, remediation: remediationOf(target, classOf(change, target.provider)).remediation,
    ...(baseline === undefined ? {} : { baseline }), ...(steppedBack === undefined ? {} : { steppedBack }),
  };
}

/** What is needed, beside their plan, to decide those again that `given` leaves out; `undefined` where it leaves none out. `decided` and `inputs` are of the changes of the plan, in its order. */
export function restOf(given: readonly (JsonObject | undefined)[], decided: readonly Decided[], inputs: readonly (DecisionInput | undefined)[]): JsonObject | undefined {
  const sorts = new Map<string, number>();
  const of: number[] = [];
  for (const [index, { decision, risk, rules, would }] of decided.entries()) {
    if (given[index] !== undefined) continue;
    const input = inputs[index];
    const sort = input === undefined ? undefined : JSON.stringify({ decision, risk, rules, ...(would === undefined ? {} : { would }), around: aroundOf(input) } satisfies Sort);
    if (sort !== undefined && !sorts.has(sort) && sorts.size < MOST_SORTS) sorts.set(sort, sorts.size);
    of.push(sorts.get(sort ?? '') ?? -1);
  }
  return of.length === 0 ? undefined : { sorts: [...sorts.keys()].map((each) => JSON.parse(each) as JsonObject), of };
}

/** One change as the record has it. */
export interface Recorded {
  readonly resource: string;
  readonly path: string;
  readonly was: Pick<Decided, 'decision' | 'risk' | 'rules' | 'would'>;
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
  /** The changes of the plan that the entry names; without them, what it does not say all of is not decided again. */
  readonly planned?: readonly Change[];
}

/** The changes of an entry, ready to be decided again where it was kept what rules knew of them. */
export function recordedIn({ data, at, target, environment, planned = [] }: Reading): readonly Recorded[] {
  const { settings: _, ...own } = target;
  const plan = data['planned'] as unknown as PlanFacts | undefined;
  const inputOf = (change: Change, { history, remediation, baseline, steppedBack }: Around): DecisionInput => ({
    target: { ...own, remediation }, environment, change, history, at,
    ...(baseline === undefined ? {} : { baseline }), ...(plan === undefined ? {} : { plan }), ...(steppedBack === undefined ? {} : { steppedBack }),
  });
  const kept = keptIn(data);
  const { sorts = [], of = [] } = (data['rest'] ?? {}) as unknown as Partial<Rest>;
  let others = 0;
  return Array.from({ length: Math.max(kept.length, planned.length) }, (__, index): readonly Recorded[] => {
    const { given, ...said } = kept[index] ?? {};
    if (isSaid(said) && given !== undefined) {
      const { resource, path, kind, effect, fingerprint, revision, ...was } = said;
      const { sensitive, desired, actual, type, by } = given;
      const values = { ...(desired === undefined ? {} : { desired }), ...(actual === undefined ? {} : { actual }), ...(type === undefined ? {} : { type }), ...(by === undefined ? {} : { by }) };
      return [{ resource, path, was, input: inputOf({ resource, path, kind, effect, fingerprint, revision, sensitive, ...values }, given) }];
    }
    const sort = sorts[of[others++] ?? -1];
    const change = planned[index];
    if (sort !== undefined && change !== undefined) return [{ resource: change.resource, path: change.path, was: sort, input: inputOf(change, sort.around) }];
    return isSaid(said) ? [{ resource: said.resource, path: said.path, was: said }] : [];
  }).flat();
}

/** What an entry says was decided about each of its changes. */
export function decisionsIn(data: JsonObject): readonly (Pick<Recorded, 'resource' | 'path'> & { readonly was: Decided })[] {
  return keptIn(data).filter(isSaid).map(({ resource, path, kind: _kind, effect: _effect, fingerprint: _fingerprint, revision: _revision, given: _given, ...was }) => ({ resource, path, was }));
}

function keptIn({ changes }: JsonObject): readonly Partial<Kept>[] {
  const kept = changes as unknown;
  return Array.isArray(kept) ? (kept as readonly Partial<Kept>[]) : [];
}

function isSaid(kept: Partial<Kept>): kept is Kept {
  return typeof kept.resource === 'string' && typeof kept.decision === 'string';
}

/** Copies, since what is recorded is plain JSON of its own. */
function plain({ history, steppedBack, ...rest }: Around): JsonObject {
  return { ...rest, history: { ...history }, ...(steppedBack === undefined ? {} : { steppedBack: { ...steppedBack } }) };
}

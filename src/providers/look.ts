import { hashJson } from '../digest.js';
import { fingerprintOf, type Change, type Difference, type Observation } from '../domain/change.js';
import { isHoldfastError } from '../domain/errors.js';
import { oneLine } from '../domain/plain-text.js';
import type { IgnoreRule, Revision, Target } from '../domain/target.js';
import { compileGlob, type Matcher } from './glob.js';
import type { Provider, ReadContext, Sight } from './provider.js';

type Skipped = Observation['skipped'][number];

const MAX_SKIPPED = 1000;
const MAX_RULES = 1000;
const MAX_REASON = 500;

/**
 * One look, whatever the engine: observes, asks who answered, applies the ignore rules, gives each
 * difference its fingerprint and sorts. What goes wrong is a verdict of `unknown` with its reason;
 * it throws only once `ctx.signal` has fired.
 */
export async function look(provider: Provider, target: Target, revision: Revision, ctx: ReadContext): Promise<Observation> {
  try {
    ctx.signal.throwIfAborted();
    const sight = await provider.observe(target, revision, ctx);
    return observationOf(target, revision, sight);
  } catch (error) {
    if (ctx.signal.aborted) throw error;
    return unknown(revision, {}, messageOf(error));
  }
}

function observationOf(target: Target, revision: Revision, sight: Sight): Observation {
  const identity = sight.identity ?? {};
  if (sight.verdict === 'unknown') return unknown(revision, identity, sight.reason);
  const stranger = strangerIn(target.expect, identity);
  if (stranger !== undefined) return unknown(revision, identity, stranger);
  const { kept, ignored } = applyRules(target.ignore, sight.differences);
  const changes = kept.map((difference): Change => ({ ...difference, fingerprint: fingerprintOf(target, difference, hashJson) })).sort(byPlace);
  return {
    verdict: changes.length === 0 ? 'clean' : 'drifted',
    revision: sight.revision,
    ...(revision.commit === undefined ? {} : { commit: revision.commit }),
    identity,
    changes,
    resources: sight.resources,
    skipped: bounded([...sight.skipped, ...ignored]),
  };
}

function unknown(revision: Revision, identity: Observation['identity'], reason: string): Observation {
  return {
    verdict: 'unknown',
    reason: oneLine(reason, MAX_REASON) || 'the look failed without a reason',
    revision: '',
    ...(revision.commit === undefined ? {} : { commit: revision.commit }),
    identity,
    changes: [],
    resources: 0,
    skipped: [],
  };
}

/** Why who answered is not who must, or `undefined`. One who does not say is not. */
export function strangerIn(expect: Target['expect'], identity: Observation['identity']): string | undefined {
  for (const [key, expected] of Object.entries(expect)) {
    const actual = Object.hasOwn(identity, key) ? identity[key] : undefined;
    if (actual === undefined) return `who answered does not say its ${key}, and expect asks for ${key} ${expected}`;
    if (actual !== expected) return `${key} ${actual} answered, and expect asks for ${expected}`;
  }
  return undefined;
}

function applyRules(rules: readonly IgnoreRule[], differences: readonly Difference[]): { kept: Difference[]; ignored: Skipped[] } {
  const compiled = rules.slice(0, MAX_RULES).map((rule) => ({ rule, matches: ruleMatcher(rule) }));
  const kept: Difference[] = [];
  const ignored: Skipped[] = [];
  for (const difference of differences) {
    const found = compiled.find(({ matches }) => matches(difference));
    if (found === undefined) kept.push(difference);
    else ignored.push({ resource: difference.resource, path: difference.path, reason: found.rule.reason });
  }
  return { kept, ignored };
}

function ruleMatcher(rule: IgnoreRule): (difference: Difference) => boolean {
  const resource = compileGlob(rule.resource);
  const path: Matcher = rule.path === undefined ? () => true : compileGlob(rule.path);
  return (difference) => resource(difference.resource) && path(difference.path);
}

function bounded(skipped: readonly Skipped[]): Skipped[] {
  const sorted = skipped.map((each) => ({ ...each, reason: oneLine(each.reason, MAX_REASON) })).sort(byPlace);
  if (sorted.length <= MAX_SKIPPED) return sorted;
  return [...sorted.slice(0, MAX_SKIPPED), { resource: '', path: '', reason: `and ${sorted.length - MAX_SKIPPED} more` }];
}

/** By code units, so that the order is the same in every locale. */
function byPlace(a: { readonly resource: string; readonly path: string }, b: { readonly resource: string; readonly path: string }): number {
  if (a.resource !== b.resource) return a.resource < b.resource ? -1 : 1;
  if (a.path === b.path) return 0;
  return a.path < b.path ? -1 : 1;
}

function messageOf(error: unknown): string {
  if (isHoldfastError(error)) return error.remedy === undefined ? error.message : `${error.message}. ${error.remedy}`;
  return error instanceof Error ? error.message : 'the provider failed with something that is not an error';
}

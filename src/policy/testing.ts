import { hashJson } from '../digest.js';
import { fingerprintOf } from '../domain/change.js';
import { moreRestrictive } from '../domain/deciding/decide.js';
import type { Decided, DecideChange, DecisionInput, PlanFacts } from '../domain/deciding/decision.js';
import type { HealthCheck } from '../domain/health.js';
import type { Outcome } from '../domain/phase.js';
import type { Target } from '../domain/target.js';
import { decideUnder } from './decide.js';
import type { GivenInput, RuleFile, RuleTest } from './rule.js';

export interface TestResult {
  readonly name: string;
  /** `policies/base.yaml:40`. */
  readonly at: string;
  readonly passed: boolean;
  /** What was expected and what was decided instead; empty when it passed. */
  readonly differs: readonly string[];
  readonly decided: Decided;
}

const NOW = '2026-01-05T12:00:00.000Z';
const HEALTH: HealthCheck = {
  type: 'tcp', name: 'given', host: '127.0.0.1', port: 1, allowPrivate: true,
  intervalMs: 1, count: 1, initialDelayMs: 0, timeoutMs: 1, failureLimit: 0, inconclusiveLimit: 0, consecutiveErrorLimit: 0,
};

/** Runs the tests of a rule file against the rules of that file alone, so that no other file changes what they say. */
export function runTests({ rules, tests }: Pick<RuleFile, 'rules' | 'tests'>): readonly TestResult[] {
  const decide = decideUnder(rules);
  return tests.map((test) => {
    const decided = decideGiven(decide, inputOf(test.given));
    const differs = differencesOf(test.expect, decided);
    return { name: test.name, at: test.at, passed: differs.length === 0, differs, decided };
  });
}

/** Twice, as it is done for a real change: without its plan, and then with it, which may only restrict. */
export function decideGiven(decide: DecideChange, input: DecisionInput): Decided {
  const { plan: _, ...before } = input;
  const first = decide(before);
  return input.plan === undefined ? first : moreRestrictive(first, decide(input));
}

function differencesOf({ decision, risk, rules }: RuleTest['expect'], decided: Decided): readonly string[] {
  const named = decided.rules.map((rule) => rule.split(' (')[0] ?? rule);
  const missing = (rules ?? []).filter((rule) => !named.includes(rule));
  return [
    ...(decision === undefined || decision === decided.decision ? [] : [`expected ${decision}, and it is ${decided.decision}: ${decided.reason}`]),
    ...(risk === undefined || risk === decided.risk ? [] : [`expected risk ${risk}, and it is ${decided.risk}`]),
    ...(missing.length === 0 ? [] : [`expected the rules ${missing.join(', ')}, and it was decided by ${decided.rules.join(', ')}`]),
  ];
}

/** A whole input from what a test gives; what it leaves out is ordinary: a healthy target that repairs by itself, changed in one field. */
export function inputOf(given: GivenInput): DecisionInput {
  const { change = {}, environment = {}, history = {}, time = {} } = given;
  const name = environment.name ?? 'dev';
  const at = time.now === undefined ? NOW : new Date(time.now).toISOString();
  const target = targetOf(given, name);
  const { resource = 'given', path = '/given', kind = 'changed', effect = 'update', sensitive = false } = change;
  const difference = {
    resource, kind, path, sensitive, effect, revision: 'given',
    ...(change.type === undefined ? {} : { type: change.type }), ...(change.by === undefined ? {} : { by: change.by }),
    ...(sensitive || change.desired === undefined ? {} : { desired: change.desired }), ...(sensitive || change.actual === undefined ? {} : { actual: change.actual }),
  };
  return {
    target,
    environment: {
      name, remediation: environment.remediation ?? target.remediation, timezone: environment.timezone ?? 'UTC',
      ...(environment.owner === undefined ? {} : { owner: environment.owner }), ...(environment.production === undefined ? {} : { production: environment.production }),
    },
    change: { ...difference, fingerprint: fingerprintOf(target, difference, hashJson) },
    history: {
      recurrence: history.recurrence ?? 0, firstLook: history.firstLook ?? false,
      ...(history.age === undefined ? {} : { firstSeen: new Date(Date.parse(at) - history.age).toISOString() }),
      ...(history.lastOutcome === undefined ? {} : { lastOutcome: history.lastOutcome as Outcome }),
    },
    at,
    baseline: 'healthy',
    ...(given.plan === undefined ? {} : { plan: planOf(given.plan) }),
  };
}

function targetOf({ target = {}, environment = {}, intent }: GivenInput, name: string): Target {
  return {
    environment: name, target: target.name ?? 'given', provider: target.provider ?? 'files', pool: target.pool ?? name, source: { type: 'folder', folder: '/given' }, spec: {},
    expect: {}, health: target.health === false ? [] : [HEALTH], ignore: [], remediation: target.remediation ?? environment.remediation ?? 'auto',
    soakMs: 0, settleMs: 0, blindAfterMs: 0, observeTimeoutMs: 0, after: [],
    ...(target.owner === undefined ? {} : { owner: target.owner }), ...(intent === undefined ? {} : { intent }),
  };
}

function planOf({ creates = 0, updates = 1, replaces = 0, deletes = 0, resources = 1, staging = 'shadow', rollback = 'exact', fencing = 'conditional' }: NonNullable<GivenInput['plan']>): PlanFacts {
  return { blastRadius: { create: creates, update: updates, replace: replaces, delete: deletes }, resources, staging, rollback, fencing };
}

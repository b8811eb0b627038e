import { nameProblem } from './values.js';
import { STAGE_KEPT_MS } from '../domain/gates/keeping.js';
import type { TimeWindow } from '../domain/gates/window.js';
import type { Condition } from '../policy/condition.js';
import type { Environment, Schedule } from './config.js';
import { shortestInterval } from './cron.js';
import { formatDuration } from './durations.js';
import { check } from './issues.js';
import { approvalConditions, type People, checkRules } from './people.js';
import type { Report } from './problem.js';
import { neverOpens } from './windows.js';
import { type EnvironmentInput, environmentSchema, varsSchema } from './schema-environment.js';
import { child, entriesOf, locate, type MapTree, type Scalar, toPlain, type Tree } from './tree.js';
import { refuseExpressions } from './variables.js';

export interface EnvironmentEntry {
  readonly name: string;
  readonly input: EnvironmentInput;
  readonly tree: Tree;
  readonly environment: Environment;
  /** Names for `${…}`: the environment's own. */
  readonly scope: ReadonlyMap<string, Scalar>;
  /** Of `approvals.rules`. */
  readonly conditions: readonly Condition[];
}

/**
 * Reads every environment. One with a mistake still stands in the result, with defaults in place of
 * what it says, so that its targets are looked at too.
 */
export function readEnvironments(section: MapTree, project: string, people: People, report: Report): ReadonlyMap<string, EnvironmentEntry> {
  const found = new Map<string, EnvironmentEntry>();
  const names = section.entries;
  if (names.size === 0) report.add({ at: section.at, message: 'environments: none is defined', remedy: 'write environments: { dev: { schedule: "*/5 * * * *" } }' });
  for (const [name, entry] of entriesOf(section)) {
    const [fact, remedy] = nameProblem(name)?.split('\n') ?? [];
    if (fact !== undefined) {
      const lower = name.toLowerCase();
      const twin = lower !== name && names.has(lower);
      report.add({ at: entry.key, message: twin ? `environments: ${JSON.stringify(name)} differs from ${JSON.stringify(lower)} only by case` : `environments: ${fact}`, remedy: remedy ?? '' });
      continue;
    }
    found.set(name, readEnvironment({ name, tree: entry.value, project, people, report }));
  }
  return found;
}

interface Reading {
  readonly name: string;
  readonly tree: Tree;
  readonly project: string;
  readonly people: People;
  readonly report: Report;
}

function readEnvironment({ name, tree, project, people, report }: Reading): EnvironmentEntry {
  const where = ['environments', name];
  const plain = tree.kind === 'scalar' && tree.value === null ? {} : toPlain(tree);
  const checked = check(environmentSchema, plain, { report, where, tree });
  refuseExpressions(tree, { report, where, allowed: (path) => path[0] === 'credentials' || path[0] === 'vars' });
  const input = checked ?? environmentSchema.parse({ vars: usableVars(tree) });
  const conditions = checked === undefined ? [] : approvalConditions({ name, tree, approvals: input.approvals, report });
  const entry = { name, input, tree, environment: toEnvironment(name, input), scope: scopeOf(name, project, input), conditions };
  if (checked !== undefined) checkEnvironment(entry, people, report);
  return entry;
}

function usableVars(tree: Tree): Record<string, unknown> {
  const vars = child(tree, 'vars');
  const plain = vars === undefined ? {} : toPlain(vars);
  return varsSchema.safeParse(plain).success ? (plain as Record<string, unknown>) : {};
}

function scopeOf(name: string, project: string, input: EnvironmentInput): ReadonlyMap<string, Scalar> {
  const vars = Object.entries(input.vars).map(([key, value]): [string, Scalar] => [`vars.${key}`, value]);
  return new Map<string, Scalar>([['environment', name], ['project', project], ['target.environment', name], ...vars]);
}

function toEnvironment(name: string, input: EnvironmentInput): Environment {
  const { owner, production, approvals, limits } = input;
  return {
    name,
    ...(owner === undefined ? {} : { owner }),
    ...(production === undefined ? {} : { production }),
    timezone: input.timezone,
    schedule: toSchedule(input),
    remediation: input.remediation.default,
    ...(input.firstSeen === 'repair' ? { firstSeen: input.firstSeen } : {}),
    pool: input.pool ?? name,
    blindAfterMs: input.blindAfter,
    ...(input.acceptFromResources ? { acceptFromResources: true } : {}),
    ...(Object.keys(input.vars).length === 0 ? {} : { vars: input.vars }),
    approvals: {
      trust: approvals.trust,
      expiresMs: approvals.expires,
      remindMs: [...new Set(approvals.remind)].sort((a, b) => a - b),
      onExpiry: approvals.onExpiry,
      settledMs: approvals.settled,
      ...toDeciding(approvals),
    },
    limits: {
      concurrent: limits.concurrent,
      reads: limits.reads,
      ...(limits.resources === undefined ? {} : { resources: limits.resources }),
      ...(limits.failures === undefined ? {} : { failures: { max: limits.failures.max, withinMs: limits.failures.within } }),
      ...(limits.flapping === undefined ? {} : { flapping: { repairs: limits.flapping.repairs, withinMs: limits.flapping.within } }),
      ...(limits.budget === undefined ? {} : { budget: { max: limits.budget.max, withinMs: limits.budget.within } }),
    },
    windows: input.windows.map((window): TimeWindow => ({
      kind: window.kind,
      start: window.start,
      durationMs: window.duration,
      timezone: window.timezone ?? input.timezone,
      actions: window.actions,
      overrun: window.overrun,
    })),
  };
}

function toDeciding({ rules, escalate, breakGlass }: EnvironmentInput['approvals']): Pick<Environment['approvals'], 'rules' | 'escalate' | 'breakGlass'> {
  return {
    ...(rules === undefined ? {} : { rules: rules.map(({ when, any, all, distinct }) => ({ ...(when === undefined ? {} : { when }), ...(any === undefined ? {} : { any }), ...(all === undefined ? {} : { all }), ...(distinct === false ? { distinct } : {}) })) }),
    ...(escalate === undefined ? {} : { escalate: escalate.map(({ after, to }) => ({ afterMs: after, to })).sort((one, other) => one.afterMs - other.afterMs) }),
    ...(breakGlass === undefined ? {} : { breakGlass: { group: breakGlass.group, expiresMs: breakGlass.expires, unverified: breakGlass.unverified } }),
  };
}

function toSchedule({ schedule, timezone }: EnvironmentInput): Schedule {
  const { cron, jitter } = typeof schedule === 'object' ? schedule : { cron: schedule ?? [], jitter: 0 };
  const expressions = (typeof cron === 'string' ? [cron] : cron).map((expression) => expression.trim().split(/\s+/).join(' '));
  return { cron: expressions, timezone, jitterMs: jitter, intervalMs: shortestInterval(expressions, timezone) };
}

function checkEnvironment({ name, tree, input, environment }: EnvironmentEntry, people: People, report: Report): void {
  const { schedule, approvals, windows } = environment;
  const add = (path: readonly PropertyKey[], fact: string, remedy: string) => report.add({ at: locate(tree, path).at, message: `environments.${[name, ...path].join('.')}: ${fact}`, remedy });
  if (schedule.intervalMs > 0 && schedule.jitterMs >= schedule.intervalMs) {
    add(['schedule', 'jitter'], `is not shorter than the ${formatDuration(schedule.intervalMs)} between two checks`, 'write a shorter jitter');
  }
  const late = approvals.remindMs.find((reminder) => reminder >= approvals.expiresMs);
  if (late !== undefined) add(['approvals', 'remind'], `${formatDuration(late)} comes after the approval has expired (${formatDuration(approvals.expiresMs)})`, 'remind earlier, or let approvals stand longer');
  for (const [index, { after }] of (input.approvals.escalate ?? []).entries()) {
    if (after < approvals.expiresMs) continue;
    add(['approvals', 'escalate', ...(locate(tree, ['approvals', 'escalate', index]).tree === undefined ? [] : [index]), 'after'], 'comes after the approval has expired', 'escalate earlier, or let approvals stand longer');
  }
  checkRules({ name, tree, approvals: input.approvals, people, report });
  const never = neverOpens(windows);
  if (never === 'finalize') add(['windows'], 'leave no moment in which a change could be made', 'shorten a deny window, or add an allow window outside it');
  if (never === 'stage') add(['windows'], `leave no moment in which a repair could be staged and finalized within ${formatDuration(STAGE_KEPT_MS)}`, 'let a window of stage lie within one of finalize, or end shortly before it begins');
}

import { dirname, resolve } from 'node:path';
import { HoldfastError } from '../domain/errors.js';
import type { HealthCheck, HealthTiming } from '../domain/health.js';
import type { Json } from '../domain/json.js';
import type { Source, Target } from '../domain/target.js';
import type { Provider } from '../providers/provider.js';
import { type Instance, placeOf } from './expand.js';
import { toAccept } from './exceptions.js';
import { check } from './issues.js';
import type { Report } from './problem.js';
import { targetRemediation } from './remediation.js';
import { type HealthInput, type TargetInput, targetSchema } from './schema-target.js';
import { child, emptyMap, locate, type MapScalar, toPlain } from './tree.js';
import { substitution } from './variables.js';

export interface ResolveContext {
  readonly providers: Readonly<Record<string, Provider>>;
  readonly report: Report;
  readonly rootFolder: string;
  /** Matches of `each` that are remembered; another one begins in `observe`. Absent: nothing is remembered. */
  readonly known?: ReadonlySet<string>;
  readonly now: Date;
}

/** Replaces variables and checks one target. What is wrong is reported, and nothing is returned. */
export function resolveTarget(instance: Instance, ctx: ResolveContext): Target | undefined {
  const { declared, environment, name, tree } = instance;
  const where = ['targets', declared.name];
  const plain = toPlain(tree, scalarsOf(instance, ctx)) as Record<string, unknown>;
  const input = check(targetSchema, plain, { report: ctx.report, where, tree });
  const spec = resolveSpec(instance, plain['spec'], ctx);
  if (input === undefined || spec === undefined) return undefined;
  const { input: inherited } = environment;
  const owner = input.owner ?? inherited.owner;
  return {
    environment: environment.name,
    target: name,
    provider: declared.declaration.provider,
    pool: input.pool ?? environment.environment.pool,
    ...(owner === undefined ? {} : { owner }),
    ...(input.intent === undefined ? {} : { intent: input.intent as NonNullable<Target['intent']> }),
    source: toSource(input.source, instance),
    spec,
    expect: input.expect,
    health: toHealth(input.health, instance, ctx.report),
    ignore: toIgnore(input.ignore, instance, ctx),
    ...toAccept(input.accept),
    ...targetRemediation(input.remediation, instance, ctx),
    soakMs: input.soak,
    settleMs: input.settle ?? inherited.settle,
    blindAfterMs: input.blindAfter ?? inherited.blindAfter,
    observeTimeoutMs: input.observeTimeout,
    after: input.after,
  };
}

/** Each scalar of a target with its variables replaced. */
export function scalarsOf(instance: Instance, ctx: Pick<ResolveContext, 'report' | 'rootFolder'>): MapScalar {
  return substitution({ scope: instance.scope, where: ['targets', instance.declared.name], report: ctx.report, rootFolder: ctx.rootFolder, maySecret });
}

/** The fields that are resolved at use: the provider's own, credentials of a source, headers and environments of health checks. */
function maySecret([first, second, third]: readonly PropertyKey[]): boolean {
  return first === 'spec' || (first === 'source' && second === 'auth') || (first === 'health' && typeof second === 'number' && (third === 'headers' || third === 'env'));
}

function resolveSpec(instance: Instance, written: unknown, { providers, report }: ResolveContext): Json | undefined {
  const { declared, tree } = instance;
  const provider = providers[declared.declaration.provider];
  if (provider === undefined) return undefined;
  const specTree = child(tree, 'spec') ?? emptyMap(declared.key);
  const spec = check(provider.spec, written ?? {}, { report, where: ['targets', declared.name, 'spec'], tree: specTree });
  if (spec === undefined || provider.resolveSpec === undefined) return spec as Json | undefined;
  try {
    return provider.resolveSpec(spec, declared.file.folder) as Json;
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    report.add({ at: placeOf(instance, 'spec'), message: `targets.${declared.name}.spec: ${error.message}`, remedy: error.remedy ?? 'see the page of the provider' });
    return undefined;
  }
}

function toSource(source: TargetInput['source'], { tree, declared }: Instance): Source {
  if (source.git !== undefined) {
    const path = (source.path ?? '').split('/').filter((part) => part !== '' && part !== '.').join('/');
    return { type: 'git', url: source.git, ref: source.ref ?? 'HEAD', path, ...(source.auth === undefined ? {} : { auth: { ...source.auth } }) };
  }
  const written = locate(tree, ['source', 'path']);
  const folder = written.tree === undefined ? declared.file.folder : dirname(written.at.file.path);
  return { type: 'folder', folder: resolve(folder, source.path ?? '.') };
}

function toHealth(checks: readonly HealthInput[], instance: Instance, report: Report): readonly HealthCheck[] {
  const names = new Set<string>();
  return checks.map((input, index) => {
    const at = locate(instance.tree, ['health', index]).at;
    if (input.name !== undefined && names.has(input.name)) {
      report.add({ at, message: `targets.${instance.declared.name}.health[${index}].name: ${input.name} is given twice`, remedy: 'give each check a name of its own' });
    }
    const name = input.name ?? freeName(input.type, names);
    names.add(name);
    return toCheck(input, name, dirname(at.file.path));
  });
}

/** `http`, then `http-2`. */
function freeName(type: string, taken: ReadonlySet<string>): string {
  if (!taken.has(type)) return type;
  let number = 2;
  while (taken.has(`${type}-${number}`)) number += 1;
  return `${type}-${number}`;
}

function toCheck(input: HealthInput, name: string, folder: string): HealthCheck {
  const timing: HealthTiming = {
    intervalMs: input.interval,
    count: input.count,
    initialDelayMs: input.initialDelay,
    timeoutMs: input.timeout,
    failureLimit: input.failureLimit,
    inconclusiveLimit: input.inconclusiveLimit,
    consecutiveErrorLimit: input.consecutiveErrorLimit,
  };
  switch (input.type) {
    case 'http': {
      const { status, maxLatency, body } = input.expect;
      const expect = {
        status: typeof status === 'number' ? [status] : status,
        ...(maxLatency === undefined ? {} : { maxLatencyMs: maxLatency }),
        ...(body === undefined ? {} : { body }),
      };
      return { type: 'http', name, url: input.url, method: input.method, headers: input.headers, expect, allowPrivate: input.allowPrivate, ...timing };
    }
    case 'tcp':
      return { type: 'tcp', name, host: input.host, port: input.port, allowPrivate: input.allowPrivate, ...timing };
    case 'command':
      return {
        type: 'command',
        name,
        command: input.command,
        env: input.env,
        cwd: resolve(folder, input.cwd ?? '.'),
        ...(input.inconclusiveExit === undefined ? {} : { inconclusiveExit: input.inconclusiveExit }),
        ...timing,
      };
    default:
      return input satisfies never;
  }
}

function toIgnore(rules: TargetInput['ignore'], { tree, declared }: Instance, { report, now }: ResolveContext): Target['ignore'] {
  return rules.map(({ resource, path, reason, until }, index) => {
    const ends = until === undefined ? undefined : new Date(until);
    if (ends !== undefined && ends <= now) {
      const at = locate(tree, ['ignore', index, 'until']).at;
      report.add({ at, message: `targets.${declared.name}.ignore[${index}].until: ${until} has passed`, remedy: 'remove the rule, or give it a later date' });
    }
    return { resource, reason, ...(path === undefined ? {} : { path }), ...(ends === undefined ? {} : { until: ends.toISOString() }) };
  });
}

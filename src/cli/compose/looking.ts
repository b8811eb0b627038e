import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environmentOf, type Config } from '../../config/config.js';
import type { Sources } from '../../config/sources.js';
import { resourcesOf } from '../../domain/gates/busy.js';
import { HoldfastError } from '../../domain/errors.js';
import { closedOf, type GateAnswer } from '../../domain/gates/gate.js';
import { askGates } from '../../domain/gates/ask.js';
import type { GateFacts } from '../../domain/gates/facts.js';
import type { Revision, Source, Target } from '../../domain/target.js';
import type { Logger, Provider, ReadContext } from '../../providers/provider.js';
import { approversOf } from './approvers.js';
import type { AssessRequest, Assessed, AssessedPart, Deps, LookRequest } from '../deps.js';
import type { Io } from '../io.js';

export interface LookingParts {
  readonly io: Io;
  readonly log: Logger;
  /** Where Git sources are kept between checks. */
  readonly dataDir: () => string;
}

/** Runs providers from here, as the workers do, and writes nothing. */
export function lookingDeps(parts: LookingParts): Pick<Deps, 'look' | 'assess' | 'trySource' | 'trySecret'> {
  const { io } = parts;
  let opened: Sources | undefined;
  const commits = new Map<string, Promise<Readonly<Record<string, string>>>>();

  async function sources(): Promise<Sources> {
    const { openSources } = await import('../../config/sources.js');
    opened ??= openSources({ folder: join(parts.dataDir(), 'sources') });
    return opened;
  }

  /** Each repository is asked once in a check, so that its targets all see the same commits. */
  async function revisionOf({ config, target }: LookRequest, ctx: ReadContext): Promise<Revision> {
    const { source } = target;
    const kept = await sources();
    if (source.type === 'folder') return kept.resolve(source, ctx);
    const known = commits.get(source.url) ?? sourcesOf(config, source.url).then((all) => kept.refs(all, ctx));
    commits.set(source.url, known);
    return kept.resolve(source, ctx, await known);
  }

  return {
    async trySecret(config, reference) {
      await resolve(io, config, reference);
    },
    async trySource(request) {
      await withContext(parts, request, (ctx) => revisionOf(request, ctx));
    },
    look: (request) =>
      withContext(parts, request, async (ctx) => {
        const { look } = await import('../../providers/look.js');
        const provider = await providerOf(request.target);
        try {
          return await look(provider, request.target, await revisionOf(request, ctx), ctx);
        } catch (error) {
          // A source that cannot be read says nothing about what is live.
          if (!(error instanceof HoldfastError)) throw error;
          return { verdict: 'unknown', reason: error.message, revision: '', identity: {}, changes: [], resources: 0, skipped: [] };
        }
      }),
    assess: (request) => withContext(parts, request, async (ctx) => {
      const revision = await revisionOf(request, ctx);
      return assess(request, { ...revision, authors: async () => (await sources()).authors(request.target.source, revision.commit, ctx) }, ctx);
    }),
  };
}

async function sourcesOf(config: Config, url: string): Promise<readonly Source[]> {
  const { refKey } = await import('../../config/sources.js');
  const all = config.targets.map((target) => target.source).filter((source) => source.type === 'git' && source.url === url);
  return [...new Map(all.map((source) => [source.type === 'git' ? refKey(source) : '', source])).values()];
}

export async function providerOf(target: Target): Promise<Provider> {
  const { providers } = await import('../../providers/index.js');
  const provider = providers[target.provider];
  if (provider === undefined) throw new HoldfastError('Invalid', `there is no provider ${target.provider}`);
  return provider;
}

/** What a read step is given when it runs from here. */
export async function withContext<T>({ io, log }: LookingParts, { config, signal }: LookRequest, work: (ctx: ReadContext) => Promise<T>): Promise<T> {
  const workFolder = await mkdtemp(join(tmpdir(), 'holdfast-'));
  try {
    return await work({ signal, heartbeat: () => undefined, log, workFolder, resolveSecret: (reference) => resolve(io, config, reference) });
  } finally {
    await rm(workFolder, { recursive: true, force: true });
  }
}

async function resolve(io: Io, config: Config, reference: string): Promise<string> {
  const { resolveSecret } = await import('../../config/secrets.js');
  return resolveSecret(reference, { folder: config.folder, env: { ...io.env } });
}

async function assess({ config, target, observation, ledger, now }: AssessRequest, revision: Revision & { readonly authors: () => Promise<readonly string[] | undefined> }, ctx: ReadContext): Promise<Assessed> {
  const { concerns } = await import('../../policy/concerns.js');
  const { assessParts } = await import('../../policy/assess.js');
  const { deciderOf } = await import('../../policy/decide.js');
  const { gateFacts } = await import('../../policy/gate-facts.js');
  const { decisionInputs } = await import('../../policy/inputs.js');
  const { hashJson } = await import('../../digest.js');
  const at = now.toISOString();
  const record = ledger === undefined ? {} : { ledger };
  const { changes, quiet } = await concerns({ config, target, changes: observation.changes, at, ...record });
  const baseline = await baselineOf(target, { ...ctx, now: () => now });
  const rows = (await ledger?.closedGates(target, at)) ?? [];
  const all = await decisionInputs({ config, target, changes: observation.changes, at, ...record, rows, ...(baseline === undefined ? {} : { baseline }) });
  const inputs = all.filter((each) => changes.includes(each.change));
  const limit = environmentOf(config, target.environment)?.limits.resources;
  const provider = await providerOf(target);
  const engine = await provider.busy?.(target, resourcesOf(changes), ctx);
  const decide = deciderOf(config);
  const gates = await gateFacts({ config, target, changes, at, ...record, rows, inputs: all, ...(engine === undefined ? {} : { engine }) });
  const parts = await assessParts(
    { target, ...(limit === undefined ? {} : { reach: { limit, of: observation.resources } }), provider, revision, inputs, gates, decide, hash: hashJson },
    ctx,
  );
  const asks = parts.some((part) => part.decision === 'ask' && part.plan !== undefined);
  const authors = asks ? await revision.authors() : undefined;
  const told = parts.map(async ({ gate, wouldGate = gate, ...part }): Promise<AssessedPart> => {
    const known = inputs.filter((each) => part.changes.includes(each.change));
    const requires = part.decision === 'ask' && part.plan !== undefined ? { requires: await approversOf({ config, target, plan: part.plan, inputs: known, decide, ...(authors === undefined ? {} : { authors }) }) } : {};
    return { ...part, ...requires, gates: closedOf(wouldGate), ...switchOf(gates, part, wouldGate) };
  });
  return { quiet, inputs: all, parts: await Promise.all(told) };
}

/** What may be staged now, and is kept for a gate before its switch. */
function switchOf(facts: GateFacts, { decision, changes }: Pick<AssessedPart, 'decision' | 'changes'>, toStage: GateAnswer): Pick<AssessedPart, 'atSwitch'> {
  if (!toStage.allowed || (decision !== 'ask' && decision !== 'remediate')) return {};
  const closed = closedOf(askGates(facts, { action: 'finalize', changes, automatic: decision === 'remediate' }));
  return closed.length === 0 ? {} : { atSwitch: closed };
}

async function baselineOf(target: Target, ctx: ReadContext & { readonly now: () => Date }) {
  if (target.health.length === 0) return undefined;
  const { probe } = await import('../../health/index.js');
  return (await probe(target.health, ctx, { single: true })).verdict;
}

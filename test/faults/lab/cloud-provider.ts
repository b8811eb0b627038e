import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { sha256 } from '../../../src/digest.js';
import type { Difference } from '../../../src/domain/change.js';
import { HoldfastError, moved } from '../../../src/domain/errors.js';
import type { HealthCheck } from '../../../src/domain/health.js';
import type { Plan, Staged } from '../../../src/domain/plan.js';
import type { Revision } from '../../../src/domain/target.js';
import type { Provider, Restored, WriteContext } from '../../../src/providers/provider.js';
import { BESIDE, CloudError, type Caller, type Found, type Item, type Listing, type Resource, type State } from './cloud.js';

/** The API of the cloud over a wire: each call may be slow, fail, or have its effect and not say so. */
export interface CloudClient {
  list(account: string): Promise<Listing>;
  get(account: string, name: string): Promise<Found>;
  claim(account: string, as: Writer): Promise<void>;
  putMany(account: string, items: readonly Item[], as: Writer): Promise<void>;
}

export type Writer = Omit<Caller, 'attempt'>;

export interface CloudProviderOptions {
  readonly client: CloudClient;
  /** What should be; read from the source, which is no call of the engine. */
  readonly desired: (account: string, revision: Revision) => State;
  /** The health check of a copy that was staged. */
  readonly shadow: (account: string) => HealthCheck;
}

/** A write that was made need not be seen at once: looked for so often, this far apart. */
const LOOKS = 15;
const LOOK_EVERY_MS = 200;

/** These are written in one call for all of them, the others in a call each. */
const TOGETHER: readonly string[] = ['r2', 'r3', 'secret'];

interface Touched {
  readonly name: string;
  readonly before: string | null;
  readonly after: string | null;
}

const spec = z.object({ account: z.string() });
const stagedData = z.object({ copy: z.string() });

/** A provider as the contract asks for one: looks, claims the fence, writes conditionally, looks again. */
export function cloudProvider({ client, desired, shadow }: CloudProviderOptions): Provider {
  const accountOf = (plan: Pick<Plan, 'spec'>): string => spec.parse(plan.spec).account;

  return {
    name: 'cloud',
    spec,
    fencing: 'conditional',

    async observe(target, revision) {
      const { account } = spec.parse(target.spec);
      const { items, total, ...identity } = await client.list(account);
      if (items.length < total) return { verdict: 'unknown', reason: `the listing was cut short: ${items.length} of ${total}`, identity };
      const wanted = desired(account, revision);
      const differences = Object.entries(wanted).flatMap(([name, value]) => differenceOf(name, value, items.find((each) => each.name === name)?.value));
      return { verdict: 'known', revision: sha256(JSON.stringify(wanted)), identity, differences, resources: items.length, skipped: [] };
    },

    async plan(_target, _revision, changes) {
      const names = changes.map((change) => change.resource);
      const create = changes.filter((change) => change.effect === 'create').length;
      return {
        possible: true,
        proposal: {
          steps: names.map((resource) => ({ action: 'update', resource, summary: `write ${resource}` })),
          blastRadius: { create, update: names.length - create, replace: 0, delete: 0 },
          staging: 'shadow', rollback: 'exact', fencing: 'conditional',
        },
      };
    },

    async adopt(_target, _revision, changes) {
      return { possible: true, files: changes.map(({ resource, actual }) => ({ path: resource, secrets: [], ...(typeof actual === 'string' ? { content: Buffer.from(actual) } : {}) })) };
    },

    async stage(plan, revision, ctx): Promise<Staged> {
      const account = accountOf(plan);
      await claim(account, ctx);
      const wanted = desired(account, revision);
      const { items, total, account: answering } = await client.list(account);
      if (items.length < total || answering !== account) throw new HoldfastError('Unreachable', 'the listing was cut short, or another account answered');
      const touched = plan.changes.map(({ resource, actual, sensitive }): Touched => {
        const before = items.find((each) => each.name === resource)?.value ?? null;
        if (!sensitive && before !== (actual ?? null)) throw moved(`${resource} is not what the plan was made against`);
        // A secret is not in the plan; a look that lags shows it as it was before it drifted.
        if (before === wanted[resource]) throw moved(`${resource} is as desired already`);
        return { name: resource, before, after: wanted[resource] ?? null };
      });
      const artifact = await ctx.artifacts.put('snapshot', Buffer.from(JSON.stringify(touched)));
      const copy = copyOf(ctx.idempotencyKey);
      await write(account, { name: 'make copy', touched: [{ name: copy, before: null, after: 'a copy with the repair' }] }, ctx);
      return { artifacts: [artifact], data: { copy }, shadow: { health: [shadow(account)] } };
    },

    async finalize(plan, staged, ctx) {
      const account = accountOf(plan);
      await claim(account, ctx);
      const touched = await snapshotOf(staged, ctx);
      for (const each of touched.filter(({ name }) => !TOGETHER.includes(name))) await write(account, { name: `write ${each.name}`, touched: [each] }, ctx);
      const rest = touched.filter(({ name }) => TOGETHER.includes(name));
      if (rest.length > 0) await write(account, { name: 'write the rest', touched: rest }, ctx);
    },

    async rollback(plan, staged, ctx): Promise<Restored> {
      const account = accountOf(plan);
      await claim(account, ctx);
      const restored: string[] = [];
      const failed: { resource: string; reason: string }[] = [];
      for (const { name, before, after } of [...(await snapshotOf(staged, ctx))].reverse()) {
        try {
          await write(account, { name: `restore ${name}`, touched: [{ name, before: after, after: before }] }, ctx);
          restored.push(name);
        } catch (error) {
          if (!(error instanceof HoldfastError) || error.failure !== 'Moved') throw error;
          failed.push({ resource: name, reason: error.message });
        }
      }
      return { restored: restored.sort(), failed };
    },

    async cleanup(plan, staged, ctx, { keepSnapshot }) {
      const account = accountOf(plan);
      const { copy } = stagedData.parse(staged.data);
      await claim(account, ctx);
      await write(account, { name: `remove ${copy}`, touched: [{ name: copy, before: 'a copy with the repair', after: null }] }, ctx);
      if (!keepSnapshot) for (const artifact of staged.artifacts) await ctx.artifacts.remove(artifact);
    },
  };

  /** Whoever else answers has said nothing about this account. */
  async function find(account: string, name: string): Promise<Resource | undefined> {
    const { account: answering, resource } = await client.get(account, name);
    if (answering !== account) throw new HoldfastError('Unreachable', `${answering} answered for ${account}`);
    return resource;
  }

  /** First of all, so that a call of an earlier attempt that is still under way comes too late. */
  async function claim(account: string, ctx: WriteContext): Promise<void> {
    await client.claim(account, { account, fence: ctx.fence, key: `${ctx.idempotencyKey}/claim` }).catch((error: unknown) => { throw understood(error); });
  }

  /** Intent, look, act only on what is not done, look again until it is seen. */
  async function write(account: string, { name, touched }: { readonly name: string; readonly touched: readonly Touched[] }, ctx: WriteContext): Promise<void> {
    const key = `${ctx.idempotencyKey}/${name}`;
    const [only] = touched;
    const intent = await ctx.intend({ name, ...(only === undefined || touched.length > 1 ? {} : { resource: only.name }) });
    try {
      const seen = await Promise.all(touched.map(async (each) => ({ ...each, now: await find(account, each.name) })));
      const strange = seen.filter(({ now, before, after }) => (now?.value ?? null) !== before && (now?.value ?? null) !== after);
      if (strange.length > 0) throw moved(`${strange.map((each) => each.name).join(', ')}: somebody else has changed it`);
      const todo = seen.filter(({ now, after }) => (now?.value ?? null) !== after);
      if (todo.length > 0) {
        await client.putMany(account, todo.map(({ name: resource, now, after }) => ({ name: resource, value: after, version: now?.version ?? 0 })), { account, fence: ctx.fence, key });
        await untilSeen(account, todo, ctx);
      }
    } catch (error) {
      const problem = understood(error);
      await intent.close({ ok: false, error: problem instanceof Error ? problem.message : 'it failed' });
      throw problem;
    }
    await intent.close({ ok: true });
  }

  async function untilSeen(account: string, written: readonly Touched[], ctx: WriteContext): Promise<void> {
    for (let look = 1; ; look += 1) {
      const seen = await Promise.all(written.map(async ({ name, after }) => ((await find(account, name))?.value ?? null) === after));
      if (seen.every(Boolean)) return;
      if (look >= LOOKS) throw new HoldfastError('Unreachable', `${written.map((each) => each.name).join(', ')} cannot be seen yet`);
      await sleep(LOOK_EVERY_MS, undefined, { signal: ctx.signal });
    }
  }
}

function differenceOf(name: string, wanted: string, actual: string | undefined): Difference[] {
  if (actual === wanted) return [];
  const sensitive = name === 'secret';
  const base = { resource: name, sensitive, revision: sha256(`${name} ${wanted}`) };
  if (actual === undefined) return [{ ...base, kind: 'missing', path: '', effect: 'create', ...(sensitive ? {} : { desired: wanted }) }];
  return [{ ...base, kind: 'changed', path: '/value', effect: 'update', ...(sensitive ? {} : { desired: wanted, actual }) }];
}

function copyOf(idempotencyKey: string): string {
  return `${BESIDE}${sha256(idempotencyKey).slice(0, 12)}`;
}

async function snapshotOf(staged: Staged, ctx: WriteContext): Promise<readonly Touched[]> {
  const [artifact] = staged.artifacts;
  if (artifact === undefined) throw new HoldfastError('ArtifactLost', 'staging left no snapshot');
  return JSON.parse(Buffer.from(await ctx.artifacts.get(artifact)).toString()) as readonly Touched[];
}

/** What may pass is tried again: a version that was seen too early, an account that did not answer itself. */
function understood(error: unknown): unknown {
  if (!(error instanceof CloudError)) return error;
  return new HoldfastError(error.code === 'fenced' ? 'Fenced' : 'Unreachable', error.message, { cause: error });
}

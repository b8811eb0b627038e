// The least that an engine can be: one value per target, desired 1. What it costs is Holdfast's own cost.
import { appendFileSync, readFileSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const spec = z.strictObject({ live: z.string(), trace: z.string().optional() });
const RESOURCE = 'value';
const REVISION = 'one';

/**
 * A target's live value is in `<live>/<target>`; without that file it is as desired. `hang` there
 * never answers, `throw` fails, `slow` takes a tenth of a second. `at`: told of every call; it may
 * kill this process. `trace` in the spec: every call of every worker is written down there.
 */
export function trivialProvider({ at = () => undefined } = {}) {
  const told = (file, name, target, call) => async (...args) => {
    const say = (when) => {
      if (file !== undefined) appendFileSync(file, `${when} ${name} ${target}\n`);
      at({ when, call: name, target, nth: () => readFileSync(file, 'utf8').split('\n').filter((line) => line === `${when} ${name} ${target}`).length });
    };
    say('before');
    const result = await call(...args);
    say('after');
    return result;
  };
  const step = (name, act) => (plan, ...rest) => told(plan.spec.trace, name, plan.target, () => act(plan, ...rest))();

  return {
    name: 'trivial',
    spec,
    resolveSpec: (written, folder) => ({ ...written, live: join(folder, written.live) }),
    fencing: 'none',
    observe: (target, _revision, ctx) => told(target.spec.trace, 'observe', target.target, async () => {
      const value = await valueOf(target, ctx);
      const differences = value === 1 ? [] : [{ resource: RESOURCE, kind: 'changed', path: '/value', desired: 1, actual: value, sensitive: false, revision: REVISION, effect: 'update' }];
      return { verdict: 'known', revision: REVISION, identity: {}, differences, resources: 1, skipped: [] };
    })(),
    plan: async (target, _revision, changes) => ({
      possible: true,
      proposal: {
        steps: changes.map((change) => ({ action: 'update', resource: change.resource, summary: `set ${change.path} to 1` })),
        blastRadius: { create: 0, update: changes.length, replace: 0, delete: 0 },
        staging: 'dry-run', rollback: 'exact', fencing: 'none',
      },
    }),
    stage: step('stage', async (plan, _revision, ctx) => ({ artifacts: [await ctx.artifacts.put('before', Buffer.from(String(plan.changes[0].actual)))], data: {} })),
    finalize: step('finalize', async (plan, _staged, ctx) => written(ctx, plan, 'set', '1')),
    rollback: step('rollback', async (plan, _staged, ctx) => {
      await written(ctx, plan, 'put back', String(plan.changes[0].actual));
      return { restored: [RESOURCE], failed: [] };
    }),
    cleanup: async () => undefined,
  };
}

async function valueOf({ spec: { live }, target }, { signal }) {
  const text = await readFile(join(live, target), 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return '1';
    throw error;
  });
  if (text === 'throw') throw new Error('this one always fails');
  if (text === 'slow') await new Promise((resolve) => setTimeout(resolve, 100));
  // Not even an abort ends it: the worst that an engine does.
  if (text === 'hang') await new Promise(() => void signal);
  return text === 'slow' ? 1 : Number(text);
}

async function written(ctx, plan, name, value) {
  const intent = await ctx.intend({ name, resource: RESOURCE });
  if (intent.done) return;
  const file = join(plan.spec.live, plan.target);
  await writeFile(`${file}.new`, value);
  await rename(`${file}.new`, file);
  await intent.close({ ok: true });
}

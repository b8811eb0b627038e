import { z } from 'zod';
import { HoldfastError } from '../../domain/errors.js';
import type { Json } from '../../domain/json.js';
import type { Target } from '../../domain/target.js';
import type { WriteContext } from '../provider.js';
import { shown } from './errors.js';
import { withLock } from './lock.js';
import type { State } from './seal.js';
import { openLive } from './setup.js';
import { assertMayWrite, perform } from './staged.js';
import { readState, writeState } from './write.js';

const drift = z.union([
  z.strictObject({ write: z.string(), content: z.string(), mode: z.string().regex(/^[0-7]{3,4}$/).optional() }),
  z.strictObject({ delete: z.string() }),
  z.strictObject({ chmod: z.string(), mode: z.string().regex(/^[0-7]{3,4}$/) }),
]);

/** Makes a drift: `{write, content, mode?}`, `{delete}` or `{chmod, mode}`, each naming a file in the root. */
export async function inject(target: Target, difference: Json, ctx: WriteContext): Promise<void> {
  assertMayWrite();
  const parsed = drift.safeParse(difference);
  if (!parsed.success) throw new HoldfastError('Invalid', 'a drift of files is {write, content}, {delete} or {chmod, mode}');
  const live = openLive(target, target.spec);
  const made = parsed.data;
  const resource = 'write' in made ? made.write : 'delete' in made ? made.delete : made.chmod;
  if (live.isProtected(resource)) throw new HoldfastError('Refused', `${shown(resource)} is protected`);
  await withLock(live, ctx, () => perform(ctx, { name: `inject ${resource}`, resource }, {
    act: () => { writeState(live.real, resource, stateOf(made, readState(live.real, resource, live.spec.maxFileBytes)), { durable: true }); },
  }));
}

function stateOf(made: z.output<typeof drift>, now: State): State {
  if ('delete' in made) return { type: 'absent' };
  const own = now.type === 'file' ? now : { mode: 0o644, uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0, content: Buffer.alloc(0) };
  const mode = made.mode === undefined ? own.mode : Number.parseInt(made.mode, 8);
  return { type: 'file', content: 'write' in made ? Buffer.from(made.content) : own.content, mode, uid: own.uid, gid: own.gid };
}

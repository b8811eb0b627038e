import { copyFileSync, chmodSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { constants } from 'node:fs';
import { HoldfastError } from '../../domain/errors.js';
import type { Target } from '../../domain/target.js';
import type { ReadContext } from '../provider.js';
import { explain, shown } from './errors.js';
import { openLive } from './setup.js';
import { walk } from './walk.js';

/** Writes the live files as a desired state into an empty or absent folder. Protected files, links and what is no file stay out. */
export async function capture(target: Target, into: string, ctx: ReadContext): Promise<readonly string[]> {
  const live = openLive(target, target.spec);
  try {
    mkdirSync(into, { recursive: true });
    if (readdirSync(into).length > 0) throw new HoldfastError('Refused', `${shown(into)} is not empty`, { remedy: 'name an empty or new folder' });
    const written: string[] = [];
    for (const entry of walk(live.real)) {
      if (entry.type !== 'file' || live.isProtected(entry.path)) continue;
      const source = join(live.real, entry.path);
      const stats = lstatSync(source);
      if (stats.size > live.spec.maxFileBytes || stats.nlink > 1 || !stats.isFile()) continue;
      const path = join(into, entry.path);
      mkdirSync(dirname(path), { recursive: true });
      copyFileSync(source, path, constants.COPYFILE_EXCL);
      chmodSync(path, stats.mode & 0o777);
      written.push(entry.path);
      if (written.length % 64 === 0) await breathe();
      ctx.signal.throwIfAborted();
    }
    return written;
  } catch (error) {
    if (ctx.signal.aborted) throw error;
    throw explain(error, `capturing ${shown(live.root)}`);
  }
}

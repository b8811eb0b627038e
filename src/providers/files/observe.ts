import { createHash, type Hash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import type { Difference } from '../../domain/change.js';
import { HoldfastError, isHoldfastError } from '../../domain/errors.js';
import type { Revision, Target } from '../../domain/target.js';
import { errorCode } from '../../system/error-code.js';
import type { ReadContext, Sight } from '../provider.js';
import { compareResource, desiredMode, modeClass } from './differences.js';
import { READ } from './entry.js';
import { briefly, shown } from './errors.js';
import { hasMarker, identityOf } from './identity.js';
import { isOwnedBy } from './owners.js';
import { keyed } from './seal.js';
import { lastMatch, openSetup, type Setup } from './setup.js';
import { walk, type WalkEntry } from './walk.js';

type Skipped = { resource: string; path: string; reason: string };

/** Files between two turns of the event loop: about 2 ms of work. */
const BATCH = 128;
const CHUNK = 256 * 1024;

/**
 * Compares every file, the quick way: both are read once, side by side, with plain system calls,
 * and only those that differ are looked at closely.
 */
export async function observe(target: Target, revision: Revision, ctx: ReadContext): Promise<Sight> {
  try {
    const setup = openSetup(target, target.spec, revision);
    const identity = identityOf(setup);
    const sight = await compareTrees(setup, ctx);
    return typeof sight === 'string' ? { verdict: 'unknown', reason: sight, identity } : { ...sight, identity };
  } catch (error) {
    if (ctx.signal.aborted) throw error;
    if (isHoldfastError(error)) return { verdict: 'unknown', reason: error.remedy === undefined ? error.message : `${error.message}. ${error.remedy}` };
    if (errorCode(error) === 'unknown error') throw error;
    return { verdict: 'unknown', reason: `reading the files of ${target.environment}/${target.target}: ${briefly(error)}` };
  }
}

async function compareTrees(setup: Setup, ctx: ReadContext): Promise<Omit<Extract<Sight, { verdict: 'known' }>, 'identity'> | string> {
  const live = new Map<string, WalkEntry['type']>();
  for (const entry of walk(setup.real)) if (entry.type !== 'folder') live.set(entry.path, entry.type);
  if (live.size === 0 && !hasMarker(setup)) return `the live root ${shown(setup.root)} is empty, as an unmounted disk would be. Put a file .holdfast-identity into it if that is right`;

  const pair = new PairReader(setup);
  const close: string[] = [];
  const skipped: Skipped[] = [];
  let seen = 0;
  for (const entry of walk(setup.desired)) {
    if (entry.type === 'folder') continue;
    const type = live.get(entry.path);
    live.delete(entry.path);
    seen += 1;
    if (entry.type === 'unnameable') skipped.push({ resource: entry.path, path: '', reason: 'its name is not valid UTF-8' });
    else if (!pair.same(entry, type)) close.push(entry.path);
    if (seen % BATCH === 0) await turn(ctx, seen);
  }
  if (pair.files === 0) return `the desired state of ${setup.address.environment}/${setup.address.target} holds no file. Correct source.path, or remove the target`;

  for (const [path, type] of live) {
    if (type === 'unnameable') skipped.push({ resource: path, path: '', reason: 'its name is not valid UTF-8' });
    else close.push(path);
  }
  const differences: Difference[] = [];
  for (const [index, resource] of close.entries()) {
    const compared = await compareResource(setup, resource);
    differences.push(...compared.differences);
    skipped.push(...compared.skipped);
    if (index % 16 === 0) await turn(ctx, seen + index);
  }
  return { verdict: 'known', revision: pair.revision(), differences, resources: pair.files, skipped };
}

async function turn(ctx: ReadContext, files: number): Promise<void> {
  await breathe();
  ctx.signal.throwIfAborted();
  ctx.heartbeat(`${files} files compared`);
}

/** Reads desired files and their live twins, and digests what is desired on the way. */
class PairReader {
  files = 0;
  private readonly tree: Hash = createHash('sha256');
  private readonly a = Buffer.allocUnsafe(CHUNK);
  private readonly b = Buffer.allocUnsafe(CHUNK);

  private readonly setup: Setup;

  constructor(setup: Setup) {
    this.setup = setup;
  }

  revision(): string {
    return keyed(this.setup.address, this.tree.copy().digest('hex'));
  }

  /** False when the two differ or cannot be told to be the same so quickly. */
  same(entry: WalkEntry, liveType: WalkEntry['type'] | undefined): boolean {
    if (entry.type !== 'file') {
      this.tree.update(`${entry.path}\0${entry.type}\0`);
      return false;
    }
    this.files += 1;
    const wanted = this.openDesired(entry.path);
    const found = liveType === 'file' ? openQuietly(`${this.setup.real}/${entry.path}`) : undefined;
    try {
      const stats = fstatSync(wanted);
      const liveStats = found === undefined ? undefined : fstatSync(found);
      this.tree.update(`${entry.path}\0${modeClass(this.setup, entry.path, stats.mode & 0o7777)}\0${lastMatch(this.setup.owners, entry.path)?.text ?? ''}\0${stats.size}\0`);
      if (stats.size > this.setup.spec.maxFileBytes) return false;
      const comparable = liveStats?.isFile() === true && liveStats.size === stats.size;
      const equal = this.readBoth(wanted, comparable ? found : undefined);
      return equal && liveStats !== undefined && this.sameAttributes(entry.path, stats, liveStats);
    } finally {
      closeSync(wanted);
      if (found !== undefined) closeSync(found);
    }
  }

  private openDesired(path: string): number {
    try {
      return openSync(`${this.setup.desired}/${path}`, READ);
    } catch (error) {
      throw new HoldfastError('Unreachable', `the desired file ${shown(path)} cannot be read: ${briefly(error)}`, { cause: error, remedy: 'make it readable for the worker' });
    }
  }

  private readBoth(wanted: number, found: number | undefined): boolean {
    let equal = found !== undefined;
    for (let at = 0; ; ) {
      const length = readSync(wanted, this.a, 0, CHUNK, at);
      if (equal && found !== undefined) {
        const other = readSync(found, this.b, 0, CHUNK, at);
        equal = other === length && this.a.compare(this.b, 0, length, 0, length) === 0;
      }
      this.tree.update(this.a.subarray(0, length));
      at += length;
      if (length < CHUNK) return equal;
    }
  }

  private sameAttributes(path: string, desired: Stats, live: Stats): boolean {
    const mode = live.mode & 0o7777;
    if (this.setup.spec.compareMode && desiredMode(this.setup, path, desired.mode & 0o7777, mode) !== mode) return false;
    const owner = lastMatch(this.setup.owners, path);
    return owner === undefined || isOwnedBy(live, owner);
  }
}

/** A live file that cannot be opened is looked at closely, by whoever can say why. */
function openQuietly(path: string): number | undefined {
  try {
    return openSync(path, READ);
  } catch {
    return undefined;
  }
}

import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { InitPlan } from '../../config/init.js';
import type { LoadedConfig } from '../../config/load.js';
import { HoldfastError } from '../../domain/errors.js';
import type { InitRequest, InitResult } from '../deps.js';
import type { LookingParts } from './looking.js';
import { providerOf, withContext } from './looking.js';

export interface InitParts extends LookingParts {
  readonly load: (file: string) => Promise<LoadedConfig>;
}

/** Writes a first configuration, and with `capture` the desired state; what is there already is never overwritten. */
export async function initFolder(request: InitRequest, parts: InitParts): Promise<InitResult> {
  const { initPlan } = await import('../../config/init.js');
  const file = request.file ?? join(request.folder, 'holdfast.yaml');
  const plan = initPlan({ folder: dirname(file), ...(request.root === undefined ? {} : { root: request.root }) });
  if (request.capture && (await entriesOf(plan.desired)) > 0) {
    throw new HoldfastError('Refused', `${plan.desired} holds a desired state already, and nothing is overwritten`, { remedy: 'Leave out --capture to keep it, or move it away.' });
  }
  await writeNew(file, plan.config);
  const written = [{ path: file, what: plan.recognised }];
  try {
    if (request.capture) written.push({ path: plan.desired, what: await capture(request, { plan, file, parts }) });
    else if (plan.desiredMissing) {
      await mkdir(plan.desired, { recursive: true });
      written.push({ path: plan.desired, what: 'empty: put the files here as they should be, or run holdfast init --capture in a folder without a configuration' });
    }
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
  return { written, example: plan.address };
}

interface Capturing {
  readonly plan: InitPlan;
  readonly file: string;
  readonly parts: InitParts;
}

async function capture({ signal }: InitRequest, { plan, file, parts }: Capturing): Promise<string> {
  const config = await parts.load(file);
  const [target] = config.targets;
  if (target === undefined) throw new TypeError('a first configuration has one target');
  const provider = await providerOf(target);
  if (provider.capture === undefined) throw new HoldfastError('Refused', `provider ${provider.name} cannot capture what is live`);
  const resources = await withContext(parts, { config, target, signal }, async (ctx) => provider.capture?.(target, plan.desired, ctx));
  const written = resources?.length ?? 0;
  return written === 1 ? '1 file as it is live now' : `${written} files as they are live now`;
}

async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new HoldfastError('Refused', `${basename(file)} is there already, and nothing is overwritten`, { cause, remedy: 'Check it with: holdfast config validate' });
  }
}

async function entriesOf(folder: string): Promise<number> {
  return readdir(folder).then((names) => names.length, () => 0);
}

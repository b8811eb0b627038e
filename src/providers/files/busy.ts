import { lstat } from 'node:fs/promises';
import type { Busy } from '../../domain/gates/facts.js';
import { oneLine } from '../../domain/plain-text.js';
import type { Target } from '../../domain/target.js';
import { errorCode } from '../../system/error-code.js';
import { compileGlobs } from '../glob.js';
import { milliseconds } from './duration.js';
import { explain, shown } from './errors.js';
import { readSpec, type FilesSpec } from './spec.js';

type Rule = NonNullable<FilesSpec['busy']>[number];

/** At work while a file is there that a deployment keeps for as long as it runs; one that is too old was left behind. */
export async function busy(target: Target, resources: readonly string[]): Promise<readonly Busy[]> {
  const rules = readSpec(target.spec).busy ?? [];
  return (await Promise.all(rules.map((rule) => ruled(rule, resources)))).flat();
}

async function ruled(rule: Rule, resources: readonly string[]): Promise<readonly Busy[]> {
  const since = await madeAt(rule.file);
  if (since === undefined) return [];
  const until = rule.staleAfter === undefined ? undefined : since + milliseconds(rule.staleAfter);
  if (until !== undefined && until <= Date.now()) return [];
  const said = { reason: oneLine(`${rule.reason ?? 'a deployment is under way'} (${rule.file} is there)`, 300), ...(until === undefined ? {} : { until: new Date(until).toISOString() }) };
  if (rule.resources === undefined) return [said];
  const matches = compileGlobs(rule.resources);
  return resources.filter(matches).map((resource) => ({ resource, ...said }));
}

async function madeAt(file: string): Promise<number | undefined> {
  try {
    return Math.floor((await lstat(file)).mtimeMs);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw explain(error, `looking for ${shown(file)}`);
  }
}

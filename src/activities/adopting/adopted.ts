import { isHoldfastError } from '../../domain/errors.js';
import { isJsonObject } from '../../domain/json.js';
import type { Revision, Target } from '../../domain/target.js';
import { look } from '../../providers/look.js';
import type { ReadContext } from '../../providers/provider.js';
import type { IncidentRow } from '../../ledger/ledger.js';
import { readSource, stateOf } from './adopt-folder.js';
import { type Dependencies, providerOf } from '../deps.js';

/** What was made of a part that a person adopted, as its row has it. */
interface Adoption {
  readonly by: string;
  readonly to: string;
  readonly branch?: string;
  readonly base?: string;
  readonly files: readonly { readonly path: string; readonly before: string; readonly after: string }[];
}

/** `undefined` for a part that nobody adopted. */
export function adoptionOf(row: IncidentRow | undefined, part: number): Adoption | undefined {
  const adoption = row?.parts.find((each) => each['part'] === part)?.['adoption'];
  if (!isJsonObject(adoption) || !Array.isArray(adoption['files'])) return undefined;
  const { by, to, branch, base } = adoption;
  if (typeof by !== 'string' || typeof to !== 'string') return undefined;
  const files = (adoption['files'] as readonly unknown[]).flatMap((file) => (isJsonObject(file) ? [{ path: String(file['path']), before: String(file['before']), after: String(file['after']) }] : []));
  return { by, to, files, ...(typeof branch === 'string' ? { branch } : {}), ...(typeof base === 'string' ? { base } : {}) };
}

interface Gone {
  readonly target: Target;
  readonly revision: Revision;
  readonly adoption: Adoption;
  /** Of the changes that are gone. */
  readonly fingerprints: readonly string[];
}

/**
 * Whether changes are gone because the desired state took them in, or because what was live went back.
 * Where the files are neither as they were nor as they were to be, others edited them too: then what is
 * live is looked at once more against the desired state of before, where Git still has it.
 */
export async function wasTakenIn(deps: Dependencies, { target, revision, adoption, fingerprints }: Gone, ctx: ReadContext): Promise<boolean> {
  const states = adoption.files.map(({ path, before, after }) => {
    const now = stateNow(revision.folder, path);
    return now === after ? 'after' : now === before ? 'before' : 'other';
  });
  if (states.every((state) => state === 'after')) return true;
  if (states.every((state) => state === 'before')) return false;
  const { source } = target;
  if (source.type !== 'git' || adoption.base === undefined) return !states.includes('before');
  const then = await look(providerOf(deps, target), target, await deps.sources.at(source, adoption.base, ctx), ctx);
  return then.verdict !== 'unknown' && fingerprints.every((each) => then.changes.some((change) => change.fingerprint === each));
}

/** `undefined`: it cannot be told, so that it counts as another state. */
function stateNow(folder: string, path: string): string | undefined {
  try {
    return stateOf(readSource(folder, path));
  } catch (error) {
    if (isHoldfastError(error)) return undefined;
    throw error;
  }
}

/** Whether a branch that waits to be merged was removed. What cannot be asked now is asked by the next check. */
export async function isBranchGone(deps: Dependencies, target: Target, branch: string, ctx: ReadContext): Promise<boolean> {
  if (target.source.type !== 'git') return false;
  try {
    return (await deps.sources.branch(target.source, branch, ctx)) === undefined;
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    deps.log.warn('whether a branch waits to be merged could not be asked', { branch, error: error.message });
    return false;
  }
}

/** The branches of an open incident that wait to be merged. */
export function waitingBranches(row: IncidentRow): readonly string[] {
  return row.parts.flatMap((part) => {
    const branch = part['phase'] === 'closed' ? undefined : adoptionOf(row, Number(part['part']))?.branch;
    return branch === undefined ? [] : [branch];
  });
}

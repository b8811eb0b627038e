import { type Condition, isProblem, type Vocabulary } from '../policy/condition.js';
import type { Place, Report } from './problem.js';
import { suggest } from './text.js';
import type { Tree } from './tree.js';

export interface Conditional {
  /** The text, where it was written. */
  readonly tree: Tree | undefined;
  /** For the message: `environments.prod.approvals.rules[1].when`. */
  readonly where: string;
  readonly vocabulary: Vocabulary;
  readonly report: Report;
}

/** Kept beside the conditions, so that a word in one can be shown where it stands. */
const places = new WeakMap<Condition, { readonly at: Place; readonly text: string; readonly where: string }>();

/** Where a character of a condition stands, and how messages call the condition; `undefined` for one that was not read from a file. */
export function placeIn(condition: Condition, offset: number): { readonly at: Place; readonly where: string } | undefined {
  const read = places.get(condition);
  return read === undefined ? undefined : { at: placeWithin(read.at, read.text, offset), where: read.where };
}

/** Compiles a condition of the configuration; what is wrong is reported at its character. */
export function readCondition({ tree, where, vocabulary, report }: Conditional): Condition | undefined {
  if (tree?.kind !== 'scalar' || typeof tree.value !== 'string') return undefined;
  const result = vocabulary.compile(tree.value);
  if (!isProblem(result)) {
    places.set(result, { at: tree.at, text: tree.value, where });
    return result;
  }
  const { message, meant, offset } = result;
  const remedy = meant === undefined || meant.known.length === 0 ? result.remedy : suggest(meant.word, meant.known);
  report.add({ at: placeWithin(tree.at, tree.value, offset), message: `${where}: ${message}`, remedy });
  return undefined;
}

/**
 * Where a character of a text stands in its file. YAML may quote, escape, fold and indent what it
 * holds: both are walked side by side, and what only YAML needs is passed over.
 */
function placeWithin(at: Place, text: string, offset: number): Place {
  if (at.offset === undefined) return at;
  const source = at.file.text;
  let from = at.offset;
  if (/["']/.test(source[from] ?? '')) from += 1;
  else if (/[|>]/.test(source[from] ?? '')) from = Math.max(from, source.indexOf('\n', from));
  const end = Math.min(source.length, from + text.length * 6 + 200);
  for (let index = 0; from < end; from += 1) {
    const written = source[from] ?? '';
    const wanted = text[index] ?? '';
    const same = written === wanted || (/\s/.test(written) && /\s/.test(wanted));
    if (index === offset && (same || wanted === '')) return { file: at.file, offset: from };
    if (same) index += 1;
  }
  return at;
}

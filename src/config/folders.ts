import { dirname, join, relative, sep } from 'node:path';
import type { Reader } from './read.js';

export interface Match {
  /** Absolute. */
  readonly path: string;
  /** Relative to the base, with forward slashes. */
  readonly relative: string;
  /** What each `*` stood for, in order. */
  readonly captures: readonly string[];
}

const DEEPEST = 16;
const MOST_MATCHES = 20_000;
/** Never entered by `**`. */
const PASSED_BY = new Set(['node_modules']);

/** Why a pattern cannot be used to find files or folders; `undefined` when it can. */
export function patternProblem(pattern: string, options: { readonly anyDepth: boolean }): string | undefined {
  if (/[\\[\]{}()!|\n]/.test(pattern)) return 'only * and ? stand for something in it';
  if (pattern.includes('**') && !options.anyDepth) return '** is not allowed here: name each level with *';
  const segments = pattern.split('/');
  if (segments.some((segment) => segment.includes('**') && segment !== '**')) return '** stands for whole folders and needs a segment of its own';
  return segments.some((segment) => segment !== '**' && (segment.match(/\*/g)?.length ?? 0) > 2) ? 'a segment may hold at most two *' : undefined;
}

/**
 * Finds files or folders by a pattern of `*` (within one name), `?` and `**` (any folders), relative
 * to `base`. Names that begin with a dot and symbolic links to folders are not matched by wildcards.
 */
export async function findMatches(pattern: string, options: { readonly base: string; readonly reader: Reader; readonly want: 'file' | 'folder' }): Promise<readonly Match[]> {
  const segments = pattern.split('/').filter((segment) => segment !== '' && segment !== '.');
  const start = pattern.startsWith('/') ? '/' : options.base;
  const found: Match[] = [];
  await walk({ path: start, captures: [], segments, depth: 0 });
  const unique = new Map(found.map((match) => [match.path, match]));
  return [...unique.values()].sort((a, b) => (a.path < b.path ? -1 : 1));

  async function walk(at: { path: string; captures: readonly string[]; segments: readonly string[]; depth: number }): Promise<void> {
    const [segment, ...rest] = at.segments;
    if (segment === undefined || at.depth > DEEPEST || found.length >= MOST_MATCHES) return;
    if (segment === '..') return next(dirname(at.path), at.captures, rest, at.depth);
    if (segment === '**') {
      await walk({ ...at, segments: rest });
      for (const entry of await options.reader.folder(at.path)) {
        if (entry.folder && !entry.name.startsWith('.') && !PASSED_BY.has(entry.name)) await walk({ ...at, path: join(at.path, entry.name), depth: at.depth + 1 });
      }
      return;
    }
    if (!/[*?]/.test(segment) && rest.length > 0) return next(join(at.path, segment), at.captures, rest, at.depth);
    const expression = segmentExpression(segment);
    for (const entry of await options.reader.folder(at.path)) {
      const captured = expression.exec(entry.name);
      if (captured === null || (entry.name.startsWith('.') && !segment.startsWith('.'))) continue;
      const folderNeeded = rest.length > 0 || options.want === 'folder';
      if (entry.folder !== folderNeeded) continue;
      await next(join(at.path, entry.name), [...at.captures, ...captured.slice(1)], rest, at.depth);
    }
  }

  async function next(path: string, captures: readonly string[], rest: readonly string[], depth: number): Promise<void> {
    if (rest.length > 0) return walk({ path, captures, segments: rest, depth: depth + 1 });
    found.push({ path, relative: relative(options.base, path).split(sep).join('/'), captures });
  }
}

function segmentExpression(segment: string): RegExp {
  const source = segment.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '(.*)').replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's');
}

import { compileGlob, MAX_ALTERNATIVES } from '../providers/glob.js';

const LONGEST = 256;
const MOST_BRACES = 3;

/**
 * Why a pattern may not be used; `undefined` when it may. Patterns are globs of bounded size, which
 * are matched in bounded time; what looks like a regular expression was meant as one and would
 * match something else.
 */
export function globProblem(glob: string): { readonly message: string; readonly remedy: string } | undefined {
  if (glob === '') return { message: 'is empty', remedy: 'write a glob such as "etc/**"' };
  if (glob.length > LONGEST) return { message: `is longer than ${LONGEST} characters`, remedy: 'write several shorter rules' };
  const bare = glob.replace(/\\./gs, 'x').replace(/\[[!^]/g, '[');
  if (/[()|^]|\$$|\.\+/.test(bare)) {
    return { message: 'looks like a regular expression', remedy: 'write a glob: *, **, ?, [abc] and {a,b} are understood; put \\ before other special characters' };
  }
  if (bare.split('{').length - 1 > MOST_BRACES) return { message: 'has too many groups in braces', remedy: `use at most ${MOST_BRACES}, or write several rules` };
  return isBounded(glob) ? undefined : { message: `stands for more than ${MAX_ALTERNATIVES} patterns`, remedy: 'write several rules, or * in place of braces' };
}

/** Braces multiply: what stands for too many patterns is refused where it is compiled. */
function isBounded(glob: string): boolean {
  try {
    compileGlob(glob);
    return true;
  } catch {
    return false;
  }
}

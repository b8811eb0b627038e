import { RE2JS } from 're2js';

/** Of a pattern, with what its counts write out. */
const MOST_STEPS = 2_000;
/** Steps of a pattern times characters of a text: a fraction of a second. */
const MOST_WORK = 2_000_000;

/** A pattern that is ready, or what is wrong with it. */
export function compilePattern(pattern: string): RE2JS | { readonly message: string; readonly remedy: string } {
  try {
    const compiled = RE2JS.compile(pattern);
    if (compiled.programSize() <= MOST_STEPS) return compiled;
    return { message: `the pattern has more than ${MOST_STEPS} steps, counts such as {1000} written out`, remedy: 'count less, or split it into several rules' };
  } catch {
    return { message: 'the pattern is not a regular expression of RE2', remedy: 'look-around and back-references are not available; write a simpler pattern' };
  }
}

/** Takes time linear in the text, times the pattern: what would take long fails, and so does a pattern that was not made ready. */
export function isFoundIn(text: string, pattern: RE2JS | undefined): boolean {
  if (pattern === undefined || pattern.programSize() * text.length > MOST_WORK) throw new RangeError('the text is too long for this pattern');
  return pattern.matcher(text).find();
}

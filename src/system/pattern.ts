import { RE2JS } from 're2js';

/** Of a pattern, with what its counts write out. */
const MOST_STEPS = 2_000;
/** Steps of a pattern times characters of a text: a fraction of a second. */
const MOST_WORK = 2_000_000;

/** What is wrong with a pattern, and what to write instead. */
export interface PatternProblem {
  readonly message: string;
  readonly remedy: string;
}

/** A pattern of RE2 that is ready, or what is wrong with it; one of more than `mostSteps` steps is refused. Never throws. */
export function compilePattern(pattern: string, mostSteps = MOST_STEPS): RE2JS | PatternProblem {
  try {
    const compiled = RE2JS.compile(pattern);
    if (compiled.programSize() <= mostSteps) return compiled;
    return { message: `the pattern has more than ${mostSteps} steps, counts such as {1000} written out`, remedy: 'count less, or split it into several' };
  } catch {
    return { message: 'the pattern is not a regular expression of RE2', remedy: 'look-around and back-references are not available; write a simpler pattern' };
  }
}

/** Takes time linear in the text, times the pattern. Throws `RangeError` at what would take long, and for a pattern that was not made ready. */
export function isFoundIn(text: string, pattern: RE2JS | undefined): boolean {
  if (pattern === undefined || pattern.programSize() * text.length > MOST_WORK) throw new RangeError('the text is too long for this pattern');
  return pattern.matcher(text).find();
}

/** A body of 64 KiB is searched for a pattern of so many steps in under a second. */
const MOST_BODY_STEPS = 500;

/** The same for a pattern that is looked for in the body of an answer. */
export function compileBodyPattern(pattern: string): RE2JS | PatternProblem {
  return compilePattern(pattern, MOST_BODY_STEPS);
}

import { HoldfastError } from '../domain/errors.js';

/**
 * Globs whose time is bounded by pattern × text, whatever the pattern: rules are written by many
 * hands and matched against names that anybody may have chosen.
 *
 * `*` any characters but `/`; `**` any characters; a segment `**` followed by `/` also stands for no
 * folder at all; `?` one character but `/`; `[a-z]`, `[!a-z]`; `{a,b}`; a backslash takes the next character as it is.
 */
export type Matcher = (text: string) => boolean;

const MAX_PATTERN = 512;
export const MAX_ALTERNATIVES = 64;

type Token =
  | { readonly kind: 'char'; readonly char: string }
  | { readonly kind: 'one' }
  | { readonly kind: 'set'; readonly negated: boolean; readonly ranges: readonly (readonly [string, string])[] }
  /** Repeat themselves, and may stand for nothing. */
  | { readonly kind: 'star' }
  | { readonly kind: 'globstar' }
  /** `**` and a slash: zero or more whole folders. It stands before an `inside`, which is a folder begun. */
  | { readonly kind: 'folders' }
  | { readonly kind: 'inside' };

export function compileGlob(pattern: string): Matcher {
  if (pattern.length > MAX_PATTERN) {
    throw new HoldfastError('Invalid', `the pattern ${pattern.slice(0, 40)}… is longer than ${MAX_PATTERN} characters`, { remedy: 'split it into several' });
  }
  if (!/[*?[\]{}\\]/.test(pattern)) return (text) => text === pattern;
  const alternatives = expandBraces(pattern).map(tokenize);
  return (text) => alternatives.some((tokens) => matches(tokens, text));
}

/** True when any of the patterns matches. */
export function compileGlobs(patterns: readonly string[]): Matcher {
  const matchers = patterns.map(compileGlob);
  return (text) => matchers.some((match) => match(text));
}

function expandBraces(pattern: string): string[] {
  const done: string[] = [];
  const left = [pattern];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const brace = firstBrace(next);
    if (brace === undefined) done.push(next);
    else for (const part of brace.parts) left.push(`${brace.before}${part}${brace.after}`);
    if (done.length + left.length > MAX_ALTERNATIVES) {
      throw new HoldfastError('Invalid', `the pattern ${pattern.slice(0, 40)} has more than ${MAX_ALTERNATIVES} alternatives`, { remedy: 'split it into several' });
    }
  }
  return done;
}

/** The first pair of braces with a comma in it; braces without one are ordinary characters. */
function firstBrace(pattern: string): { before: string; parts: string[]; after: string } | undefined {
  for (let start = 0; start < pattern.length; start += 1) {
    if (pattern[start] === '\\') start += 1;
    else if (pattern[start] === '{') {
      const brace = braceAt(pattern, start);
      if (brace !== undefined) return brace;
    }
  }
  return undefined;
}

function braceAt(pattern: string, start: number): { before: string; parts: string[]; after: string } | undefined {
  const parts: string[] = [];
  let depth = 0;
  let from = start + 1;
  for (let at = start; at < pattern.length; at += 1) {
    const char = pattern[at];
    if (char === '\\') at += 1;
    else if (char === '{') depth += 1;
    else if (char === ',' && depth === 1) {
      parts.push(pattern.slice(from, at));
      from = at + 1;
    } else if (char === '}') {
      depth -= 1;
      if (depth > 0) continue;
      if (parts.length === 0) return undefined;
      return { before: pattern.slice(0, start), parts: [...parts, pattern.slice(from, at)], after: pattern.slice(at + 1) };
    }
  }
  return undefined;
}

function tokenize(pattern: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < pattern.length) {
    const char = pattern.charAt(at);
    if (char === '*' && pattern[at + 1] === '*') {
      const opensSegment = at === 0 || pattern[at - 1] === '/';
      at += 2;
      if (opensSegment && pattern[at] === '/') {
        tokens.push({ kind: 'folders' }, { kind: 'inside' });
        at += 1;
      } else tokens.push({ kind: 'globstar' });
      continue;
    }
    const set = char === '[' ? readSet(pattern, at) : undefined;
    if (set !== undefined) {
      tokens.push(set.token);
      at = set.end;
      continue;
    }
    if (char === '*') tokens.push({ kind: 'star' });
    else if (char === '?') tokens.push({ kind: 'one' });
    else if (char === '\\' && at + 1 < pattern.length) {
      at += 1;
      tokens.push({ kind: 'char', char: pattern.charAt(at) });
    } else tokens.push({ kind: 'char', char });
    at += 1;
  }
  return tokens;
}

/** An unclosed bracket is an ordinary character. */
function readSet(pattern: string, start: number): { token: Token; end: number } | undefined {
  const negated = pattern[start + 1] === '!' || pattern[start + 1] === '^';
  const from = start + (negated ? 2 : 1);
  const close = pattern.indexOf(']', from + 1);
  if (close === -1) return undefined;
  const ranges: [string, string][] = [];
  for (let at = from; at < close; at += 1) {
    const low = pattern.charAt(at);
    const isRange = pattern[at + 1] === '-' && at + 2 < close;
    ranges.push([low, isRange ? pattern.charAt(at + 2) : low]);
    if (isRange) at += 2;
  }
  return { token: { kind: 'set', negated, ranges }, end: close + 1 };
}

/** Follows every way through the tokens at once, so that no text makes it try again. */
function matches(tokens: readonly Token[], text: string): boolean {
  let states = new Set<number>();
  enter(tokens, 0, states);
  for (let at = 0; at < text.length && states.size > 0; at += 1) {
    const next = new Set<number>();
    for (const state of states) step(tokens, state, text.charAt(at), next);
    states = next;
  }
  return states.has(tokens.length);
}

function enter(tokens: readonly Token[], state: number, states: Set<number>): void {
  states.add(state);
  const kind = tokens[state]?.kind;
  if (kind === 'star' || kind === 'globstar') enter(tokens, state + 1, states);
  if (kind === 'folders') enter(tokens, state + 2, states);
}

function step(tokens: readonly Token[], state: number, char: string, next: Set<number>): void {
  const token = tokens[state];
  switch (token?.kind) {
    case undefined:
      return;
    case 'char':
      if (token.char === char) enter(tokens, state + 1, next);
      return;
    case 'one':
      if (char !== '/') enter(tokens, state + 1, next);
      return;
    case 'set':
      if (char !== '/' && token.ranges.some(([low, high]) => char >= low && char <= high) !== token.negated) enter(tokens, state + 1, next);
      return;
    case 'star':
      if (char !== '/') enter(tokens, state, next);
      return;
    case 'globstar':
      enter(tokens, state, next);
      return;
    case 'folders':
      next.add(state + 1);
      return;
    case 'inside':
      if (char === '/') enter(tokens, state - 1, next);
      else next.add(state);
  }
}

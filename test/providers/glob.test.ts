import { describe, expect, it } from 'vitest';
import { compileGlob } from '../../src/providers/glob.js';

describe('globs', () => {
  it.each([
    { pattern: 'etc/app.yaml', text: 'etc/app.yaml', matches: true, reason: 'a name without magic is itself' },
    { pattern: 'etc/*', text: 'etc/app.yaml', matches: true, reason: 'a star is any name' },
    { pattern: 'etc/*', text: 'etc/a/b', matches: false, reason: 'but no folder' },
    { pattern: 'etc/**', text: 'etc/a/b', matches: true, reason: 'two stars are any folders' },
    { pattern: '**/app.yaml', text: 'app.yaml', matches: true, reason: 'or none' },
    { pattern: '**/app.yaml', text: 'a/b/app.yaml', matches: true, reason: 'or several' },
    { pattern: '**/app.yaml', text: 'a/myapp.yaml', matches: false, reason: 'but whole ones' },
    { pattern: 'a/**/z', text: 'a/z', matches: true, reason: 'none in the middle' },
    { pattern: '*', text: '.env', matches: true, reason: 'hidden files are files' },
    { pattern: '**', text: '', matches: true, reason: 'the resource as a whole has an empty path' },
    { pattern: '/build/*', text: '/build/number', matches: true, reason: 'paths of fields look alike' },
    { pattern: '?.txt', text: 'a.txt', matches: true, reason: 'a question mark is one character' },
    { pattern: '[a-c].txt', text: 'b.txt', matches: true, reason: 'a range' },
    { pattern: '[!a-c].txt', text: 'b.txt', matches: false, reason: 'a range that must not be' },
    { pattern: '*.{yaml,yml}', text: 'app.yml', matches: true, reason: 'alternatives' },
    { pattern: '{a,b{c,d}}', text: 'bd', matches: true, reason: 'alternatives within alternatives' },
    { pattern: '{x}', text: '{x}', matches: true, reason: 'braces without a comma are characters' },
    { pattern: String.raw`\*`, text: '*', matches: true, reason: 'a backslash takes the magic away' },
    { pattern: '[a', text: '[a', matches: true, reason: 'an open bracket is a character' },
    { pattern: '(a+)+$', text: 'aaaa', matches: false, reason: 'brackets of other languages are characters' },
  ])('$pattern $reason', ({ pattern, text, matches }) => {
    expect(compileGlob(pattern)(text)).toBe(matches);
  });

  it('a pattern made to take for ever does not', () => {
    expect(compileGlob(`${'*a'.repeat(100)}b`)('a'.repeat(4000))).toBe(false);
    expect(compileGlob(`${'**/'.repeat(100)}b`)('a/'.repeat(2000))).toBe(false);
  });

  it.each([
    { pattern: 'a'.repeat(600), reason: 'longer than 512 characters' },
    { pattern: '{a,b}'.repeat(10), reason: 'more than 64 alternatives' },
  ])('is refused when it has $reason', ({ pattern, reason }) => {
    expect(() => compileGlob(pattern)).toThrow(reason);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainJson } from '../../src/cli/render/escape.js';

describe('JSON on a terminal', () => {
  it.each([
    { text: '\u202etxt.exe', shows: '"\\u202etxt.exe"', reason: 'a direction override disguises what is written' },
    { text: '\u009b31mred', shows: '"\\u009b31mred"', reason: 'a control sequence of one character, that some terminals obey' },
    { text: 'a\u200bb', shows: '"a\\u200bb"', reason: 'what cannot be seen makes two names look the same' },
    { text: 'a\u2028b', shows: '"a\\u2028b"', reason: 'a line end in JavaScript' },
    { text: '\u{e0061}', shows: '"\\udb40\\udc61"', reason: 'a tag, which has two halves' },
    { text: '\u001b]0;x\u0007', shows: '"\\u001b]0;x\\u0007"', reason: 'what JSON escapes by itself stays so' },
    { text: 'Zoë 日本 🦊', shows: '"Zoë 日本 🦊"', reason: 'letters stay letters' },
  ])('$shows: $reason', ({ text, shows }) => {
    expect(plainJson(JSON.stringify(text))).toBe(shows);
  });

  it('is the same value', () => {
    fc.assert(fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, text) => {
      const whole = { value, text };
      const printed = plainJson(JSON.stringify(whole, null, 2));
      expect(JSON.parse(printed)).toEqual(JSON.parse(JSON.stringify(whole)));
      expect(printed).not.toMatch(/[\u007f-\u009f]|[\p{Cf}\p{Zl}\p{Zp}]/u);
    }));
  });
});

import { describe, expect, it } from 'vitest';
import { oneLine, plainText } from '../../src/domain/plain-text.js';

describe('plainText', () => {
  it.each([
    { reason: 'ordinary text stays', text: 'etc/app.yaml\n\tzürich 🌍', plain: 'etc/app.yaml\n\tzürich 🌍' },
    { reason: 'colours go', text: '\u001b[1;31mred\u001b[0m', plain: 'red' },
    { reason: 'the cursor stays where it is', text: 'a\u001b[2Jb\u001b[1A\u001b[2Kc', plain: 'abc' },
    { reason: 'the one-character CSI counts too', text: 'a\u009b31mb', plain: 'ab' },
    { reason: 'a title or a link with BEL goes with its content', text: 'a\u001b]0;owned\u0007b', plain: 'ab' },
    { reason: 'and with ST', text: 'a\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\b', plain: 'alinkb' },
    { reason: 'an unfinished sequence does not swallow its escape', text: 'a\u001b', plain: 'a' },
    { reason: 'carriage return cannot overwrite a line', text: 'safe\rrm -rf', plain: 'saferm -rf' },
    { reason: 'NUL, BEL, backspace and DEL go', text: 'a\u0000b\u0007c\bd\u007fe', plain: 'abcde' },
    { reason: 'text is not turned round', text: 'invoice\u202efdp.exe', plain: 'invoicefdp.exe' },
    { reason: 'nothing is hidden between letters', text: 'pro\u200bd\u2066', plain: 'prod' },
    { reason: 'Windows line ends become one', text: 'a\r\nb', plain: 'a\nb' },
  ])('$reason', ({ text, plain }) => {
    expect(plainText(text)).toBe(plain);
  });
});

describe('oneLine', () => {
  it.each([
    { reason: 'lines are joined', text: 'a\nb\n\n  c ', limit: 20, line: 'a b c' },
    { reason: 'what fits is kept', text: 'abcde', limit: 5, line: 'abcde' },
    { reason: 'what does not is cut and says so', text: 'abcdef', limit: 5, line: 'abcd…' },
  ])('$reason', ({ text, limit, line }) => {
    expect(oneLine(text, limit)).toBe(line);
  });
});

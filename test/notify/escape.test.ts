import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chatCode, forChat, forHtml, forMarkdown, markdownCode } from '../../src/notify/escape.js';

const HOSTILE = [
  '<!channel> urgent', '<!here|everyone>', '<@U012345>', '@here @everyone', '@alice', '[click](http://evil.test)', '![x](http://evil.test/x.png)',
  '</script><script>alert(1)</script>', '<img src=x onerror=alert(1)>', '\u001b[2J\u001b]0;owned\u0007', '**bold** _it_ ~~no~~ `code`', '```\nout of the block',
  '# heading', '- item', '1. item', '| a | b |', 'https://evil.test', 'www.evil.test', '&lt;already&gt;', 'a\u202eb', '" onmouseover="x',
];

describe('forChat', () => {
  it.each(HOSTILE)('defuses %j', (text) => {
    const safe = forChat(text);
    expect(safe).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)|@\w|\u001b|\u202e/);
    expect(safe).not.toMatch(/([*_~`])(?!\u200b)/);
  });
});

describe('forMarkdown', () => {
  it.each(HOSTILE)('defuses %j', (text) => {
    const safe = forMarkdown(text);
    expect(safe).not.toMatch(/[<>]|@\w|\u001b|\u202e/);
    expect(safe.replace(/\\./g, '')).not.toMatch(/[\\`*_{}[\]()#+\-.!|~:]/);
  });

  it('leaves ordinary words as they are', () => {
    expect(forMarkdown('port should be 80 ✓')).toBe('port should be 80 ✓');
  });
});

describe('forHtml', () => {
  it.each(HOSTILE)('defuses %j', (text) => {
    expect(forHtml(text)).not.toMatch(/[<>"']|&(?!amp;|lt;|gt;|quot;|#39;)|\u001b/);
  });
});

describe('code blocks', () => {
  it('keep a command as it is pasted', () => {
    expect(markdownCode('holdfast approve prod/a_b#1 --plan 3f1c9a77')).toBe('```\nholdfast approve prod/a_b#1 --plan 3f1c9a77\n```');
  });

  it('five backticks are not two and three', () => {
    expect(markdownCode('`````').slice(3, -3)).not.toContain('```');
  });

  it('cannot be ended by what is in them, and call nobody in chat', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('`', 'a', '\n', '<', '!', '@', '>') }), (text) => {
      expect(markdownCode(text).slice(3, -3)).not.toContain('```');
      expect(chatCode(text)).not.toMatch(/[<>]/);
    }));
  });
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConfigError, formatConfigError } from '../../src/config/problem.js';
import { loadText, minimal } from './support.js';

const whole = minimal({
  environment: 'schedule: { cron: ["*/5 * * * *"], jitter: 5s }, timezone: Europe/London, vars: { a: 1 }, approvals: { remind: [1h] }, windows: [{ kind: deny, start: "0 9 * * *", duration: 8h }]',
  target: 'health: [{ type: http, url: "http://a/${vars.a}", expect: { body: "^ok" } }]\n    ignore: [{ resource: "etc/*", reason: x }]\n    overrides: { dev: { soak: 1m } }',
  more: 'notifications: { sinks: { ops: { type: webhook, url: "https://a/", secret: "${env:A}" } }, routes: [{ to: ops }] }\n',
});

const pieces = ['${', '}', '{', '[', ']', ':', '*', '&a ', '*a', '"', "'", '-', '\n', '  ', '!!', '\u0000', '💥', '0', '1e999', 'null', '? ', '|', '>', '#', '%', '@', '`', '\t', '__proto__', '\ud800'];

test('whatever is done to a configuration, it loads or says what is wrong, in lines a terminal survives', { timeout: 120_000 }, async () => {
  const edit = fc.record({ at: fc.nat(whole.length), remove: fc.nat(12), insert: fc.constantFrom(...pieces, '') });
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
      const text = edits.reduce((before, { at, remove, insert }) => before.slice(0, at) + insert + before.slice(at + remove), whole);
      const outcome = await loadText(text).catch((error: unknown) => error);
      if (!(outcome instanceof Error)) return;
      if (!(outcome instanceof ConfigError)) throw outcome;
      expect(outcome.problems.length).toBeGreaterThan(0);
      for (const problem of outcome.problems) {
        expect(problem.message).not.toBe('');
        expect(problem.remedy).not.toBe('');
      }
      expect(formatConfigError(outcome)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
    }),
    { numRuns: 400 },
  );
});

import { describe, expect, it } from 'vitest';
import type { Change } from '../../../src/domain/change.js';
import { whatChanged } from '../../../src/domain/deciding/since.js';
import { change } from '../build.js';

const port = change();
const motd = change({ resource: 'etc/motd', path: '@content', desired: 'a', actual: 'b' });
const secret = (revision: string): Change => change({ resource: 'etc/key', path: '@content', sensitive: true, revision });

describe('what changed since it was asked before', () => {
  it.each<{ reason: string; before: Change[]; now: Change[]; everything?: Change[]; text: string }>([
    { reason: 'nothing', before: [port], now: [port], text: '' },
    { reason: 'one came', before: [port], now: [port, motd], text: 'new: etc/motd @content' },
    { reason: 'one went', before: [port, motd], now: [port], text: 'gone: etc/motd @content' },
    { reason: 'one went into another question', before: [port, motd], now: [port], everything: [port, motd], text: '' },
    { reason: 'another value is live', before: [port], now: [change({ actual: 3 })], text: 'etc/app.yaml /port was 2, is 3' },
    { reason: 'another value is desired', before: [port], now: [change({ desired: 7 })], text: 'etc/app.yaml /port should have been 1, should be 7' },
    { reason: 'both', before: [port], now: [change({ desired: 7, actual: 3 })], text: 'etc/app.yaml /port was 2, is 3; etc/app.yaml /port should have been 1, should be 7' },
    { reason: 'it is missing now', before: [port], now: [change({ kind: 'missing', actual: undefined as never })], text: 'etc/app.yaml /port was changed, is missing; etc/app.yaml /port was 2, is absent' },
    { reason: 'something beside it is desired', before: [port], now: [change({ revision: 'r2' })], text: 'etc/app.yaml /port: something else is desired of it' },
    { reason: 'a secret is told without its value', before: [secret('r1')], now: [secret('r2')], text: 'etc/key @content is not as it was (sensitive)' },
    { reason: 'a secret that is as it was', before: [secret('r1')], now: [secret('r1')], text: '' },
    { reason: 'all of it at once', before: [port, motd], now: [change({ actual: 3 }), secret('r1')], text: 'new: etc/key @content; gone: etc/motd @content; etc/app.yaml /port was 2, is 3' },
  ])('$reason', ({ before, now, everything, text }) => {
    expect(whatChanged(before, now, everything)).toBe(text);
  });

  it('of many only the first are told', () => {
    const many = (actual: number): Change[] => Array.from({ length: 9 }, (_, index) => change({ path: `/port${index}`, actual }));
    expect(whatChanged(many(2), many(3))).toMatch(/is 3; and 4 more with other values$/);
  });
});

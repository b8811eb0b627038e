import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changesInBrief, driftMarkdown, planMarkdown } from '../../src/domain/describe.js';
import { change, plan } from './build.js';

describe('driftMarkdown', () => {
  it.each([
    { given: change(), line: '- `etc/app.yaml` `/port` is `2`, should be `1`', reason: 'a field' },
    { given: change({ kind: 'missing', path: '' }), line: '- `etc/app.yaml` is missing', reason: 'a whole file' },
    { given: change({ kind: 'unmanaged', path: '' }), line: '- `etc/app.yaml` is there and nobody asked for it', reason: 'an extra file' },
    { given: change({ sensitive: true }), line: '- `etc/app.yaml` `/port` differs (sensitive)', reason: 'a secret is never shown' },
    { given: change({ path: '@content' }), line: '- `etc/app.yaml` `@content` differs', reason: 'a digest says nothing to people' },
    { given: { ...change(), desired: undefined }, line: '- `etc/app.yaml` `/port` is `2`, should be absent', reason: 'a field that nobody asked for' },
  ])('$reason', ({ given, line }) => {
    expect(driftMarkdown([given], 0)).toBe(line);
  });

  it('names twenty and counts the rest', () => {
    const many = Array.from({ length: 10_000 }, (_, index) => change({ path: `/${index}` }));
    const text = driftMarkdown(many, 3);
    expect(text.split('\n')).toHaveLength(23);
    expect(text).toContain('- and 9980 more');
    expect(text).toContain('3 left out of the comparison.');
  });
});

/** Names of resources and values come from whoever can write where Holdfast looks. */
const HOSTILE = [
  { name: '`](https://evil.example) `', reason: 'ends the code and begins a link' },
  { name: '</code><script>alert(1)</script>', reason: 'markup' },
  { name: 'a\n## Approved by everybody\n', reason: 'a heading of its own' },
  { name: '\u001b]0;owned\u0007\u001b[2Jx', reason: 'commands to a terminal' },
  { name: 'etc/\u202egpj.exe', reason: 'text that runs backwards' },
  { name: '![](https://evil.example/x.png)', reason: 'a picture that reports who looks' },
  { name: '<!channel> @here', reason: 'a call to everybody' },
  { name: 'x'.repeat(100_000), reason: 'far too long' },
];

describe('hostile names', () => {
  it.each(HOSTILE)('stay inside one line of code: $reason', ({ name }) => {
    const text = driftMarkdown([change({ resource: name, path: name, actual: name, desired: name })], 0);
    expect(text).not.toContain('\n');
    expect(text.match(/`/g)).toHaveLength(8);
    expect(text.replace(/`[^`]*`/g, '')).toBe('-   is , should be ');
    expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
    expect(text.length).toBeLessThan(600);
  });

  it.each(HOSTILE)('act in no step of a plan: $reason', ({ name }) => {
    const text = planMarkdown(plan({ steps: [{ action: 'update', resource: name, summary: `write ${name}` }] }));
    const lines = text.split('\n');
    expect(lines).toHaveLength(3);
    const outside = (lines[2] ?? '').replace(/^1\. update `[^`]*`/, '');
    expect(outside).not.toMatch(/(?<!\\)[[\]<>`]/);
    expect(outside).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
  });

  it.each(HOSTILE)('are one short line in a message: $reason', ({ name }) => {
    const text = changesInBrief([{ resource: name, path: '' }]);
    expect(text).not.toContain('\n');
    expect(text.length).toBeLessThanOrEqual(120);
  });

  it('any text whatever leaves the lines of a picture as they are', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (resource, value) => {
      expect(driftMarkdown([change({ resource, path: '/x', actual: value.toWellFormed() })].map((each) => ({ ...each, actual: value })), 0).split('\n')).toHaveLength(1);
    }));
  });
});

describe('planMarkdown', () => {
  it('says what is done, step by step, with what makes it safe and its hash', () => {
    const made = plan();
    expect(planMarkdown(made).split('\n')).toEqual([
      `Plan \`${made.hash.slice(0, 12)}\`: 0 create, 1 update, 0 replace, 0 delete; staged as shadow, rollback exact`,
      '',
      '1. write etc/app.yaml',
    ]);
  });

  it('names twenty steps and counts the rest', () => {
    const steps = Array.from({ length: 500 }, (_, index) => ({ action: 'update' as const, resource: `f${index}`, summary: 'write' }));
    expect(planMarkdown(plan({ steps }))).toContain('and 480 more steps');
  });
});

it.each([
  { changes: [{ resource: 'a', path: '/x' }], brief: 'a /x' },
  { changes: [{ resource: 'a', path: '' }, { resource: 'b', path: '' }, { resource: 'c', path: '' }], brief: 'a, b, c' },
  { changes: ['a', 'b', 'c', 'd', 'e'].map((resource) => ({ resource, path: '' })), brief: 'a, b, c and 2 more' },
])('in brief: $brief', ({ changes, brief }) => {
  expect(changesInBrief(changes)).toBe(brief);
});

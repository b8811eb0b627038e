import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Difference } from '../../src/domain/change.js';
import { HoldfastError } from '../../src/domain/errors.js';
import type { Target } from '../../src/domain/target.js';
import { look } from '../../src/providers/look.js';
import type { Provider, ReadContext, Sight } from '../../src/providers/provider.js';

const TARGET: Target = {
  environment: 'prod', target: 'storefront', provider: 'fake', pool: 'prod', source: { type: 'folder', folder: '/desired' }, spec: {}, expect: { host: 'shop' },
  health: [], ignore: [], remediation: 'ask', soakMs: 0, settleMs: 0, blindAfterMs: 0, observeTimeoutMs: 0, after: [],
};

function ctx(signal = new AbortController().signal): ReadContext {
  const none = (): void => undefined;
  return { signal, heartbeat: none, log: { debug: none, info: none, warn: none, error: none }, workFolder: '/tmp', resolveSecret: async () => '' };
}

function difference(resource: string, path: string): Difference {
  return { resource, path, kind: 'changed', desired: 1, actual: 2, sensitive: false, revision: 'r', effect: 'update' };
}

function sight(differences: readonly Difference[], skipped: { resource: string; path: string; reason: string }[] = []): Sight {
  return { verdict: 'known', revision: 'tree', identity: { host: 'shop' }, differences, resources: 5, skipped };
}

function seeing(observe: () => Promise<Sight>): Provider {
  const never = (): never => { throw new Error('not called'); };
  return { name: 'fake', spec: z.unknown(), fencing: 'none', observe, plan: never, stage: never, finalize: never, rollback: never, cleanup: never };
}

const seen = (found: Sight, target: Target = TARGET): ReturnType<typeof look> => look(seeing(async () => found), target, { folder: '/desired', commit: 'c0ffee' }, ctx());

describe('a look', () => {
  it('sorts changes by resource, then path, and gives each a fingerprint', async () => {
    const observation = await seen(sight([difference('b', '/x'), difference('a', '/z'), difference('a', '/A')]));
    expect(observation).toMatchObject({ verdict: 'drifted', revision: 'tree', commit: 'c0ffee', resources: 5 });
    expect(observation.changes.map((change) => change.resource + change.path)).toEqual(['a/A', 'a/z', 'b/x']);
    for (const change of observation.changes) expect(change.fingerprint).toMatch(/^v1:[0-9a-f]{64}$/);
  });

  it.each([
    { ignore: [{ resource: 'etc/*', reason: 'r' }], left: ['b/x'], reason: 'a rule without a path takes the whole resource' },
    { ignore: [{ resource: '**', path: '/build/*', reason: 'r' }], left: ['b/x', 'etc/a@mode'], reason: 'a rule with a path takes what it matches' },
    { ignore: [{ resource: 'etc/a', path: '@mode', reason: 'r' }], left: ['b/x', 'etc/a/build/number'], reason: 'attributes are paths' },
    { ignore: [], left: ['b/x', 'etc/a/build/number', 'etc/a@mode'], reason: 'no rule takes nothing' },
  ])('ignores: $reason', async ({ ignore, left }) => {
    const observation = await seen(sight([difference('etc/a', '/build/number'), difference('etc/a', '@mode'), difference('b', '/x')]), { ...TARGET, ignore });
    expect(observation.changes.map((change) => change.resource + change.path)).toEqual(left);
    expect(observation.skipped).toHaveLength(3 - left.length);
  });

  it('is clean when all is ignored, and says what was', async () => {
    const observation = await seen(sight([difference('a', '/x')]), { ...TARGET, ignore: [{ resource: 'a', reason: 'set by CI' }] });
    expect(observation).toMatchObject({ verdict: 'clean', skipped: [{ resource: 'a', path: '/x', reason: 'set by CI' }] });
  });

  it('keeps what was skipped bounded, and counts the rest', async () => {
    const observation = await seen(sight([], Array.from({ length: 1500 }, (_, index) => ({ resource: String(index), path: '', reason: 'a pipe' }))));
    expect(observation.skipped).toHaveLength(1001);
    expect(observation.skipped.at(-1)?.reason).toBe('and 500 more');
  });

  const strangers: { expected: Record<string, string>; reason: RegExp }[] = [
    { expected: { host: 'other' }, reason: /host shop answered, and expect asks for other/ },
    { expected: { host: 'shop', account: '1' }, reason: /does not say its account/ },
    { expected: { constructor: 'x' }, reason: /does not say its constructor/ },
  ];
  it.each(strangers)('is unknown when $expected is expected', async ({ expected, reason }) => {
    const observation = await seen(sight([difference('a', '/x')]), { ...TARGET, expect: expected });
    expect(observation).toMatchObject({ verdict: 'unknown', changes: [], revision: '' });
    expect(observation.reason).toMatch(reason);
  });

  it.each([
    { error: new HoldfastError('Unreachable', 'the host does not answer', { remedy: 'start it' }), reason: 'the host does not answer. start it' },
    { error: new Error('first line\nsecond \u001b[31mline'), reason: 'first line second line' },
    { error: new Error(''), reason: 'the look failed without a reason' },
  ])('is unknown with one plain line when the provider fails: $reason', async ({ error, reason }) => {
    const observation = await look(seeing(async () => { throw error; }), TARGET, { folder: '/desired' }, ctx());
    expect(observation).toMatchObject({ verdict: 'unknown', reason, changes: [] });
  });

  it('is unknown under a rule that cannot be read, rather than without it', async () => {
    expect(await seen(sight([]), { ...TARGET, ignore: [{ resource: 'x'.repeat(1000), reason: 'r' }] })).toMatchObject({ verdict: 'unknown' });
  });

  it('throws only once it was cancelled', async () => {
    const controller = new AbortController();
    const provider = seeing(async () => {
      controller.abort();
      throw new Error('cut short');
    });
    await expect(look(provider, TARGET, { folder: '/desired' }, ctx(controller.signal))).rejects.toThrow('cut short');
  });
});

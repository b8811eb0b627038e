import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChangeClass } from '../../../src/domain/deciding/class.js';
import { isInShare, REMEDIATIONS, remediationOf, settingsOf, type RemediationInput } from '../../../src/domain/deciding/remediation.js';
import type { Remediation } from '../../../src/domain/target.js';

interface Row {
  readonly reason: string;
  readonly environment: RemediationInput & { readonly default: Remediation };
  readonly target?: RemediationInput;
  readonly of?: ChangeClass;
  readonly remediation: Remediation;
  readonly by: string;
}

function setting({ environment, target, of = 'configuration' }: Pick<Row, 'environment' | 'target' | 'of'>) {
  const settings = settingsOf({ environment: 'prod', target: 'storefront', provider: 'files', ofEnvironment: environment, ...(target === undefined ? {} : { ofTarget: target }) });
  return remediationOf({ remediation: settings.default.remediation, settings }, of);
}

describe('settingsOf', () => {
  it.each<Row>([
    { reason: 'a plain string', environment: { default: 'ask' }, remediation: 'ask', by: 'remediation: ask' },
    { reason: 'the target raises it', environment: { default: 'ask' }, target: { default: 'auto' }, remediation: 'auto', by: 'remediation of storefront: auto' },
    { reason: 'the target lowers it', environment: { default: 'auto' }, target: { default: 'observe' }, remediation: 'observe', by: 'remediation of storefront: observe' },
    { reason: 'the class is trusted', environment: { default: 'ask', classes: { metadata: 'auto' } }, of: 'metadata', remediation: 'auto', by: 'remediation.classes.metadata of prod: auto' },
    { reason: 'another class is not', environment: { default: 'ask', classes: { metadata: 'auto' } }, of: 'exposure', remediation: 'ask', by: 'remediation: ask' },
    { reason: 'the provider is trusted', environment: { default: 'ask', providers: { files: 'auto' } }, remediation: 'auto', by: 'remediation.providers.files of prod: auto' },
    { reason: 'another provider is not', environment: { default: 'ask', providers: { postgres: 'auto' } }, remediation: 'ask', by: 'remediation: ask' },
    { reason: 'the class restricts what the provider may', environment: { default: 'ask', providers: { files: 'auto' }, classes: { exposure: 'ask' } }, of: 'exposure', remediation: 'ask', by: 'remediation.classes.exposure of prod: ask' },
    { reason: 'the provider restricts what the class may', environment: { default: 'ask', providers: { files: 'observe' }, classes: { metadata: 'auto' } }, of: 'metadata', remediation: 'observe', by: 'remediation.providers.files of prod: observe' },
    { reason: 'no class raises a target that says observe', environment: { default: 'ask', classes: { metadata: 'auto' } }, target: { default: 'observe' }, of: 'metadata', remediation: 'observe', by: 'remediation of storefront: observe' },
    { reason: 'unless the target says so of the class itself', environment: { default: 'ask' }, target: { default: 'observe', classes: { metadata: 'auto' } }, of: 'metadata', remediation: 'auto', by: 'remediation.classes.metadata of storefront: auto' },
    { reason: 'a class that the environment only observes is raised by no target', environment: { default: 'auto', classes: { data: 'observe' } }, target: { default: 'auto' }, of: 'data', remediation: 'observe', by: 'remediation.classes.data of prod: observe' },
    { reason: 'a target on the list', environment: { default: 'auto', share: { targets: ['storefront'] } }, remediation: 'auto', by: 'remediation: auto' },
    { reason: 'a target that is not on the list asks', environment: { default: 'auto', share: { targets: ['other'] } }, remediation: 'ask', by: 'remediation.auto.targets of prod: storefront is not among the targets that it repairs by itself' },
    { reason: 'none of a hundred', environment: { default: 'auto', share: { percent: 0 } }, remediation: 'ask', by: 'remediation.auto.targets of prod: storefront is not among the 0% that it repairs by itself' },
    { reason: 'all of a hundred', environment: { default: 'auto', share: { percent: 100 } }, remediation: 'auto', by: 'remediation: auto' },
    { reason: 'the share lowers no question', environment: { default: 'ask', share: { targets: ['other'] } }, remediation: 'ask', by: 'remediation: ask' },
  ])('$remediation: $reason', ({ environment, target, of, remediation, by }) => {
    expect(setting({ environment, ...(target === undefined ? {} : { target }), ...(of === undefined ? {} : { of }) })).toEqual({ remediation, by });
  });

  it('never says more than any setting that speaks of it', () => {
    const mode = fc.constantFrom(...REMEDIATIONS);
    const maybe = fc.option(mode, { nil: undefined });
    fc.assert(fc.property(mode, fc.tuple(maybe, maybe, maybe, maybe), (fallback, [ofClass, ofProvider, target, targetClass]) => {
      const environment = { default: fallback, ...(ofClass === undefined ? {} : { classes: { data: ofClass } }), ...(ofProvider === undefined ? {} : { providers: { files: ofProvider } }) };
      const own = { ...(target === undefined ? {} : { default: target }), ...(targetClass === undefined ? {} : { classes: { data: targetClass } }) };
      const rank = (some: Remediation | undefined): number => (some === undefined ? 9 : REMEDIATIONS.indexOf(some));
      const found = rank(setting({ environment, target: own, of: 'data' }).remediation);
      for (const said of [ofClass, ofProvider, targetClass ?? target]) expect(found).toBeLessThanOrEqual(rank(said));
    }));
  });
});

describe('isInShare', () => {
  const address = fc.record({ environment: fc.constantFrom('dev', 'prod'), target: fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/) });

  it('only adds as it grows', () => {
    fc.assert(fc.property(address, fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 }), (where, one, other) => {
      const [less, more] = [Math.min(one, other), Math.max(one, other)];
      if (isInShare({ percent: less }, where)) expect(isInShare({ percent: more }, where)).toBe(true);
    }));
  });

  it.each([1, 10, 50, 90])('takes about %i of a hundred', (percent) => {
    const targets = Array.from({ length: 10_000 }, (_, index) => ({ environment: 'prod', target: `service-${index}` }));
    const taken = targets.filter((each) => isInShare({ percent }, each)).length / 100;
    expect(Math.abs(taken - percent)).toBeLessThan(1.5);
  });

  it('takes the same ones in every release', () => {
    const taken = Array.from({ length: 20 }, (_, index) => `service-${index}`).filter((target) => isInShare({ percent: 25 }, { environment: 'prod', target }));
    expect(taken).toMatchInlineSnapshot(`
      [
        "service-9",
        "service-13",
        "service-16",
        "service-18",
        "service-19",
      ]
    `);
  });
});

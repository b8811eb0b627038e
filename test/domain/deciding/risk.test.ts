import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Difference } from '../../../src/domain/change.js';
import { CLASSES } from '../../../src/domain/deciding/class.js';
import type { PlanFacts, Risk } from '../../../src/domain/deciding/decision.js';
import { RISKS, riskInputs, riskOf, riskText } from '../../../src/domain/deciding/risk.js';
import { change, target } from '../build.js';

interface Named extends Partial<Difference> {
  readonly name: string;
  readonly risk: Risk;
  readonly provider: 'files' | 'opentofu' | 'kubernetes' | 'postgres';
  readonly tier?: string;
  readonly plan?: Partial<PlanFacts>;
}

const MANY: PlanFacts['blastRadius'] = { create: 0, update: 0, replace: 0, delete: 0 };

function facts({ resources = 1, staging = 'shadow', rollback = 'exact', ...rest }: Partial<PlanFacts>): PlanFacts {
  return { blastRadius: { ...MANY, update: resources }, resources, staging, rollback, fencing: 'conditional', ...rest };
}

/**
 * Thirty changes, least risky first. This order came before the formula: whoever changes a number of
 * the formula has to keep it, and whoever finds it wrong changes it here first.
 */
const THIRTY: readonly Named[] = [
  { name: 'an autoscaler set the replicas of a deployment', risk: 'low', provider: 'kubernetes', resource: 'Deployment/shop/api', path: '/spec/replicas', by: 'horizontal-pod-autoscaler', tier: 'critical' },
  { name: 'a label says another team, in a sandbox', risk: 'low', provider: 'kubernetes', resource: 'Deployment/shop/api', path: '/metadata/labels/team', tier: 'sandbox' },
  { name: 'a tag of an instance is gone', risk: 'low', provider: 'opentofu', resource: 'aws_instance.web', path: '/tags/Owner', plan: { staging: 'saved-plan' } },
  { name: 'a template of an experiment was edited by hand', risk: 'low', provider: 'files', resource: 'templates/index.html', path: '@content', tier: 'experimental' },
  { name: 'a comment on a table of the most critical database', risk: 'low', provider: 'postgres', resource: 'table:public.orders', path: '@comment', tier: 'critical' },
  { name: 'the page of a shop was edited by hand', risk: 'low', provider: 'files', resource: 'templates/index.html', path: '@content' },
  { name: 'the log level of a service', risk: 'low', provider: 'files', resource: 'etc/app.yaml', path: '/log/level' },
  { name: 'the image of a deployment, put back by its revision', risk: 'low', provider: 'kubernetes', resource: 'Deployment/shop/api', path: '/spec/template/spec/containers/0/image', plan: { rollback: 'previous-revision', staging: 'dry-run' } },
  { name: 'a page that nobody asked for is removed, and can come back', risk: 'medium', provider: 'files', resource: 'templates/old.html', path: '', kind: 'unmanaged', effect: 'delete' },
  { name: 'how many workers a service has', risk: 'medium', provider: 'files', resource: 'etc/limits.json', path: '/workers' },
  { name: 'the log level of the most critical service', risk: 'medium', provider: 'files', resource: 'etc/app.yaml', path: '/log/level', tier: 'critical' },
  { name: 'the log level of twenty services', risk: 'medium', provider: 'files', resource: 'etc/app.yaml', path: '/log/level', plan: { resources: 20 } },
  { name: 'a person scaled a deployment', risk: 'medium', provider: 'kubernetes', resource: 'Deployment/shop/api', path: '/spec/replicas', by: 'alice', plan: { rollback: 'previous-revision', staging: 'dry-run' } },
  { name: 'how long backups are kept', risk: 'medium', provider: 'opentofu', resource: 'aws_db_instance.main', path: '/backup_retention_period', plan: { staging: 'saved-plan' } },
  { name: 'the least number of machines behind the most critical service', risk: 'medium', provider: 'opentofu', resource: 'aws_autoscaling_group.web', path: '/min_size', tier: 'critical' },
  { name: 'a password of a role', risk: 'medium', provider: 'postgres', resource: 'role:reporting', path: '/password', sensitive: true, plan: { staging: 'transaction' } },
  { name: 'a rule of a firewall in a sandbox, with the old rules kept', risk: 'medium', provider: 'opentofu', resource: 'aws_security_group.lab', path: '/ingress/0/cidr_blocks', tier: 'sandbox', plan: { staging: 'saved-plan', rollback: 'previous-revision' } },
  { name: 'the tables of an important database are no longer vacuumed and archived', risk: 'medium', provider: 'postgres', resource: 'setting:archive_mode', path: '/value', tier: 'high', plan: { staging: 'transaction', rollback: 'previous-revision' } },
  { name: 'an instance is replaced to change its size', risk: 'high', provider: 'opentofu', resource: 'aws_instance.web', path: '/instance_type', effect: 'replace', plan: { staging: 'saved-plan', rollback: 'previous-revision' } },
  { name: 'everybody may read the configuration file of a service', risk: 'high', provider: 'files', resource: 'etc/app.yaml', path: '@mode', desired: '0640', actual: '0666' },
  { name: 'a service listens to every address', risk: 'high', provider: 'files', resource: 'etc/app.yaml', path: '/listen/host', desired: '127.0.0.1', actual: '0.0.0.0' },
  { name: 'a container runs as root of the machine', risk: 'high', provider: 'kubernetes', resource: 'Deployment/shop/api', path: '/spec/template/spec/containers/0/securityContext/privileged', plan: { staging: 'dry-run', rollback: 'previous-revision' } },
  { name: 'a firewall lets everybody in', risk: 'high', provider: 'opentofu', resource: 'aws_security_group.web', path: '/ingress/0/cidr_blocks', desired: ['10.0.0.0/8'], actual: ['0.0.0.0/0'], plan: { staging: 'saved-plan', rollback: 'previous-revision' } },
  { name: 'a volume of an important database is smaller, with no way back', risk: 'high', provider: 'kubernetes', resource: 'PersistentVolumeClaim/shop/db', path: '/spec/resources/requests/storage', tier: 'high', plan: { staging: 'dry-run', rollback: 'forward-only' } },
  { name: 'a role may do everything in the most critical database', risk: 'critical', provider: 'postgres', resource: 'role:reporting', path: '/superuser', tier: 'critical', plan: { staging: 'transaction' } },
  { name: 'the most critical service is reached by everybody', risk: 'critical', provider: 'opentofu', resource: 'aws_security_group.web', path: '/ingress/0/cidr_blocks', actual: ['0.0.0.0/0'], tier: 'critical' },
  { name: 'a grant that nobody asked for is taken away', risk: 'critical', provider: 'postgres', resource: 'grant:reporting', path: '', kind: 'unmanaged', effect: 'delete', tier: 'high', plan: { staging: 'transaction' } },
  { name: 'a bucket is replaced, and what it held is gone', risk: 'critical', provider: 'opentofu', resource: 'aws_s3_bucket.orders', path: '/bucket', effect: 'replace', tier: 'high', plan: { staging: 'saved-plan', rollback: 'forward-only' } },
  { name: 'an unmanaged table of the most critical database is dropped', risk: 'critical', provider: 'postgres', resource: 'table:public.orders_old', path: '', kind: 'unmanaged', effect: 'delete', tier: 'critical', plan: { staging: 'transaction', rollback: 'forward-only' } },
  { name: 'forty firewall rules of the most critical network are replaced, with no way back', risk: 'critical', provider: 'opentofu', resource: 'aws_security_group.web', path: '/name', effect: 'replace', tier: 'critical', plan: { resources: 40, staging: 'saved-plan', rollback: 'forward-only' } },
];

function assess({ name: _, risk: __, provider, tier, plan, ...of }: Named) {
  return riskOf({ target: target({ provider, ...(tier === undefined ? {} : { intent: { tier } }) }), change: change(of), ...(plan === undefined ? {} : { plan: facts(plan) }) });
}

describe('the thirty', () => {
  it('are thirty', () => {
    expect(new Set(THIRTY.map((each) => each.name)).size).toBe(30);
  });

  it.each(THIRTY)('$risk: $name', (named) => {
    expect(riskText(assess(named))).toMatch(new RegExp(`^${named.risk}, `));
  });

  it.each(THIRTY.slice(1).map((higher, index) => ({ lower: THIRTY[index] ?? higher, higher })))('$higher.name is no less than: $lower.name', ({ lower, higher }) => {
    expect(assess(higher).score).toBeGreaterThanOrEqual(assess(lower).score);
  });
});

describe('riskOf', () => {
  it('shows its parts', () => {
    const assessed = riskOf({ target: target(), change: change({ path: '/listen/host', actual: '0.0.0.0' }), plan: facts({ resources: 5 }) });
    expect(riskText(assessed)).toBe('high, 47.4: exposure 24 × 5 resources 1.58 × tier not said 1.25 × update, taken back exactly 1');
    expect(riskInputs(assessed)).toMatchObject({ score: 47.4, class: { value: 'exposure', factor: 24 }, blastRadius: { factor: 1.58 } });
  });

  it.each([
    { tier: undefined, over: 'standard', reason: 'nobody said that it matters little' },
    { tier: 'wichtig', over: 'low', reason: 'a word that is not known is not the lowest' },
    { tier: '', over: 'low', reason: 'an empty word says nothing' },
  ])('a tier of $tier counts more than $over: $reason', ({ tier, over }) => {
    const score = (word: string | undefined): number => riskOf({ target: target(word === undefined ? {} : { intent: { tier: word } }), change: change() }).score;
    expect(score(tier)).toBeGreaterThan(score(over));
  });

  const anyFacts = fc.record({
    resources: fc.integer({ min: 1, max: 10_000 }), staging: fc.constantFrom('shadow', 'transaction', 'saved-plan', 'canary', 'dry-run'), rollback: fc.constantFrom('exact', 'previous-revision', 'forward-only'),
  }).map((some): PlanFacts => facts(some as Partial<PlanFacts>));
  const anyChange = fc.record({
    path: fc.constantFrom('/port', '@mode', '/workers', '/password', '/backup', '@comment', '/listen', '/timestamp'), effect: fc.constantFrom('create', 'update', 'replace', 'delete'), sensitive: fc.boolean(),
  }).map((some) => change(some as Partial<Difference>));
  const anyTier = fc.constantFrom(undefined, 'low', 'standard', 'high', 'critical', 'odd');
  const of = (tier: string | undefined) => target(tier === undefined ? {} : { intent: { tier } });

  it('grows with what is touched', () => {
    fc.assert(fc.property(anyChange, anyTier, anyFacts, fc.integer({ min: 1, max: 1000 }), (some, tier, plan, more) => {
      const wider = { ...plan, resources: plan.resources + more, blastRadius: { ...plan.blastRadius, update: plan.blastRadius.update + more } };
      expect(riskOf({ target: of(tier), change: some, plan: wider }).score).toBeGreaterThanOrEqual(riskOf({ target: of(tier), change: some, plan }).score);
    }));
  });

  it('grows with the tier', () => {
    fc.assert(fc.property(anyChange, anyFacts, (some, plan) => {
      const scores = ['low', 'standard', 'odd', 'high', 'critical'].map((tier) => riskOf({ target: of(tier), change: some, plan }).score);
      expect(scores).toEqual([...scores].sort((a, b) => a - b));
    }));
  });

  it('grows as the way back gets worse, and a plan never makes it less than it was without', () => {
    fc.assert(fc.property(anyChange, anyTier, anyFacts, (some, tier, plan) => {
      const scores = (['exact', 'previous-revision', 'forward-only'] as const).map((rollback) => riskOf({ target: of(tier), change: some, plan: { ...plan, rollback } }).score);
      expect(scores).toEqual([...scores].sort((a, b) => a - b));
      expect(scores[0]).toBeGreaterThanOrEqual(riskOf({ target: of(tier), change: some }).score);
    }));
  });

  it('grows with what the repair takes away', () => {
    fc.assert(fc.property(anyTier, anyFacts, (tier, plan) => {
      const scores = (['update', 'replace', 'delete'] as const).map((effect) => riskOf({ target: of(tier), change: change({ path: '/port', effect }), plan }).score);
      expect(scores).toEqual([...scores].sort((a, b) => a - b));
    }));
  });

  it('falls along the order of the classes', () => {
    const samples: Readonly<Record<(typeof CLASSES)[number], Partial<Difference>>> = {
      exposure: { path: '/listen' }, privilege: { path: '@mode' }, identity: { path: '/x', sensitive: true }, data: { path: '/backup' }, availability: { path: '/workers' },
      configuration: { path: '/port' }, content: { resource: 'a.html', path: '@content' }, metadata: { path: '/description' }, noise: { path: '/timestamp' },
    };
    const assessed = CLASSES.map((each) => riskOf({ target: of('standard'), change: change(samples[each]) }));
    expect(assessed.map((each) => each.class.value)).toEqual(CLASSES);
    expect(assessed.map((each) => each.score)).toEqual(assessed.map((each) => each.score).sort((a, b) => b - a));
  });

  it('names a risk no lower than that of a lower score', () => {
    fc.assert(fc.property(fc.tuple(anyChange, anyTier), anyFacts, fc.tuple(anyChange, anyTier), ([one, tier], plan, [other, otherTier]) => {
      const [a, b] = [riskOf({ target: of(tier), change: one, plan }), riskOf({ target: of(otherTier), change: other })].sort((x, y) => x.score - y.score);
      expect(RISKS.indexOf(a?.risk ?? 'low')).toBeLessThanOrEqual(RISKS.indexOf(b?.risk ?? 'low'));
    }));
  });
});

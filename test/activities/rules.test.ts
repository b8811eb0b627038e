import { describe, expect, it } from 'vitest';
import type { DecideChange } from '../../src/domain/deciding/decision.js';
import { deciderOf } from '../../src/policy/decide.js';
import { givenOf, recordedIn } from '../../src/policy/recorded.js';
import { replay } from '../../src/policy/replay.js';
import type { RuleFile } from '../../src/policy/rule.js';
import { decideGiven } from '../../src/policy/testing.js';
import { change, decisionInput } from '../domain/build.js';
import { rule } from '../policy/rules.js';
import { openBench } from './bench.js';

const STAMP = rule({ name: 'stamps', on: { path: ['/stamp'] }, decision: 'accept', message: 'a timestamp that the build writes' });
const files = (...rules: RuleFile['rules']): readonly RuleFile[] => [{ name: 'rules.yaml', rules, tests: [] }];

describe('what a rule accepts', () => {
  it('opens nothing, tells nobody, and is recorded once for its field, whatever its value', async () => {
    const bench = await openBench({ policies: files(STAMP) });
    bench.desire('etc/app.json', '{"port": 1, "stamp": "a"}\n');
    for (const stamp of ['b', 'c', 'd']) {
      bench.write('etc/app.json', `{"port": 1, "stamp": "${stamp}"}\n`);
      expect(await bench.check()).toMatchObject({ drifted: 1 });
      bench.later(60_000);
    }
    expect(await bench.ledger.incident({ environment: 'prod', target: 'storefront' })).toBeUndefined();
    expect(bench.told).toEqual([]);
    const decided = await bench.entries('decided');
    expect(decided.map((entry) => entry.data)).toEqual([{ decision: 'accept', rule: 'stamps (rules.yaml:stamps)', reason: 'a timestamp that the build writes', fields: ['etc/app.json /stamp'] }]);
  });

  it('leaves the other changes of its target to be decided', async () => {
    const bench = await openBench({ policies: files(STAMP) });
    bench.desire('etc/app.json', '{"port": 1, "stamp": "a"}\n');
    bench.write('etc/app.json', '{"port": 2, "stamp": "b"}\n');
    expect(await bench.check()).toMatchObject({ opened: ['storefront'] });
    const { parts } = await bench.assess();
    expect(parts.map((part) => ({ decision: part.decision, changes: part.changes }))).toEqual([{ decision: 'remediate', changes: 1 }]);
  });

  it('is asked about once the rule is gone', async () => {
    const policies = [...files(STAMP)];
    const bench = await openBench({ policies });
    bench.desire('etc/app.json', '{"stamp": "a"}\n');
    bench.write('etc/app.json', '{"stamp": "b"}\n');
    await bench.check();
    const without = { ...bench.config, policies: [] };
    expect(await bench.run('observe', { environment: 'prod', targets: ['storefront'], commits: {} }, { workflowId: 'check/prod', workflowType: 'checkEnvironment', worker: { config: () => Promise.resolve(without) } })).toMatchObject({ opened: ['storefront'] });
  });
});

describe('what was decided', () => {
  it('is on record for each change, with what was known, so that it can be decided again', async () => {
    const asking = rule({ name: 'ports', decision: 'ask', risk: 'high', when: 'change.path == "/port"', message: 'ports are asked about' });
    const trial = rule({ name: 'trial', decision: 'hold', shadow: true, when: 'plan.resources > 0' });
    const bench = await openBench({ policies: files(asking, trial) });
    bench.desire('etc/app.json', '{"port": 1}\n');
    bench.write('etc/app.json', '{"port": 2}\n');
    await bench.check();
    const { parts } = await bench.assess();
    expect(parts).toMatchObject([{ decision: 'ask', risk: 'high', rules: ['ports (rules.yaml:ports)'], reason: 'ports are asked about' }]);
    expect((await bench.ledger.incident({ environment: 'prod', target: 'storefront' }))?.parts).toMatchObject([{ trials: ['trial (rules.yaml:trial) would say hold of 1 change: rule trial says hold'] }]);
    const [entry] = await bench.entries('assessed');
    const [target] = bench.config.targets;
    const [environment] = bench.config.environments;
    if (entry === undefined || target === undefined || environment === undefined) throw new Error('nothing is on record');
    const [recorded] = recordedIn({ data: entry.data, at: entry.at, target, environment });
    expect(recorded).toMatchObject({
      was: { decision: 'ask', risk: 'high', inputs: { looked: { 'change.path': '/port' } }, shadow: [{ rule: 'trial (rules.yaml:trial)', decision: 'hold' }] },
      input: { change: { resource: 'etc/app.json', path: '/port', desired: 1, actual: 2 }, plan: { resources: 1 }, baseline: 'healthy', target: { remediation: 'auto' } },
    });
    expect(recorded?.input === undefined ? undefined : decideGiven(deciderOf(bench.config), recorded.input)).toMatchObject({ decision: 'ask', risk: 'high', rules: ['ports (rules.yaml:ports)'] });
  });

  it('of a part of many changes is decided again in full, with what their stored plan says of those that the entry does not', async () => {
    const bench = await openBench({ policies: files(rule({ name: 'ports', decision: 'ask', when: 'change.path.startsWith("/port")' })) });
    const values = (from: number): string => `${JSON.stringify(Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`port${index}`, from + index])))}\n`;
    bench.desire('etc/app.json', values(0));
    bench.write('etc/app.json', values(1));
    await bench.check();
    expect((await bench.assess()).parts).toMatchObject([{ decision: 'ask', changes: 150 }]);
    const [target] = bench.config.targets;
    const [environment] = bench.config.environments;
    const again = (decide: DecideChange) => replay(bench.ledger.entries({ kinds: ['assessed'] }), {
      decide, find: () => (target === undefined || environment === undefined ? undefined : { target, environment }),
      changesOf: async (hash) => (await bench.ledger.plan(hash))?.changes,
    });
    expect(await again(deciderOf(bench.config))).toMatchObject({ decided: 150, same: 150, notKept: 0 });
    const last = rule({ name: 'last', decision: 'hold', when: 'change.path == "/port149" && change.desired == 149' });
    expect(await again(deciderOf({ policies: files(last) }))).toMatchObject({ decided: 150, moved: { length: 150 }, counts: { 'ask → remediate': 149, 'ask → hold': 1 } });
  });

  it('is bounded, and keeps nothing sensitive', () => {
    const long = decisionInput({ change: change({ desired: 'x'.repeat(2_001) }) });
    const secret = decisionInput({ change: { ...change(), sensitive: true, desired: 'hunter2', actual: 'hunter3' } });
    const many = Array.from({ length: 500 }, () => decisionInput({ change: change({ desired: 'y'.repeat(1_900) }) }));
    const [first, second, third, ...rest] = givenOf([long, undefined, secret, ...many]);
    expect([first, second]).toEqual([undefined, undefined]);
    expect(JSON.stringify(third)).not.toContain('hunter');
    expect(JSON.stringify(rest.filter((each) => each !== undefined)).length).toBeLessThan(210_000);
  });
});

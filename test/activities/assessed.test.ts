import { describe, expect, it } from 'vitest';
import { isJsonObject } from '../../src/domain/json.js';
import { FIRST, only, openBench, openIncident, SHOP } from './bench.js';

describe('what was decided', () => {
  it('is on record for each change, with what was looked at, before anybody is asked', async () => {
    const on = await openBench({ target: { remediation: 'ask' } });
    const part = await openIncident(on);
    const entries = (await on.entries()).filter((entry) => entry.incident === 1).map((entry) => entry.kind);
    expect(entries.indexOf('assessed')).toBeLessThan(entries.indexOf('asked'));
    const { data } = only(await on.entries('assessed'));
    expect(data).toMatchObject({ part: 1, plan: part.plan, decision: 'ask', classes: { configuration: 1 } });
    const [change] = data['changes'] as never[];
    expect(change).toMatchObject({ resource: 'etc/app.yaml', path: '/port', decision: 'ask', would: { decision: 'remediate' }, inputs: { type: 'file', risk: { score: 8.3, tier: { value: 'tier not said' } } } });
  });

  it('of what is only observed says what would be done, by which rules, and does nothing', async () => {
    const on = await openBench({ target: { remediation: 'observe' } });
    on.write('left-behind.bak', 'old\n');
    on.write('etc/app.yaml', 'port: 9\nhost: a\n');
    await on.check();
    const { parts } = await on.assess();
    expect(parts.map((part) => [part.decision, part.changes])).toEqual([['hold', 1], ['hold', 1]]);
    expect((await on.entries('assessed')).map(({ data }) => [data['decision'], data['would']])).toEqual([['hold', 'ask'], ['hold', 'remediate']]);
    const row = await on.ledger.incident(SHOP, 1);
    expect(row?.parts).toMatchObject([{ would: 'ask', because: 'this target is only observed' }, { would: 'remediate', classes: { configuration: 1 }, riskOf: '8.3 = configuration 6 × 1 resource 1 × tier not said 1.25 × update, taken back exactly 1.1' }]);
    expect(await on.ledger.intents({ incident: FIRST })).toEqual([]);
    expect(on.told).toEqual([]);
  });

  it('of what is only observed and would be too much says that a person would be asked', async () => {
    const on = await openBench({ target: { remediation: 'observe' }, environment: { limits: { concurrent: 2, reads: 4, resources: { max: 1, percent: 1 } } } });
    on.write('etc/motd', 'hacked\n');
    on.write('etc/app.yaml', 'port: 9\nhost: a\n');
    await on.check();
    await on.assess();
    expect(only(await on.entries('assessed')).data).toMatchObject({ decision: 'hold', would: 'ask' });
  });

  it('of what is only observed says which gate would hold it', async () => {
    const on = await openBench({ target: { remediation: 'observe' } });
    await on.ledger.closeGate({ scope: 'prod', gate: 'freeze', by: 'alice', reason: 'launch', at: on.at() });
    await openIncident(on);
    expect(only(await on.entries('assessed')).data).toMatchObject({ would: 'remediate', gate: 'freeze' });
  });

  it('holds no secret', async () => {
    const on = await openBench({ target: { remediation: 'ask' } });
    await openIncident(on, (each) => { each.write('etc/app.yaml', 'port: 1\nhost: a\npassword: canary-7f3a\n'); });
    const { data } = only(await on.entries('assessed'));
    expect(isJsonObject(data) && JSON.stringify(data)).toContain('identity');
    expect(JSON.stringify(data)).not.toContain('canary-7f3a');
  });
});

import { describe, expect, it } from 'vitest';
import { errorOf, loadText, minimal, shown } from './support.js';

const NOW = new Date('2026-11-02T09:00:00.000Z');

function withTarget(target: string): string {
  return minimal({ target });
}

async function warned(target: string): Promise<readonly string[]> {
  return (await loadText(withTarget(target), { now: NOW })).warnings.map(({ where, message }) => `${where}: ${message}`);
}

describe('accept in the configuration', () => {
  it('is read with its date as an instant', async () => {
    const { targets } = await loadText(withTarget('accept: [{ resource: "etc/*", path: /limits/rps, until: 2031-12-31, reason: campaign, by: alice, ticket: OPS-12 }]'), { now: NOW });
    expect(targets[0]?.accept).toEqual([{ resource: 'etc/*', path: '/limits/rps', until: '2031-12-31T00:00:00.000Z', reason: 'campaign', by: 'alice', ticket: 'OPS-12' }]);
  });

  it('that has lapsed refuses nothing, and is warned of', async () => {
    expect(await warned('accept: [{ resource: a, until: 2026-11-01, reason: x, by: alice }, { resource: b, until: 2026-11-03, reason: x, by: alice }]')).toEqual([
      'targets.web.accept[0]: has lapsed: 2026-11-01T00:00:00.000Z (by "alice") has passed; its changes are asked about again, and the rule can be removed',
    ]);
  });

  it('of an override takes the place of the list, as every list does', async () => {
    const { targets } = await loadText(withTarget('accept: [{ resource: a, until: 2031-01-01, reason: x, by: alice }]\n    overrides: { dev: { accept: [{ resource: b, until: 2031-01-01, reason: y, by: bob }] } }'), { now: NOW });
    expect(targets[0]?.accept?.map((rule) => rule.resource)).toEqual(['b']);
  });

  it.each<{ reason: string; rule: string; says: RegExp }>([
    { reason: 'without an end', rule: '{ resource: a, reason: x, by: alice }', says: /accept\[0\]\.until is missing/ },
    { reason: 'without who says so', rule: '{ resource: a, reason: x, until: 2031-01-01 }', says: /accept\[0\]\.by is missing/ },
    { reason: 'without why', rule: '{ resource: a, by: alice, until: 2031-01-01 }', says: /accept\[0\]\.reason is missing/ },
    { reason: 'with an end that is no date', rule: '{ resource: a, reason: x, by: alice, until: next week }', says: /accept\[0\]\.until: expected a date/ },
    { reason: '30 February', rule: '{ resource: a, reason: x, by: alice, until: 2031-02-30 }', says: /accept\[0\]\.until: expected a date/ },
    { reason: 'a regular expression', rule: '{ resource: "(a+)+$", reason: x, by: alice, until: 2031-01-01 }', says: /looks like a regular expression/ },
    { reason: 'a key that is mistyped', rule: '{ resource: a, reason: x, by: alice, untill: 2031-01-01 }', says: /unknown key "untill"[\s\S]*"until"/ },
  ])('is refused: $reason', async ({ rule, says }) => {
    expect(shown(await errorOf(withTarget(`accept: [${rule}]`)))).toMatch(says);
  });

  it('on resources is heard only where an environment says so', async () => {
    const heard = await loadText(minimal({ environment: 'acceptFromResources: true' }));
    expect(heard.environments[0]).toMatchObject({ acceptFromResources: true });
    expect((await loadText(minimal())).environments[0]).not.toHaveProperty('acceptFromResources');
  });
});

describe('intent', () => {
  it('is kept, with its stakeholders as a list and keys of one’s own', async () => {
    const { targets, warnings } = await loadText(withTarget('intent: { purpose: web shop, stakeholders: team-web, tier: critical, horizon: 2031-01-01, runbook: "https://example.com/shop", costCentre: "4711" }'), { now: NOW });
    expect(targets[0]?.intent).toEqual({ purpose: 'web shop', stakeholders: ['team-web'], tier: 'critical', horizon: '2031-01-01', runbook: 'https://example.com/shop', costCentre: '4711' });
    expect(warnings).toEqual([]);
  });

  it.each<{ reason: string; intent: string; says: RegExp }>([
    { reason: 'a tier that risk does not know names the nearest', intent: '{ tier: critcal }', says: /^targets\.web\.intent\.tier: "critcal" is no tier that the risk of a change knows: did you mean "critical"\?$/ },
    { reason: 'a horizon that has passed', intent: '{ horizon: 2026-01-01 }', says: /^targets\.web\.intent\.horizon: "2026-01-01" has passed: is it still needed\?$/ },
  ])('is warned of: $reason', async ({ intent, says }) => {
    const [only, ...more] = await warned(`intent: ${intent}`);
    expect(only).toMatch(says);
    expect(more).toEqual([]);
  });

  it('may say its horizon in words', async () => {
    expect(await warned('intent: { horizon: until the old data centre is closed }')).toEqual([]);
  });

  it.each<{ reason: string; intent: string; says: RegExp }>([
    { reason: 'a slip', intent: '{ purpos: shop }', says: /intent\.purpos: looks like a slip for purpose/ },
    { reason: 'a number of stakeholders', intent: '{ stakeholders: 5 }', says: /expected a list of who is concerned/ },
    { reason: 'an empty purpose', intent: '{ purpose: "" }', says: /expected some text/ },
    { reason: 'a text', intent: 'a web shop', says: /intent: expected keys with values/ },
  ])('is refused: $reason', async ({ intent, says }) => {
    expect(shown(await errorOf(withTarget(`intent: ${intent}`)))).toMatch(says);
  });
});

import { describe, expect, it } from 'vitest';
import { errorOf, lines, loadText } from './support.js';

/** Two targets in three environments; what each says of its order. */
function ordered(storefront: string, network = '', more = ''): string {
  const target = (name: string, said: string): string => `  ${name}: { environments: [dev, staging, prod], provider: files, source: { path: ./${name} }, spec: { root: "/srv/${name}/\${target.environment}" }${said === '' ? '' : `, ${said}`} }`;
  return `version: 1\nproject: shop\nenvironments: { dev: {}, staging: {}, prod: {} }\ntargets:\n${target('storefront', storefront)}\n${target('network', network)}\n${more}`;
}

describe('the order of repairs', () => {
  it.each<{ storefront: string; network?: string; reason: string }>([
    { storefront: 'after: [network]', reason: 'a target of its own environment' },
    { storefront: 'overrides: { prod: { after: [staging, network] } }', reason: 'another environment and a target, in production alone' },
    { storefront: 'overrides: { prod: { after: [staging] }, staging: { after: [dev] } }', reason: 'three environments in a row' },
    { storefront: 'after: [dev]', reason: 'one list for all: in dev itself it means nothing' },
    { storefront: 'after: [network], overrides: { prod: { after: [staging] } }', network: 'overrides: { prod: { after: [staging] } }', reason: 'two targets after the same environment' },
  ])('may be $reason', async ({ storefront, network }) => {
    const config = await loadText(ordered(storefront, network));
    expect(config.warnings).toEqual([]);
  });

  it.each<{ storefront: string; network?: string; says: RegExp; reason: string }>([
    { storefront: 'after: [stagign]', says: /storefront\.after: "stagign" is not a target of dev, nor an environment.*did you mean "staging"/, reason: 'a name that is neither: the nearest of both kinds is named' },
    { storefront: 'after: [netwrok]', says: /did you mean "network"/, reason: 'a target that is not there' },
    { storefront: 'after: [storefront]', says: /goes in a circle: dev\/storefront → dev\/storefront/, reason: 'itself' },
    { storefront: 'after: [network]', network: 'after: [storefront]', says: /goes in a circle: dev\/storefront → dev\/network → dev\/storefront/, reason: 'each other' },
    { storefront: 'after: [dev, staging]', says: /goes in a circle: .*remove one of these, or set it in one environment alone/, reason: 'a list for all that makes dev wait for staging and staging for dev' },
    { storefront: 'overrides: { prod: { after: [staging] } }', network: 'overrides: { staging: { after: [prod] } }', says: /goes in a circle: (staging → prod → staging|prod → staging → prod)/, reason: 'two targets that make their environments wait for each other: one cause may drift both' },
  ])('may not be $reason', async ({ storefront, network, says }) => {
    expect(lines(await errorOf(ordered(storefront, network))).join('\n')).toMatch(says);
  });

  it('a name that is an environment and a target means neither', async () => {
    const both = ordered('overrides: { prod: { after: [staging] } }', '', '  staging: { environments: [prod], provider: files, source: { path: ./s }, spec: { root: /srv/s } }\n');
    expect(lines(await errorOf(both)).join('\n')).toMatch(/"staging" is both an environment and a target of prod.*rename one/);
  });
});

import { describe, expect, it } from 'vitest';
import { dependantsOf, dependenciesOf } from '../../../src/domain/gates/after.js';
import type { DependencyState } from '../../../src/domain/gates/facts.js';
import { askGates } from '../../../src/domain/gates/ask.js';
import { closedOf } from '../../../src/domain/gates/gate.js';
import type { Outcome } from '../../../src/domain/phase.js';

const STAGING = 'staging/storefront';
const NETWORK = 'prod/network';

function ask(dependencies: readonly DependencyState[], automatic = true): ReturnType<typeof askGates> {
  return askGates({ at: '2026-11-02T09:00:00.000Z', rows: [], address: 'prod/storefront', dependencies }, { action: 'stage', changes: [{ fingerprint: 'v1:one', revision: 'r1', resource: 'etc/app.yaml', path: '/port' }], automatic });
}

const open = (address: string): DependencyState => ({ address, incident: { id: `${address}#3`, open: true } });
const ended = (outcome: Outcome, more: Partial<DependencyState> = {}): DependencyState => ({ address: STAGING, incident: { id: `${STAGING}#3`, open: false, outcome }, ...more });

describe('the gate after', () => {
  it.each<{ dependencies: readonly DependencyState[]; automatic?: boolean; waitsFor?: string; reason: string }>([
    { dependencies: [], reason: 'it comes after nobody, or after targets that are configured no more' },
    { dependencies: [{ address: STAGING }], reason: 'what it comes after has never drifted, or could not be read' },
    { dependencies: [open(STAGING)], waitsFor: 'staging/storefront#3 is open', reason: 'whatever it is at there: not decided, being repaired or put back, only watched; its phase would be another one by the time that it is read' },
    { dependencies: [open(STAGING)], automatic: false, waitsFor: 'staging/storefront#3', reason: 'approving prod does not change the order' },
    { dependencies: [ended('fixed')], reason: 'staging was repaired' },
    { dependencies: [ended('cleared')], reason: 'staging went away by itself' },
    { dependencies: [ended('adopted')], reason: 'staging became the desired state' },
    { dependencies: [ended('accepted')], reason: 'staging is left alone: nothing is open there' },
    { dependencies: [ended('rejected')], reason: 'staging was rejected: nothing was tried, nothing failed' },
    { dependencies: [ended('expired')], reason: 'nobody answered in staging: nothing was tried' },
    { dependencies: [ended('rolled-back')], waitsFor: 'staging/storefront#3 ended rolled-back', reason: 'staging was rolled back: prod would fail as well' },
    { dependencies: [ended('needs-human')], waitsFor: 'staging/storefront#3 ended needs-human', reason: 'staging is half done' },
    { dependencies: [ended('terminated')], waitsFor: 'staging/storefront#3 ended terminated', reason: 'nobody knows how far staging came' },
    { dependencies: [ended('cancelled')], waitsFor: 'staging/storefront#3 ended cancelled', reason: 'somebody stopped staging and had it put back' },
    { dependencies: [ended('rolled-back', { passed: true })], reason: 'staging was found clean since, or a person lets prod go on' },
    { dependencies: [ended('rolled-back')], automatic: false, waitsFor: 'ended rolled-back', reason: 'an approval is no word on staging' },
    { dependencies: [ended('fixed'), open(NETWORK)], waitsFor: 'prod/network#3', reason: 'staging is done, the network is not' },
    { dependencies: [ended('rolled-back', { passed: true }), open(NETWORK)], waitsFor: 'prod/network#3', reason: 'letting go on without staging is no word on the network' },
    { dependencies: [{ ...open('staging/search'), fingerprints: ['v1:one'] }], waitsFor: 'staging/search#3', reason: 'another target there drifted by the same cause' },
    { dependencies: [{ ...open('staging/search'), fingerprints: ['v1:other'] }], reason: 'what has the same cause there is another change, which this repair does not contain' },
    { dependencies: [open(STAGING), open(NETWORK)], waitsFor: 'staging/storefront#3', reason: 'the first in the order of the configuration is told' },
  ])('$waitsFor: $reason', ({ dependencies, automatic, waitsFor }) => {
    const answer = ask(dependencies, automatic);
    expect(answer.allowed).toBe(waitsFor === undefined);
    if (!answer.allowed) expect(answer).toMatchObject({ gate: 'after', reason: expect.stringContaining(waitsFor ?? '') as string });
  });

  it('tells everything that it waits for, in the order of the configuration, and of many the first five', () => {
    const told = closedOf(ask([open(STAGING), { address: 'prod/search' }, { ...ended('rolled-back'), address: NETWORK }]));
    expect(told.map((each) => [each.gate, each.reason.split(':')[0], each.command])).toEqual([
      ['after', 'after staging/storefront', undefined],
      ['after', 'after prod/network', 'holdfast release prod/storefront --gate after --reason WHY'],
    ]);
    expect(closedOf(ask(Array.from({ length: 200 }, (_, index) => open(`staging/t${index}`))))).toHaveLength(5);
  });

  it('names the incident that it waits for, and both ways on from one that was rolled back', () => {
    expect(ask([open(STAGING)])).toEqual({
      allowed: false, gate: 'after',
      reason: 'after staging/storefront: staging/storefront#3 is open; it goes on when that is repaired and has soaked; see what it waits for: holdfast incident staging/storefront#3',
    });
    expect(ask([ended('rolled-back')])).toEqual({
      allowed: false, gate: 'after', command: 'holdfast release prod/storefront --gate after --reason WHY',
      reason: 'after staging/storefront: staging/storefront#3 ended rolled-back; it stays stopped until staging/storefront is repaired or clean (holdfast release staging/storefront --gate quarantine --reason WHY), or a person lets it go on',
    });
  });
});

describe('dependenciesOf', () => {
  const names = ['dev', 'staging', 'prod'];
  it.each<{ environment: string; after: string[]; addresses: string[]; reason: string }>([
    { environment: 'prod', after: [], addresses: [], reason: 'no order' },
    { environment: 'prod', after: ['staging'], addresses: ['staging/storefront'], reason: 'an environment means the same target there' },
    { environment: 'prod', after: ['network'], addresses: ['prod/network'], reason: 'anything else is a target of its own environment' },
    { environment: 'prod', after: ['staging', 'network'], addresses: ['staging/storefront', 'prod/network'], reason: 'both, in their order' },
    { environment: 'staging', after: ['staging', 'network'], addresses: ['staging/network'], reason: 'all environments share the list: the own one means nothing' },
  ])('$environment after $after: $reason', ({ environment, after, addresses }) => {
    expect(dependenciesOf({ environment, target: 'storefront', after }, names).map((each) => `${each.environment}/${each.target}`)).toEqual(addresses);
  });

  it('dependants are found the same way, backwards', () => {
    const targets = [
      { environment: 'staging', target: 'storefront', after: ['network'] },
      { environment: 'prod', target: 'storefront', after: ['staging', 'network'] },
      { environment: 'prod', target: 'search', after: ['staging'] },
      { environment: 'prod', target: 'network', after: [] },
    ];
    const of = (environment: string, target: string): string[] => dependantsOf(targets, { environment, target }, names).map((each) => `${each.environment}/${each.target}`);
    expect(of('staging', 'storefront')).toEqual(['prod/storefront']);
    expect(of('staging', 'search')).toEqual(['prod/search']);
    expect(of('staging', 'network')).toEqual(['staging/storefront']);
    expect(of('prod', 'network')).toEqual(['prod/storefront']);
    expect(of('prod', 'storefront')).toEqual([]);
  });
});

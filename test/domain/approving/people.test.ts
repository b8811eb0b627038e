import { describe, expect, it } from 'vitest';
import { causerOf, isMember, membersOf, NOBODY, principalOf, type People } from '../../../src/domain/approving/people.js';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAlice';

const PEOPLE: People = {
  principals: [
    { name: 'alice', oidc: 'alice@example.com', keys: [{ key: KEY, fingerprint: 'SHA256:alice' }], aliases: ['os:asmith', 'Alice.Smith@corp.example', 'oidc:asmith@partner.example'] },
    { name: 'bob', keys: [], aliases: [] },
  ],
  groups: { sre: ['alice', 'bob', 'oidc:alice@example.com', 'oidc:group/sre', 'oidc:carol@example.com'], leads: ['oidc:group/leads'] },
};

describe('principalOf', () => {
  it.each([
    { given: 'alice', person: 'alice', reason: 'the name of the principal' },
    { given: ' Alice ', person: 'alice', reason: 'however it is written' },
    { given: 'oidc:alice@example.com', person: 'alice', reason: 'the sign-in' },
    { given: 'alice@example.com', person: 'alice', reason: 'the sign-in without its prefix' },
    { given: 'oidc:ASMITH@partner.example', person: 'alice', reason: 'a second sign-in is the same person' },
    { given: `${KEY} laptop`, person: 'alice', reason: 'a key belongs to its owner, whatever its comment' },
    { given: KEY.toLowerCase(), person: KEY.toLowerCase(), reason: 'a key is compared to the letter' },
    { given: 'Dave', person: 'dave', reason: 'nobody who is known, spelled in one way' },
    { given: 'Alice <alice@example.com>', person: 'alice <alice@example.com>', reason: 'who decides is named exactly' },
  ])('$given is $person: $reason', ({ given, person }) => {
    expect(principalOf(PEOPLE, given)).toBe(person);
  });
});

describe('causerOf', () => {
  it.each([
    { given: 'os:alice', person: 'alice', reason: 'the account of a host that has the name of a principal' },
    { given: 'os:asmith', person: 'alice', reason: 'the account is an alias' },
    { given: 'os:dave', person: 'dave', reason: 'a name of the system is what the command line gives for whoever decides' },
    { given: 'Alice Smith <alice.smith@corp.example>', person: 'alice', reason: 'the address of a commit' },
    { given: 'bob <noreply@host.example>', person: 'bob', reason: 'the name of a commit, where nobody has the address' },
    { given: 'GitHub <noreply@github.com>', person: 'github <noreply@github.com>', reason: 'a machine is nobody' },
    { given: 'alice@example.com', person: 'alice', reason: 'a bare address' },
    { given: 'arn:aws:iam::1:user/alice', person: 'arn:aws:iam::1:user/alice', reason: 'an account that is nobody’s alias is nobody known' },
  ])('$given is $person: $reason', ({ given, person }) => {
    expect(causerOf(PEOPLE, given)).toBe(person);
  });

  it('names the same person as the command line does where nobody is configured', () => {
    expect(causerOf(NOBODY, 'os:alice')).toBe(principalOf(NOBODY, 'alice'));
  });
});

describe('groups', () => {
  it('count each person once, and nobody who is only in a group of the identity provider', () => {
    expect(membersOf(PEOPLE, 'sre')).toEqual(['alice', 'bob', 'oidc:carol@example.com']);
    expect(membersOf(PEOPLE, 'leads')).toEqual([]);
    expect(membersOf(PEOPLE, 'constructor')).toEqual([]);
    expect(isMember(PEOPLE, 'sre', 'oidc:carol@example.com')).toBe(true);
    expect(isMember(PEOPLE, 'sre', 'dave')).toBe(false);
  });
});

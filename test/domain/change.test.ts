import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashJson } from '../../src/digest.js';
import { driftFingerprint, fingerprintOf, type Difference } from '../../src/domain/change.js';
import type { Json } from '../../src/domain/json.js';
import { change, difference, SHOP } from './build.js';

function fingerprint(overrides: Partial<Difference> = {}, address: { environment: string; target: string } = SHOP): string {
  return fingerprintOf(address, difference(overrides), hashJson);
}

describe('the fingerprint of a change', () => {
  it('is v1: and a SHA-256', () => {
    expect(fingerprint()).toMatch(/^v1:[0-9a-f]{64}$/);
  });

  it.each<{ moved: Partial<Difference>; reason: string }>([
    { moved: { resource: 'etc/other.yaml' }, reason: 'another resource' },
    { moved: { kind: 'missing' }, reason: 'another kind' },
    { moved: { path: '/host' }, reason: 'another field' },
    { moved: { desired: 3 }, reason: 'another desired value' },
    { moved: { actual: 3 }, reason: 'another live value' },
    { moved: { actual: '2' }, reason: 'a text is not the number' },
    { moved: { actual: null }, reason: 'null is a value' },
    { moved: { actual: undefined }, reason: 'absent is not null' },
  ])('differs: $reason', ({ moved }) => {
    expect(fingerprint(moved)).not.toBe(fingerprint());
  });

  it('differs between targets, so that nothing that one remembers holds for another', () => {
    expect(fingerprint({}, { environment: 'dev', target: 'storefront' })).not.toBe(fingerprint());
    expect(fingerprint({}, { environment: 'prod', target: 'search' })).not.toBe(fingerprint());
  });

  it.each<{ moved: Partial<Difference>; reason: string }>([
    { moved: { revision: 'r2' }, reason: 'the revision is remembered beside it: an unrelated edit of the resource must not hide the change' },
    { moved: { by: 'alice' }, reason: 'who made it may become known later' },
    { moved: { text: '-a\n+b' }, reason: 'a picture for people' },
    { moved: { effect: 'replace' }, reason: 'what the repair does is the plan’s' },
  ])('stays: $reason', ({ moved }) => {
    expect(fingerprint(moved)).toBe(fingerprint());
  });

  it('leaves sensitive values out, so that a low-entropy secret cannot be guessed from it', () => {
    const secret = fingerprint({ sensitive: true, desired: 'one', actual: 'two' });
    expect(fingerprint({ sensitive: true, desired: 'three', actual: 'four' })).toBe(secret);
    expect(fingerprint({ sensitive: true })).toBe(secret);
    expect(fingerprint({ sensitive: true, path: '/token' })).not.toBe(secret);
  });

  it('does not depend on the order of keys', () => {
    fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const reversed = Object.fromEntries(Object.entries(value).reverse());
      expect(fingerprint({ actual: reversed as Json })).toBe(fingerprint({ actual: value as Json }));
    }));
  });
});

describe('the fingerprint of a drift', () => {
  const some = ['/a', '/b', '/c', '/d'].map((path) => change({ path }));

  it('is the same in any order', () => {
    fc.assert(fc.property(fc.shuffledSubarray(some, { minLength: some.length }), (shuffled) => {
      expect(driftFingerprint(shuffled, hashJson)).toBe(driftFingerprint(some, hashJson));
    }));
  });

  it('differs once a change comes, goes or moves', () => {
    const whole = driftFingerprint(some, hashJson);
    expect(driftFingerprint(some.slice(1), hashJson)).not.toBe(whole);
    expect(driftFingerprint([...some, change({ path: '/e' })], hashJson)).not.toBe(whole);
    expect(driftFingerprint([change({ path: '/a', actual: 9 }), ...some.slice(1)], hashJson)).not.toBe(whole);
  });

  it('leaves the changes as they were given', () => {
    const given = [...some].reverse();
    driftFingerprint(given, hashJson);
    expect(given).toEqual([...some].reverse());
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashJson } from '../../../src/digest.js';
import { causeKey, causeKeys, groupByCause, resourceType, type CauseOf, type CausePlace, type CauseSight } from '../../../src/domain/deciding/cause.js';
import type { Json } from '../../../src/domain/json.js';

interface Seen extends Partial<CauseOf> {
  readonly environment: string;
  readonly target?: string;
  readonly provider?: string;
  readonly vars?: CausePlace['vars'];
}

function keyOf({ environment, target = 'storefront', provider = 'opentofu', vars, ...change }: Seen): string {
  const place: CausePlace = { environment, target, provider, ...(vars === undefined ? {} : { vars }) };
  return causeKey({ resource: 'aws_security_group.web', kind: 'changed', path: '/ingress', sensitive: false, ...change }, place, hashJson);
}

interface Case {
  readonly reason: string;
  readonly one: Seen;
  readonly other: Seen;
}

const WIDE: Partial<CauseOf> = { path: '/ingress/0/cidr_blocks', desired: ['10.0.0.0/8'], actual: ['0.0.0.0/0'] };
const IN_VPC = (id: string): Json => ({ vpc_id: `vpc-${id}`, from_port: 443 });

const GROUPS: readonly Case[] = [
  { reason: 'the same port was opened to the world in two environments', one: { environment: 'staging', ...WIDE }, other: { environment: 'prod', ...WIDE } },
  { reason: 'another target of the same provider, another resource of the same type', one: { environment: 'prod', ...WIDE }, other: { environment: 'prod', target: 'search', resource: 'aws_security_group.search', ...WIDE } },
  { reason: 'a module instance says where a resource is, not what', one: { environment: 'prod', resource: 'module.net["eu"].aws_security_group.this[0]', ...WIDE }, other: { environment: 'prod', resource: 'module.net["us"].aws_security_group.this[1]', ...WIDE } },
  { reason: 'roles of each account in their ARNs', one: { environment: 'staging', desired: 'arn:aws:iam::111111111111:role/deploy', actual: 'arn:aws:iam::111111111111:role/admin' }, other: { environment: 'prod', desired: 'arn:aws:iam::222222222222:role/deploy', actual: 'arn:aws:iam::222222222222:role/admin' } },
  { reason: 'a queue in the region of each environment', one: { environment: 'staging', desired: null, actual: 'arn:aws:sqs:eu-west-1:111111111111:dead' }, other: { environment: 'prod', desired: null, actual: 'arn:aws:sqs:us-east-1:222222222222:dead' } },
  { reason: 'ids that a cloud gave to the network of each', one: { environment: 'staging', desired: IN_VPC('0a1b2c3d4e5f60718'), actual: null }, other: { environment: 'prod', desired: IN_VPC('0f9e8d7c6b5a40312'), actual: null } },
  { reason: 'UUIDs name one instance', one: { environment: 'staging', desired: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', actual: '' }, other: { environment: 'prod', desired: '5b8f3f0e-0b0e-4f8e-9c43-77aa7d2a5b10', actual: '' } },
  { reason: 'a host name that holds the environment', one: { environment: 'staging', desired: 'db.staging.example.com', actual: 'db-old.staging.example.com' }, other: { environment: 'prod', desired: 'db.prod.example.com', actual: 'db-old.prod.example.com' } },
  { reason: 'its region and what was generated go with the environment in a host name', one: { environment: 'staging', desired: 'shop-staging.9f3ab2c1.eu-west-1.rds.example.com', actual: 'localhost' }, other: { environment: 'prod', desired: 'shop-prod.0c4de7f2.us-east-1.rds.example.com', actual: 'localhost' } },
  { reason: 'a bucket named for environment and account', one: { environment: 'staging', desired: 'shop-staging-111111111111', actual: 'shop-staging-111111111111-tmp' }, other: { environment: 'prod', desired: 'shop-prod-222222222222', actual: 'shop-prod-222222222222-tmp' } },
  { reason: 'a registry in the account of each, with the same image', one: { environment: 'staging', desired: '111111111111.dkr.ecr.eu-west-1.amazonaws.com/api:1.4', actual: '111111111111.dkr.ecr.eu-west-1.amazonaws.com/api:1.5' }, other: { environment: 'prod', desired: '222222222222.dkr.ecr.us-east-1.amazonaws.com/api:1.4', actual: '222222222222.dkr.ecr.us-east-1.amazonaws.com/api:1.5' } },
  { reason: 'the name of the target in a value', one: { environment: 'prod', target: 'orders', desired: 'orders-queue', actual: 'shared-queue' }, other: { environment: 'prod', target: 'billing', desired: 'billing-queue', actual: 'shared-queue' } },
  { reason: 'the environment in capitals, as variables have it', one: { environment: 'staging', path: '/STAGING_URL', desired: 'on', actual: 'off' }, other: { environment: 'prod', path: '/PROD_URL', desired: 'on', actual: 'off' } },
  { reason: 'the environment in a key of a map', one: { environment: 'staging', path: '/tags', desired: { 'cluster/staging': 'owned', zone: 'a' }, actual: {} }, other: { environment: 'prod', path: '/tags', desired: { 'cluster/prod': 'owned', zone: 'a' }, actual: {} } },
  { reason: 'a key that sorts elsewhere under its other name', one: { environment: 'dev', desired: { dev: 1, foo: 2 }, actual: 0 }, other: { environment: 'prod', desired: { prod: 1, foo: 2 }, actual: 0 } },
  { reason: 'the configuration says that the port differs', one: { environment: 'staging', vars: { port: 9102 }, desired: 9102, actual: 9999 }, other: { environment: 'prod', vars: { port: 9103 }, desired: 9103, actual: 9999 } },
  { reason: 'a variable within a text', one: { environment: 'staging', vars: { port: 9102 }, desired: 'http://127.0.0.1:9102/healthz', actual: '' }, other: { environment: 'prod', vars: { port: 9103 }, desired: 'http://127.0.0.1:9103/healthz', actual: '' } },
  { reason: 'the same file of each environment', one: { environment: 'staging', provider: 'files', resource: 'etc/staging/app.yaml', path: '/limits/rps', desired: 100, actual: 500 }, other: { environment: 'prod', provider: 'files', resource: 'etc/prod/app.yaml', path: '/limits/rps', desired: 100, actual: 500 } },
  { reason: 'the same object is gone from two clusters', one: { environment: 'staging', provider: 'kubernetes', resource: 'Deployment/shop/api', kind: 'missing', path: '' }, other: { environment: 'prod', provider: 'kubernetes', resource: 'Deployment/shop/api', kind: 'missing', path: '' } },
  { reason: 'a sensitive value goes by its place, whatever it is', one: { environment: 'staging', path: '/password', sensitive: true, desired: 'a', actual: 'b' }, other: { environment: 'prod', path: '/password', sensitive: true } },
  { reason: 'hyphens belong to the name of an environment', one: { environment: 'prod-eu', desired: 'db-prod-eu.example', actual: 'x' }, other: { environment: 'prod-us', desired: 'db-prod-us.example', actual: 'x' } },
  { reason: 'a subscription and a resource group', one: { environment: 'staging', desired: '/subscriptions/a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11/resourceGroups/rg-staging', actual: 'x' }, other: { environment: 'prod', desired: '/subscriptions/5B8F3F0E-0B0E-4F8E-9C43-77AA7D2A5B10/resourceGroups/rg-prod', actual: 'x' } },
  { reason: 'one variable within another', one: { environment: 'staging', vars: { domain: 'stg.example.com', host: 'www.stg.example.com' }, desired: 'https://www.stg.example.com/a', actual: 'x' }, other: { environment: 'prod', vars: { domain: 'example.org', host: 'www.example.org' }, desired: 'https://www.example.org/a', actual: 'x' } },
  { reason: 'the same kind with and without its group and version', one: { environment: 'staging', provider: 'kubernetes', resource: 'apps/v1/Deployment/shop/api', path: '/spec/paused', desired: false, actual: true }, other: { environment: 'prod', provider: 'kubernetes', resource: 'Deployment/shop/web', path: '/spec/paused', desired: false, actual: true } },
  { reason: 'the provider says the type, whatever the names', one: { environment: 'staging', provider: 'exec', resource: 'front', type: 'queue', path: '/size', desired: 1, actual: 2 }, other: { environment: 'prod', provider: 'exec', resource: 'back', type: 'queue', path: '/size', desired: 1, actual: 2 } },
  { reason: 'the order of keys says nothing', one: { environment: 'prod', desired: { a: 1, b: 2 }, actual: null }, other: { environment: 'prod', desired: { b: 2, a: 1 }, actual: null } },
];

const APART: readonly Case[] = [
  { reason: 'another desired value', one: { environment: 'staging', desired: 100, actual: 500 }, other: { environment: 'prod', desired: 200, actual: 500 } },
  { reason: 'another live value', one: { environment: 'staging', desired: 100, actual: 500 }, other: { environment: 'prod', desired: 100, actual: 501 } },
  { reason: 'the other way round', one: { environment: 'staging', desired: 1, actual: 2 }, other: { environment: 'prod', desired: 2, actual: 1 } },
  { reason: 'another field', one: { environment: 'staging', ...WIDE }, other: { environment: 'prod', ...WIDE, path: '/egress/0/cidr_blocks' } },
  { reason: 'another resource type', one: { environment: 'prod', path: '/tags', desired: 'a', actual: 'b' }, other: { environment: 'prod', path: '/tags', resource: 'aws_instance.web', desired: 'a', actual: 'b' } },
  { reason: 'two kinds of one group and version', one: { environment: 'prod', provider: 'kubernetes', resource: 'apps/v1/Deployment/shop/api', path: '/spec/paused', desired: false, actual: true }, other: { environment: 'prod', provider: 'kubernetes', resource: 'apps/v1/StatefulSet/shop/db', path: '/spec/paused', desired: false, actual: true } },
  { reason: 'two types of one stack', one: { environment: 'prod', provider: 'pulumi', resource: 'urn:pulumi:prod::shop::aws:ec2/securityGroup:SecurityGroup::web', path: '/name', desired: 'a', actual: 'b' }, other: { environment: 'prod', provider: 'pulumi', resource: 'urn:pulumi:prod::shop::aws:iam/role:Role::web', path: '/name', desired: 'a', actual: 'b' } },
  { reason: 'the environment before a digit is another word', one: { environment: 'prod', desired: 'prod2', actual: 'x' }, other: { environment: 'staging', desired: 'staging2', actual: 'x' } },
  { reason: 'another provider', one: { environment: 'prod', resource: 'role:reporting', provider: 'postgres', path: '/login', desired: true, actual: false }, other: { environment: 'prod', resource: 'role:reporting', provider: 'exec', path: '/login', desired: true, actual: false } },
  { reason: 'gone in one, changed in the other', one: { environment: 'staging', kind: 'missing', path: '' }, other: { environment: 'prod', kind: 'unmanaged', path: '' } },
  { reason: 'two objects that are gone have only their names', one: { environment: 'prod', provider: 'kubernetes', resource: 'Deployment/shop/api', kind: 'missing', path: '' }, other: { environment: 'prod', provider: 'kubernetes', resource: 'Deployment/shop/worker', kind: 'missing', path: '' } },
  { reason: 'two files have no type in common', one: { environment: 'prod', provider: 'files', resource: 'etc/app.yaml', path: '/port', desired: 1, actual: 2 }, other: { environment: 'prod', provider: 'files', resource: 'etc/proxy.yaml', path: '/port', desired: 1, actual: 2 } },
  { reason: 'digests are content: another one is another image', one: { environment: 'staging', desired: `api@sha256:${'a1'.repeat(32)}`, actual: 'none' }, other: { environment: 'prod', desired: `api@sha256:${'b2'.repeat(32)}`, actual: 'none' } },
  { reason: 'a tag that ends in a commit is content', one: { environment: 'staging', desired: 'api:main-9f3ab2c1', actual: 'none' }, other: { environment: 'prod', desired: 'api:main-0c4de7f2', actual: 'none' } },
  { reason: 'a machine image is content', one: { environment: 'staging', desired: 'ami-0a1b2c3d4e5f60718', actual: 'none' }, other: { environment: 'prod', desired: 'ami-0f9e8d7c6b5a40312', actual: 'none' } },
  { reason: 'opened to a foreign account is not opened to another name of the own one', one: { environment: 'staging', desired: 'arn:aws:iam::111111111111:root', actual: 'arn:aws:iam::666666666666:root' }, other: { environment: 'prod', desired: 'arn:aws:iam::222222222222:root', actual: 'arn:aws:iam::222222222222:root' } },
  { reason: 'a second account added is not the own one named twice', one: { environment: 'staging', desired: ['arn:aws:iam::111111111111:root'], actual: ['arn:aws:iam::111111111111:root', 'arn:aws:iam::111111111111:root'] }, other: { environment: 'prod', desired: ['arn:aws:iam::222222222222:root'], actual: ['arn:aws:iam::222222222222:root', 'arn:aws:iam::999999999999:root'] } },
  { reason: 'everybody is no account', one: { environment: 'staging', desired: 'x', actual: 'arn:aws:iam::*:root' }, other: { environment: 'prod', desired: 'x', actual: 'arn:aws:iam::222222222222:root' } },
  { reason: 'another service in an ARN', one: { environment: 'staging', desired: 'arn:aws:s3:::logs', actual: null }, other: { environment: 'prod', desired: 'arn:aws:sqs:::logs', actual: null } },
  { reason: 'the second rule of a list is not the first', one: { environment: 'staging', ...WIDE }, other: { environment: 'prod', ...WIDE, path: '/ingress/1/cidr_blocks' } },
  { reason: 'a list in another order, since some lists are orders', one: { environment: 'staging', desired: ['a', 'b'], actual: [] }, other: { environment: 'prod', desired: ['b', 'a'], actual: [] } },
  { reason: 'a region that stands alone was chosen', one: { environment: 'staging', desired: 'eu-west-1', actual: 'none' }, other: { environment: 'prod', desired: 'us-east-1', actual: 'none' } },
  { reason: 'twelve digits that stand alone may be bytes', one: { environment: 'staging', desired: '100000000000', actual: '0' }, other: { environment: 'prod', desired: '200000000000', actual: '0' } },
  { reason: 'address ranges are not bound to an environment as far as anybody said', one: { environment: 'staging', desired: '10.1.0.0/16', actual: 'none' }, other: { environment: 'prod', desired: '10.2.0.0/16', actual: 'none' } },
  { reason: 'the environment within a longer word is another word', one: { environment: 'prod', desired: 'product', actual: 'x' }, other: { environment: 'dev', desired: 'devuct', actual: 'x' } },
  { reason: 'another environment stands in the value: that is the mistake', one: { environment: 'prod', desired: 'db.prod.example.com', actual: 'db.staging.example.com' }, other: { environment: 'staging', desired: 'db.staging.example.com', actual: 'db.prod.example.com' } },
  { reason: 'one network swapped for another is not one added', one: { environment: 'staging', desired: ['vpc-0a1b2c3d4e5f60718'], actual: ['vpc-0f9e8d7c6b5a40312'] }, other: { environment: 'prod', desired: ['vpc-0a1b2c3d4e5f60718'], actual: ['vpc-0a1b2c3d4e5f60718', 'vpc-0f9e8d7c6b5a40312'] } },
  { reason: 'an id of another kind', one: { environment: 'staging', desired: 'sg-0a1b2c3d4e5f60718', actual: null }, other: { environment: 'prod', desired: 'subnet-0a1b2c3d4e5f60718', actual: null } },
  { reason: 'capitals are another name', one: { environment: 'prod', desired: 'prod', actual: 'PROD' }, other: { environment: 'prod', desired: 'prod', actual: 'Prod' } },
  { reason: 'a variable too short to be told from chance', one: { environment: 'staging', vars: { replicas: 3 }, desired: 3, actual: 0 }, other: { environment: 'prod', vars: { replicas: 5 }, desired: 5, actual: 0 } },
  { reason: 'what somebody wrote is never taken for a mark', one: { environment: 'prod', desired: 'prod', actual: 'x' }, other: { environment: 'prod', desired: '<environment>', actual: 'x' } },
  { reason: 'a number is not its text, also where a variable holds it', one: { environment: 'prod', vars: { port: 9103 }, desired: 9103, actual: 1 }, other: { environment: 'prod', vars: { port: 9103 }, desired: '9103', actual: 1 } },
  { reason: 'null is a value, absent is none', one: { environment: 'prod', desired: null, actual: 1 }, other: { environment: 'prod', actual: 1 } },
  { reason: 'two keys that read alike stay two', one: { environment: 'prod', target: 'prod', desired: { prod: 1 }, actual: 0 }, other: { environment: 'prod', target: 'prod', desired: { prod: 1, PROD: 1 }, actual: 0 } },
  { reason: 'a sensitive change is never one with a plain one of the same field', one: { environment: 'prod', path: '/password', sensitive: true }, other: { environment: 'prod', path: '/password', desired: 'a', actual: 'b' } },
];

describe('the cause of a change', () => {
  it.each(GROUPS)('is one: $reason', ({ one, other }) => {
    expect(keyOf(one)).toBe(keyOf(other));
  });

  it.each(APART)('is another: $reason', ({ one, other }) => {
    expect(keyOf(one)).not.toBe(keyOf(other));
  });

  it('has a key that says nothing of a sensitive value, also when a provider left it there', () => {
    const secret = { environment: 'prod', path: '/password', sensitive: true } as const;
    expect(keyOf({ ...secret, desired: 'hunter2', actual: 'x' })).toBe(keyOf(secret));
  });

  it.each<{ provider: string; resource: string; type: string }>([
    { provider: 'opentofu', resource: 'aws_security_group.web', type: 'aws_security_group' },
    { provider: 'opentofu', resource: 'module.a.module.b["x.y"].aws_security_group.web[3]', type: 'aws_security_group' },
    { provider: 'kubernetes', resource: 'Deployment/shop/api', type: 'Deployment' },
    { provider: 'kubernetes', resource: 'apps/v1/StatefulSet/shop/db', type: 'StatefulSet' },
    { provider: 'pulumi', resource: 'urn:pulumi:prod::shop::aws:ec2/securityGroup:SecurityGroup::web', type: 'aws:ec2/securityGroup:SecurityGroup' },
    { provider: 'exec', resource: 'bucket/logs', type: 'bucket' },
    { provider: 'postgres', resource: 'role:reporting', type: 'role' },
    { provider: 'files', resource: 'etc/app.yaml', type: 'etc/app.yaml' },
    { provider: 'exec', resource: 'something', type: 'something' },
  ])('knows that $resource is a $type', ({ provider, resource, type }) => {
    expect(resourceType(provider, resource)).toBe(type);
  });

  it('gives the same keys to many as to each', () => {
    const changes = GROUPS.map(({ one: { environment: _environment, target: _target, provider: _provider, vars: _vars, ...rest } }): CauseOf => ({ resource: 'a_b.c', kind: 'changed', path: '/x', sensitive: false, ...rest }));
    const place: CausePlace = { environment: 'prod', target: 'web', provider: 'opentofu' };
    expect(causeKeys(changes, place, hashJson)).toEqual(changes.map((change) => causeKey(change, place, hashJson)));
  });

  it('never makes one of values in which nothing is bound to an environment', () => {
    // No environment, target or id can stand in these: their letters are others.
    const word = fc.string({ unit: fc.constantFrom('k', 'm', 'q', 'z', '<', '>', '.', '-', '/', ':', ' ', '7'), maxLength: 12 });
    const value = fc.letrec<{ json: Json }>((tie) => ({
      json: fc.oneof({ maxDepth: 3 }, fc.constantFrom<Json>(null, true, false), fc.integer(), word, fc.array(tie('json'), { maxLength: 4 }), fc.dictionary(word, tie('json'), { maxKeys: 4 }) as fc.Arbitrary<Json>),
    })).json;
    fc.assert(
      fc.property(value, value, (one, other) => {
        const same = hashJson({ value: one }) === hashJson({ value: other });
        expect(keyOf({ environment: 'prod', desired: one, actual: 'x' }) === keyOf({ environment: 'dev', desired: other, actual: 'x' })).toBe(same);
      }),
      { numRuns: 500 },
    );
  });

  it('is the same in two environments wherever their names stand', () => {
    const place = fc.array(fc.oneof(fc.constant('%'), fc.constantFrom('shop-', '.example.com', ' of ', '/a/', '_')), { minLength: 1, maxLength: 6 }).map((parts) => parts.join(' '));
    fc.assert(fc.property(place, (text) => {
      expect(keyOf({ environment: 'prod', desired: text.replaceAll('%', 'prod'), actual: 0 })).toBe(keyOf({ environment: 'dev', desired: text.replaceAll('%', 'dev'), actual: 0 }));
    }));
  });
});

const at = (minutes: number): string => new Date(Date.UTC(2026, 10, 2, 9, minutes)).toISOString();

interface Named extends CauseSight {
  readonly id: string;
}

function sight(id: string, key: string, minutes: number, by?: string): Named {
  return { id, key, at: at(minutes), ...(by === undefined ? {} : { by }) };
}

function ids(groups: readonly (readonly Named[])[]): string[] {
  return groups.map((group) => group.map((each) => each.id).sort().join(' ')).sort();
}

describe('sights of one cause', () => {
  it.each<{ reason: string; sights: readonly Named[]; groups: readonly string[] }>([
    { reason: 'the same key, days apart', sights: [sight('a', 'k', 0), sight('b', 'k', 10_000)], groups: ['a b'] },
    { reason: 'two keys, nobody known', sights: [sight('a', 'k', 0), sight('b', 'l', 0)], groups: ['a', 'b'] },
    { reason: 'the same hands within ten minutes', sights: [sight('a', 'k', 0, 'alice'), sight('b', 'l', 10, 'alice')], groups: ['a b'] },
    { reason: 'the same hands eleven minutes apart', sights: [sight('a', 'k', 0, 'alice'), sight('b', 'l', 11, 'alice')], groups: ['a', 'b'] },
    { reason: 'work that goes on is one piece of work', sights: [sight('a', 'k', 0, 'alice'), sight('b', 'l', 9, 'alice'), sight('c', 'm', 18, 'alice')], groups: ['a b c'] },
    { reason: 'other hands at the same moment', sights: [sight('a', 'k', 0, 'alice'), sight('b', 'l', 0, 'bob')], groups: ['a', 'b'] },
    { reason: 'two made the same change: it belongs to the work of neither', sights: [sight('a', 'k', 0, 'alice'), sight('b', 'k', 1, 'bob'), sight('c', 'l', 0, 'alice')], groups: ['a b', 'c'] },
    { reason: 'somebody unknown made it too', sights: [sight('a', 'k', 0, 'alice'), sight('b', 'k', 1), sight('c', 'l', 0, 'alice')], groups: ['a b', 'c'] },
    { reason: 'one key in both places brings the work of both together', sights: [sight('a', 'k', 0, 'alice'), sight('b', 'l', 5, 'alice'), sight('c', 'l', 500, 'alice'), sight('d', 'm', 505, 'alice')], groups: ['a b c d'] },
    { reason: 'none', sights: [], groups: [] },
  ])('$reason', ({ sights, groups }) => {
    expect(ids(groupByCause(sights))).toEqual([...groups].sort());
  });

  it('are the same groups in whatever order they come, each sight in one of them', () => {
    const sights = fc.array(fc.record({ key: fc.constantFrom('k', 'l', 'm', 'n'), minutes: fc.integer({ min: 0, max: 60 }), by: fc.constantFrom(undefined, 'alice', 'bob') }), { maxLength: 12 })
      .map((all) => all.map(({ key, minutes, by }, index) => sight(String(index), key, minutes, by)));
    fc.assert(
      fc.property(sights.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))), ([given, shuffled]) => {
        expect(ids(groupByCause(shuffled))).toEqual(ids(groupByCause(given)));
        expect(groupByCause(given).flat()).toHaveLength(given.length);
        expect(groupByCause(shuffled).map((group) => group[0]?.at)).toEqual(groupByCause(given).map((group) => group[0]?.at));
      }),
    );
  });
});

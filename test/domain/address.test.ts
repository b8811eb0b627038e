import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress, formatIncident, isName, parseAddress, parseIncident } from '../../src/domain/address.js';

describe('isName', () => {
  it.each([
    { name: 'prod', valid: true, reason: 'lower-case letters' },
    { name: 'eu-west-1', valid: true, reason: 'inner hyphens and digits' },
    { name: '7', valid: true, reason: 'one character' },
    { name: 'a'.repeat(63), valid: true, reason: '63 bytes' },
    { name: 'a'.repeat(64), valid: false, reason: 'one more than a queue name and a folder bear' },
    { name: '', valid: false, reason: 'empty' },
    { name: 'Prod', valid: false, reason: 'two that differ only by case would share a folder on some systems' },
    { name: '-prod', valid: false, reason: 'a leading hyphen reads as an option' },
    { name: 'prod-', valid: false, reason: 'a trailing hyphen' },
    { name: '../../x', valid: false, reason: 'it becomes a folder' },
    { name: 'a/b', valid: false, reason: 'the separator of an address' },
    { name: 'a#1', valid: false, reason: 'the separator of an incident' },
    { name: '__proto__', valid: false, reason: 'underscores, and a member of every object' },
    { name: 'shop\n', valid: false, reason: 'a newline at the end' },
    { name: 'café', valid: false, reason: 'not ASCII' },
    { name: '🙂', valid: false, reason: 'not ASCII' },
    { name: '*', valid: false, reason: 'the scope of everything is no name' },
  ])('$name: $valid, because $reason', ({ name, valid }) => {
    expect(isName(name)).toBe(valid);
  });
});

describe('parseAddress', () => {
  it.each([
    { text: 'prod', parsed: { environment: 'prod' }, reason: 'an environment alone' },
    { text: 'prod/storefront', parsed: { environment: 'prod', target: 'storefront' }, reason: 'a target' },
    { text: '', parsed: undefined, reason: 'nothing is named' },
    { text: 'prod/', parsed: undefined, reason: 'an empty target is not the environment' },
    { text: '/storefront', parsed: undefined, reason: 'an empty environment' },
    { text: 'prod/a/b', parsed: undefined, reason: 'there are two levels' },
    { text: 'prod/storefront#3', parsed: undefined, reason: 'an incident is not an address' },
    { text: ' prod', parsed: undefined, reason: 'spaces belong to no name' },
  ])('$text: $reason', ({ text, parsed }) => {
    expect(parseAddress(text)).toEqual(parsed);
  });
});

describe('parseIncident', () => {
  it.each([
    { text: 'prod/storefront#12', parsed: { environment: 'prod', target: 'storefront', number: 12 }, reason: 'one incident' },
    { text: 'prod/storefront', parsed: { environment: 'prod', target: 'storefront' }, reason: 'the open or last one' },
    { text: 'prod#1', parsed: undefined, reason: 'an environment has no incidents of its own' },
    { text: 'prod/storefront#0', parsed: undefined, reason: 'numbers begin at one' },
    { text: 'prod/storefront#01', parsed: undefined, reason: 'one spelling for one incident' },
    { text: 'prod/storefront#-1', parsed: undefined, reason: 'not a number of an incident' },
    { text: 'prod/storefront#1e3', parsed: undefined, reason: 'digits only' },
    { text: 'prod/storefront#9999999999', parsed: undefined, reason: 'longer than any number of an incident' },
    { text: 'prod/storefront#1#2', parsed: undefined, reason: 'two numbers' },
  ])('$text: $reason', ({ text, parsed }) => {
    expect(parseIncident(text)).toEqual(parsed);
  });
});

const name = fc.string({ minLength: 1, maxLength: 63, unit: fc.constantFrom('a', 'b', 'y', 'z', '0', '9', '-') }).filter(isName);

it('reads what it writes', () => {
  fc.assert(fc.property(name, name, fc.integer({ min: 1, max: 999_999_999 }), (environment, target, number) => {
    expect(parseAddress(formatAddress({ environment, target }))).toEqual({ environment, target });
    expect(parseIncident(formatIncident({ environment, target, number }))).toEqual({ environment, target, number });
  }));
});

it('takes any text without failing, because addresses come from signals and command lines', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => {
    const parsed = parseAddress(text);
    if (parsed !== undefined) expect([parsed.environment, ...(parsed.target === undefined ? [] : [parsed.target])].join('/')).toBe(text);
  }));
});

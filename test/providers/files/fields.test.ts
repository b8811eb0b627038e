import { describe, expect, it } from 'vitest';
import type { Json } from '../../../src/domain/json.js';
import { compareFields, type FieldRules } from '../../../src/providers/files/fields.js';
import { parseFields } from '../../../src/providers/files/formats.js';
import { compileGlob } from '../../../src/providers/glob.js';

const RULES: FieldRules = { isSet: compileGlob('/tags'), isSensitive: compileGlob('/custom/**') };
const paths = (desired: Json, actual: Json): string[] | undefined => compareFields(desired, actual, RULES)?.map((field) => `${field.path}${field.sensitive ? ' secret' : ''}`);

describe('comparing fields', () => {
  const rows: { desired: Json; actual: Json; found: string[]; reason: string }[] = [
    { desired: { a: 1, b: 2 }, actual: { b: 2, a: 1 }, found: [], reason: 'the order of keys means nothing' },
    { desired: { a: null }, actual: {}, found: [], reason: 'null is absent' },
    { desired: { a: 1 }, actual: { a: '1' }, found: [], reason: 'a number is its own text' },
    { desired: { a: 1.1 }, actual: { a: '1.10' }, found: ['/a'], reason: 'but not another text of it: versions look so' },
    { desired: { a: true }, actual: { a: 'true' }, found: ['/a'], reason: 'a truth is not its text' },
    { desired: { a: { b: 1, c: 2 } }, actual: { a: { b: 1, c: 3 } }, found: ['/a/c'], reason: 'only what differs' },
    { desired: { a: { b: 1, c: 2 } }, actual: {}, found: ['/a/b', '/a/c'], reason: 'down to single values' },
    { desired: { a: {} }, actual: {}, found: ['/a'], reason: 'an empty object is a value' },
    { desired: { a: {} }, actual: { a: {} }, found: [], reason: 'and equals another' },
    { desired: { a: 1 }, actual: { a: { b: 1 } }, found: ['/a'], reason: 'another kind is one difference' },
    { desired: { a: [1, 2] }, actual: { a: [2, 1] }, found: ['/a/0', '/a/1'], reason: 'the order of a list means something' },
    { desired: { a: [1, 2] }, actual: { a: [1] }, found: ['/a'], reason: 'lists of other lengths differ as a whole' },
    { desired: { tags: ['b', 'a', 'a'] }, actual: { tags: ['a', 'b'] }, found: [], reason: 'unless it is declared to be a set' },
    { desired: { tags: ['a'] }, actual: { tags: ['b'] }, found: ['/tags'], reason: 'sets differ as a whole' },
    { desired: { 'a/b': { '~': 1 } }, actual: {}, found: ['/a~1b/~0'], reason: 'pointers are escaped' },
    { desired: { db_password: 'a' }, actual: { db_password: 'b' }, found: ['/db_password secret'], reason: 'secrets are known by name' },
    { desired: { apiKey: { id: 1 } }, actual: {}, found: ['/apiKey/id secret'], reason: 'and all that is below it' },
    { desired: { env: [{ name: 'DB_PASSWORD', value: 'a' }] }, actual: { env: [{ name: 'DB_PASSWORD', value: 'b' }] }, found: ['/env/0/value secret'], reason: 'and by the name beside the value' },
    { desired: { env: [] }, actual: { env: [{ token: 'b' }] }, found: ['/env secret'], reason: 'and inside of what differs as a whole' },
    { desired: { url: 'https://h' }, actual: { url: 'https://user:pass@h' }, found: ['/url secret'], reason: 'and by their look' },
    { desired: { custom: { x: 1 } }, actual: { custom: { x: 2 } }, found: ['/custom/x secret'], reason: 'and by a rule' },
    { desired: JSON.parse('{"__proto__": 1}') as Json, actual: {}, found: ['/__proto__'], reason: 'no name is special' },
  ];
  it.each(rows)('$reason', ({ desired, actual, found }) => {
    expect(paths(desired, actual)).toEqual(found);
  });

  it('cannot say how an object differs from a list', () => {
    expect(compareFields({}, [], RULES)).toBeUndefined();
  });
});

describe('reading fields', () => {
  it.each([
    { format: 'json', text: '{"a": 12345678901234567890}', reason: 'a number that JavaScript would round' },
    { format: 'json', text: '{"a": ', reason: 'half a file' },
    { format: 'json', text: `${'['.repeat(10_000)}${']'.repeat(10_000)}`, reason: 'a depth that nobody needs' },
    { format: 'yaml', text: 'a: .nan', reason: 'what JSON cannot carry' },
    { format: 'yaml', text: 'a: 1\n---\na: 2\n', reason: 'several documents' },
    { format: 'yaml', text: 'a: !secret x', reason: 'tags of other programs' },
    { format: 'yaml', text: 'a: 1\na: 2\n', reason: 'a key that is given twice' },
    { format: 'yaml', text: `a: &a [x, x]\n${Array.from({ length: 12 }, (_, index) => `b${index}: &b${index} [${Array.from({ length: 9 }, () => (index === 0 ? '*a' : `*b${index - 1}`)).join(', ')}]`).join('\n')}\n`, reason: 'a bomb of aliases' },
    { format: 'yaml', text: 'just text', reason: 'a file without fields' },
    { format: 'env', text: '__proto__=1', reason: 'a name that its library would swallow' },
  ] as const)('leaves $reason to the comparison of text', async ({ format, text }) => {
    expect(await parseFields(format, Buffer.from(text))).toBeUndefined();
  });

  it.each([
    { format: 'toml', text: 'a = 1979-05-27T07:32:00Z\n[t]\nb = "x"\n', fields: { a: '1979-05-27T07:32:00.000Z', t: { b: 'x' } } },
    { format: 'env', text: 'export A="x y"\n# c\nB=1\n', fields: { A: 'x y', B: '1' } },
    { format: 'yaml', text: 'a: &x {b: 1}\nc: *x\n', fields: { a: { b: 1 }, c: { b: 1 } } },
  ] as const)('reads $format', async ({ format, text, fields }) => {
    expect(await parseFields(format, Buffer.from(text))).toEqual(fields);
  });
});

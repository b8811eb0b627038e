import { describe, expect, it } from 'vitest';
import { mergeFields } from '../../../src/providers/files/merge.js';
import type { Format } from '../../../src/providers/files/formats.js';

const RULES = { isSet: () => false, isSensitive: () => false };

async function merged(format: Format, desired: string, live: string, paths: string[]): Promise<string | undefined> {
  return (await mergeFields({ format, desired: Buffer.from(desired), live: Buffer.from(live), paths, rules: RULES }))?.toString('utf8');
}

describe('repairing fields in what is live', () => {
  const rows: { format: Format; desired: string; live: string; paths: string[]; result: string; reason: string }[] = [
    { format: 'yaml', desired: 'a: 1\nb: 2\n', live: '# mine\na: 9 # nine\n\nb: 8\n', paths: ['/a'], result: '# mine\na: 1 # nine\n\nb: 8\n', reason: 'YAML keeps comments and the other drift' },
    { format: 'yaml', desired: 'a: 1\n', live: 'a: 1\nb:\n  c: 2\n', paths: ['/b/c'], result: 'a: 1\n', reason: 'a folder that is left empty goes with its last field' },
    { format: 'yaml', desired: 'a: 1\nb: {}\n', live: 'a: 1\nb:\n  c: 2\n', paths: ['/b/c'], result: 'a: 1\nb: {}\n', reason: 'unless an empty one is desired' },
    { format: 'yaml', desired: 'b:\n  c: 2\n', live: 'a: 1\n', paths: ['/b/c'], result: 'a: 1\nb:\n  c: 2\n', reason: 'a field comes with the folders above it' },
    { format: 'yaml', desired: 'a: "yes"\n', live: 'a: \'no\'\n', paths: ['/a'], result: "a: 'yes'\n", reason: 'quotes stay' },
    { format: 'yaml', desired: 'p:\n  80: x\n', live: 'p:\n  80: y\n', paths: ['/p/80'], result: 'p:\n  80: x\n', reason: 'keys may be numbers' },
    { format: 'yaml', desired: 'l:\n- a\n- b\n', live: 'l:\n- a\n- c\nx: 1\n', paths: ['/l/1'], result: 'l:\n- a\n- b\nx: 1\n', reason: 'lists stay as they are indented' },
    { format: 'yaml', desired: 'a:\n    b: 1\n', live: 'a:\n    b: 2\n    c: 3\n', paths: ['/a/b'], result: 'a:\n    b: 1\n    c: 3\n', reason: 'and so do objects' },
    { format: 'json', desired: '{"b": 1, "a": 2}', live: '{\n    "a": 9,\n    "b": 8\n}\n', paths: ['/a'], result: '{\n    "a": 2,\n    "b": 8\n}\n', reason: 'JSON keeps its order and indentation' },
    { format: 'json', desired: '{"a":1}', live: '{"a":1,"x":{"y":2}}', paths: ['/x/y'], result: '{"a":1}', reason: 'JSON in one line stays in one' },
    { format: 'toml', desired: 'a = 1\n[t]\nb = "x"\n', live: '# c\na = 9 # nine\n[t]\nb = "y"\nz = 1.0\n', paths: ['/a', '/t/b'], result: '# c\na = 1 # nine\n[t]\nb = "x"\nz = 1.0\n', reason: 'TOML keeps comments where single lines change' },
    { format: 'toml', desired: '[t]\nl = [1, 2]\n', live: '[t]\nl = [3, 4]\n', paths: ['/t/l/0'], result: '[t]\nl = [ 1, 4 ]\n', reason: 'and is written anew where they do not' },
    { format: 'env', desired: 'A=1\nB=x y\n', live: '# c\nexport A=9\nB=8\nC=7\n', paths: ['/A', '/B'], result: "# c\nexport A=1\nB='x y'\nC=7\n", reason: 'variables keep their place' },
    { format: 'env', desired: 'A=1\nB=2\n', live: 'A=1\nC=3\n', paths: ['/B', '/C'], result: 'A=1\nB=2\n', reason: 'one comes at the end, another goes' },
  ];
  it.each(rows)('$format: $reason', async ({ format, desired, live, paths, result }) => {
    expect(await merged(format, desired, live, paths)).toBe(result);
  });

  it.each([
    { format: 'yaml', desired: 'a: &x {k: 1}\nb: {k: 2}\n', live: 'a: &x {k: 3}\nb: *x\n', paths: ['/b/k'], reason: 'a field that others share through an alias' },
    { format: 'toml', desired: 'f = 1.0\nl = [1]\n', live: 'f = 1.0\nl = [2]\n', paths: ['/l/0'], reason: 'a number that would lose its type' },
    { format: 'env', desired: 'A=1\n', live: 'A="x\ny"\n', paths: ['/A'], reason: 'a value over several lines' },
  ] as const)('$format: $reason cannot be repaired alone', async ({ format, desired, live, paths }) => {
    expect(await merged(format, desired, live, [...paths])).toBeUndefined();
  });
});

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PAGE = join(ROOT, 'docs', 'promises.md');

interface Named {
  readonly row: string;
  readonly file: string;
  readonly title: string;
}

const rows = readFileSync(PAGE, 'utf8').split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
  .map((line) => line.slice(1, -1).split(' | ').map((cell) => cell.trim()));
const promises = rows.filter((cells) => cells.at(-1) !== 'shown by');

/** `[world](../test/faults/world.test.ts) `a title`` in the last cell: where, and part of its title. */
function namedIn(cells: readonly string[]): Named[] {
  return [...(cells.at(-1) ?? '').matchAll(/\]\(([^)]+)\) `([^`]+)`/g)].map(([, link = '', title = '']) => ({ row: cells[0] ?? '', file: join(dirname(PAGE), link), title }));
}

/** The beginnings of tests as they are written; a title may be in the same line, or in the last one of a table. */
function isTest(line: string): boolean {
  return /\b(?:test|it|describe)\b[.\w]*[(.]|^\s*\]?.*\]?\)?\)\(['"`]/.test(line);
}

test('every promise names a test', () => {
  expect(promises.length).toBeGreaterThan(40);
  expect(promises.filter((cells) => namedIn(cells).length === 0).map((cells) => cells[0])).toEqual([]);
});

test('every test that is named exists, under that title', () => {
  const wrong = promises.flatMap(namedIn).filter(({ file, title }) => !existsSync(file) || !readFileSync(file, 'utf8').split('\n').some((line) => isTest(line) && line.includes(title)));
  expect(wrong.map(({ row, file, title }) => `${row}: ${relative(ROOT, file)} has no test "${title}"`)).toEqual([]);
});

test('every file of fault tests shows a promise', () => {
  const named = new Set(promises.flatMap(namedIn).map(({ file }) => file));
  const files = readdirSync(join(ROOT, 'test', 'faults')).filter((name) => name.endsWith('.test.ts')).map((name) => join(ROOT, 'test', 'faults', name));
  expect(files.filter((file) => !named.has(file)).map((file) => relative(ROOT, file))).toEqual([]);
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ROOT } from '../support/quickstart.js';

const { whyStale } = (await import(pathToFileURL(join(ROOT, 'scripts', 'bootstrap.mjs')).href)) as { readonly whyStale: (folder: string) => string | undefined };

const WANTED = {
  '': { name: 'holdfast' },
  'node_modules/yaml': { version: '2.9.1' },
  'node_modules/only-elsewhere': { version: '1.0.0', optional: true, os: ['plan9'] },
};

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-bootstrap-'));
  write('package-lock.json', WANTED);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(file: string, packages: object): void {
  mkdirSync(join(folder, 'node_modules', '.bin'), { recursive: true });
  writeFileSync(join(folder, file), JSON.stringify({ packages }));
}

function installed(packages: object, runtime = true): void {
  write('node_modules/.package-lock.json', packages);
  if (runtime) writeFileSync(join(folder, 'node_modules', '.bin', 'node'), '');
}

test('a fresh clone is installed', () => {
  expect(whyStale(folder)).toBe('nothing is installed yet');
});

test('what is installed as wanted is left alone, without packages of other platforms', () => {
  installed({ 'node_modules/yaml': { version: '2.9.1' } });
  expect(whyStale(folder)).toBeUndefined();
});

test.each([
  { packages: {}, said: 'yaml is missing, wanted 2.9.1' },
  { packages: { 'node_modules/yaml': { version: '2.8.0' } }, said: 'yaml is 2.8.0, wanted 2.9.1' },
])('after a pull that moved a version it is installed again: $said', ({ packages, said }) => {
  installed(packages);
  expect(whyStale(folder)).toBe(said);
});

test('without the development runtime it is installed again, because scripts may have been blocked', () => {
  installed({ 'node_modules/yaml': { version: '2.9.1' } }, false);
  expect(whyStale(folder)).toContain('runtime');
});

test('this clone is installed as its lock file says', () => {
  expect(whyStale(ROOT)).toBeUndefined();
});

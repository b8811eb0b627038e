import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

function sizing(...args: readonly string[]): string {
  return execFileSync(process.execPath, [join(ROOT, 'scripts', 'sizing.mjs'), ...args], { encoding: 'utf8' });
}

function cells(table: string, name: string): readonly string[] {
  return table.split('\n').find((line) => line.startsWith(`| ${name}`))?.split('|').slice(2, -1).map((cell) => cell.trim()) ?? [];
}

test('the computed tables of the page are what the script computes', () => {
  const page = readFileSync(join(ROOT, 'docs', 'scaling.md'), 'utf8');
  for (const table of sizing().trim().split('\n\n')) expect(page).toContain(table);
});

test('what is advised stays within the limits it is computed for: starts of schedules, and one check before the next', () => {
  const [sizes = '', jitter = ''] = sizing('100', '10000', '100000', '1000000').split('\n\n');
  const environments = cells(sizes, 'environments').map((cell) => Number(cell.replaceAll(',', '')));
  const projects = cells(sizes, 'projects').map(Number);
  expect(environments.map((count, index) => count / (projects[index] ?? 1))).toEqual([1, 10, 50, 50]);
  for (const seconds of cells(sizes, 'one check')) expect(Number(seconds)).toBeLessThan(900);
  // Jitter spreads: never more starts at once with more of it.
  for (const row of jitter.split('\n').slice(2)) {
    const most = row.split('|').slice(2, -1).map((cell) => Number(cell.replaceAll(',', '')));
    expect(most).toEqual([...most].sort((a, b) => b - a));
  }
});

test('other figures give another answer: an engine that computes more needs more workers', () => {
  const workers = (...set: readonly string[]): number => Number(cells(sizing('30000', ...set), 'worker processes')[0]);
  expect(workers('--set', 'intervalSeconds=300', '--set', 'engineCpuMs=800')).toBeGreaterThan(workers() * 10);
});

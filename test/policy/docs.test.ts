import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { RESTRICTIVE } from '../../src/domain/deciding/decide.js';
import { FUNCTIONS } from '../../src/policy/bounds.js';
import type { Input } from '../../src/policy/condition.js';
import { APPROVAL_INPUT, RULE_INPUT } from '../../src/policy/vocabulary.js';
import { loadText } from '../config/support.js';

const page = readFileSync(new URL('../../docs/policy.md', import.meta.url), 'utf8');

function rowsOf(input: Input): readonly string[] {
  return Object.entries(input).flatMap(([name, entry]) => ('type' in entry ? [`| \`${name}\` | ${entry.type} | ${entry.meaning} |`] : Object.entries(entry.fields).map(([field, { type, meaning }]) => `| \`${name}.${field}\` | ${type} | ${meaning} |`)));
}

test('the page has a row for everything that conditions see, and for nothing else', () => {
  const table = page.slice(page.indexOf('## What conditions see'), page.indexOf('The conditions of [`approvals.rules`]'));
  expect(table.split('\n').filter((line) => line.startsWith('| `'))).toEqual(rowsOf(RULE_INPUT));
});

test('the page names every function, every decision in its order, and what approvals see', () => {
  for (const name of [...FUNCTIONS.functions, ...FUNCTIONS.methods, ...Object.keys(APPROVAL_INPUT)]) expect(page).toContain(`\`${name}\``);
  const table = page.slice(page.indexOf('## Which rule wins'), page.indexOf('What no rule can lift'));
  expect([...table.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1])).toEqual(RESTRICTIVE);
});

test('the page has a row for every default rule', async () => {
  const [pack] = (await loadText('version: 1\nproject: shop\nenvironments: { dev: {} }\n')).policies ?? [];
  const table = page.slice(page.indexOf('## The default rules'), page.indexOf('Outside production means'));
  const named = [...table.matchAll(/^\| ((?:`[\w-]+`(?:, )?)+) \|/gm)].flatMap((match) => (match[1] ?? '').replaceAll('`', '').split(', '));
  expect(named).toEqual(pack?.rules.map((rule) => rule.name));
});

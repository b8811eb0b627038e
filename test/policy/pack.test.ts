import { describe, expect, it } from 'vitest';
import type { RuleFile } from '../../src/policy/rule.js';
import { runTests } from '../../src/policy/testing.js';
import { loadText } from '../config/support.js';

const MINIMAL = 'version: 1\nproject: shop\nenvironments: { dev: {} }\n';

async function pack(): Promise<RuleFile> {
  const [file] = (await loadText(MINIMAL)).policies ?? [];
  if (file === undefined) throw new Error('there is no pack');
  return file;
}

describe('the default rules', async () => {
  const file = await pack();

  it('come with every configuration that does not refuse them, and stand before its own', async () => {
    expect(file.name).toBe('default');
    const own = { 'holdfast.yaml': `${MINIMAL}policies: ["./own.yaml"]\n`, 'own.yaml': 'version: 1\nrules: [{ name: mine, decision: hold }]\n' };
    expect((await loadText(own)).policies?.map((each) => each.name)).toEqual(['default', 'own.yaml']);
    expect((await loadText({ ...own, 'holdfast.yaml': `${MINIMAL}policies: ["!default", "./own.yaml"]\n` })).policies?.map((each) => each.name)).toEqual(['own.yaml']);
    expect((await loadText(`${MINIMAL}policies: ["!default"]\n`)).policies).toEqual([]);
  });

  it.each(runTests(file).map((result) => [result.name, result] as const))('%s', (_name, result) => {
    expect(result.differs).toEqual([]);
  });

  it('are each tested: every rule decides at least one of the tests', () => {
    const decided = new Set(runTests(file).flatMap((result) => result.decided.rules.map((rule) => rule.split(' (')[0])));
    expect(file.rules.map((rule) => rule.name).filter((name) => !decided.has(name))).toEqual([]);
  });
});

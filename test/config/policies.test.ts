import { join } from 'node:path';
import { utimesSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { keepConfig } from '../../src/config/keep.js';
import { formatConfigError } from '../../src/config/problem.js';
import { errorOf, folderWith, loadIn, loadText } from './support.js';

const ROOT = 'version: 1\nproject: shop\nprincipals: { alice: {}, bob: {} }\ngroups: { sre: [alice, bob] }\nenvironments: { dev: {} }\npolicies: ["./rules.yaml"]\n';
const rules = (text: string): string => `version: 1\nrules:\n${text}`;
const one = (more: string): string => rules(`  - name: one\n    decision: ask\n${more}`);

interface Row {
  readonly reason: string;
  readonly file: string;
  /** Line and column. */
  readonly at: string;
  readonly says: RegExp;
  readonly remedy: RegExp;
}

const ROWS: readonly Row[] = [
  { reason: 'an unknown member', file: one('    when: change.paht == "/port"\n'), at: '5:18', says: /rules\[0\]\.when: change has no member "paht"/, remedy: /did you mean "path"/ },
  { reason: 'an unknown member in single quotes', file: one("    when: 'change.paht == \"/port\"'\n"), at: '5:19', says: /no member "paht"/, remedy: /"path"/ },
  { reason: 'an unknown member after an escape in double quotes', file: one('    when: "change.path == \\"/a\\" || change.knid == \\"x\\""\n'), at: '5:44', says: /no member "knid"/, remedy: /"kind"/ },
  { reason: 'an unknown member on the second line of a block', file: one('    when: |\n      change.path == "/a"\n        && target.nmae == "b"\n'), at: '7:19', says: /target has no member "nmae"/, remedy: /"name"/ },
  { reason: 'an unknown member on a folded line', file: one('    when: >-\n      change.path == "/a"\n      && intent.teir == "b"\n'), at: '7:17', says: /intent has no member "teir"/, remedy: /"tier"/ },
  { reason: 'an unknown variable', file: one('    when: chnage.path == "x"\n'), at: '5:11', says: /nothing is called "chnage" here/, remedy: /did you mean "change"/ },
  { reason: 'two types that do not go together', file: one('    when: change.path == 3\n'), at: '5:11', says: /these types do not go together: string == int/, remedy: /one type/ },
  { reason: 'a duration compared with a number', file: one('    when: history.age > 3\n'), at: '5:11', says: /do not go together: Duration > int/, remedy: /one type/ },
  { reason: 'a condition that is none', file: one('    when: change.path\n'), at: '5:11', says: /gives string, not true or false/, remedy: /compare it/ },
  { reason: 'a condition that is a truth value of YAML', file: one('    when: true\n'), at: '5:11', says: /when: expected a condition/, remedy: /CEL expression in quotes/ },
  { reason: 'half a condition', file: one('    when: change.path ==\n'), at: '5:25', says: /cannot be understood/, remedy: /CEL expression/ },
  { reason: 'an unknown function', file: one('    when: change.path.beginsWith("/a")\n'), at: '5:23', says: /there is no function "beginsWith"/, remedy: /startsWith|known/ },
  { reason: 'a pattern that would run for ever elsewhere, of a dialect that is not there', file: one('    when: change.path.matches("(?=a)+$")\n'), at: '5:31', says: /not a regular expression of RE2/, remedy: /simpler/ },
  { reason: 'a loop that would multiply', file: one('    when: change.actual.exists(a, change.actual.exists(b, a == b))\n'), at: '5:35', says: /does not go over a part of a/, remedy: /two rules/ },
  { reason: 'an unknown decision', file: rules('  - name: one\n    decision: reject\n'), at: '4:15', says: /rules\[0\]\.decision: "reject" is not one of hold, ask, adopt, accept, remediate/, remedy: /known|mean/ },
  { reason: 'an unknown risk', file: one('    risk: severe\n'), at: '5:11', says: /"severe" is not one of low, medium, high, critical/, remedy: /known|mean/ },
  { reason: 'an unknown class', file: one('    on: { class: exposre }\n'), at: '5:18', says: /"exposre" is not one of/, remedy: /"exposure"/ },
  { reason: 'an unknown effect among several', file: one('    on: { effect: [update, destroy] }\n'), at: '5:28', says: /"destroy" is not one of/, remedy: /known|mean/ },
  { reason: 'an unknown selector', file: one('    on: { resource: web }\n'), at: '5:11', says: /unknown key "resource" in rules\[0\]\.on/, remedy: /known|mean/ },
  { reason: 'a selector that looks like a regular expression', file: one('    on: { type: "aws_(a|b)" }\n'), at: '5:17', says: /looks like a regular expression/, remedy: /glob/ },
  { reason: 'an unknown group', file: one('    approvals: { any: [{ group: ser, count: 1 }] }\n'), at: '5:33', says: /rules\[0\]\.approvals\.any\[0\]\.group: "ser" is not a group/, remedy: /did you mean "sre"/ },
  { reason: 'three people of a group of two, by two entries', file: one('    approvals: { all: [{ group: sre, count: 2 }, { group: sre, count: 1 }] }\n'), at: '5:18', says: /together are too few/, remedy: /add people/ },
  { reason: 'a word that no member has, after a line end of Windows', file: one('    when: change.kind == "chnaged"\n').replaceAll('\n', '\r\n'), at: '5:26', says: /change\.kind is never "chnaged"/, remedy: /"changed"/ },
  { reason: 'a risk in the order of the alphabet', file: one('    when: risk > "low"\n'), at: '5:11', says: /words have no order/, remedy: /risk in/ },
  { reason: 'a division by zero', file: one('    when: history.recurrence > 1 / 0\n'), at: '5:32', says: /when: this always fails: division by zero/, remedy: /same for every change/ },
  { reason: 'an item that a list does not have, on the second line of a block', file: one('    when: |\n      environment.production &&\n        plan.deletes == [1][3]\n'), at: '7:25', says: /this always fails: .*index 3/, remedy: /what is meant/ },
  { reason: 'a condition that holds for nothing', file: one('    when: "false"\n'), at: '5:12', says: /the condition never holds: it is false/, remedy: /remove the rule/ },
  { reason: 'a condition one side of which holds for nothing', file: one('    when: environment.production && 1 == 2\n'), at: '5:37', says: /never holds: 1 == 2 is false/, remedy: /that is meant/ },
  { reason: 'a path that is two paths', file: one('    when: change.path == "/a" && change.path == "/b"\n'), at: '5:34', says: /never holds: change\.path is not "\/a" and "\/b" at once/, remedy: /that is meant/ },
  { reason: 'a condition about what the rule does not select', file: one('    on: { class: [noise, metadata] }\n    when: change.class == "data" && environment.production\n'), at: '6:11', says: /change\.class is never "data" where on\.class selects "noise", "metadata"/, remedy: /both name the same/ },
  { reason: 'a path outside of the glob that the rule selects', file: one('    on: { path: /spec/** }\n    when: change.path == "/status"\n'), at: '6:11', says: /change\.path is never "\/status" where on\.path selects/, remedy: /leave one/ },
  { reason: 'a glob of too many alternatives', file: one('    on: { path: "/{a,b,c,d,e}/{a,b,c,d,e}/{a,b,c,d,e}" }\n'), at: '5:17', says: /stands for more than 64 patterns/, remedy: /several rules/ },
  { reason: 'an hour after the last', file: one('    when: time.hour > 23\n'), at: '5:23', says: /time\.hour is never > 23/, remedy: /from 0 to 23/ },
  { reason: 'a comparison as other languages write it', file: one('    when: risk = "high"\n'), at: '5:16', says: /cannot be understood/, remedy: /write == to compare/ },
  { reason: 'and in words', file: one('    when: risk == "high" and environment.production\n'), at: '5:26', says: /cannot be understood/, remedy: /&& for and/ },
  { reason: 'quotes of a word processor', file: one('    when: risk == “high”\n'), at: '5:19', says: /cannot be understood/, remedy: /straight quotes/ },
  { reason: 'a reason of spaces alone', file: rules('  - { name: one, decision: accept, message: "   " }\n'), at: '3:45', says: /message: expected some text/, remedy: /write something/ },
  { reason: 'a date that is a number', file: rules('  - { name: one, decision: accept, message: x, until: 20300101 }\n'), at: '3:55', says: /until: expected a date/, remedy: /2031-12-31/ },
  { reason: 'a date that is left out', file: rules('  - { name: one, decision: accept, message: x, until: }\n'), at: '', says: /until: expected a date/, remedy: /2031-12-31/ },
  { reason: 'a day that no month has', file: rules('  - { name: one, decision: accept, message: x, until: 2030-02-30 }\n'), at: '3:55', says: /until: expected a date/, remedy: /2031-12-31/ },
  { reason: 'a merge key', file: 'version: 1\nrules:\n  - &a { name: one, decision: ask }\n  - { <<: *a, name: two, risk: high }\n', at: '4:7', says: /unknown key "<<"/, remedy: /merge keys are not read/ },
  { reason: 'a test of an outcome that there is not', file: `${one('')}tests:\n  - name: t\n    given: { history: { lastOutcome: fixd } }\n    expect: { decision: ask }\n`, at: '7:38', says: /lastOutcome: "fixd" is not one of/, remedy: /did you mean "fixed"/ },
  { reason: 'a rule file indented with tabs', file: one('\tmessage: hi\n'), at: '5:1', says: /Tabs are not allowed/, remedy: /spaces/ },
  { reason: 'an alias of itself', file: 'version: 1\nrules: &a [*a]\n', at: '2:12', says: /points at nothing usable/, remedy: /write the value out/ },
  { reason: 'a control character in a reason', file: one('    message: "\\e[31mred"\n'), at: '5:14', says: /control characters/, remedy: /plain text/ },
  { reason: 'a shadow of an older YAML', file: one('    shadow: yes\n'), at: '5:13', says: /shadow: expected true or false/, remedy: /without quotes/ },
  { reason: 'nobody who must approve', file: one('    approvals: { any: [{ group: sre, count: 0 }] }\n'), at: '5:45', says: /count: is too small: at least 1/, remedy: /more/ },
  { reason: 'a person in place of a group', file: one('    approvals: { any: [{ group: alice }] }\n'), at: '5:33', says: /"alice" is not a group/, remedy: /"sre"/ },
  { reason: 'a duration in words', file: one('    when: history.age > duration("1 day")\n'), at: '5:34', says: /"1 day" is not a duration/, remedy: /24h/ },
  { reason: 'more people than a group has', file: one('    approvals: { all: [{ group: sre, count: 3 }] }\n'), at: '5:45', says: /3 of "sre" are asked for, which has 2/, remedy: /at most 2/ },
  { reason: 'approvals of neither kind', file: one('    approvals: {}\n'), at: '5:5', says: /either `any` or `all`/, remedy: /any:/ },
  { reason: 'approvals without asking', file: rules('  - name: one\n    decision: hold\n    approvals: { any: [{ group: sre }] }\n'), at: '5:5', says: /approvals: go with decision: ask alone/, remedy: /decision: ask/ },
  { reason: 'a rule that accepts without a reason', file: rules('  - name: one\n    decision: accept\n'), at: '3:5', says: /a rule that accepts must say why/, remedy: /message/ },
  { reason: 'a date for another decision', file: one('    until: 2027-01-01\n'), at: '5:12', says: /until: goes with decision: accept alone/, remedy: /remove it/ },
  { reason: 'a date that is none', file: rules('  - name: one\n    decision: accept\n    message: noise\n    until: soon\n'), at: '6:12', says: /expected a date/, remedy: /2031-12-31/ },
  { reason: 'a rule that accepts by its plan', file: rules('  - name: one\n    decision: accept\n    message: noise\n    when: plan.resources == 1\n'), at: '6:11', says: /a rule that says accept cannot read plan\.resources/, remedy: /decision: ask/ },
  { reason: 'a rule that says nothing', file: rules('  - name: one\n    message: hello\n'), at: '3:5', says: /neither a decision nor a risk/, remedy: /decision: ask/ },
  { reason: 'a rule without a name', file: rules('  - decision: ask\n'), at: '3:5', says: /rules\[0\]\.name is missing/, remedy: /lower-case/ },
  { reason: 'a name that is none', file: rules('  - name: One Rule\n    decision: ask\n'), at: '3:11', says: /"One Rule" is not a name/, remedy: /lower-case/ },
  { reason: 'two rules of one name', file: rules('  - name: one\n    decision: ask\n  - name: one\n    decision: hold\n'), at: '5:5', says: /the rule "one" is there already, at rules\.yaml:3/, remedy: /name of its own/ },
  { reason: 'a rule with the name of one of the pack', file: rules('  - name: exposure\n    decision: ask\n'), at: '3:5', says: /the rule "exposure" is there already, at default:\d+/, remedy: /name of its own/ },
  { reason: 'an unknown key of a rule', file: one('    mesage: x\n'), at: '5:5', says: /unknown key "mesage" in rules\[0\]/, remedy: /did you mean "message"/ },
  { reason: 'an unknown key of the file', file: 'version: 1\nrule: []\n', at: '2:1', says: /unknown key "rule"/, remedy: /did you mean "rules"/ },
  { reason: 'another version', file: 'version: 2\nrules: []\n', at: '1:10', says: /expected 1, the only version there is/, remedy: /version: 1/ },
  { reason: 'no version', file: 'rules: []\n', at: '1:1', says: /version is missing/, remedy: /version: 1/ },
  { reason: 'rules that are no list', file: 'version: 1\nrules: { one: {} }\n', at: '2:1', says: /rules: expected a list of rules/, remedy: /- name/ },
  { reason: 'a test that expects nothing', file: `${one('')}tests:\n  - name: t\n    expect: {}\n`, at: '7:5', says: /tests\[0\]\.expect: the test expects nothing/, remedy: /decision: ask/ },
  { reason: 'a test that gives what there is not', file: `${one('')}tests:\n  - name: t\n    given: { change: { colour: red } }\n    expect: { decision: ask }\n`, at: '7:24', says: /unknown key "colour" in tests\[0\]\.given\.change/, remedy: /known|mean/ },
  { reason: 'an empty file', file: '', at: '0:0', says: /the file is empty/, remedy: /`rules:`/ },
  { reason: 'no YAML', file: 'version: 1\nrules: [\n', at: '3:1', says: /not valid YAML/, remedy: /indentation|quotes/ },
  { reason: 'an alias bomb', file: `version: 1\na: &a [x,x,x,x,x,x,x,x,x,x]\n${'bcdefg'.split('').map((name, index) => `${name}: &${name} [${Array.from({ length: 10 }, () => `*${'abcdef'[index] ?? ''}`).join(',')}]`).join('\n')}\n`, at: '', says: /expand to too many values/, remedy: /below 200000/ },
  { reason: 'nested without end', file: `version: 1\nrules: ${'['.repeat(500)}${']'.repeat(500)}\n`, at: '', says: /nested too deeply/, remedy: /at most 64/ },
  { reason: 'a file of megabytes', file: `version: 1\n# ${'x'.repeat(2_000_000)}\n`, at: '0:0', says: /at most 1048576 are read/, remedy: /./ },
  { reason: 'more rules than are taken', file: rules(Array.from({ length: 501 }, (_, index) => `  - { name: r${index}, decision: ask }`).join('\n')), at: '2:1', says: /more than 500 rules/, remedy: /one rule select/ },
  { reason: 'a condition without end', file: one(`    when: ${Array.from({ length: 400 }, (_, index) => `change.path == "/${index}"`).join(' || ')}\n`), at: '5:11', says: /longer than 4000|too long/, remedy: /split/ },
];

describe('what `policies` names', () => {
  it.each([
    ['the default rules misspelt', '["defualt"]', /policies\[0\]: "defualt" names neither a file nor the default rules/, /did you mean "default"/],
    ['the default rules left out, misspelt', '["./rules.yaml", "!defualt"]', /policies\[1\]: "!defualt" names neither/, /did you mean "!default"/],
    ['the default rules, named and left out', '["!default", default]', /policies\[1\]: the default rules are named and left out at once/, /keep "default" or "!default"/],
    ['a file that is not there', '["./other.yaml"]', /no file matches ".\/other\.yaml"/, /paths count from the folder/],
    ['a text', './rules.yaml', /policies: expected a list of paths/, /"\.\/policies\/\*\.yaml"/],
    ['keys', '{ a: ./rules.yaml }', /policies: expected a list of paths/, /\.\/policies/],
    ['a pattern that no path can be', '["./{a,b}.yaml"]', /cannot be used/, /\.\/policies\/\*\.yaml/],
    ['the configuration itself', '["./holdfast.yaml"]', /unknown key "project"/, /known: "version", "rules", "tests"/],
  ])('%s: is refused at its place', async (_reason, policies, says, remedy) => {
    const { problems } = await errorOf({ 'holdfast.yaml': ROOT.replace('["./rules.yaml"]', policies), 'rules.yaml': one('') });
    const problem = problems.find(({ message }) => says.test(message));
    expect(problems.map(({ message }) => message).join('\n')).toMatch(says);
    expect(problem?.line).toBeGreaterThan(0);
    expect(problem?.remedy).toMatch(remedy);
  });
});

describe('a mistake in a rule file', () => {
  it.each(ROWS)('$reason: is found at its place, with a remedy', async ({ file, at, says, remedy }) => {
    const error = await errorOf({ 'holdfast.yaml': ROOT, 'rules.yaml': file });
    const problem = error.problems.find((each) => says.test(each.message));
    expect(error.problems.map((each) => each.message).join('\n')).toMatch(says);
    expect(problem?.file.endsWith('rules.yaml')).toBe(true);
    if (at !== '') expect(`${String(problem?.line)}:${String(problem?.column)}`).toBe(at);
    expect(problem?.remedy).toMatch(remedy);
    expect(error.problems.length).toBeLessThanOrEqual(20);
  });

  it('is shown with a caret below it', async () => {
    const text = formatConfigError(await errorOf({ 'holdfast.yaml': ROOT, 'rules.yaml': one('    when: change.paht == "/port"\n') }));
    expect(text.split('\n').slice(1, 3)).toEqual(['        when: change.paht == "/port"', `    ${' '.repeat(17)}^`]);
  });

  it('leaves the last good configuration in force, and its correction is taken', async () => {
    const folder = folderWith({ 'holdfast.yaml': ROOT, 'rules.yaml': one('') });
    const kept = await keepConfig(() => loadIn(folder));
    const digest = kept.current().digest;
    const write = (text: string, second: number): void => {
      writeFileSync(join(folder, 'rules.yaml'), text);
      utimesSync(join(folder, 'rules.yaml'), second, second);
    };
    write(one('    when: change.paht == "x"\n'), 1_000_000);
    const refused = await kept.refresh();
    expect(refused.error?.message).toMatch(/no member "paht"/);
    expect(kept.current().digest).toBe(digest);
    write(one('    when: change.path == "x"\n'), 2_000_000);
    expect(await kept.refresh()).toEqual({ changed: true });
    expect(kept.current().digest).not.toBe(digest);
  });
});

it('a rule that asks for several people is warned of where nobody can tell them apart', async () => {
  const two = one('    approvals: { any: [{ group: sre, count: 2 }] }\n');
  expect((await loadText({ 'holdfast.yaml': ROOT, 'rules.yaml': two })).warnings.find((each) => each.where === 'rule one (rules.yaml:3)')?.message).toMatch(/which dev cannot tell apart/);
  expect((await loadText({ 'holdfast.yaml': ROOT, 'rules.yaml': one('    approvals: { any: [{ group: sre, count: 2 }, { group: sre, count: 1 }] }\n') })).warnings.map((each) => each.where)).not.toContain('rule one (rules.yaml:3)');
});

it('a rule that accepts until a date is warned of once that has passed, since it does nothing any more', async () => {
  const file = rules('  - { name: one, decision: accept, message: noise, until: 2026-11-01 }\n  - { name: two, decision: accept, message: noise, until: 2026-11-03 }\n');
  const { warnings } = await loadText({ 'holdfast.yaml': ROOT, 'rules.yaml': file }, { now: new Date('2026-11-02T09:00:00.000Z') });
  expect(warnings.filter((each) => each.where.startsWith('rule '))).toEqual([{ where: 'rule one (rules.yaml:3)', message: 'has lapsed: 2026-11-01T00:00:00.000Z has passed; its changes are decided without it, and it can be removed' }]);
});

it('rules of a configuration keep their place, and the digest covers them', async () => {
  const files = { 'holdfast.yaml': ROOT, 'rules.yaml': one('    when: change.path == "x"\n') };
  const config = await loadText(files);
  expect(config.policies?.at(-1)).toMatchObject({ name: 'rules.yaml', rules: [{ name: 'one', at: 'rules.yaml:3', decision: 'ask', when: { reads: ['change.path'] } }] });
  expect((await loadText(files)).digest).toBe(config.digest);
  expect((await loadText({ ...files, 'rules.yaml': one('    when: change.path == "y"\n') })).digest).not.toBe(config.digest);
});

describe('a name that is nowhere in the configuration', () => {
  const NAMES = 'version: 1\nproject: shop\nenvironments: { dev: {}, prod: { owner: team-platform } }\ntargets: { storefront: { environments: [dev, prod], provider: files, owner: team-web, source: { path: ./d }, spec: { root: "/srv/${target.environment}" } } }\npolicies: ["./rules.yaml"]\n';
  const told = async (when: string): Promise<readonly string[]> => (await loadText({ 'holdfast.yaml': NAMES, 'rules.yaml': one(`    when: ${when}\n`) })).warnings.map(({ where, message }) => `${where}: ${message}`);

  it.each([
    ['an environment misspelt', 'environment.name == "prdo"', /^rule one \(rules\.yaml:5:31\): environment\.name is never "prdo" in this configuration: did you mean "prod"\?$/],
    ['one of a list, beside one that is here', 'environment.name in ["dev", "prdo"]', /:5:39\): .*never "prdo".*"prod"/],
    ['an environment of another project, alone', 'environment.name == "live"', /never "live" in this configuration: known: "dev", "prod"/],
    ['what is never left out', 'environment.name != "prood"', /never "prood".*did you mean "prod"/],
    ['the name before the member', "'\"prdo\" == environment.name'", /:5:12\): .*did you mean "prod"/],
    ['a target misspelt', 'target.name == "storefornt"', /target\.name is never "storefornt".*"storefront"/],
    ['an address misspelt', 'target.address == "prod/storefrnt"', /did you mean "prod\/storefront"/],
    ['a pool', 'target.pool == "elsewhere"', /target\.pool is never "elsewhere".*known: "dev", "prod"/],
    ['an owner misspelt', 'target.owner == "team-wbe"', /did you mean "team-web"/],
    ['the owner of an environment misspelt', 'environment.owner == "team-plattform"', /did you mean "team-platform"/],
    ['a provider misspelt', 'target.provider == "kubernets"', /target\.provider is never "kubernets".*did you mean "kubernetes"/],
    ['a tier misspelt', 'intent.tier == "criticl"', /intent\.tier is never "criticl".*"critical"/],
  ])('%s: is told with its place, and not refused', async (_reason, when, says) => {
    const warnings = await told(when);
    expect(warnings.join('\n')).toMatch(says);
    expect(warnings).toHaveLength(1);
  });

  it.each([
    ['names that are here', 'environment.name in ["dev", "prod"] && target.name == "storefront" && target.pool == "prod"'],
    ['a name of another project beside one that is here', 'environment.name in ["prod", "live", "production-eu"]'],
    ['a near name beside the one it is near to', 'environment.name in ["prod", "prod2"]'],
    ['a provider that no target has', 'target.provider in ["postgres", "opentofu"]'],
    ['an owner of another project', 'target.owner == "payments"'],
    ['a tier of their own', 'intent.tier == "board-visible"'],
    ['nothing at all', 'target.owner == ""'],
    ['a loop that calls its item like a group', 'change.actual.exists(target, target.name == "storefornt")'],
  ])('%s: nothing is told', async (_reason, when) => {
    expect(await told(when)).toEqual([]);
  });

  it('of a target is not known where there are none', async () => {
    expect((await loadText({ 'holdfast.yaml': ROOT, 'rules.yaml': one('    when: target.name == "x"\n') })).warnings).toEqual([]);
  });

  it('of a provider is told where `on` selects by it too, a glob that is like none as well', async () => {
    const of = async (provider: string): Promise<readonly string[]> => (await loadText({ 'holdfast.yaml': NAMES, 'rules.yaml': one(`    on: { provider: ${provider} }\n`) })).warnings.map(({ where, message }) => `${where}: ${message}`);
    expect(await of('opentoffu')).toEqual(['rule one (rules.yaml:3): on.provider: "opentoffu" is no provider: did you mean "opentofu"?']);
    expect(await of('[files, "cube*"]')).toEqual([expect.stringContaining('"cube*" is no provider')]);
    expect(await of('[kubernetes, "open*"]')).toEqual([]);
  });

  it('is refused where the configuration itself says it: an environment in its own rules of approval', async () => {
    const when = (text: string): string => `version: 1\nproject: shop\nprincipals: { alice: {} }\ngroups: { sre: [alice] }\nenvironments:\n  prod:\n    approvals: { rules: [{ when: ${JSON.stringify(text)}, any: [{ group: sre }] }] }\n`;
    const { problems } = await errorOf(when('environment.name == \'prdo\''));
    expect(problems).toMatchObject([{ line: 7, column: 55, message: 'environments.prod.approvals.rules[0].when: environment.name is never "prdo"', remedy: 'did you mean "prod"?' }]);
    await expect(loadText(when('environment.name in [\'prod\', \'staging\']'))).resolves.toBeDefined();
  });
});

import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Rule, RuleFile, RuleTest } from '../policy/rule.js';
import { RULES } from '../policy/vocabulary.js';
import { readCondition } from './conditions.js';
import type { ConfigWarning } from './config.js';
import type { EnvironmentEntry } from './environments.js';
import { type ConfigFile, findListed, readText } from './files.js';
import { check } from './issues.js';
import { checkVoters, type People } from './people.js';
import { type Place, positionOf, type Report } from './problem.js';
import type { Reader } from './read.js';
import { sections } from './schema.js';
import { MOST_RULES, ruleFileSchema, ruleSchema, ruleTestSchema } from './schema-policy.js';
import { checkSelectors } from './selectors.js';
import { formatPath, nearest, quote } from './text.js';
import { child, locate, type MapTree, toPlain, type Tree } from './tree.js';
import { parseYaml } from './yaml.js';

/** The rules that come with Holdfast, under the name by which `policies` lists or refuses them. */
const PACK = 'default';
const NO_PACK = `!${PACK}`;
const PACK_FILE = fileURLToPath(new URL('../../policies/default.yaml', import.meta.url));

/** Kept beside the rules, so that what is wrong between two of them has a place. */
const places = new WeakMap<Rule, Place>();

export interface ReadingPolicies {
  readonly root: ConfigFile;
  readonly people: People;
  readonly reader: Reader;
  readonly report: Report;
  /** What is read in place of what `policies` names. */
  readonly instead?: readonly string[];
}

/** Reads the rule files that `policies` names, after the pack, unless it says `!default`. */
export async function readPolicies(ctx: ReadingPolicies): Promise<readonly RuleFile[]> {
  const { root, reader, report } = ctx;
  const tree = ctx.instead === undefined ? child(root.tree, 'policies') : undefined;
  const patterns = ctx.instead ?? (tree === undefined ? [] : (check(sections.policies, toPlain(tree), { report, where: ['policies'], tree }) ?? []));
  const paths = new Set<string>(patterns.includes(NO_PACK) ? [] : [PACK_FILE]);
  for (const [index, pattern] of patterns.entries()) {
    const at = (tree?.kind === 'list' ? tree.items[index]?.at : undefined) ?? root.tree.at;
    if (pattern === PACK && patterns.includes(NO_PACK)) report.add({ at, message: `policies[${index}]: the default rules are named and left out at once`, remedy: `keep "${PACK}" or "${NO_PACK}"` });
    if (pattern === PACK || pattern === NO_PACK) continue;
    const meant = /[./*]/.test(pattern) ? undefined : nearest(pattern, [PACK, NO_PACK]);
    if (meant !== undefined) {
      report.add({ at, message: `policies[${index}]: ${quote(pattern)} names neither a file nor the default rules`, remedy: `did you mean ${quote(meant)}?` });
      continue;
    }
    for (const path of await findListed(pattern, { at, folder: root.folder, reader, report, what: `policies[${index}]` })) paths.add(path);
  }
  const files: RuleFile[] = [];
  for (const path of paths) files.push(...(await readRuleFile(path, ctx)));
  refuseTwins(files, report);
  return files;
}

/** Rules that ask for more people than an environment can tell apart: there, their approvals are never enough. */
export function uncountable(files: readonly RuleFile[], environments: Iterable<EnvironmentEntry>): readonly ConfigWarning[] {
  const blind = [...environments].filter(({ environment }) => environment.approvals.trust === 'namespace').map(({ name }) => name);
  const rules = files.flatMap((file) => file.rules).filter(({ requires }) => requires?.all !== undefined || requires?.any?.every(({ count }) => count > 1) === true);
  if (blind.length === 0) return [];
  return rules.map((rule) => ({ where: `rule ${rule.name} (${rule.at})`, message: `asks for several people, which ${blind.join(', ')} cannot tell apart: with trust \`namespace\` what it asks about there is never approved` }));
}

/** Rules that leave a change alone until a date that has passed: they hold no more. */
export function lapsedRules(files: readonly RuleFile[], now: Date): readonly ConfigWarning[] {
  const lapsed = files.flatMap((file) => file.rules).filter(({ until }) => until !== undefined && new Date(until) <= now);
  return lapsed.map(({ name, at, until = '' }) => ({ where: `rule ${name} (${at})`, message: `has lapsed: ${until} has passed; its changes are decided without it, and it can be removed` }));
}

/** Where a rule file of the pack stands is no part of what it says. */
export function isPack(path: string): boolean {
  return path === PACK_FILE;
}

async function readRuleFile(path: string, { root, people, reader, report }: ReadingPolicies): Promise<readonly RuleFile[]> {
  const text = await readText(path, reader, report);
  if (text === undefined) return [];
  const tree = parseYaml(path, text, report, 'begin with `version: 1` and `rules:`, or remove the file from policies');
  const plain = tree === undefined ? undefined : check(ruleFileSchema, toPlain(tree), { report, where: [], tree });
  if (tree === undefined || plain === undefined) return [];
  const name = isPack(path) ? PACK : relative(root.folder, path).split(sep).join('/');
  const rules = itemsOf(tree, 'rules').flatMap((item, index) => readRule(item, { where: ['rules', index], name, people, report }));
  const tests = itemsOf(tree, 'tests').flatMap((item, index) => readTest(item, { where: ['tests', index], name, report }));
  return [{ name, rules, tests }];
}

function itemsOf(tree: MapTree, key: string): readonly Tree[] {
  const list = child(tree, key);
  return list?.kind === 'list' ? list.items : [];
}

interface ReadingItem {
  /** `rules`, 3. */
  readonly where: readonly PropertyKey[];
  /** Of the file. */
  readonly name: string;
  readonly report: Report;
}

function readRule(tree: Tree, { where, name: file, people, report }: ReadingItem & { readonly people: People }): readonly Rule[] {
  const condition = readCondition({ tree: child(tree, 'when'), where: formatPath([...where, 'when']), vocabulary: RULES, report });
  const input = check(ruleSchema, toPlain(tree), { report, where, tree });
  if (input === undefined) return [];
  const { name, on, decision, risk, approvals, message, shadow, until } = input;
  const plan = condition?.reads.find((each) => each === 'plan' || each.startsWith('plan.'));
  if (plan !== undefined && (decision === 'accept' || decision === 'adopt')) {
    report.add({ at: locate(tree, ['when']).at, message: `${formatPath([...where, 'when'])}: a rule that says ${decision} cannot read ${plan}: no repair is planned then`, remedy: 'look at the change itself, or write decision: ask' });
  }
  checkSelectors({ on, condition, tree, where, report });
  const requires = approvals === undefined ? undefined : { ...(approvals.any === undefined ? {} : { any: approvals.any }), ...(approvals.all === undefined ? {} : { all: approvals.all }) };
  if (requires !== undefined) checkVoters({ requires, tree: child(tree, 'approvals') ?? tree, where: formatPath([...where, 'approvals']), people, report });
  const rule: Rule = {
    name,
    at: lineOf(file, tree.at),
    on: on,
    shadow,
    ...(condition === undefined ? {} : { when: condition }),
    ...(decision === undefined ? {} : { decision }),
    ...(risk === undefined ? {} : { risk }),
    ...(requires === undefined ? {} : { requires }),
    ...(message === undefined ? {} : { message }),
    ...(until === undefined ? {} : { until: new Date(until).toISOString() }),
  };
  places.set(rule, tree.at);
  return [rule];
}

function readTest(tree: Tree, { where, name: file, report }: ReadingItem): readonly RuleTest[] {
  const input = check(ruleTestSchema, toPlain(tree), { report, where, tree });
  if (input === undefined) return [];
  const { name, given, expect } = input;
  return [{ name, at: lineOf(file, tree.at), given: given as RuleTest['given'], expect: expect }];
}

/** Names are how people speak of rules, and how the record tells them apart. */
function refuseTwins(files: readonly RuleFile[], report: Report): void {
  const seen = new Map<string, Rule>();
  let count = 0;
  for (const rule of files.flatMap((file) => file.rules)) {
    const twin = seen.get(rule.name);
    count += 1;
    if (twin === undefined) seen.set(rule.name, rule);
    else report.add({ at: placeOf(rule), message: `the rule ${quote(rule.name)} is there already, at ${twin.at}`, remedy: 'give each rule a name of its own' });
    if (count === MOST_RULES + 1) report.add({ at: placeOf(rule), message: `there are more than ${MOST_RULES} rules in all files together`, remedy: 'let one rule select several types or paths' });
  }
}

function placeOf(rule: Rule): Place {
  const place = places.get(rule);
  if (place === undefined) throw new TypeError(`rule ${rule.name} was read nowhere`);
  return place;
}

function lineOf(file: string, at: Place): string {
  return at.offset === undefined ? file : `${file}:${positionOf(at.file, at.offset).line}`;
}

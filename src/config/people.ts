import { isDirectoryGroup, namesOf, principalOf, type People as Known, type Principal, type PrincipalKey } from '../domain/approving/people.js';
import type { Condition } from '../policy/condition.js';
import { APPROVALS } from '../policy/vocabulary.js';
import { parseKeyLine } from '../trust/ssh-key.js';
import { readCondition } from './conditions.js';
import { isHopeless, type Voters } from '../domain/approving/quorum.js';
import type { ConfigWarning } from './config.js';
import type { EnvironmentEntry } from './environments.js';
import { check } from './issues.js';
import type { Report } from './problem.js';
import { groupSchema, principalSchema } from './schema.js';
import type { EnvironmentInput } from './schema-environment.js';
import { quote, suggest } from './text.js';
import { entriesOf, locate, type MapTree, toPlain, type Tree } from './tree.js';
import { nameProblem } from './values.js';

export interface People {
  readonly principals: readonly string[];
  /** Group to how many people it can have; infinite where a directory's group is a member. */
  readonly groups: ReadonlyMap<string, number>;
  /** As the rest of Holdfast reads them. */
  readonly known: Known;
}

/** Principals and groups, and whether each person is one person. */
export function readPeople(principals: MapTree, groups: MapTree, report: Report): People {
  const identities = new Map<string, string>();
  const found: Principal[] = [];
  for (const [name, entry] of entriesOf(principals)) {
    reportName('principals', name, entry.key, report);
    const person = check(principalSchema, toPlain(entry.value), { report, where: ['principals', name], tree: entry.value });
    const principal: Principal = { name, keys: (person?.keys ?? []).map(toKey), aliases: person?.aliases ?? [], ...(person?.oidc === undefined ? {} : { oidc: person.oidc }) };
    found.push(principal);
    const again = principal.keys.findIndex((key, index) => key.fingerprint !== '' && principal.keys.findIndex((other) => other.fingerprint === key.fingerprint) < index);
    if (again >= 0) report.add({ at: locate(entry.value, ['keys', again]).at, message: `principals.${name}.keys[${again}]: the same key is there twice`, remedy: 'a key has one time in which it signs: keep one of them' });
    const shared = namesOf(principal).find((each) => identities.has(each));
    if (shared !== undefined) {
      report.add({ at: entry.key, message: `principals.${name} has the same ${whatIs(shared, principal)} as ${identities.get(shared) ?? ''}`, remedy: 'one person is one principal: merge them' });
    }
    for (const identity of namesOf(principal)) identities.set(identity, name);
  }
  const known = [...principals.entries.keys()];
  const sizes = new Map<string, number>();
  const all: Record<string, readonly string[]> = {};
  for (const [name, entry] of entriesOf(groups)) {
    reportName('groups', name, entry.key, report);
    const members = check(groupSchema, toPlain(entry.value), { report, where: ['groups', name], tree: entry.value }) ?? [];
    for (const [index, member] of members.entries()) {
      if (member.startsWith('oidc:') ? member.length > 5 : known.includes(member)) continue;
      const at = locate(entry.value, [index]).at;
      report.add({ at, message: `groups.${name}: ${quote(member)} is not a principal`, remedy: `${suggest(member, known)} A member of the identity provider is written "oidc:…"` });
    }
    all[name] = members;
    const people = new Set(members.map((member) => identities.get(member.toLowerCase()) ?? member));
    sizes.set(name, members.some(isDirectoryGroup) ? Number.POSITIVE_INFINITY : people.size);
  }
  return { principals: known, groups: sizes, known: { principals: found, groups: all } };
}

function toKey({ key, from, until }: { readonly key: string; readonly from?: string | undefined; readonly until?: string | undefined }): PrincipalKey {
  const read = parseKeyLine(key);
  return { key, fingerprint: read.ok ? read.value.fingerprint : '', ...(from === undefined ? {} : { from }), ...(until === undefined ? {} : { until }) };
}

function whatIs(identity: string, { oidc }: Principal): string {
  if (oidc !== undefined && (identity === oidc.toLowerCase() || identity === `oidc:${oidc.toLowerCase()}`)) return 'sign-in';
  return /^(?:ssh-|ecdsa-|sk-)/.test(identity) ? 'key' : `name ${quote(identity)}`;
}

function reportName(section: string, name: string, at: Parameters<Report['add']>[0]['at'], report: Report): void {
  const [fact, remedy] = nameProblem(name)?.split('\n') ?? [];
  if (fact !== undefined) report.add({ at, message: `${section}: ${fact}`, remedy: remedy ?? '' });
}

interface RulesInput {
  readonly name: string;
  readonly tree: Tree;
  readonly approvals: EnvironmentInput['approvals'];
  readonly people: People;
  readonly report: Report;
}

/** The conditions of the rules, compiled. */
export function approvalConditions({ name, tree, approvals, report }: Omit<RulesInput, 'people'>): readonly Condition[] {
  return (approvals.rules ?? []).flatMap((_, index) => {
    const found = readCondition({ tree: locate(tree, ['approvals', 'rules', index, 'when']).tree, where: `environments.${name}.approvals.rules[${index}].when`, vocabulary: APPROVALS, report });
    return found === undefined ? [] : [found];
  });
}

/** Every rule names groups that exist and asks for no more people than they have. */
export function checkRules({ name, tree, approvals, people, report }: RulesInput): void {
  const base = ['approvals', 'rules'];
  const add = (path: readonly PropertyKey[], fact: string, remedy: string) => report.add({ at: locate(tree, path).at, message: `environments.${name}.approvals: ${fact}`, remedy });
  for (const [index, rule] of (approvals.rules ?? []).entries()) {
    const kind = rule.all === undefined ? 'any' : 'all';
    const voters = rule.all ?? rule.any ?? [];
    if (approvals.trust === 'namespace' && kind === 'all') {
      add([...base, index, 'all'], 'a rule with `all` needs signed approvals: with trust `namespace` nobody can tell people apart', 'write trust: signed, or any: with a count of 1');
    }
    if (isTooFew(rule, people)) add([...base, index, 'all'], TOO_FEW.fact, `${TOO_FEW.remedy}, or write distinct: false`);
    for (const [position, voter] of voters.entries()) {
      const path = [...base, index, kind, position];
      const size = people.groups.get(voter.group);
      if (size === undefined) add([...path, 'group'], `${quote(voter.group)} is not a group`, suggest(voter.group, [...people.groups.keys()]));
      else if (voter.count > size) add([...path, 'count'], `${voter.count} of ${quote(voter.group)} are asked for, which has ${size}`, `ask for at most ${size}, or add people to the group`);
      else if (approvals.trust === 'namespace' && voter.count > 1) {
        add([...path, 'count'], `a quorum of ${voter.count} needs signed approvals: with trust \`namespace\` nobody can tell people apart`, 'write trust: signed, or a count of 1');
      }
    }
  }
  const known = [...people.groups.keys(), ...people.principals];
  for (const [index, { to }] of (approvals.escalate ?? []).entries()) {
    const listed = locate(tree, ['approvals', 'escalate', index]).tree !== undefined;
    if (!known.includes(to)) add(['approvals', 'escalate', ...(listed ? [index] : []), 'to'], `${quote(to)} is neither a group nor a principal`, suggest(to, known));
  }
  const { breakGlass, trust } = approvals;
  if (breakGlass === undefined) return;
  if (!people.groups.has(breakGlass.group)) add(['approvals', 'breakGlass', 'group'], `${quote(breakGlass.group)} is not a group`, suggest(breakGlass.group, [...people.groups.keys()]));
  if (trust === 'namespace' && !breakGlass.unverified) {
    add(['approvals', 'breakGlass'], 'break-glass needs signed approvals: with trust `namespace` anybody can give any name', 'write trust: signed, or breakGlass: { …, unverified: true } to rely on who reaches Temporal');
  }
}

/** Rules of approvals that nobody can meet: their groups are the identity provider's, and nobody signs in; or their people have no key, and must sign. */
export function unsigned(environments: Iterable<EnvironmentEntry>, { known }: People): readonly ConfigWarning[] {
  const named: Known = { ...known, groups: Object.fromEntries(Object.entries(known.groups).map(([name, members]) => [name, members.filter((member) => !isDirectoryGroup(member))])) };
  const keyed = known.principals.filter((each) => each.keys.length > 0);
  const signers: Known = { principals: keyed, groups: Object.fromEntries(Object.entries(named.groups).map(([name, members]) => [name, members.filter((member) => keyed.some((each) => each.name === principalOf(known, member)))])) };
  return [...environments].flatMap(({ name, environment: { approvals } }) => (approvals.rules ?? []).flatMap((rule, index) => {
    const poll = { requirements: [{ ...rule, because: '' }], excluded: [], escalatedTo: approvals.escalate?.map(({ to }) => to) ?? [], votes: [] };
    const where = `environments.${name}.approvals.rules[${index}]`;
    if (isHopeless({ ...poll, people: known })) return [];
    if (!isHopeless({ ...poll, people: named })) {
      const isShort = approvals.trust === 'signed' && isHopeless({ ...poll, people: signers, escalatedTo: poll.escalatedTo.filter((to) => Object.hasOwn(signers.groups, to) || keyed.some((each) => each.name === to)) });
      return isShort ? [{ where, message: 'cannot be met yet: approvals must be signed, and too few of its people have a key; add principals.NAME.keys' }] : [];
    }
    return [{ where, message: 'cannot be met yet: nobody signs in to this version, so nobody is in a group by "oidc:group/…"; name principals' }];
  }));
}

const TOO_FEW = { fact: 'the people of these groups together are too few: two groups need two people, also where somebody is in both', remedy: 'ask for fewer, or add people to a group' };

/** `all` of groups that are each large enough, and together are not. */
function isTooFew({ all, distinct }: { readonly all?: readonly Voters[] | undefined; readonly distinct?: boolean | undefined }, { groups, known }: People): boolean {
  if (all === undefined || all.some(({ group, count }) => count > (groups.get(group) ?? 0))) return false;
  return isHopeless({ people: known, requirements: [{ all, because: '', ...(distinct === false ? { distinct } : {}) }], excluded: [], escalatedTo: [], votes: [] });
}

interface VotersInput {
  readonly requires: { readonly any?: readonly Voters[]; readonly all?: readonly Voters[] };
  readonly tree: Tree;
  /** `rules[3].approvals`. */
  readonly where: string;
  readonly people: People;
  readonly report: Report;
}

/** The groups that a rule of a rule file asks, as it holds for every environment. */
export function checkVoters({ requires, tree, where, people, report }: VotersInput): void {
  const kind = requires.all === undefined ? 'any' : 'all';
  if (isTooFew(requires, people)) report.add({ at: locate(tree, ['all']).at, message: `${where}.all: ${TOO_FEW.fact}`, remedy: TOO_FEW.remedy });
  for (const [index, { group, count }] of (requires[kind] ?? []).entries()) {
    const size = people.groups.get(group);
    const place = `${where}.${kind}[${index}]`;
    if (size === undefined) report.add({ at: locate(tree, [kind, index, 'group']).at, message: `${place}.group: ${quote(group)} is not a group`, remedy: suggest(group, [...people.groups.keys()]) });
    else if (count > size) report.add({ at: locate(tree, [kind, index, 'count']).at, message: `${place}.count: ${count} of ${quote(group)} are asked for, which has ${size}`, remedy: `ask for at most ${size}, or add people to the group` });
  }
}

import { isDirectoryGroup, isMember, membersOf, type People } from './people.js';

/** So many people of one group. */
export interface Voters {
  readonly group: string;
  readonly count: number;
}

/** Who must approve: any one of several quorums, or all of them together. */
export interface Requirement {
  readonly any?: readonly Voters[];
  readonly all?: readonly Voters[];
  /** With `all`: one person may stand for several of its groups. Otherwise two groups are two people. */
  readonly distinct?: false;
  /** Nobody there proves who they are: all names together are one vote. */
  readonly unproved?: true;
  /** What asked for it, in a line: `approvals.rules[1] of prod`, `rule exposure (policies/base.yaml:12)`. */
  readonly because: string;
}

/** Somebody who may not approve, and why: `caused the change`. */
export interface Excluded {
  readonly person: string;
  readonly why: string;
}

/** What is asked of whom about one plan, and who has approved it so far. */
export interface Poll {
  readonly people: People;
  /** All of them must be met; none: one person, whoever it is. */
  readonly requirements: readonly Requirement[];
  readonly excluded: readonly Excluded[];
  /** Who last changed the desired state could not be found out, so that nobody is refused for it. */
  readonly authorUnknown?: true;
  /** Groups and principals that may approve in place of any group, since those asked first did not answer. */
  readonly escalatedTo: readonly string[];
  /** Who has approved, as `principalOf` names them, in order. */
  readonly votes: readonly string[];
  /** Whose word alone is enough in an emergency, and how soon after it the repair must start; absent: nobody's. */
  readonly breakGlass?: { readonly group: string; readonly expiresMs: number };
}

export interface Tally {
  readonly met: boolean;
  /** `1 of 2 of sre (alice)`. */
  readonly standing: string;
  /** `1 more of sre (bob or carol)`; empty once met. */
  readonly needed: string;
}

/** Counts the votes. More votes never make it less; their order does not matter, nor how often somebody votes. */
export function tally(poll: Poll): Tally {
  const votes = countedVotes(poll);
  if (poll.requirements.length === 0) {
    const [first] = votes;
    return { met: first !== undefined, standing: first === undefined ? '0 of 1 person' : `1 of 1 person (${first})`, needed: first === undefined ? '1 person' : '' };
  }
  const counted = poll.requirements.map((requirement) => countRequirement(requirement, poll, votes));
  return {
    met: counted.every((each) => each.met),
    standing: [...new Set(counted.map((each) => each.standing))].join('; '),
    needed: [...new Set(counted.flatMap((each) => (each.met ? [] : [each.needed])))].join('; and '),
  };
}

/** Why this person's approval cannot count; `undefined` when it can. */
export function whyNot(poll: Poll, person: string): string | undefined {
  const excluded = poll.excluded.find((each) => each.person === person);
  if (excluded !== undefined) return `${person} ${excluded.why} and cannot approve its repair; somebody else must`;
  return isAsked(poll, person) ? undefined : `${person} is not among those who may approve this: ${requiredText(poll)}; ${whoMay(poll)}`;
}

/** Why this person cannot break the glass; `undefined` when they can. */
export function whyNoBreakGlass(poll: Poll, person: string): string | undefined {
  const { breakGlass, people, excluded } = poll;
  if (breakGlass === undefined) return 'nobody may break the glass here: approvals.breakGlass of the environment names no group that can prove who they are';
  const out = excluded.find((each) => each.person === person);
  if (out !== undefined) return `${person} ${out.why} and cannot approve its repair, not by breaking the glass either`;
  return isMember(people, breakGlass.group, person) ? undefined : `${person} may not break the glass: ${breakGlass.group} may (${namesIn(poll, breakGlass.group)})`;
}

/** Until when a repair must start, ISO, UTC, for which the glass was broken `at` (ISO); at once where nobody may. */
export function startBy({ breakGlass }: Pick<Poll, 'breakGlass'>, at: string): string {
  return new Date(Date.parse(at) + (breakGlass?.expiresMs ?? 0)).toISOString();
}

/** Whether this person is one of those who are asked, whatever they have done: who may say no. */
export function isAsked(poll: Poll, person: string): boolean {
  return poll.requirements.length === 0 || groupsOf(poll).some((group) => standsFor(poll, group, person));
}

/** `2 of sre, and 1 of sre and 1 of leads`. */
export function requiredText({ requirements }: Pick<Poll, 'requirements'>): string {
  if (requirements.length === 0) return '1 person';
  return [...new Set(requirements.map(textOf))].join(', and ');
}

/** Who may approve, by name as far as names are known; at most five of each group. */
export function whoMay(poll: Poll): string {
  const unknown = poll.authorUnknown === true ? '; who last changed the desired state is not known, so nobody is refused for it' : '';
  if (poll.requirements.length === 0) return `${poll.excluded.length === 0 ? 'anybody may approve' : `anybody but ${listed(poll.excluded.map(({ person, why }) => `${person}, who ${why}`), 'and')} may approve`}${unknown}`;
  const groups = groupsOf(poll).map((group) => `${group}: ${namesIn(poll, group)}`);
  const further = poll.escalatedTo.length === 0 ? '' : `; since it was escalated also ${listed(poll.escalatedTo, 'and')}`;
  const more = poll.excluded.length - NAMED;
  const out = poll.excluded.length === 0 ? '' : `; not ${[...poll.excluded.slice(0, NAMED).map(({ person, why }) => `${person}, who ${why}`), ...(more > 0 ? [`${more} more`] : [])].join(', nor ')}`;
  return `${groups.join('; ')}${further}${out}${unknown}`;
}

/** What is asked for, whatever asked for it: of two that are equal, whoever has answered one need not answer the other. */
export function askedFor({ requirements }: Pick<Poll, 'requirements'>): readonly Omit<Requirement, 'because'>[] {
  return requirements.map(({ because: _, ...asked }) => asked);
}

/** What a part says of its approvals: who must, why and who may, and who has; nothing where anybody's one word will do. */
export function toldOf(poll: Poll): { readonly requires?: string; readonly approvals?: string } {
  const glass = poll.breakGlass === undefined ? '' : `; ${poll.breakGlass.group} may break the glass`;
  if (poll.requirements.length === 0) return poll.excluded.length === 0 ? {} : { requires: `1 person; ${whoMay(poll)}${glass}` };
  const { standing, needed } = tally(poll);
  const because = [...new Set(poll.requirements.map((each) => each.because))].join('; ');
  const hopeless = isHopeless(poll) ? '; too few of them are left to meet it' : '';
  return { requires: `${requiredText(poll)} (${because}); ${whoMay(poll)}${hopeless}${glass}`, approvals: needed === '' ? standing : `${standing}; still needed: ${needed}` };
}

/** Whether those who are left to ask are too few, whatever they say. */
export function isHopeless(poll: Poll): boolean {
  if (poll.requirements.length === 0) return false;
  const groups = groupsOf(poll);
  const unknown = [...groups, ...poll.escalatedTo].some((group) => directoryGroupsIn(poll, group).length > 0);
  const everybody = [...groups, ...poll.escalatedTo].flatMap((group) => [group, ...membersOf(poll.people, group)]);
  return !unknown && !tally({ ...poll, votes: [...poll.votes, ...everybody] }).met;
}

function countedVotes({ votes, excluded }: Poll): readonly string[] {
  return [...new Set(votes)].filter((person) => !excluded.some((each) => each.person === person));
}

interface Counted extends Tally {
  readonly missing: number;
}

function countRequirement({ unproved, ...requirement }: Requirement, poll: Poll, votes: readonly string[]): Counted {
  if (unproved === true) {
    const alone = [[], ...votes.map((vote) => [vote])].map((one) => countRequirement(requirement, poll, one)).sort((one, other) => one.missing - other.missing)[0];
    if (alone !== undefined) return alone.met ? alone : { ...alone, needed: `${alone.needed}, while names that nobody proved count as one` };
  }
  if (requirement.all !== undefined) return countAll(requirement.all, poll, votes, requirement.distinct === false ? fillEach : fillDistinct);
  const each = (requirement.any ?? []).map((voters) => countAll([voters], poll, votes, fillDistinct));
  const nearest = [...each].sort((one, other) => one.missing - other.missing)[0];
  // Nothing is asked for: nobody can meet it, so that a mistake lets nothing through.
  if (nearest === undefined) return { met: false, missing: 1, standing: 'nobody may approve', needed: 'a rule that names who may approve' };
  if (nearest.met) return nearest;
  return { met: false, missing: nearest.missing, standing: each.map((one) => one.standing).join(' or '), needed: each.map((one) => one.needed).join(', or ') };
}

/** Who stands for each of the groups. */
type Fill = (wanted: readonly Voters[], poll: Poll, votes: readonly string[]) => readonly (readonly string[])[];

function countAll(wanted: readonly Voters[], poll: Poll, votes: readonly string[], fill: Fill): Counted {
  const filled = fill(wanted, poll, votes);
  const counts = wanted.map(({ group, count }, index) => ({ group, count, by: (filled[index] ?? []).slice(0, count) }));
  const short = counts.filter(({ count, by }) => by.length < count);
  return {
    met: short.length === 0,
    missing: short.reduce((sum, { count, by }) => sum + count - by.length, 0),
    standing: counts.map(({ group, count, by }) => `${by.length} of ${count} of ${group}${by.length === 0 ? '' : ` (${by.join(', ')})`}`).join(' and '),
    needed: short.map(({ group, count, by }) => `${count - by.length}${by.length === 0 ? '' : ' more'} of ${group} (${namesIn(poll, group, votes)})`).join(' and '),
  };
}

/** One person may stand for several groups. */
function fillEach(wanted: readonly Voters[], poll: Poll, votes: readonly string[]): readonly (readonly string[])[] {
  return wanted.map(({ group }) => votes.filter((person) => standsFor(poll, group, person)));
}

/** Gives each person to one group, so that as many places as can be are filled: a place is taken over where its holder fits elsewhere. */
function fillDistinct(wanted: readonly Voters[], poll: Poll, votes: readonly string[]): readonly (readonly string[])[] {
  const filled = wanted.map((): string[] => []);
  const place = (person: string, tried: Set<number>): boolean => wanted.some(({ group, count }, index) => {
    if (tried.has(index) || !standsFor(poll, group, person)) return false;
    tried.add(index);
    const holders = filled[index] ?? [];
    if (holders.length < count) {
      holders.push(person);
      return true;
    }
    const mover = holders.findIndex((holder) => place(holder, tried));
    if (mover < 0) return false;
    holders[mover] = person;
    return true;
  });
  for (const person of votes) place(person, new Set());
  return filled;
}

/** A member, or, once it was escalated, one of those whom it was escalated to. */
function standsFor({ people, escalatedTo }: Poll, group: string, person: string): boolean {
  return isMember(people, group, person) || escalatedTo.some((to) => to === person || isMember(people, to, person));
}

function groupsOf({ requirements }: Pick<Poll, 'requirements'>): readonly string[] {
  return [...new Set(requirements.flatMap(({ any = [], all = [] }) => [...any, ...all].map(({ group }) => group)))];
}

/** Those of a group who may still approve. */
function namesIn(poll: Poll, group: string, votes: readonly string[] = []): string {
  const out = new Set([...peopleIn(poll.excluded), ...votes]);
  const further = poll.escalatedTo.flatMap((to) => (Object.hasOwn(poll.people.groups, to) ? membersOf(poll.people, to) : [to]));
  const known = [...new Set([...membersOf(poll.people, group), ...further])].filter((person) => !out.has(person));
  const directory = directoryGroupsIn(poll, group).map((member) => `whoever signs in as ${member.slice('oidc:'.length)}`);
  const names = [...known, ...directory];
  return names.length === 0 ? 'nobody is left' : listed(names, 'or');
}

function directoryGroupsIn({ people }: Poll, group: string): readonly string[] {
  return Object.hasOwn(people.groups, group) ? (people.groups[group] ?? []).filter(isDirectoryGroup) : [];
}

const NAMED = 5;

function listed(names: readonly string[], last: 'and' | 'or'): string {
  const shown = names.slice(0, NAMED);
  const more = names.length - shown.length;
  if (more > 0) return `${shown.join(', ')} ${last} ${more} more`;
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} ${last} ${shown.at(-1) ?? ''}`;
}

function peopleIn(excluded: readonly Excluded[]): readonly string[] {
  return [...new Set(excluded.map(({ person }) => person))];
}

function textOf({ any, all, distinct }: Requirement): string {
  const one = ({ group, count }: Voters): string => `${count} of ${group}`;
  if (all !== undefined) return `${all.map(one).join(' and ')}${distinct === false && all.length > 1 ? ' (one person may stand for several)' : ''}`;
  return (any ?? []).map(one).join(' or ');
}

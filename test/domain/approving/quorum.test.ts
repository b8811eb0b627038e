import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { People } from '../../../src/domain/approving/people.js';
import { isAsked, isHopeless, requiredText, tally, whoMay, whyNot, type Poll, type Requirement } from '../../../src/domain/approving/quorum.js';

const person = (name: string): People['principals'][number] => ({ name, keys: [], aliases: [] });

/** bob is in two groups; `directory` is known to the identity provider alone. */
const PEOPLE: People = {
  principals: ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'].map(person),
  groups: { sre: ['alice', 'bob', 'carol'], leads: ['bob', 'dave'], managers: ['erin'], directory: ['oidc:group/ops'], mixed: ['frank', 'oidc:group/ops'] },
};

const of = (group: string, count = 1): { group: string; count: number } => ({ group, count });
const any = (...voters: ReturnType<typeof of>[]): Requirement => ({ any: voters, because: 'rule' });
const all = (...voters: ReturnType<typeof of>[]): Requirement => ({ all: voters, because: 'rule' });
const loose = (...voters: ReturnType<typeof of>[]): Requirement => ({ all: voters, distinct: false, because: 'rule' });

function poll(requirements: readonly Requirement[], votes: readonly string[] = [], more: Partial<Poll> = {}): Poll {
  return { people: PEOPLE, requirements, votes, excluded: [], escalatedTo: [], ...more };
}

const caused = (...names: readonly string[]): Pick<Poll, 'excluded'> => ({ excluded: names.map((person) => ({ person, why: 'caused this change' })) });

interface Row {
  readonly reason: string;
  readonly asks: readonly Requirement[];
  readonly votes: readonly string[];
  readonly more?: Partial<Poll>;
  readonly met: boolean;
  readonly standing?: string;
  readonly needed?: string;
}

const ONE: Row[] = [
  { reason: 'without a rule one person is enough', asks: [], votes: ['zoe'], met: true, standing: '1 of 1 person (zoe)' },
  { reason: 'without a rule nobody is not enough', asks: [], votes: [], met: false, needed: '1 person' },
  { reason: 'without a rule who caused it is nobody', asks: [], votes: ['alice'], more: caused('alice'), met: false },
  { reason: 'without a rule somebody beside who caused it will do', asks: [], votes: ['alice', 'bob'], more: caused('alice'), met: true, standing: '1 of 1 person (bob)' },
  { reason: 'one of a group', asks: [any(of('sre'))], votes: ['alice'], met: true, standing: '1 of 1 of sre (alice)', needed: '' },
  { reason: 'one of another group', asks: [any(of('sre'))], votes: ['dave'], met: false, needed: '1 of sre (alice, bob or carol)' },
  { reason: 'one whom nobody knows', asks: [any(of('sre'))], votes: ['zoe'], met: false },
  { reason: 'a group that is not configured is nobody, whatever its name', asks: [any(of('__proto__'))], votes: ['alice'], met: false, needed: '1 of __proto__ (nobody is left)' },
  { reason: 'nobody yet', asks: [any(of('sre'))], votes: [], met: false, standing: '0 of 1 of sre' },
];

const SEVERAL: Row[] = [
  { reason: 'one of two', asks: [any(of('sre', 2))], votes: ['alice'], met: false, standing: '1 of 2 of sre (alice)', needed: '1 more of sre (bob or carol)' },
  { reason: 'two of two', asks: [any(of('sre', 2))], votes: ['alice', 'carol'], met: true, standing: '2 of 2 of sre (alice, carol)' },
  { reason: 'more than enough', asks: [any(of('sre', 2))], votes: ['alice', 'bob', 'carol'], met: true, standing: '2 of 2 of sre (alice, bob)' },
  { reason: 'one person twice is one person', asks: [any(of('sre', 2))], votes: ['alice', 'alice'], met: false, standing: '1 of 2 of sre (alice)' },
  { reason: 'one of the group and a stranger', asks: [any(of('sre', 2))], votes: ['alice', 'dave'], met: false },
  { reason: 'who caused it does not count', asks: [any(of('sre', 2))], votes: ['alice', 'bob'], more: caused('alice'), met: false, needed: '1 more of sre (carol)' },
  { reason: 'two beside who caused it', asks: [any(of('sre', 2))], votes: ['alice', 'bob', 'carol'], more: caused('alice'), met: true },
  { reason: 'all three, where all three are asked for', asks: [any(of('sre', 3))], votes: ['carol', 'bob', 'alice'], met: true },
  { reason: 'all three, and one of them caused it', asks: [any(of('sre', 3))], votes: ['carol', 'bob', 'alice'], more: caused('bob'), met: false, needed: '1 more of sre (nobody is left)' },
];

const EITHER: Row[] = [
  { reason: 'either quorum: the first', asks: [any(of('sre', 2), of('managers'))], votes: ['alice', 'carol'], met: true, standing: '2 of 2 of sre (alice, carol)' },
  { reason: 'either quorum: the second', asks: [any(of('sre', 2), of('managers'))], votes: ['erin'], met: true, standing: '1 of 1 of managers (erin)' },
  { reason: 'either quorum: half of the first is none', asks: [any(of('sre', 2), of('managers'))], votes: ['alice'], met: false, standing: '1 of 2 of sre (alice) or 0 of 1 of managers', needed: '1 more of sre (bob or carol), or 1 of managers (erin)' },
  { reason: 'halves of two quorums make no whole', asks: [any(of('sre', 2), of('leads', 2))], votes: ['alice', 'dave'], met: false },
  { reason: 'one person may stand in both, since one of them is enough', asks: [any(of('sre', 2), of('leads', 2))], votes: ['bob', 'dave'], met: true, standing: '2 of 2 of leads (bob, dave)' },
  { reason: 'no group at all is nobody: a mistake lets nothing through', asks: [{ any: [], because: 'rule' }], votes: ['alice'], met: false },
  { reason: 'neither any nor all is nobody', asks: [{ because: 'rule' }], votes: ['alice'], met: false },
  { reason: 'a group that is not there has nobody in it', asks: [any(of('gone'))], votes: ['alice'], met: false, needed: '1 of gone (nobody is left)' },
];

const ALL: Row[] = [
  { reason: 'both groups, two people', asks: [all(of('sre'), of('leads'))], votes: ['alice', 'dave'], met: true, standing: '1 of 1 of sre (alice) and 1 of 1 of leads (dave)' },
  { reason: 'both groups, one of them missing', asks: [all(of('sre'), of('leads'))], votes: ['alice'], met: false, needed: '1 of leads (bob or dave)' },
  { reason: 'one person in both groups is one person', asks: [all(of('sre'), of('leads'))], votes: ['bob'], met: false, standing: '1 of 1 of sre (bob) and 0 of 1 of leads' },
  { reason: 'who is in both stands where another does not fit', asks: [all(of('sre'), of('leads'))], votes: ['bob', 'alice'], met: true, standing: '1 of 1 of sre (alice) and 1 of 1 of leads (bob)' },
  { reason: 'whoever comes first', asks: [all(of('sre'), of('leads'))], votes: ['bob', 'dave'], met: true },
  { reason: 'two and one, with one in both: three are needed', asks: [all(of('sre', 2), of('leads'))], votes: ['alice', 'bob'], met: false },
  { reason: 'two and one: three people', asks: [all(of('sre', 2), of('leads'))], votes: ['bob', 'alice', 'carol'], met: true },
  { reason: 'three groups, three people, one way to place them', asks: [all(of('sre'), of('leads'), of('managers'))], votes: ['bob', 'alice', 'erin'], met: true },
  { reason: 'a rule may let one person stand for both', asks: [loose(of('sre'), of('leads'))], votes: ['bob'], met: true, standing: '1 of 1 of sre (bob) and 1 of 1 of leads (bob)' },
  { reason: 'even then two of a group are two', asks: [loose(of('sre', 2), of('leads'))], votes: ['bob'], met: false, needed: '1 more of sre (alice or carol)' },
  { reason: 'a group named twice needs the sum', asks: [all(of('sre'), of('sre', 2))], votes: ['alice', 'bob'], met: false },
  { reason: 'a group named twice, and all of it came', asks: [all(of('sre'), of('sre', 2))], votes: ['alice', 'bob', 'carol'], met: true },
];

const RULES: Row[] = [
  { reason: 'every rule must be met', asks: [any(of('sre', 2)), any(of('leads'))], votes: ['alice', 'carol'], met: false, needed: '1 of leads (bob or dave)' },
  { reason: 'a person counts for each rule they fit', asks: [any(of('sre', 2)), any(of('leads'))], votes: ['alice', 'bob'], met: true, standing: '2 of 2 of sre (alice, bob); 1 of 1 of leads (bob)' },
  { reason: 'what is missing is said of each rule', asks: [any(of('sre', 2)), any(of('leads'))], votes: [], met: false, needed: '2 of sre (alice, bob or carol); and 1 of leads (bob or dave)' },
  { reason: 'the same said twice is said once', asks: [any(of('leads')), any(of('leads'))], votes: ['dave'], met: true, standing: '1 of 1 of leads (dave)' },
  { reason: 'a group of the identity provider has nobody by name', asks: [any(of('directory'))], votes: ['alice'], met: false, needed: '1 of directory (whoever signs in as group/ops)' },
  { reason: 'its other members count', asks: [any(of('mixed'))], votes: ['frank'], met: true },
];

const ESCALATED: Row[] = [
  { reason: 'before it is escalated a lead is no sre', asks: [any(of('sre', 2))], votes: ['dave', 'alice'], met: false },
  { reason: 'after it a lead stands for an sre', asks: [any(of('sre', 2))], votes: ['dave', 'alice'], more: { escalatedTo: ['leads'] }, met: true },
  { reason: 'the count stays what it was', asks: [any(of('sre', 2))], votes: ['dave'], more: { escalatedTo: ['leads'] }, met: false, needed: '1 more of sre (alice, bob or carol)' },
  { reason: 'two leads will do for two of sre', asks: [any(of('sre', 2))], votes: ['dave', 'bob'], more: { escalatedTo: ['leads'] }, met: true },
  { reason: 'one person may be escalated to', asks: [any(of('sre', 2))], votes: ['erin', 'alice'], more: { escalatedTo: ['erin'] }, met: true },
  { reason: 'each step widens it further', asks: [all(of('sre'), of('leads'))], votes: ['erin', 'dave'], more: { escalatedTo: ['leads', 'managers'] }, met: true },
  { reason: 'one person still stands in one place', asks: [all(of('sre'), of('leads'))], votes: ['erin'], more: { escalatedTo: ['managers'] }, met: false },
  { reason: 'who caused it does not count however high it goes', asks: [any(of('sre'))], votes: ['erin'], more: { escalatedTo: ['managers'], ...caused('erin') }, met: false },
];

describe('tally', () => {
  it.each([...ONE, ...SEVERAL, ...EITHER, ...ALL, ...RULES, ...ESCALATED])('$reason: met $met', ({ asks, votes, more, met, standing, needed }) => {
    const counted = tally(poll(asks, votes, more));
    expect(counted.met).toBe(met);
    if (standing !== undefined) expect(counted.standing).toBe(standing);
    if (needed !== undefined) expect(counted.needed).toBe(needed);
    expect(counted.needed === '', 'something is needed as long as it is not met').toBe(met);
  });
});

describe('who may approve', () => {
  const TWO = [any(of('sre', 2))];
  it.each([
    { reason: 'a member', asks: TWO, who: 'alice', says: undefined },
    { reason: 'a stranger', asks: TWO, who: 'zoe', says: /zoe is not among those who may approve this: 2 of sre; sre: alice, bob or carol/ },
    { reason: 'a member of another group', asks: TWO, who: 'dave', says: /dave is not among/ },
    { reason: 'since it was escalated', asks: TWO, who: 'dave', more: { escalatedTo: ['leads'] }, says: undefined },
    { reason: 'a member who caused it', asks: TWO, who: 'alice', more: caused('alice'), says: /alice caused this change and cannot approve its repair; somebody else must/ },
    { reason: 'without a rule anybody', asks: [], who: 'zoe', says: undefined },
    { reason: 'without a rule anybody but who caused it', asks: [], who: 'zoe', more: caused('zoe'), says: /zoe caused/ },
  ])('$who: $reason', ({ asks, who, more, says }) => {
    const why = whyNot(poll(asks, [], more), who);
    if (says === undefined) expect(why).toBeUndefined();
    else expect(why).toMatch(says);
  });

  it('is said with what is asked for', () => {
    expect(requiredText(poll([all(of('sre'), of('leads')), any(of('sre', 2), of('managers'))]))).toBe('1 of sre and 1 of leads, and 2 of sre or 1 of managers');
    expect(requiredText(poll([loose(of('sre'), of('leads'))]))).toBe('1 of sre and 1 of leads (one person may stand for several)');
    expect(whoMay(poll([any(of('sre'))], [], { ...caused('alice'), escalatedTo: ['managers'] }))).toBe('sre: bob, carol or erin; since it was escalated also managers; not alice, who caused this change');
    // Who caused a thousand changes may be many: the text stays short, and everybody is excluded all the same.
    const many = caused(...Array.from({ length: 1_000 }, (_, index) => `user-${index}`));
    expect(whoMay(poll([any(of('sre'))], [], many))).toMatch(/; not user-0, who caused this change, nor .*user-4, who caused this change, nor 995 more$/);
    expect(whyNot(poll([any(of('sre'))], [], many), 'user-999')).toContain('caused this change');
    expect(whoMay(poll([]))).toBe('anybody may approve');
  });

  it('who caused a change may say that it stays, where they are asked at all', () => {
    expect(isAsked(poll(TWO, [], caused('alice')), 'alice')).toBe(true);
    expect(isAsked(poll(TWO), 'zoe')).toBe(false);
  });

  it.each([
    { reason: 'enough are left', asks: [any(of('sre', 2))], more: caused('alice'), hopeless: false },
    { reason: 'all are needed and one caused it', asks: [any(of('sre', 3))], more: caused('alice'), hopeless: true },
    { reason: 'escalation brings others', asks: [any(of('sre', 3))], more: { ...caused('alice'), escalatedTo: ['managers'] }, hopeless: false },
    { reason: 'the identity provider may know more', asks: [any(of('directory', 9))], more: {}, hopeless: false },
    { reason: 'without a rule there is always somebody', asks: [], more: caused('alice'), hopeless: false },
  ])('too few are left: $hopeless, $reason', ({ asks, more, hopeless }) => {
    expect(isHopeless(poll(asks, [], more))).toBe(hopeless);
  });
});

describe('whatever is asked and whoever votes', () => {
  const names = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'zoe'];
  const voters = fc.record({ group: fc.constantFrom('sre', 'leads', 'managers', 'mixed', 'gone'), count: fc.integer({ min: 1, max: 3 }) });
  const requirement: fc.Arbitrary<Requirement> = fc.oneof(
    fc.array(voters, { maxLength: 3 }).map((each) => ({ any: each, because: 'r' })),
    fc.tuple(fc.array(voters, { minLength: 1, maxLength: 3 }), fc.boolean()).map(([each, distinct]) => ({ all: each, because: 'r', ...(distinct ? {} : { distinct: false as const }) })),
  );
  const requirements = fc.array(requirement, { maxLength: 3 });
  const anybody = fc.constantFrom(...names);
  const votes = fc.array(anybody, { maxLength: 8 });
  const excluded = fc.subarray(names).map((people) => people.map((name) => ({ person: name, why: 'caused this change' })));
  const escalatedTo = fc.subarray(['leads', 'managers', 'frank']);

  it('one more vote never unmakes a quorum', () => {
    fc.assert(fc.property(fc.record({ asks: requirements, given: votes, more: anybody, out: excluded, to: escalatedTo }), ({ asks, given, more, out, to }) => {
      const before = poll(asks, given, { excluded: out, escalatedTo: to });
      if (tally(before).met) expect(tally({ ...before, votes: [...given, more] }).met).toBe(true);
    }), { numRuns: 2_000 });
  });

  it('neither the order of votes nor saying it again matters', () => {
    const orders = votes.chain((given) => fc.tuple(fc.constant(given), fc.shuffledSubarray([...given, ...given], { minLength: given.length * 2 })));
    fc.assert(fc.property(requirements, orders, escalatedTo, (asks, [given, shuffled], to) => {
      expect(tally(poll(asks, shuffled, { escalatedTo: to })).met).toBe(tally(poll(asks, given, { escalatedTo: to })).met);
    }), { numRuns: 2_000 });
  });

  it('who caused it never counts: their vote might as well not be there', () => {
    fc.assert(fc.property(requirements, votes, excluded, escalatedTo, (asks, given, out, to) => {
      const without = given.filter((name) => !out.some((each) => each.person === name));
      expect(tally(poll(asks, given, { excluded: out, escalatedTo: to }))).toEqual(tally(poll(asks, without, { excluded: out, escalatedTo: to })));
    }), { numRuns: 1_000 });
  });

  it('escalation only widens it', () => {
    fc.assert(fc.property(requirements, votes, escalatedTo, (asks, given, to) => {
      if (tally(poll(asks, given)).met) expect(tally(poll(asks, given, { escalatedTo: to })).met).toBe(true);
    }), { numRuns: 1_000 });
  });

  it('a quorum is never met by fewer people than one of its rules needs, nor by whoever is not asked', () => {
    const least = ({ any: either, all: each, distinct }: Requirement): number => {
      if (each !== undefined) return distinct === false ? Math.max(...each.map(({ count }) => count)) : each.reduce((sum, { count }) => sum + count, 0);
      return Math.min(...(either ?? []).map(({ count }) => count));
    };
    fc.assert(fc.property(requirements, votes, escalatedTo, (asks, given, to) => {
      const counted = poll(asks, given, { escalatedTo: to });
      if (!tally(counted).met) return;
      const eligible = new Set(given.filter((name) => isAsked(counted, name)));
      expect(eligible.size).toBeGreaterThanOrEqual(Math.max(1, ...asks.map(least)));
    }), { numRuns: 2_000 });
  });

  it('whose approval was refused cannot have been what completed it', () => {
    fc.assert(fc.property(fc.record({ asks: requirements, given: votes, who: anybody, out: excluded, to: escalatedTo }), ({ asks, given, who, out, to }) => {
      const before = poll(asks, given, { excluded: out, escalatedTo: to });
      if (whyNot(before, who) !== undefined) expect(tally({ ...before, votes: [...given, who] }).met).toBe(tally(before).met);
    }), { numRuns: 2_000 });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge, type Question } from '../../../src/domain/approving/judge.js';
import type { DecisionMessage } from '../../../src/domain/message.js';
import { principalOf, type People } from '../../../src/domain/approving/people.js';
import type { Poll, Requirement } from '../../../src/domain/approving/quorum.js';

const PLAN = 'a'.repeat(64);
const OLDER = 'b'.repeat(64);
const ENDS = Date.parse('2026-11-02T14:00:00.000Z');

/** Four people, the first of them under two names; `zoe` is nobody. */
const PEOPLE: People = {
  principals: [{ name: 'alice', oidc: 'alice@example.com', keys: [], aliases: [] }, ...['bob', 'carol', 'dave'].map((name) => ({ name, keys: [], aliases: [] }))],
  groups: { sre: ['alice', 'bob', 'carol'], leads: ['dave'] },
};
const NAMES = ['alice', 'oidc:alice@example.com', 'bob', 'carol', 'dave', 'zoe'] as const;

/** `sre` so often and `leads` so often: small enough to be counted by hand. */
interface Asked {
  readonly sre: number;
  readonly leads: number;
}

interface Sent {
  readonly by: (typeof NAMES)[number];
  readonly decision: 'approve' | 'reject' | 'accept';
  readonly plan: string;
  readonly at: number;
  readonly breakGlass: boolean;
}

const asked: fc.Arbitrary<Asked> = fc.record({ sre: fc.integer({ min: 0, max: 3 }), leads: fc.integer({ min: 0, max: 1 }) });
const sent: fc.Arbitrary<Sent> = fc.record({
  by: fc.constantFrom(...NAMES),
  decision: fc.constantFrom('approve' as const, 'approve' as const, 'approve' as const, 'reject' as const, 'accept' as const),
  plan: fc.constantFrom(PLAN, PLAN, PLAN, OLDER),
  at: fc.integer({ min: ENDS - 5, max: ENDS + 2 }),
  breakGlass: fc.boolean(),
});
const causers = fc.subarray(['alice', 'bob']);

function requirements({ sre, leads }: Asked): readonly Requirement[] {
  const voters = [{ group: 'sre', count: sre }, { group: 'leads', count: leads }].filter(({ count }) => count > 0);
  return voters.length === 0 ? [] : [{ all: voters, because: 'rule' }];
}

/** Judges one message after the other, and remembers votes and the decision as the record does. */
function play(asks: Asked, messages: readonly Sent[], caused: readonly string[]): { readonly approvedAt?: number; readonly alone: boolean } {
  let question: Question = { part: 1, phase: 'awaiting-approval', plan: PLAN, ask: 'ask', expiresAt: new Date(ENDS).toISOString(), causedBy: [] };
  const votes: string[] = [];
  for (const [index, { by, decision, plan, at, breakGlass }] of messages.entries()) {
    const person = principalOf(PEOPLE, by);
    const poll: Poll = { people: PEOPLE, requirements: requirements(asks), excluded: caused.map((name) => ({ person: name, why: 'caused this change' })), escalatedTo: [], votes: [...votes], breakGlass: { group: 'leads', expiresMs: 60_000 } };
    const message: DecisionMessage = { decision, by, plan, reason: 'because', ...(decision === 'accept' ? { until: '2999-01-01T00:00:00Z' } : {}), ...(breakGlass && decision === 'approve' ? { breakGlass } : {}) };
    const answer = judge({ message, who: { person, verified: true }, at: new Date(at).toISOString(), trust: 'signed', questions: [question], polls: new Map([[1, poll]]) });
    if (answer.vote !== undefined) votes.push(person);
    if (!answer.parts.includes(1)) continue;
    if (decision === 'approve') return { approvedAt: index, alone: answer.breakGlass !== undefined };
    question = { ...question, decided: `${decision} by ${by}` };
  }
  return { alone: false };
}

/** Counted another way: who said yes, in time, to this plan, and may. */
function yes(messages: readonly Sent[], caused: readonly string[]): ReadonlySet<string> {
  return new Set(messages.filter(({ decision, plan, at }) => decision === 'approve' && plan === PLAN && at < ENDS).map(({ by }) => principalOf(PEOPLE, by)).filter((person) => !caused.includes(person)));
}

describe('whatever is sent, in whatever order', () => {
  it('nothing goes on without as many different people as are asked for, in time, for this plan, who did not cause it', () => {
    fc.assert(fc.property(asked, fc.array(sent, { maxLength: 10 }), causers, (asks, messages, caused) => {
      const { approvedAt, alone } = play(asks, messages, caused);
      if (approvedAt === undefined || alone) return;
      const said = yes(messages.slice(0, approvedAt + 1), caused);
      const of = (group: string): number => [...said].filter((person) => PEOPLE.groups[group]?.includes(person)).length;
      expect(of('sre')).toBeGreaterThanOrEqual(asks.sre);
      expect(of('leads')).toBeGreaterThanOrEqual(asks.leads);
      expect(said.size).toBeGreaterThanOrEqual(1);
    }), { numRuns: 5_000 });
  });

  it('and with them it does, unless somebody said no before', () => {
    fc.assert(fc.property(asked, fc.array(sent, { maxLength: 10 }), (asks, messages) => {
      const calm = messages.filter(({ decision, breakGlass }) => decision === 'approve' && !breakGlass);
      const said = yes(calm, []);
      const enough = [...said].filter((person) => person !== 'dave' && person !== 'zoe').length >= asks.sre && (asks.leads === 0 || said.has('dave'));
      const some = asks.sre + asks.leads > 0 || said.size > 0;
      expect(play(asks, calm, []).approvedAt !== undefined).toBe(enough && some);
    }), { numRuns: 5_000 });
  });

  it('what was rejected or accepted stays so, however many approve afterwards', () => {
    fc.assert(fc.property(asked, fc.array(sent, { maxLength: 6 }), fc.array(sent, { maxLength: 10 }), (asks, before, after) => {
      const no: Sent = { by: 'bob', decision: 'reject', plan: PLAN, at: ENDS - 1, breakGlass: false };
      const voters = asks.sre + asks.leads > 0 && asks.sre === 0 ? { ...no, by: 'dave' as const } : no;
      const { approvedAt } = play(asks, [...before, voters, ...after], []);
      if (approvedAt !== undefined) expect(approvedAt).toBeLessThan(before.length);
    }), { numRuns: 3_000 });
  });

  it('nothing that is late, or is about an older plan, leads to a write, whatever it says', () => {
    fc.assert(fc.property(asked, fc.array(sent, { maxLength: 12 }), fc.boolean(), (asks, messages, late) => {
      const useless = messages.map((each) => (late ? { ...each, at: ENDS + 1 } : { ...each, plan: OLDER }));
      expect(play(asks, useless, []).approvedAt).toBeUndefined();
    }), { numRuns: 3_000 });
  });

  it('nobody goes on alone but one of the group that may, who did not cause it', () => {
    fc.assert(fc.property(asked, fc.array(sent, { maxLength: 10 }), fc.subarray(['alice', 'dave']), (asks, messages, caused) => {
      const { approvedAt, alone } = play(asks, messages, caused);
      if (approvedAt === undefined || !alone) return;
      expect(messages[approvedAt]).toMatchObject({ by: 'dave', breakGlass: true, plan: PLAN });
      expect(caused).not.toContain('dave');
    }), { numRuns: 5_000 });
  });
});

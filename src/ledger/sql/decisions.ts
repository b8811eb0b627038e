import { formatIncident, type IncidentId } from '../../domain/address.js';
import { hashJson } from '../../digest.js';
import { HoldfastError, refused } from '../../domain/errors.js';
import type { Json } from '../../domain/json.js';
import { makePlan, type Plan } from '../../domain/plan.js';
import { instant, optionalInstant } from '../instant.js';
import type { Ask, DecisionRow, EntryKind, Ledger, VoteRow } from '../ledger.js';
import { storableText } from '../storable.js';
import type { AppendEntry } from './chain.js';
import type { Database, Reads, Transaction } from './database.js';
import { compact, json } from './rows.js';

type Methods = Pick<Ledger, 'putPlan' | 'plan' | 'ask' | 'askOf' | 'decide' | 'decisionOf' | 'decisions' | 'vote' | 'votes'>;

const ENTRY_OF: Readonly<Record<DecisionRow['decision'], EntryKind>> = { approve: 'approved', reject: 'rejected', accept: 'accepted', policy: 'decided' };

export function createDecisions(database: Database, append: AppendEntry): Methods {
  async function askOf(reads: Reads, id: string): Promise<Ask | undefined> {
    const row = await reads.get('SELECT row FROM asks WHERE id = :id', { id });
    return row === undefined ? undefined : json<Ask>(row, 'row');
  }

  async function decisionOf(reads: Reads, ask: string): Promise<DecisionRow | undefined> {
    const row = await reads.get('SELECT row FROM decisions WHERE ask = :ask', { ask });
    return row === undefined ? undefined : json<DecisionRow>(row, 'row');
  }

  /** What another run of this incident made of the same message, a vote or a decision: a reset run that replays it gets nothing. */
  async function replayed<T extends DecisionRow | VoteRow>(reads: Reads, { environment, target, number, message, run }: T): Promise<T | undefined> {
    const same = 'environment = :environment AND target = :target AND number = :number AND message = :message AND run <> :run';
    const row = await reads.get(
      `SELECT row FROM (SELECT seq, row FROM decisions WHERE ${same} UNION ALL SELECT seq, row FROM votes WHERE ${same}) AS used ORDER BY seq LIMIT 1`,
      { environment, target, number, message, run },
    );
    return row === undefined ? undefined : json<T>(row, 'row');
  }

  async function votesOf(reads: Reads, ask: string): Promise<readonly VoteRow[]> {
    return (await reads.all('SELECT row FROM votes WHERE ask = :ask ORDER BY seq', { ask })).map((row) => json<VoteRow>(row, 'row'));
  }

  async function count(tx: Transaction, vote: VoteRow): Promise<{ readonly first: boolean; readonly vote: VoteRow }> {
    const ask = await askOf(tx, vote.ask);
    expectAnswer(ask, { ...vote, decision: 'approve' });
    const standing = (await votesOf(tx, vote.ask)).find((each) => each.person === vote.person);
    if (standing !== undefined) return { first: storableText(standing as unknown as Json) === storableText(vote as unknown as Json), vote: standing };
    const earlier = await replayed(tx, vote);
    if (earlier !== undefined) return { first: false, vote: earlier };
    if ((await decisionOf(tx, vote.ask)) !== undefined) throw refused(`ledger: that question of ${formatIncident(vote)} was decided before`);
    const { environment, target, number, at, by, ask: id, person, message, run, ...rest } = vote;
    const entry = await append(tx, { at, kind: 'voted', environment, target, incident: number, by, data: { ask: id, part: ask?.part, person, message, run, ...rest } });
    await tx.run(
      'INSERT INTO votes (ask, person, environment, target, number, message, run, seq, row) VALUES (:ask, :person, :environment, :target, :number, :message, :run, :seq, :row)',
      { ask: id, person, environment, target, number, message, run, seq: entry.seq, row: storableText(vote as unknown as Json) },
    );
    return { first: true, vote };
  }

  async function consume(tx: Transaction, decision: DecisionRow): Promise<{ readonly first: boolean; readonly decision: DecisionRow }> {
    const ask = await askOf(tx, decision.ask);
    expectAnswer(ask, decision);
    const standing = await decisionOf(tx, decision.ask);
    if (standing !== undefined) return { first: storableText(standing as unknown as Json) === storableText(decision as unknown as Json), decision: standing };
    const earlier = await replayed(tx, decision);
    if (earlier !== undefined) return { first: false, decision: earlier };
    const { environment, target, number, at, by, ask: id, message, run, ...rest } = decision;
    const entry = await append(tx, { at, kind: ENTRY_OF[decision.decision], environment, target, incident: number, by, data: { ask: id, part: ask?.part, message, run, ...rest } });
    await tx.run(
      'INSERT INTO decisions (ask, environment, target, number, message, run, seq, row) VALUES (:ask, :environment, :target, :number, :message, :run, :seq, :row)',
      { ask: id, environment, target, number, message, run, seq: entry.seq, row: storableText(decision as unknown as Json) },
    );
    return { first: true, decision };
  }

  return {
    async putPlan(plan, at) {
      expectHash(plan);
      const { hash, environment, target } = plan;
      const values = { hash, environment, target, at: instant(at), plan: storableText(plan as unknown as Json) };
      await database.write((tx) => tx.run(
        'INSERT INTO plans (hash, environment, target, at, plan) VALUES (:hash, :environment, :target, :at, :plan) ON CONFLICT (hash) DO UPDATE SET at = excluded.at WHERE plans.at < excluded.at',
        values,
      ));
    },

    async plan(hash) {
      const row = await database.get('SELECT plan FROM plans WHERE hash = :hash', { hash });
      if (row === undefined) return undefined;
      const plan = json<Plan>(row, 'plan');
      // What runs is what was hashed and approved, also when someone wrote into the file meanwhile.
      if (plan.hash !== hash) throw changedPlan(hash);
      expectHash(plan);
      return plan;
    },

    async ask(given) {
      const ask = compact({ ...given, at: instant(given.at), expiresAt: optionalInstant(given.expiresAt) });
      await database.write(async (tx) => {
        if ((await askOf(tx, ask.id)) !== undefined) return;
        const { environment, target, number, at, ...data } = ask;
        const kind = ask.kind === 'person' ? 'asked' : 'decided';
        const entry = await append(tx, { at, kind, environment, target, incident: number, by: 'holdfast', data: data });
        await tx.run(
          'INSERT INTO asks (id, environment, target, number, plan, seq, row) VALUES (:id, :environment, :target, :number, :plan, :seq, :row)',
          { id: ask.id, environment, target, number, plan: ask.plan, seq: entry.seq, row: storableText(ask) },
        );
      }, { locks: ['record'] });
    },

    askOf: (id) => askOf(database, id),

    async decide(given) {
      const decision = compact({ ...given, at: instant(given.at), until: optionalInstant(given.until) });
      return database.write((tx) => consume(tx, decision), { locks: ['record'] });
    },

    decisionOf: (ask) => decisionOf(database, ask),

    async vote(given) {
      const vote = compact({ ...given, at: instant(given.at) });
      return database.write((tx) => count(tx, vote), { locks: ['record'] });
    },

    async votes(of) {
      if (typeof of === 'string') return votesOf(database, of);
      const { environment, target, number } = of;
      const rows = await database.all('SELECT row FROM votes WHERE environment = :environment AND target = :target AND number = :number ORDER BY seq', { environment, target, number });
      return rows.map((row) => json<VoteRow>(row, 'row'));
    },

    async decisions({ environment, target, number }) {
      const rows = await database.all('SELECT row FROM decisions WHERE environment = :environment AND target = :target AND number = :number ORDER BY seq', { environment, target, number });
      return rows.map((row) => json<DecisionRow>(row, 'row'));
    },
  };
}

/** A decision answers one ask: of its incident, and where it lets something be written, of its plan. */
function expectAnswer(ask: Ask | undefined, decision: Pick<DecisionRow, 'decision' | 'plan' | keyof IncidentId>): void {
  const incident = formatIncident(decision);
  if (ask === undefined) throw refused(`ledger: nothing was asked of ${incident} under that id, so nothing can be decided`);
  if (!isSameIncident(ask, decision)) throw refused(`ledger: that question belongs to ${formatIncident(ask)}, not to ${incident}`);
  const lets = decision.decision === 'approve' || decision.decision === 'policy';
  if (lets && ask.plan !== decision.plan) throw refused(`ledger: ${incident} was asked about plan ${ask.plan.slice(0, 12)}, and the decision is for ${decision.plan.slice(0, 12)}`, 'look at the current plan and decide again');
  if (decision.decision === 'policy' && ask.kind !== 'policy') throw refused(`ledger: ${incident} asks a person, and a rule cannot answer`);
}

function isSameIncident(one: IncidentId, other: IncidentId): boolean {
  return one.environment === other.environment && one.target === other.target && one.number === other.number;
}

function expectHash(plan: Plan): void {
  if (makePlan(plan, hashJson).hash !== plan.hash) throw changedPlan(plan.hash);
}

function changedPlan(hash: string): HoldfastError {
  return new HoldfastError('Invalid', `ledger: the plan ${hash.slice(0, 12)} does not match its hash`, { remedy: 'it is not run; let it be planned again, and check the record with `holdfast audit verify`' });
}

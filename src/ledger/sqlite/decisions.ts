import { formatIncident, type IncidentId } from '../../domain/address.js';
import { hashJson } from '../../digest.js';
import { HoldfastError, refused } from '../../domain/errors.js';
import type { Json } from '../../domain/json.js';
import { makePlan, type Plan } from '../../domain/plan.js';
import { instant, optionalInstant } from '../instant.js';
import type { Ask, DecisionRow, EntryKind, Ledger } from '../ledger.js';
import { storableText } from '../storable.js';
import type { AppendEntry } from './chain.js';
import type { Database } from './database.js';
import { compact, json } from './rows.js';

type Methods = Pick<Ledger, 'putPlan' | 'plan' | 'ask' | 'askOf' | 'decide' | 'decisionOf' | 'decisions'>;

const ENTRY_OF: Readonly<Record<DecisionRow['decision'], EntryKind>> = { approve: 'approved', reject: 'rejected', accept: 'accepted', policy: 'decided' };

export function createDecisions(database: Database, append: AppendEntry): Methods {
  function askOf(id: string): Ask | undefined {
    const row = database.get('SELECT row FROM asks WHERE id = :id', { id });
    return row === undefined ? undefined : json<Ask>(row, 'row');
  }

  function decisionOf(ask: string): DecisionRow | undefined {
    const row = database.get('SELECT row FROM decisions WHERE ask = :ask', { ask });
    return row === undefined ? undefined : json<DecisionRow>(row, 'row');
  }

  /** What another run of this incident made of the same message: a reset run that replays it gets nothing. */
  function replayed({ environment, target, number, message, run }: DecisionRow): DecisionRow | undefined {
    const row = database.get(
      'SELECT row FROM decisions WHERE environment = :environment AND target = :target AND number = :number AND message = :message AND run <> :run ORDER BY seq LIMIT 1',
      { environment, target, number, message, run },
    );
    return row === undefined ? undefined : json<DecisionRow>(row, 'row');
  }

  function consume(decision: DecisionRow): { readonly first: boolean; readonly decision: DecisionRow } {
    const ask = askOf(decision.ask);
    expectAnswer(ask, decision);
    const standing = decisionOf(decision.ask);
    if (standing !== undefined) return { first: storableText(standing as unknown as Json) === storableText(decision as unknown as Json), decision: standing };
    const earlier = replayed(decision);
    if (earlier !== undefined) return { first: false, decision: earlier };
    const { environment, target, number, at, by, ask: id, message, run, ...rest } = decision;
    const entry = append({ at, kind: ENTRY_OF[decision.decision], environment, target, incident: number, by, data: { ask: id, part: ask?.part, message, run, ...rest } });
    database.run(
      'INSERT INTO decisions (ask, environment, target, number, message, run, seq, row) VALUES (:ask, :environment, :target, :number, :message, :run, :seq, :row)',
      { ask: id, environment, target, number, message, run, seq: entry.seq, row: storableText(decision as unknown as Json) },
    );
    return { first: true, decision };
  }

  return {
    async putPlan(plan, at) {
      expectHash(plan);
      const { hash, environment, target } = plan;
      database.write(() => {
        database.run(
          'INSERT INTO plans (hash, environment, target, at, plan) VALUES (:hash, :environment, :target, :at, :plan) ON CONFLICT (hash) DO UPDATE SET at = max(at, excluded.at)',
          { hash, environment, target, at: instant(at), plan: storableText(plan as unknown as Json) },
        );
      });
    },

    async plan(hash) {
      const row = database.get('SELECT plan FROM plans WHERE hash = :hash', { hash });
      if (row === undefined) return undefined;
      const plan = json<Plan>(row, 'plan');
      // What runs is what was hashed and approved, also when someone wrote into the file meanwhile.
      if (plan.hash !== hash) throw changedPlan(hash);
      expectHash(plan);
      return plan;
    },

    async ask(given) {
      const ask = compact({ ...given, at: instant(given.at), expiresAt: optionalInstant(given.expiresAt) });
      database.write(() => {
        if (askOf(ask.id) !== undefined) return;
        const { environment, target, number, at, ...data } = ask;
        const kind = ask.kind === 'person' ? 'asked' : 'decided';
        const entry = append({ at, kind, environment, target, incident: number, by: 'holdfast', data: data });
        database.run(
          'INSERT INTO asks (id, environment, target, number, plan, seq, row) VALUES (:id, :environment, :target, :number, :plan, :seq, :row)',
          { id: ask.id, environment, target, number, plan: ask.plan, seq: entry.seq, row: storableText(ask) },
        );
      });
    },

    askOf: async (id) => askOf(id),

    async decide(given) {
      const decision = compact({ ...given, at: instant(given.at), until: optionalInstant(given.until) });
      return database.write(() => consume(decision));
    },

    decisionOf: async (ask) => decisionOf(ask),

    async decisions({ environment, target, number }) {
      return database
        .all('SELECT row FROM decisions WHERE environment = :environment AND target = :target AND number = :number ORDER BY seq', { environment, target, number })
        .map((row) => json<DecisionRow>(row, 'row'));
    },
  };
}

/** A decision answers one ask: of its incident, and where it lets something be written, of its plan. */
function expectAnswer(ask: Ask | undefined, decision: DecisionRow): void {
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

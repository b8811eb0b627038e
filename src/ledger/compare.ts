import { hashJson } from '../digest.js';
import { formatIncident, type IncidentId } from '../domain/address.js';
import { isHoldfastError } from '../domain/errors.js';
import type { Json } from '../domain/json.js';
import type { DecisionRow, Entry, EntryKind, IncidentRow, Ledger, VoteRow } from './ledger.js';

/** So many are named; whoever has more to look at than this restores a backup. */
const NAMED = 20;
const SAYS: readonly EntryKind[] = ['opened', 'closed', 'approved', 'rejected', 'accepted', 'decided', 'voted'];
/** A row that changes while it is compared is compared again. */
const ATTEMPTS = 5;

/**
 * Compares what writes are decided by, the rows of incidents, decisions and plans, with the entries of
 * the record that say the same. Verify the record first: this takes its entries for true. Returns what
 * differs, one line each, at most 20; empty when nothing does.
 */
export async function compareRows(ledger: Ledger, { onProgress }: { readonly onProgress?: (checked: number) => void } = {}): Promise<readonly string[]> {
  const problems: string[] = [];
  const oldest = await oldestOf(ledger);
  let checked = 0;
  const look = async (id: IncidentId): Promise<void> => {
    problems.push(...(await differences(ledger, id, oldest)));
    checked += 1;
    if (checked % 100 === 0) onProgress?.(checked);
  };
  const rows = await ledger.incidents({});
  const known = new Set(rows.map(formatIncident));
  for (const row of rows) {
    if (problems.length >= NAMED) return problems.slice(0, NAMED);
    await look(row);
  }
  for await (const { environment, target, incident } of ledger.entries({ kinds: ['opened'] })) {
    if (environment === undefined || target === undefined || incident === undefined || known.has(formatIncident({ environment, target, number: incident }))) continue;
    if (problems.length >= NAMED) break;
    await look({ environment, target, number: incident });
  }
  return problems.slice(0, NAMED);
}

/** What retention has removed cannot be compared: rows outlive their entries. */
async function oldestOf(ledger: Ledger): Promise<string> {
  for await (const { at } of ledger.entries({ limit: 1 })) return at;
  return '';
}

async function differences(ledger: Ledger, id: IncidentId, oldest: string): Promise<readonly string[]> {
  for (let attempt = 1; ; attempt += 1) {
    const before = await ledger.incident(id, id.number);
    const entries: Entry[] = [];
    for await (const entry of ledger.entries({ environment: id.environment, target: id.target, incident: id.number, kinds: SAYS })) entries.push(entry);
    const decisions = await ledger.decisions(id);
    const votes = await ledger.votes(id);
    const found = [...endOf(id, before, entries, oldest), ...decidedOf(id, decisions, entries, oldest), ...votedOf(id, votes, entries, oldest), ...(await plansOf(ledger, id, before))];
    const after = await ledger.incident(id, id.number);
    if (found.length === 0 || (attempt > 1 && same(before, after)) || attempt === ATTEMPTS) return found;
  }
}

function endOf(id: IncidentId, row: IncidentRow | undefined, entries: readonly Entry[], oldest: string): readonly string[] {
  const name = formatIncident(id);
  const closed = entries.find((entry) => entry.kind === 'closed');
  if (row === undefined) return [`${name}: its row was removed, and entry ${entries[0]?.seq ?? 0} opened it`];
  if (closed === undefined) return row.closedAt !== undefined && row.closedAt > oldest ? [`${name}: its row says ${row.outcome ?? 'closed'}, and no entry says that it ended`] : [];
  if (row.closedAt === undefined) return [`${name}: its row is open, and entry ${closed.seq} says that it ended ${text(closed.data['outcome'])}`];
  const said = { outcome: closed.data['outcome'], parts: closed.data['parts'], narrative: closed.data['narrative'], at: closed.at };
  const is = { outcome: row.outcome, parts: row.parts, narrative: row.narrative, at: row.closedAt };
  return differ(said, is).map((field) => `${name}: ${field} of its row is not what entry ${closed.seq} says`);
}

function decidedOf(id: IncidentId, decisions: readonly DecisionRow[], entries: readonly Entry[], oldest: string): readonly string[] {
  const name = formatIncident(id);
  const found: string[] = [];
  const said = entries.filter((entry) => entry.kind !== 'voted' && typeof entry.data['ask'] === 'string');
  for (const decision of decisions) {
    const entry = said.find((each) => each.data['ask'] === decision.ask);
    if (entry === undefined) {
      if (decision.at > oldest) found.push(`${name}: a decision of ${decision.by} about plan ${decision.plan.slice(0, 12)} is in no entry`);
      continue;
    }
    const { decision: what, plan, run, message, verified, until, reason } = decision;
    const told = { decision: entry.data['decision'], plan: entry.data['plan'], run: entry.data['run'], message: entry.data['message'], verified: entry.data['verified'], until: entry.data['until'], reason: entry.data['reason'], by: entry.by, at: entry.at };
    found.push(...differ(told, { decision: what, plan, run, message, verified, until, reason, by: decision.by, at: decision.at }).map((field) => `${name}: ${field} of the decision about plan ${plan.slice(0, 12)} is not what entry ${entry.seq} says`));
  }
  const gone = said.filter((entry) => !decisions.some((decision) => decision.ask === entry.data['ask']));
  return [...found, ...gone.map((entry) => `${name}: the decision of entry ${entry.seq} was removed`)];
}

function votedOf(id: IncidentId, votes: readonly VoteRow[], entries: readonly Entry[], oldest: string): readonly string[] {
  const name = formatIncident(id);
  const said = entries.filter((entry) => entry.kind === 'voted');
  const isOf = (entry: Entry, vote: VoteRow): boolean => entry.data['ask'] === vote.ask && entry.data['person'] === vote.person;
  const found = votes.flatMap((vote) => {
    const entry = said.find((each) => isOf(each, vote));
    if (entry === undefined) return vote.at > oldest ? [`${name}: an approval of ${vote.person} of plan ${vote.plan.slice(0, 12)} is in no entry`] : [];
    const { plan, run, message, verified, reason, by, at } = vote;
    const told = { plan: entry.data['plan'], run: entry.data['run'], message: entry.data['message'], verified: entry.data['verified'], reason: entry.data['reason'], by: entry.by, at: entry.at };
    return differ(told, { plan, run, message, verified, reason, by, at }).map((field) => `${name}: ${field} of the approval of ${vote.person} is not what entry ${entry.seq} says`);
  });
  const gone = said.filter((entry) => !votes.some((vote) => isOf(entry, vote)));
  return [...found, ...gone.map((entry) => `${name}: the approval of entry ${entry.seq} was removed`)];
}

async function plansOf(ledger: Ledger, id: IncidentId, row: IncidentRow | undefined): Promise<readonly string[]> {
  const hashes = [...new Set((row?.parts ?? []).flatMap((part) => (typeof part['plan'] === 'string' ? [part['plan']] : [])))];
  const bad = await Promise.all(hashes.map((hash) => ledger.plan(hash).then(() => false, (error: unknown) => {
    if (isHoldfastError(error, 'Invalid')) return true;
    throw error;
  })));
  return hashes.filter((_, index) => bad[index]).map((hash) => `${formatIncident(id)}: plan ${hash.slice(0, 12)} is not what was hashed`);
}

function differ(said: Readonly<Record<string, Json | undefined>>, is: Readonly<Record<string, Json | undefined>>): readonly string[] {
  return Object.keys(said).filter((field) => comparable(said[field]) !== comparable(is[field]));
}

/** A column of PostgreSQL holds no NUL, which an entry does: it stands there as U+FFFD. */
function comparable(value: Json | undefined): string {
  return hashJson(JSON.parse(JSON.stringify(value ?? null).replaceAll('\\u0000', '\uFFFD')) as Json);
}

function same(one: IncidentRow | undefined, other: IncidentRow | undefined): boolean {
  return hashJson((one ?? null) as Json) === hashJson((other ?? null) as Json);
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

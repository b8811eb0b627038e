import { formatIncident, type IncidentId } from '../../domain/address.js';
import type { DecisionMessage } from '../../domain/message.js';
import { moved, refused, type HoldfastError } from '../../domain/errors.js';
import { NOBODY, principalOf } from '../../domain/approving/people.js';
import { isJsonObject, type JsonObject } from '../../domain/json.js';
import { mustSign, type Config } from '../../config/config.js';
import { sha256 } from '../../digest.js';
import type { Signed } from '../../domain/approving/signed.js';
import type { DecisionRow } from '../../ledger/ledger.js';
import { prove, saidIn } from '../../trust/proof.js';
import { decisionStatement } from '../../trust/statement.js';
import type { Dependencies } from '../deps.js';
import type { JudgeBatch, PartRef } from '../types.js';

/** A signature that proves who decided, and what they signed. */
export interface ProvedDecision {
  readonly ok: true;
  /** The part that was signed. */
  readonly part: number;
  /** Fingerprint. */
  readonly key: string;
  readonly signed: Signed;
  /** Of what was signed: the same words about another question are another message. */
  readonly digest: string;
}

/** Looks for the question that a signature is about; `undefined` when the message carries none. */
export function proveDecision(config: Config, { incident, questions }: Pick<JudgeBatch, 'incident' | 'questions'>, { message, at }: { readonly message: DecisionMessage; readonly at: string }): ProvedDecision | { readonly ok: false; readonly problem: string } | undefined {
  const { signature, by, plan: named } = message;
  if (signature === undefined) return undefined;
  let problem: string | undefined;
  for (const { part, plan, ask } of [...questions].reverse()) {
    if (named !== undefined && plan?.startsWith(named) !== true) continue;
    const question = plan === undefined || ask === undefined ? { part } : { plan, ask };
    const statement = decisionStatement({ project: config.project, incident, question }, message);
    const proof = prove({ signature, statement, by, at, people: config.people ?? NOBODY });
    if (proof.ok) return { ok: true, part, key: proof.key, signed: { statement, signature }, digest: sha256(statement) };
    problem ??= proof.problem;
  }
  return { ok: false, problem: problem ?? 'the signature is about no question of this incident' };
}

/**
 * The write worker's own look at an approval: what was signed is read from the record and verified with
 * the keys of this worker's configuration. Nothing that fails here is written; the record says why.
 * Without a signature, or with a key that is no longer registered, it is `Moved` and asked again, as an
 * approval is that was given before signatures were asked for; words that were not signed are `Refused` for good.
 */
export async function expectSigned(deps: Dependencies, decision: DecisionRow, ref: PartRef): Promise<void> {
  const config = await deps.config();
  if (!mustSign(config, decision.environment)) return;
  // What goes further than an approval must have been signed so.
  const about = { plan: ref.plan, ask: ref.ask, decision: 'approve', ...(decision.breakGlass === undefined ? {} : { breakGlass: true }) };
  await expectProved(deps, decision, unprovedWord(config, decision, about));
}

/** The same for an adoption, whose words say whether it may write into a folder. */
export async function expectSignedAdoption(deps: Dependencies, said: SaidOf & { readonly decision: string }, expected: JsonObject): Promise<void> {
  const config = await deps.config();
  if (!mustSign(config, said.environment)) return;
  await expectProved(deps, said, unprovedWord(config, said, expected));
}

/** Who said what, as the record has it. */
type SaidOf = Pick<DecisionRow, 'by' | 'at' | 'signed' | keyof IncidentId>;

async function expectProved(deps: Dependencies, decision: SaidOf & { readonly decision: string }, refusal: HoldfastError | undefined): Promise<void> {
  if (refusal === undefined) return;
  const { environment, target, number } = decision;
  await deps.ledger.append({ at: deps.now().toISOString(), kind: 'refused', environment, target, incident: number, data: { reason: `${decision.decision} by ${decision.by}, before the write: ${refusal.message}`, incident: formatIncident(decision) } });
  throw refusal;
}

/** Why an approval on record, of one person or of several, is not proved; `undefined` when it is. */
export function unproved(config: Config, decision: SaidOf, { plan, ask }: Pick<PartRef, 'plan' | 'ask'>): HoldfastError | undefined {
  return unprovedWord(config, decision, { plan, ask, decision: 'approve' });
}

/** Why a word that breaks the glass for what is approved already is not proved; where nothing must be signed, nothing is asked. */
export function unprovedBreak(config: Config, said: SaidOf, { plan, ask }: Pick<PartRef, 'plan' | 'ask'>): HoldfastError | undefined {
  return mustSign(config, said.environment) ? unprovedWord(config, said, { plan, ask, decision: 'approve', breakGlass: true }) : undefined;
}

/** A signature as an entry of the record has it. */
export function signedOf(value: unknown): Signed | undefined {
  if (!isJsonObject(value)) return undefined;
  const { statement, signature } = value;
  return typeof statement === 'string' && typeof signature === 'string' ? { statement, signature } : undefined;
}

function unprovedWord(config: Config, decision: SaidOf, about: JsonObject): HoldfastError | undefined {
  const name = formatIncident(decision);
  if (decision.signed === undefined) return moved(`${name}: what ${decision.by} decided carries no signature, and approvals.trust is signed; it is asked again`);
  const { statement, signature } = decision.signed;
  const said = saidIn(statement);
  const expected = { version: 1, project: config.project, incident: name, ...about };
  const other = Object.entries(expected).find(([member, value]) => said?.[member] !== value);
  if (other !== undefined) return refused(`${name}: what ${decision.by} signed is about another ${other[0]}`);
  const people = config.people ?? NOBODY;
  const by = typeof said?.['by'] === 'string' ? said['by'] : '';
  if (principalOf(people, by) !== principalOf(people, decision.by)) return refused(`${name}: what is on record as said by ${decision.by} was signed by another`);
  const proof = prove({ signature, statement, by, at: decision.at, people });
  if (proof.ok) return undefined;
  return proof.isKey ? moved(`${name}: the decision does not hold any more: ${proof.problem}; it is asked again`) : refused(`${name}: ${proof.problem}`);
}

import { environmentOf } from '../../config/config.js';
import { formatIncident } from '../../domain/address.js';
import { moved, refused } from '../../domain/errors.js';
import { principalOf } from '../../domain/approving/people.js';
import { tally, whyNot } from '../../domain/approving/quorum.js';
import { hashJson } from '../../digest.js';
import type { Ask } from '../../ledger/ledger.js';
import { configured, type Dependencies } from '../deps.js';
import { storedPlan } from '../repairing/guard.js';
import type { Said } from '../approving/recording.js';
import { pollOf } from '../approving/poll.js';
import { expectSignedAdoption, signedOf } from '../approving/signed.js';
import type { AdoptInput, InboxMessage } from '../types.js';
import { asksOf } from '../deciding/unplanned.js';

/** A person's word to adopt, as the record has it. */
export interface AdoptionAsked {
  readonly id: string;
  readonly by: string;
  readonly verified: boolean;
  /** ISO, UTC. */
  readonly at: string;
  readonly reason: string;
  /** Into the folder itself. */
  readonly write: boolean;
}

interface Taking {
  readonly via: InboxMessage['via'];
  readonly parts: readonly number[];
}

/**
 * Puts a word to adopt on record, once, and names it; the question stays, since what nobody merges may
 * still be repaired. `undefined` when another run has used the same words: a reset replays nothing.
 */
export async function recordAdoption(deps: Dependencies, { batch, message, who, at, digest }: Said, { via, parts }: Taking): Promise<string | undefined> {
  const { environment, target, number } = batch.incident;
  const { by, reason = '', write = false } = message;
  const id = hashJson({ run: batch.run, message: digest, via: { ...via } }).slice(0, 32);
  for await (const { data } of deps.ledger.entries({ environment, target, incident: number, kinds: ['decided'] })) {
    if (data['decision'] !== 'adopt') continue;
    if (data['id'] === id) return id;
    if (data['message'] === digest && data['run'] !== batch.run) return undefined;
  }
  const proof = who.proved === undefined ? {} : { key: who.proved.key, signed: who.proved.signed };
  await deps.ledger.append({
    at, kind: 'decided', environment, target, incident: number, by,
    data: { decision: 'adopt', id, message: digest, run: batch.run, parts: [...parts], reason, write, verified: who.verified, ...proof },
  });
  return id;
}

/**
 * The write worker's own look: nothing in the task is believed. The word is on record, of this part and
 * of the run that took it, and signed where signatures are asked for.
 */
export async function authoriseAdoption(deps: Dependencies, input: AdoptInput): Promise<AdoptionAsked> {
  const { incident, part, plan, id } = input;
  const { environment, target, number } = incident;
  const name = formatIncident(incident);
  const row = await deps.ledger.incident(incident, number);
  const standing = row?.parts.find((each) => each['part'] === part);
  if (row === undefined || row.closedAt !== undefined || standing === undefined) throw refused(`${name}: part ${part} is not open in the record`);
  if (standing['plan'] !== plan) throw refused(`${name}: plan ${plan?.slice(0, 12) ?? '(none)'} is not on record for part ${part}`);
  for await (const { at, by = '', data } of deps.ledger.entries({ environment, target, incident: number, kinds: ['decided'] })) {
    if (data['decision'] !== 'adopt' || data['id'] !== id || !Array.isArray(data['parts']) || !data['parts'].includes(part)) continue;
    if (data['run'] !== input.run) throw moved(`${name}: the word to adopt was used by another run, which a reset has replaced; it is asked again`);
    const write = data['write'] === true;
    const signed = signedOf(data['signed']);
    const ask = await askOf(deps, input);
    const about = plan === undefined ? { part } : { plan, ask: ask?.id ?? null };
    await expectSignedAdoption(deps, { ...incident, decision: 'adopt', by, at, ...(signed === undefined ? {} : { signed }) }, { ...about, decision: 'adopt', ...(write ? { write } : {}) });
    if (write) await expectEnough(deps, input, { by, ask });
    return { id, by, at, write, verified: data['verified'] === true, reason: typeof data['reason'] === 'string' ? data['reason'] : '' };
  }
  throw refused(`${name}: nobody asked to adopt part ${part}`);
}

/** The question that stands about the part; where there is no repair, there is none. */
async function askOf(deps: Dependencies, { incident, part, plan }: AdoptInput): Promise<Ask | undefined> {
  if (plan === undefined) return undefined;
  let ask: Ask | undefined;
  for await (const { data } of deps.ledger.entries({ environment: incident.environment, target: incident.target, incident: incident.number, kinds: ['asked', 'decided'] })) {
    if (data['plan'] === plan && data['part'] === part && typeof data['id'] === 'string') ask = (await deps.ledger.askOf(data['id'])) ?? ask;
  }
  return ask;
}

/** What is written into a folder nobody reviews: this worker's own count must find that one word enough. */
async function expectEnough(deps: Dependencies, { incident, part, plan: hash }: AdoptInput, { by, ask }: { readonly by: string; readonly ask: Ask | undefined }): Promise<void> {
  const name = formatIncident(incident);
  const { config, target } = await configured(deps, incident);
  if (hash === undefined || ask?.kind !== 'person') {
    const asks = asksOf(await deps.ledger.incident(incident, incident.number), part);
    if (asks.length > 0 || (environmentOf(config, incident.environment)?.approvals.rules ?? []).length > 0) throw refused(`${name}: nobody may write part ${part} into the desired state alone where rules say who approves`, 'adopt without --write');
    return;
  }
  const poll = await pollOf(deps, { config, target, plan: await storedPlan(deps, hash), ask });
  const person = principalOf(poll.people, by);
  const { met, needed } = tally({ ...poll, votes: [...poll.votes, person] });
  const problem = whyNot(poll, person) ?? (met ? undefined : `still needed: ${needed}`);
  if (problem !== undefined) throw refused(`${name}: the folder is not written at the word of ${by} alone: ${problem}`, 'adopt without --write');
}

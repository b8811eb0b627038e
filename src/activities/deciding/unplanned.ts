import type { Config } from '../../config/config.js';
import type { Decided } from '../../domain/deciding/decision.js';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.js';
import { causerOf, NOBODY } from '../../domain/approving/people.js';
import type { Question } from '../../domain/approving/judge.js';
import type { Poll, Requirement } from '../../domain/approving/quorum.js';
import type { IncidentRow } from '../../ledger/ledger.js';
import { namedPoll } from '../approving/poll.js';

/** Whom rules ask about a part that has no plan, for its row: no plan says afterwards what was decided for each of its changes. */
export function askedInRow(decided: readonly Decided[]): JsonObject {
  const asks = new Map(decided.flatMap((each) => each.requires ?? []).map((each) => [JSON.stringify(each), each]));
  return asks.size === 0 ? {} : { asks: [...asks.values()] as unknown as Json };
}

/** What a row says that rules ask about one of its parts. */
export function asksOf(row: IncidentRow | undefined, part: number): readonly Requirement[] {
  const asks = row?.parts.find((each) => each['part'] === part)?.['asks'];
  if (!Array.isArray(asks)) return [];
  return (asks as readonly unknown[]).flatMap((each) => (isJsonObject(each) && typeof each['because'] === 'string' ? [each as unknown as Requirement] : []));
}

/** Who decides about a part without a plan: those whom rules ask about its changes, and those whom the rules of its environment name; `undefined` where nobody is named and nobody is known to have caused it. */
export function unplannedPoll(config: Config, row: IncidentRow | undefined, { part, causedBy }: Pick<Question, 'part' | 'causedBy'>): Poll | undefined {
  const asks = row === undefined ? [] : asksOf(row, part);
  if (asks.length === 0 && causedBy.length === 0) return undefined;
  const people = config.people ?? NOBODY;
  const named = row === undefined ? undefined : namedPoll(config, row.environment);
  return {
    people,
    requirements: [...asks, ...(named?.requirements ?? [])],
    excluded: [...new Set(causedBy.map((name) => causerOf(people, name)))].map((person) => ({ person, why: 'caused this change' })),
    escalatedTo: named?.escalatedTo ?? [],
    votes: [],
  };
}

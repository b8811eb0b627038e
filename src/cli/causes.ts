import { groupByCause, type CauseSight } from '../domain/deciding/cause.js';
import { formatAddress, formatIncident } from '../domain/address.js';
import { isJsonObject, type JsonObject } from '../domain/json.js';
import { highestRisk, RISKS } from '../domain/deciding/risk.js';
import type { IncidentRow } from '../ledger/ledger.js';
import { CliError } from './errors.js';
import { count } from './render/changes.js';
import { plain } from './render/escape.js';
import { numberOf, readPart, textOf, type RecordedPart } from './parts.js';

/** One part of an open incident, as far as it has a cause. */
export interface CausePart extends CauseSight {
  readonly row: IncidentRow;
  readonly part: RecordedPart;
  /** How many changes of the part have this cause, and how many have another. */
  readonly changes: number;
  readonly others: number;
  /** The keys of every cause of the part that its row names. */
  readonly all: readonly string[];
  readonly place: string;
  readonly change?: string;
}

/** What open incidents have in common. */
export interface CauseGroup {
  /** The key of its earliest change: 64 characters, of which 8 name it. */
  readonly key: string;
  /** Every key of the group: more than one where the same hands made several changes. */
  readonly keys: readonly string[];
  readonly parts: readonly CausePart[];
  readonly incidents: readonly IncidentRow[];
  readonly environments: readonly string[];
  readonly targets: readonly string[];
  readonly risk?: string;
  /** ISO, UTC. */
  readonly firstSeen: string;
  readonly by?: string;
}

const SHORTEST_KEY = 8;

/** The causes of open incidents, those of most targets first. Pure. */
export function causeGroups(rows: readonly IncidentRow[]): readonly CauseGroup[] {
  return groupByCause(rows.flatMap(sightsOf)).map(groupOf).sort((one, other) => other.targets.length - one.targets.length || (one.firstSeen < other.firstSeen ? -1 : one.firstSeen > other.firstSeen ? 1 : 0));
}

/** The group that a key, or the beginning of one, names. */
export function causeNamed(groups: readonly CauseGroup[], key: string): CauseGroup {
  const prefix = key.toLowerCase();
  if (!/^[0-9a-f]{8,64}$/.test(prefix)) throw new CliError(`--cause ${key} is not the key of a cause`, { remedy: `Give at least ${SHORTEST_KEY} characters of it (0-9, a-f), as holdfast incidents --by-cause shows it.` });
  const found = groups.filter((group) => group.keys.some((each) => each.startsWith(prefix)));
  const [first, second] = found;
  if (first === undefined) throw new CliError(`no open incident has the cause ${key}`, { remedy: 'List them with: holdfast incidents --by-cause' });
  if (second !== undefined) throw new CliError(`${key} names ${found.length} causes`, { remedy: 'Give more of the key.' });
  return first;
}

/** Several causes as one, for plans that repair all of them. */
export function together(groups: readonly CauseGroup[]): CauseGroup {
  const parts = [...new Set(groups.flatMap((group) => group.parts))];
  return groupOf(parts.sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0)));
}

function sightsOf(row: IncidentRow): readonly CausePart[] {
  return row.parts.flatMap((json) => {
    const part = readPart(json);
    if (part.outcome !== undefined || part.phase === 'closed') return [];
    const causes = Array.isArray(json['causes']) ? json['causes'].filter((each): each is JsonObject => isJsonObject(each)) : [];
    const all = causes.reduce((sum, each) => sum + (numberOf(each, 'changes') ?? 1), 0) + (numberOf(json, 'moreCauses') ?? 0);
    const keys = causes.flatMap((each) => textOf(each, 'key') ?? []);
    return causes.flatMap((cause): CausePart[] => {
      const [key, at] = [textOf(cause, 'key'), textOf(cause, 'at') ?? row.openedAt];
      if (key === undefined) return [];
      const changes = numberOf(cause, 'changes') ?? 1;
      const [by, change] = [textOf(cause, 'by'), textOf(cause, 'change')];
      return [{ row, part, key, at, changes, others: all - changes, all: keys, place: textOf(cause, 'place') ?? '', ...(by === undefined ? {} : { by }), ...(change === undefined ? {} : { change }) }];
    });
  });
}

function groupOf(parts: readonly CausePart[]): CauseGroup {
  const [first] = parts;
  const incidents = [...new Set(parts.map((each) => each.row))].sort((one, other) => (formatIncident(one) < formatIncident(other) ? -1 : 1));
  const risks = parts.flatMap(({ part }) => RISKS.filter((risk) => risk === part.risk));
  const hands = new Set(parts.map((each) => each.by));
  return {
    key: first?.key ?? '',
    keys: [...new Set(parts.map((each) => each.key))],
    parts,
    incidents,
    environments: [...new Set(incidents.map((row) => row.environment))].sort(),
    targets: [...new Set(incidents.map(formatAddress))],
    ...(risks.length === 0 ? {} : { risk: highestRisk(risks) }),
    firstSeen: first?.at ?? '',
    ...(hands.size === 1 && first?.by !== undefined ? { by: first.by } : {}),
  };
}

/** Where the parts of a group are wholly of its causes: only these are decided together. */
export function wholeParts({ parts, keys }: CauseGroup): { readonly whole: readonly CausePart[]; readonly mixed: readonly CausePart[] } {
  const byPart = new Map<string, CausePart[]>();
  for (const each of parts) {
    const id = `${formatIncident(each.row)} ${each.part.part ?? 0}`;
    byPart.set(id, [...(byPart.get(id) ?? []), each]);
  }
  const firsts = [...byPart.values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const own = same.filter((each) => keys.includes(each.key)).reduce((sum, each) => sum + each.changes, 0);
    return [{ ...first, changes: own, others: first.changes + first.others - own }];
  });
  return { whole: firsts.filter((each) => each.others === 0), mixed: firsts.filter((each) => each.others > 0) };
}

/** `etc/app.yaml /limits/rps 100 -> 500 and 1 other change`, escaped. */
export function causeText({ parts: [first], keys }: CauseGroup): string {
  const what = first === undefined ? '' : [first.place, ...(first.change === undefined ? [] : [first.change])].map(plain).join(' ');
  return `${what}${keys.length > 1 ? ` and ${count(keys.length - 1, 'other change')}` : ''}`;
}

export function causeJson({ key, keys, parts, environments, targets, risk, firstSeen, by }: CauseGroup): Record<string, unknown> {
  const places = parts.map(({ row, part, key: of, changes, others, place, change, at, by: hands }) => ({
    incident: formatIncident(row), part: part.part, plan: part.plan, phase: part.phase, risk: part.risk, cause: of, place, change, changes, otherChanges: others, firstSeen: at, by: hands,
  }));
  return { cause: key, keys, environments, targets, risk, firstSeen, by, parts: places };
}

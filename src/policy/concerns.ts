import type { Config } from '../config/config.js';
import { formatAddress, formatIncident } from '../domain/address.js';
import type { Change } from '../domain/change.js';
import { acceptedText, judgeException, type Exception, type Judged, type Placed } from '../domain/deciding/exception.js';
import type { Decided } from '../domain/deciding/decision.js';
import { askedAgainBy } from '../domain/gates/gate.js';
import type { AcceptRule, Target } from '../domain/target.js';
import type { Acceptance, Ledger, Settled } from '../ledger/ledger.js';
import { compileGlob } from '../providers/glob.js';
import { objectionsTo, type Objecting } from './announced.js';
import { noiseOf } from './noise.js';

export interface Concerning {
  readonly config: Pick<Config, 'environments' | 'policies' | 'people'>;
  readonly target: Target;
  readonly changes: readonly Change[];
  /** ISO, UTC. */
  readonly at: string;
  /** Without a record only what the configuration and the resources accept is known. */
  readonly ledger?: Pick<Ledger, 'settled' | 'acceptances' | 'sightings' | 'lastObservation' | 'closedGates'>;
}

export interface Quiet {
  readonly change: Change;
  /** Who said so, until when, and what ends it. */
  readonly why: string;
  readonly exception?: Exception;
  /** A rule leaves it alone. */
  readonly decided?: Decided;
}

export interface Concerns {
  /** Neither accepted nor settled, in the order of what was seen. */
  readonly changes: readonly Change[];
  /** What nobody is asked about now. */
  readonly quiet: readonly Quiet[];
  /** Of `changes`, those that were accepted once. */
  readonly lapsed: readonly { readonly change: Change; readonly judged: Extract<Judged, { is: 'lapsed' }> }[];
}

/** What of a look concerns anybody now. Checks, assessments and `holdfast plan` ask with the same. */
export async function concerns(input: Concerning): Promise<Concerns> {
  const { target, changes, at, ledger } = input;
  if (changes.length === 0) return { changes: [], quiet: [], lapsed: [] };
  const [settled, acceptances] = ledger === undefined ? [[], []] : await Promise.all([ledger.settled(target, changes, at), ledger.acceptances(target)]);
  const placed = [...acceptances.map(ofRecord), ...(target.accept ?? []).map(ofRule)];
  const fromResources = input.config.environments.find((each) => each.name === target.environment)?.acceptFromResources === true;
  const rows = new Map(settled.filter((row) => row.outcome !== 'accepted').map((row) => [`${row.fingerprint} ${row.revision}`, row]));
  const announced = placed.filter((each) => each.exception.source === 'announced');
  const objects = await objectionsTo({ ...input, changes: changes.filter((change) => announced.some((each) => each.speaksOf(change))) });
  const quiet: Quiet[] = [];
  const lapsed: Concerns['lapsed'][number][] = [];
  const left: Change[] = [];
  for (const change of changes) {
    const judged = judgedFor(change, { placed: fromResources ? [...placed, ...ofResource(change)] : placed, objects, at });
    const row = rows.get(`${change.fingerprint} ${change.revision}`);
    if (judged.is === 'accepted') quiet.push({ change, why: `${acceptedText(judged.exception)}; ${endedBy(judged.exception, target)}`, exception: judged.exception });
    else if (row !== undefined) quiet.push({ change, why: settledText(row) });
    else left.push(change);
    if (judged.is === 'lapsed' && row === undefined) lapsed.push({ change, judged });
  }
  const noise = await noiseOf({ config: input.config, target, changes: left, at, ...(ledger === undefined ? {} : { ledger }) });
  for (const [change, decided] of noise) quiet.push({ change, why: `accepted by rule ${decided.rules.join(', ')}: ${decided.reason}; see: holdfast policy explain ${formatAddress(target)}`, decided });
  return { changes: left.filter((change) => !noise.has(change)), quiet, lapsed: lapsed.filter(({ change }) => !noise.has(change)) };
}

/** Of several that speak of a change, those that hold nothing are passed over; the first of them is told where none is left. */
function judgedFor(change: Change, { placed, objects, at }: { readonly placed: readonly Placed[]; readonly objects: Objecting; readonly at: string }): Judged {
  const judged = judgeException(change, placed, at);
  const why = judged.is === 'accepted' ? objects(change, judged.exception) : undefined;
  if (judged.is !== 'accepted' || why === undefined) return judged;
  const rest = judgedFor(change, { placed: placed.filter((each) => each.exception !== judged.exception), objects, at });
  return rest.is === 'accepted' ? rest : { is: 'lapsed', exception: judged.exception, by: 'person', why };
}

function ofRecord({ resource, path, fingerprint, until, by, reason, ticket, incident }: Acceptance): Placed {
  const exception: Exception = {
    source: incident === undefined ? 'announced' : 'incident', resource, until, by, reason,
    ...(path === undefined ? {} : { path }), ...(fingerprint === undefined ? {} : { fingerprint }), ...(ticket === undefined ? {} : { ticket }), ...(incident === undefined ? {} : { incident }),
  };
  const isWithin = (of: string): boolean => path === undefined || of === path || (exception.source === 'announced' && path.startsWith('/') && of.startsWith(`${path}/`));
  return { exception, speaksOf: (change) => change.resource === resource && isWithin(change.path) };
}

/** Compiled once for each rule of a configuration. */
const compiled = new WeakMap<AcceptRule, Placed>();

function ofRule(rule: AcceptRule): Placed {
  const known = compiled.get(rule);
  if (known !== undefined) return known;
  const resource = compileGlob(rule.resource);
  const path = rule.path === undefined ? () => true : compileGlob(rule.path);
  const placed: Placed = { exception: { source: 'configuration', ...rule }, speaksOf: (change) => resource(change.resource) && path(change.path) };
  compiled.set(rule, placed);
  return placed;
}

/** One without a date that can be read accepts nothing. */
function ofResource({ resource, path, exception }: Change): readonly Placed[] {
  if (exception === undefined || Number.isNaN(Date.parse(exception.until))) return [];
  const { by, reason, ticket } = exception;
  const until = new Date(exception.until).toISOString();
  return [{ exception: { source: 'resource', resource, path, until, by, reason, ...(ticket === undefined ? {} : { ticket }) }, speaksOf: () => true }];
}

function endedBy({ source, resource, path, incident }: Exception, target: Target): string {
  switch (source) {
    case 'configuration':
      return 'end it in accept of the configuration';
    case 'resource':
      return 'end it on the resource';
    case 'incident':
      return `end it early with: holdfast accept ${formatAddress(target)}#${incident ?? 0} --end --reason WHY`;
    case 'announced':
      return `end it early with: holdfast accept ${formatAddress(target)} --end --resource ${resource}${path === undefined ? '' : ` --path ${path}`} --reason WHY`;
  }
}

function settledText(row: Settled): string {
  const name = formatIncident({ ...row, number: row.incident });
  return `${row.outcome} in ${name}${row.until === undefined ? '' : `, quiet until ${row.until}`}; ask again with: ${askedAgainBy(name, row.outcome)}${row.outcome === 'rolled-back' ? `; why, and what else can be done: holdfast incident ${name}` : ''}`;
}

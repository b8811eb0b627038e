import type { Config, Environment } from '../config/config.js';
import { formatAddress, formatIncident, type TargetAddress } from '../domain/address.js';
import { FIRST_SEEN } from '../domain/deciding/safeguards.js';
import type { Target } from '../domain/target.js';
import type { ScheduleInfo } from '../client.js';
import type { ClosedGate, IncidentRow, TargetRow } from '../ledger/ledger.js';
import { isClosed, partsOf } from './incident-row.js';

/** Everything `status` shows of one target, put together from configuration, record and schedules. */
export interface Standing {
  readonly address: string;
  readonly environment: string;
  readonly target: string;
  readonly owner?: string;
  /** `never`: no check has looked at it yet. */
  readonly verdict: 'clean' | 'drifted' | 'unknown' | 'never';
  readonly reason?: string;
  readonly changes: number;
  /** ISO, UTC. */
  readonly checkedAt?: string;
  readonly since?: string;
  readonly overdue: boolean;
  readonly paused: boolean;
  readonly incident?: StandingIncident;
  /** The last incident that ended in a way that a person has to look at. */
  readonly needsHuman?: string;
  readonly gates: readonly ClosedGate[];
  /** Why a person should look at it, most pressing first; empty when nothing does. */
  readonly attention: readonly string[];
}

export interface StandingIncident {
  readonly id: string;
  readonly kind: IncidentRow['kind'];
  readonly phase: string;
  readonly risk?: string;
  readonly plan?: string;
  readonly waitsFor?: string;
  /** It stood there when the target was first looked at, and nobody has decided it yet. */
  readonly firstSeen?: true;
  /** Why its step under way does not get done. */
  readonly blocked?: string;
  /** Who let it start alone, by breaking the glass. */
  readonly brokenBy?: string;
  readonly openedAt: string;
}

export interface StandingInput {
  readonly config: Config;
  readonly targets: readonly Target[];
  readonly rows: readonly TargetRow[];
  readonly open: readonly IncidentRow[];
  /** Incidents that ended `needs-human`, and were not put right since. */
  readonly troubled: readonly IncidentRow[];
  readonly gates: readonly ClosedGate[];
  /** Those that hold nothing of what was seen last: shown, and pressing for nobody. */
  readonly idle?: readonly ClosedGate[];
  readonly schedules: readonly ScheduleInfo[];
  readonly now: Date;
}

/** What a person has set, and what stops nothing, is shown with the gates; it presses for no target. */
const QUIET_GATES: readonly string[] = ['freeze', 'step-back'];

/** A check may be this late before it is called overdue: twice its interval, and a minute to run. */
const LATE = { intervals: 2, graceMs: 60_000 } as const;

/** What needs attention first comes first; then by address. Pure. */
export function standings(input: StandingInput): readonly Standing[] {
  const found = lookupsOf(input);
  const all = input.targets.map((target) => standingOf(target, input, found));
  return all.map((standing) => ({ standing, weight: weightOf(standing) })).sort((a, b) => b.weight - a.weight || compare(a.standing.address, b.standing.address)).map(({ standing }) => standing);
}

/** Looked up once for each of ten thousand targets. */
function lookupsOf({ config, rows, open, troubled, schedules, gates }: StandingInput) {
  const byAddress = <T extends TargetAddress>(all: readonly T[]): ReadonlyMap<string, T> => new Map([...all].reverse().map((each) => [formatAddress(each), each]));
  const byScope = new Map<string, ClosedGate[]>();
  for (const gate of gates) byScope.set(gate.scope, [...(byScope.get(gate.scope) ?? []), gate]);
  return {
    environments: new Map(config.environments.map((each) => [each.name, each])),
    rows: byAddress(rows),
    open: byAddress(open),
    // The newest comes first, and wins.
    troubled: byAddress(troubled),
    paused: new Set(schedules.filter((each) => each.paused).map((each) => each.environment)),
    gates: byScope,
  };
}

function standingOf(target: Target, input: StandingInput, found: ReturnType<typeof lookupsOf>): Standing {
  const address = formatAddress(target);
  const environment = found.environments.get(target.environment);
  const row = found.rows.get(address);
  const incident = found.open.get(address);
  const troubled = found.troubled.get(address);
  const paused = found.paused.has(target.environment);
  const overdue = !paused && isOverdue(row, environment, input.now);
  const base = {
    address,
    environment: target.environment,
    target: target.target,
    ...(target.owner === undefined ? {} : { owner: target.owner }),
    verdict: row?.verdict ?? ('never' as const),
    ...(row?.reason === undefined ? {} : { reason: row.reason }),
    changes: row?.changes ?? 0,
    ...(row === undefined ? {} : { checkedAt: row.at, since: row.since }),
    overdue,
    paused,
    ...(incident === undefined ? {} : { incident: incidentOf(incident) }),
    ...(troubled === undefined || isClosedSince(troubled, row) ? {} : { needsHuman: formatIncident(troubled) }),
    gates: ['*', target.environment, address].flatMap((scope) => found.gates.get(scope) ?? []),
  };
  return { ...base, attention: attentionOf({ ...base, gates: base.gates.filter((gate) => input.idle?.includes(gate) !== true) }) };
}

function incidentOf(row: IncidentRow): StandingIncident {
  const parts = partsOf(row).filter((part) => part.outcome === undefined);
  const asked = parts.find((part) => part.phase === 'awaiting-approval') ?? parts[0];
  const blocked = parts.find((part) => part.blocked !== undefined)?.blocked;
  const brokenBy = parts.find((part) => part.brokenBy !== undefined)?.brokenBy;
  return {
    id: formatIncident(row),
    kind: row.kind,
    phase: row.phase,
    ...(row.risk === undefined ? {} : { risk: row.risk }),
    ...(asked?.plan === undefined ? {} : { plan: asked.plan }),
    ...(asked?.waitsFor === undefined ? {} : { waitsFor: asked.waitsFor }),
    ...(parts.some((part) => part.rules?.includes(FIRST_SEEN) === true) ? { firstSeen: true } : {}),
    ...(blocked === undefined ? {} : { blocked }),
    ...(brokenBy === undefined ? {} : { brokenBy }),
    openedAt: row.openedAt,
  };
}

function attentionOf(standing: Omit<Standing, 'attention'>): readonly string[] {
  const { incident } = standing;
  return [
    ...(standing.needsHuman === undefined ? [] : [`${standing.needsHuman} needs a human`]),
    ...(incident?.blocked === undefined ? [] : [`${incident.id} does not get on: ${incident.blocked}`]),
    ...(incident?.brokenBy === undefined ? [] : [`${incident.brokenBy} broke the glass for ${incident.id}`]),
    ...(incident?.phase === 'rolling-back' ? [`${incident.id} is rolling back`] : []),
    ...(incident?.phase === 'awaiting-approval' ? [`${incident.id} waits for an approval`] : []),
    ...(incident?.kind === 'blind' && standing.verdict === 'unknown' ? [`${incident.id}: it cannot be read`] : []),
    ...(standing.verdict === 'unknown' && incident?.kind !== 'blind' ? ['could not be read'] : []),
    ...(standing.overdue ? ['its check is overdue'] : []),
    ...new Set(standing.gates.filter((gate) => !QUIET_GATES.includes(gate.gate)).map((gate) => `${gate.gate} is closed`)),
  ];
}

/** Larger comes first. */
function weightOf(standing: Standing): number {
  if (standing.needsHuman !== undefined) return 7;
  if (standing.incident?.phase === 'rolling-back') return 6;
  if (standing.incident?.phase === 'awaiting-approval' || standing.incident?.blocked !== undefined) return 5;
  if (standing.verdict === 'unknown' || standing.overdue) return 4;
  if (standing.incident !== undefined) return 3;
  if (standing.verdict === 'drifted') return 2;
  return standing.attention.length > 0 ? 1 : 0;
}

function isOverdue(row: TargetRow | undefined, environment: Environment | undefined, now: Date): boolean {
  if (row === undefined || environment === undefined || environment.schedule.cron.length === 0) return false;
  const { intervalMs, jitterMs } = environment.schedule;
  return now.getTime() - Date.parse(row.at) > LATE.intervals * intervalMs + jitterMs + LATE.graceMs;
}

/** A target that was found clean after the incident has been put right since. */
function isClosedSince(incident: IncidentRow, row: TargetRow | undefined): boolean {
  if (!isClosed(incident)) return false;
  return row?.verdict === 'clean' && Date.parse(row.at) > Date.parse(incident.closedAt ?? incident.openedAt);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

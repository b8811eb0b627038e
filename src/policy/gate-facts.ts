import type { Config } from '../config/config.js';
import { windowRules } from '../config/windows.js';
import { formatAddress, formatIncident, type TargetAddress } from '../domain/address.js';
import { causesIn, dependenciesOf, stopsDependants } from '../domain/gates/after.js';
import { causeKeys } from '../domain/deciding/cause.js';
import type { Change } from '../domain/change.js';
import type { DecisionInput } from '../domain/deciding/decision.js';
import type { Busy, DependencyState, GateFacts, GateRow } from '../domain/gates/facts.js';
import type { Target } from '../domain/target.js';
import { hashJson } from '../digest.js';
import type { IncidentRow, Ledger } from '../ledger/ledger.js';

type Remembering = Pick<Ledger, 'closedGates' | 'incident' | 'incidents' | 'lastObservation' | 'entries' | 'sightings'>;

export interface Gating {
  readonly config: Config;
  readonly target: Target;
  /** What wants to be repaired, or is drifted. */
  readonly changes: readonly Change[];
  /** ISO, UTC. */
  readonly at: string;
  /** Without a record only what the configuration closes is known. */
  readonly ledger?: Remembering;
  /** Of the ledger's closed gates, where they were read already. */
  readonly rows?: readonly GateRow[];
  /** What rules were asked with about the same changes, or more of them: since when each is there is read once. */
  readonly inputs?: readonly DecisionInput[];
  /** What the engine says that it is doing, where it was asked. */
  readonly engine?: readonly Busy[];
}

/** Everything that gates look at, gathered once. Steps and `holdfast plan` ask with the same. One query; one more for each target, and each environment, that `after` names. */
export async function gateFacts({ config, target, changes, at, ledger, rows, inputs, engine }: Gating): Promise<GateFacts> {
  const environment = config.environments.find((each) => each.name === target.environment);
  const windows = environment?.windows ?? [];
  const budget = environment?.limits.budget;
  const dependencies = ledger === undefined || target.after.length === 0 ? [] : [...(await statesOf(ledger, config, target)), ...(await sameCauses(ledger, { config, target, changes }))];
  return {
    at,
    rows: rows ?? (await ledger?.closedGates(target, at)) ?? [],
    environment: target.environment,
    address: formatAddress(target),
    ...(environment?.approvals.trust === 'signed' ? { signed: true } : {}),
    ...(budget === undefined ? {} : { budget }),
    ...(windows.length === 0 ? {} : { windows: windowRules(windows), glass: environment?.approvals.breakGlass !== undefined }),
    ...(dependencies.length === 0 ? {} : { dependencies }),
    ...(target.settleMs === 0 || ledger === undefined ? {} : { settling: { settleMs: target.settleMs, firstSeen: inputs === undefined ? await firstSeen(ledger, target, changes) : firstSeenIn(inputs) } }),
    ...(engine === undefined ? {} : { engine }),
  };
}

async function firstSeen(ledger: Remembering, target: Target, changes: Gating['changes']): Promise<Readonly<Record<string, string>>> {
  const sightings = await ledger.sightings(target, changes.map((change) => change.fingerprint));
  return Object.fromEntries(sightings.map((each) => [each.fingerprint, each.firstSeen]));
}

function firstSeenIn(inputs: readonly DecisionInput[]): Readonly<Record<string, string>> {
  return Object.fromEntries(inputs.flatMap(({ change, history }) => (history.firstSeen === undefined ? [] : [[change.fingerprint, history.firstSeen]])));
}

/** One that is configured no more holds nobody. */
async function statesOf(ledger: Remembering, config: Config, target: Target): Promise<readonly DependencyState[]> {
  const environments = config.environments.map((each) => each.name);
  const known = dependenciesOf(target, environments).filter((each) => config.targets.some((other) => other.environment === each.environment && other.target === each.target));
  return Promise.all(known.map((each) => stateOf(ledger, each, target)));
}

/** Open incidents of other targets in an environment that comes first, for those changes that have the same cause there. */
async function sameCauses(ledger: Remembering, { config, target, changes }: Pick<Gating, 'config' | 'target' | 'changes'>): Promise<readonly DependencyState[]> {
  const before = config.environments.filter((each) => target.after.includes(each.name) && each.name !== target.environment);
  if (before.length === 0 || changes.length === 0) return [];
  const vars = config.environments.find((each) => each.name === target.environment)?.vars;
  const keys = causeKeys(changes, { environment: target.environment, target: target.target, provider: target.provider, ...(vars === undefined ? {} : { vars }) }, hashJson);
  const rows = (await Promise.all(before.map(({ name }) => ledger.incidents({ environment: name, open: true })))).flat();
  return rows.flatMap((row) => {
    if (row.kind !== 'drift' || row.target === target.target) return [];
    const causes = causesIn(row.parts);
    const fingerprints = changes.flatMap((change, index) => (causes.has(keys[index] ?? '') ? [change.fingerprint] : []));
    return fingerprints.length === 0 ? [] : [{ address: formatAddress(row), incident: { id: formatIncident(row), open: true }, fingerprints }];
  });
}

async function stateOf(ledger: Remembering, dependency: TargetAddress, waiting: TargetAddress): Promise<DependencyState> {
  const address = formatAddress(dependency);
  const row = await ledger.incident(dependency);
  // What could not be read says nothing about what is to be repaired.
  if (row === undefined || row.kind === 'blind') return { address };
  const incident = { id: formatIncident(row), open: row.closedAt === undefined, ...(row.outcome === undefined ? {} : { outcome: row.outcome }) };
  const held = row.closedAt !== undefined && stopsDependants(row.outcome);
  const passed = held && ((await isCleanSince(ledger, row)) || (await isReleased(ledger, row, waiting)));
  return { address, incident, ...(passed ? { passed } : {}) };
}

async function isCleanSince(ledger: Remembering, row: IncidentRow): Promise<boolean> {
  const last = await ledger.lastObservation(row);
  return last?.verdict === 'clean' && last.at > (row.closedAt ?? row.openedAt);
}

/** A person said since then that what waits for it goes on without it. */
async function isReleased(ledger: Remembering, row: IncidentRow, { environment, target }: TargetAddress): Promise<boolean> {
  for await (const entry of ledger.entries({ environment, kinds: ['gate'], since: row.closedAt ?? row.openedAt })) {
    if (entry.data['gate'] === 'after' && entry.data['event'] === 'opened' && (entry.target === undefined || entry.target === target)) return true;
  }
  return false;
}

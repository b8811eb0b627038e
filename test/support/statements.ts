import { formatIncident, type IncidentId } from '../../src/domain/address.js';
import type { Json, JsonObject } from '../../src/domain/json.js';
import type { Plan } from '../../src/domain/plan.js';
import type { DecisionRow, Entry, IncidentRow, IntentRow, Verification } from '../../src/ledger/ledger.js';
import { differingPaths, type Tree } from './trees.js';

/** One run of a workflow as Temporal keeps it. */
export interface RunHistory {
  readonly workflowId: string;
  readonly runId: string;
  /** `RUNNING`, `COMPLETED`, `TERMINATED`, …. */
  readonly status: string;
  readonly events: number;
  readonly bytes: number;
}

export interface TargetFiles {
  readonly address: string;
  readonly live: Tree;
  readonly desired: Tree;
  /** What was live before the last repair; absent when nobody drifted it. */
  readonly before?: Tree;
  /** Folders of releases beside the live one. */
  readonly releases: number;
}

/** Everything that is left when the machines stand still: what the ten statements are checked on. */
export interface Evidence {
  readonly entries: readonly Entry[];
  readonly verification: Verification;
  readonly incidents: readonly IncidentRow[];
  readonly intents: readonly IntentRow[];
  readonly decisions: readonly DecisionRow[];
  readonly plans: readonly Plan[];
  readonly runs: readonly RunHistory[];
  readonly targets: readonly TargetFiles[];
  /** Messages to people that are still to be sent. */
  readonly pendingMessages: number;
  /** Places outside of the service's own files where a planted secret was found. */
  readonly leaks: readonly string[];
  /** Counts before and after ten more checks with nothing else going on; absent when they were not made. */
  readonly quiet?: { readonly before: Counts; readonly after: Counts };
}

export interface Counts {
  readonly incidents: number;
  readonly messages: number;
  /** Entries of the record, by kind. */
  readonly entries: Readonly<Record<string, number>>;
}

export interface Violation {
  readonly statement: number;
  readonly incident?: string;
  readonly detail: string;
}

/** What one incident, one write or one run may grow to; far above what any of them needs. */
const BOUNDS = { attempts: 30, events: 5_000, bytes: 4_000_000, releases: 14, messages: 500 } as const;

/** Writes that leave nothing to see and may be repeated. */
const REPEATABLE: readonly string[] = ['reload'];

type Check = (evidence: Evidence) => readonly Violation[];

/** Checks "What must always hold" of the design; returns what does not. */
export function violations(evidence: Evidence): readonly Violation[] {
  const checks: readonly Check[] = [noSilentEnd, fixedMeansFixed, everyWriteAllowed, effectsConverge, oneWriterAtATime, desiredOrBefore, everyWriteRecorded, quietAfterwards, bounded, secretsStay];
  return checks.flatMap((check) => check(evidence));
}

/** 1. Every incident ends in outcomes, or is open and visible. */
function noSilentEnd({ incidents, runs, entries }: Evidence): readonly Violation[] {
  return incidents.flatMap((row) => {
    const say = saying(1, row);
    const own = runs.filter((run) => run.workflowId === `incident/${row.environment}/${row.target}`);
    if (row.closedAt === undefined) return own.some((run) => run.status === 'RUNNING') ? [] : [say('it is open in the record, and no run carries it')];
    const ended = of(entries, row).some((entry) => entry.kind === 'closed');
    const open = row.parts.filter((part) => part['outcome'] === undefined && part['phase'] === 'closed');
    return [
      ...(row.outcome === undefined ? [say('it is closed without an outcome')] : []),
      ...(ended ? [] : [say('its end is not in the record')]),
      ...(row.narrative === undefined || row.narrative === '' ? [say('nothing tells how it went')] : []),
      ...open.map((part) => say(`part ${text(part['part'])} is closed without an outcome`)),
    ];
  });
}

/** 2. `fixed` means that a read after the last write equals the desired state, and health passed. */
function fixedMeansFixed({ incidents, entries, plans, targets }: Evidence): readonly Violation[] {
  return fixedParts(incidents).flatMap(({ row, part }) => {
    const say = saying(2, row);
    const own = of(entries, row).filter((entry) => entry.data['part'] === part['part']);
    const written = Math.max(0, ...of(entries, row).filter((entry) => (entry.kind === 'intent' || entry.data['ok'] === true) && isOfPart(entry, row, part)).map((entry) => entry.seq));
    const proof = own.find((entry) => entry.kind === 'validated' && entry.seq > written && entry.data['of'] !== 'shadow' && entry.data['verdict'] === 'healthy' && entry.data['left'] === 0);
    const problems = proof === undefined ? [say(`part ${text(part['part'])} is fixed, and no healthy read that equals the desired state follows its last write`)] : [];
    if (!own.some((entry) => entry.kind === 'finalized')) problems.push(say(`part ${text(part['part'])} is fixed and was never finalized`));
    const files = isLatest(incidents, row) ? targets.find((target) => target.address === `${row.environment}/${row.target}`) : undefined;
    const touched = new Set(plans.find((plan) => plan.hash === part['plan'])?.changes.map((change) => change.resource));
    const differing = files === undefined ? [] : differingPaths(files.live, files.desired).filter((path) => touched.has(path));
    if (differing.length > 0) problems.push(say(`part ${text(part['part'])} is fixed, and ${differing.join(', ')} differ from what is desired`));
    return problems;
  });
}

/** 3. Every write is in a plan whose hash was approved, or which policy allowed. */
function everyWriteAllowed({ entries, incidents }: Evidence): readonly Violation[] {
  return entries.filter((entry) => entry.kind === 'intent').flatMap((intent) => {
    const row = incidents.find((each) => isOf(intent, each));
    const before = entries.filter((entry) => entry.seq < intent.seq && entry.environment === intent.environment && entry.target === intent.target);
    // What goes into the desired state instead is at the word of a person, who need not approve a repair.
    if (text(intent.data['step']).endsWith('/adopt')) {
      const asked = before.some((entry) => entry.incident === intent.incident && entry.kind === 'decided' && entry.data['decision'] === 'adopt');
      return asked ? [] : [{ statement: 3, ...named(row), detail: `${text(intent.data['key'])} was written, and nobody asked to adopt it` }];
    }
    const numbers = [intent.incident, row?.undoes];
    const allowed = before.some((entry) => numbers.includes(entry.incident) && entry.data['plan'] === intent.data['plan'] && (entry.kind === 'approved' || (entry.kind === 'decided' && entry.data['decision'] === 'policy')));
    const asked = row?.kind !== 'undo' || before.some((entry) => entry.incident === intent.incident && entry.data['decision'] === 'undo');
    return allowed && asked ? [] : [{ statement: 3, ...named(row), detail: `${text(intent.data['key'])} was written under plan ${short(intent.data['plan'])}, which nobody approved and no rule allowed` }];
  });
}

/** 4. However often a step runs, its effects converge to one. */
function effectsConverge({ incidents, entries }: Evidence): readonly Violation[] {
  return incidents.flatMap((row) => {
    const say = saying(4, row);
    const own = of(entries, row);
    const switches = counted(own.filter((entry) => entry.kind === 'finalized').map((entry) => `part ${text(entry.data['part'])} under plan ${short(entry.data['plan'])}`));
    const writes = counted(own.filter((entry) => entry.kind === 'outcome' && entry.data['ok'] === true && !REPEATABLE.includes(text(entry.data['write']))).map((entry) => `${text(entry.data['key'])} under plan ${short(entry.data['plan'])}`));
    const said = counted(own.flatMap(oncePerIncident));
    return [
      ...said.filter(([, times]) => times > 1).map(([what, times]) => say(`${what} stands ${times} times in the record`)),
      ...switches.filter(([, times]) => times > 1).map(([what, times]) => say(`${what} was finalized ${times} times`)),
      ...writes.filter(([, times]) => times > 1).map(([what, times]) => say(`${what} was done ${times} times`)),
    ];
  });
}

/** What people and rules say about a question is counted once, however often it is said. */
function oncePerIncident({ kind, data }: Entry): readonly string[] {
  switch (kind) {
    case 'voted':
      return [`the vote of ${text(data['person'])} on ask ${text(data['ask'])}`];
    case 'approved':
    case 'rejected':
      return [`the decision about ask ${text(data['ask'])}`];
    case 'escalated':
      return [`step ${text(data['step'])} of the escalation of ask ${text(data['ask'])}`];
    case 'adopted':
      return [`the adoption ${text(data['id'])} of part ${text(data['part'])}`];
    case 'settled':
      return data['event'] === 'lapsed' ? [`the lapse of acceptance ${text(data['of'])}`] : [];
    default:
      return [];
  }
}

/** 5. No two runs write the same target at once; a late writer's intent is refused. */
function oneWriterAtATime({ entries, incidents }: Evidence): readonly Violation[] {
  const found: Violation[] = [];
  const open = new Map<string, Map<string, Entry>>();
  const fences = new Map<string, number>();
  for (const entry of entries) {
    if (entry.kind !== 'intent' && entry.kind !== 'outcome' && entry.kind !== 'closed') continue;
    const address = `${entry.environment ?? ''}/${entry.target ?? ''}`;
    const writing = open.get(address) ?? new Map<string, Entry>();
    open.set(address, writing);
    const key = text(entry.data['key']);
    if (entry.kind === 'outcome') writing.delete(key);
    if (entry.kind !== 'intent') continue;
    const incident = incidents.find((row) => isOf(entry, row));
    const other = [...writing.values()].find((each) => each.incident !== entry.incident);
    if (other !== undefined) found.push({ statement: 5, ...named(incident), detail: `${key} began while ${text(other.data['key'])} was being written` });
    const fence = Number(entry.data['fence']);
    if (fence < (fences.get(address) ?? 0)) found.push({ statement: 5, ...named(incident), detail: `${key} was let in with the token ${fence}, when ${fences.get(address) ?? 0} was given out` });
    fences.set(address, Math.max(fence, fences.get(address) ?? 0));
    writing.set(key, entry);
  }
  return found;
}

/** 6. Each touched resource ends as desired or as it was before; anything else is `needs-human` and says which. */
function desiredOrBefore({ targets, incidents, plans, intents }: Evidence): readonly Violation[] {
  return targets.flatMap(({ address, live, desired, before }) => {
    if (before === undefined) return [];
    const rows = incidents.filter((row) => `${row.environment}/${row.target}` === address);
    const last = rows.find((row) => isLatest(rows, row));
    if (last?.closedAt === undefined) return [];
    const hashes = new Set(intents.filter((intent) => isSame(intent, last)).map((intent) => intent.plan));
    const touched = new Set(plans.filter((plan) => hashes.has(plan.hash)).flatMap((plan) => plan.changes.map((change) => change.resource)));
    return [...touched].flatMap((resource) => {
      if (live[resource] === desired[resource] || live[resource] === before[resource]) return [];
      if (last.parts.some((part) => part['outcome'] === 'needs-human' || part['outcome'] === 'terminated') && last.narrative?.includes(resource) === true) return [];
      return [saying(6, last)(`${resource} is neither as desired nor as it was before, and the incident ended ${last.outcome ?? 'open'}`)];
    });
  });
}

/** 7. Every external write has an intent before it and an outcome after it; the chain verifies. */
function everyWriteRecorded({ entries, incidents, intents, verification, targets, plans }: Evidence): readonly Violation[] {
  const found: Violation[] = verification.ok ? [] : [{ statement: 7, detail: `the record does not verify: entry ${verification.seq} is ${verification.problem}: ${verification.detail}` }];
  for (const intent of intents) {
    const row = incidents.find((each) => isSame(intent, each));
    const own = entries.filter((entry) => entry.data['key'] === intent.key);
    const begun = own.find((entry) => entry.kind === 'intent');
    if (begun === undefined) found.push({ statement: 7, ...named(row), detail: `${intent.key} was written without an intent in the record` });
    const ended = own.some((entry) => entry.kind === 'outcome' && entry.seq > (begun?.seq ?? 0));
    if (!ended && row?.closedAt !== undefined) found.push({ statement: 7, ...named(row), detail: `${intent.key} has an intent and no outcome, and its incident is closed` });
  }
  for (const { address, live, before } of targets) {
    if (before === undefined) continue;
    const rows = incidents.filter((row) => `${row.environment}/${row.target}` === address);
    const hashes = new Set(intents.filter((intent) => rows.some((row) => isSame(intent, row)) && !intent.step.endsWith('/stage')).map((intent) => intent.plan));
    const intended = new Set(plans.filter((plan) => hashes.has(plan.hash)).flatMap((plan) => plan.changes.map((change) => change.resource)));
    for (const path of differingPaths(live, before).filter((each) => !intended.has(each))) found.push({ statement: 7, incident: address, detail: `${path} was changed, and no intent covers it` });
  }
  return found;
}

/** 8. Whatever the outcome, ten more checks of the same changes open no incident and tell nobody. */
function quietAfterwards({ quiet }: Evidence): readonly Violation[] {
  if (quiet === undefined) return [];
  const flat = ({ entries, ...rest }: Counts): readonly (readonly [string, number])[] => [...Object.entries(rest), ...Object.entries(entries).map(([kind, count]) => [`entries of the kind ${kind}`, count] as const)];
  const before = new Map(flat(quiet.before));
  return flat(quiet.after).filter(([name, count]) => count !== (before.get(name) ?? 0)).map(([name, count]) => ({ statement: 8, detail: `ten more checks took ${name} from ${before.get(name) ?? 0} to ${count}` }));
}

/** 9. Bounded: attempts, history, queues, what is left on disk. */
function bounded({ intents, runs, targets, pendingMessages, incidents }: Evidence): readonly Violation[] {
  return [
    ...intents.filter((intent) => intent.attempts > BOUNDS.attempts).map((intent) => ({ statement: 9, ...named(incidents.find((row) => isSame(intent, row))), detail: `${intent.key} was attempted ${intent.attempts} times` })),
    ...runs.filter((run) => run.events > BOUNDS.events || run.bytes > BOUNDS.bytes).map((run) => ({ statement: 9, detail: `${run.workflowId} has a history of ${run.events} events and ${run.bytes} bytes` })),
    ...targets.filter((target) => target.releases > BOUNDS.releases).map((target) => ({ statement: 9, incident: target.address, detail: `${target.releases} releases lie beside the live one` })),
    ...(pendingMessages > BOUNDS.messages ? [{ statement: 9, detail: `${pendingMessages} messages wait to be sent` }] : []),
  ];
}

/** 10. Secrets appear in no history, log, record, notification, metric or error. */
function secretsStay({ leaks }: Evidence): readonly Violation[] {
  return leaks.map((leak) => ({ statement: 10, detail: leak }));
}

function fixedParts(incidents: readonly IncidentRow[]): readonly { readonly row: IncidentRow; readonly part: JsonObject }[] {
  return incidents.flatMap((row) => row.parts.filter((part) => part['outcome'] === 'fixed').map((part) => ({ row, part })));
}

/** Step keys read `dev/web#1/2.1/finalize`: the part, and how often it was staged. */
function isOfPart(entry: Entry, row: IncidentRow, part: JsonObject): boolean {
  return text(entry.data['step']).startsWith(`${formatIncident(row)}/${text(part['part'])}.`);
}

function isLatest(incidents: readonly IncidentRow[], row: IncidentRow): boolean {
  return incidents.every((each) => each.environment !== row.environment || each.target !== row.target || each.number <= row.number);
}

function of(entries: readonly Entry[], row: IncidentRow): readonly Entry[] {
  return entries.filter((entry) => isOf(entry, row));
}

function isOf(entry: Entry, row: IncidentRow): boolean {
  return entry.environment === row.environment && entry.target === row.target && entry.incident === row.number;
}

function isSame(one: IncidentId, other: IncidentId): boolean {
  return one.environment === other.environment && one.target === other.target && one.number === other.number;
}

function counted(names: readonly string[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts];
}

function saying(statement: number, row: IncidentRow): (detail: string) => Violation {
  return (detail) => ({ statement, incident: formatIncident(row), detail });
}

function named(row: IncidentRow | undefined): { readonly incident?: string } {
  return row === undefined ? {} : { incident: formatIncident(row) };
}

function short(hash: Json | undefined): string {
  return text(hash).slice(0, 12);
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

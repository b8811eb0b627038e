import { formatIncident, type IncidentId } from '../../domain/address.js';
import { inUtc } from '../../domain/instant.js';
import { failedIn } from '../../domain/gates/breaker.js';
import { changesInBrief } from '../../domain/describe.js';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.js';
import { narrate, type NarratedPart } from '../../domain/narrative.js';
import type { DecisionKind } from '../../domain/message.js';
import { SETTLING_OUTCOMES, type Outcome } from '../../domain/phase.js';
import { fieldKey } from '../../domain/change.js';
import type { Plan } from '../../domain/plan.js';
import { KEY } from '../../domain/gates/gate.js';
import type { Target } from '../../domain/target.js';
import type { NoticeEvent } from '../../notify/sink.js';
import { oneLine } from '../../domain/plain-text.js';
import type { DecisionRow, Entry, IncidentRow } from '../../ledger/ledger.js';
import type { ReadContext } from '../../providers/provider.js';
import { BREAK_GLASS } from '../approving/break-glass.js';
import { inStep, probeFor } from '../context.js';
import { tellDependants } from './dependants.js';
import { type Dependencies } from '../deps.js';
import { LAPSED } from '../deciding/lapses.js';
import { expectOwnStep, readablePlan } from '../repairing/guard.js';
import { letGo, repairFailed, unspent } from '../gates/let-through.js';
import { refused } from '../../domain/errors.js';
import { mustSign, targetOf } from '../../config/config.js';
import { isLetGo, QUARANTINES } from '../deciding/let-go.js';
import { isSettled } from '../approving/settle-now.js';
import { settledRows } from './settling.js';
import { tellAbout } from '../telling.js';
import type { CloseInput, ControlActivities, EndedPart } from '../types.js';

const LOUD: Readonly<Record<string, NoticeEvent>> = { fixed: 'fixed', 'rolled-back': 'rolled-back', 'needs-human': 'needs-human' };

/** Ends an incident in the record: outcomes, what is settled by them, the narrative, and a word to people. */
export function closeActivities(deps: Dependencies): Pick<ControlActivities, 'close'> {
  return {
    close: (input) => inStep(deps, async (ctx) => {
      expectOwnStep(input.incident);
      await recordEnd(deps, input, ctx);
    }),
  };
}

/** Safe to call twice: an incident that is closed stays as it was closed, and what comes after that is done all the same. */
export async function recordEnd(deps: Dependencies, input: CloseInput, ctx: ReadContext): Promise<void> {
  const { incident } = input;
  const row = await deps.ledger.incident(incident, incident.number);
  if (row === undefined) return;
  const target = targetOf(await deps.config(), incident.environment, incident.target);
  if (row.closedAt === undefined) await closeRow(deps, { input, row, target }, ctx);
  const { closedAt: at, outcome, narrative = '' } = (await deps.ledger.incident(incident, incident.number)) ?? row;
  if (at === undefined || outcome === undefined) return;
  await toldBreaker(deps, input);
  await tellDependants(deps, incident, input.parts.map((part) => part.outcome));
  await deps.ledger.checkpoint(at);
  if (outcome !== 'cleared') await tellEnd(deps, { incident, outcome, narrative, at, target });
}

/** A part that ended without a rollback of its own: what a breaker let through is given back, and what needs a person counts as failed. */
async function toldBreaker(deps: Dependencies, { incident, parts }: CloseInput): Promise<void> {
  for (const { part, outcome, cause } of parts) {
    if (outcome === 'needs-human') {
      if (await hasFailed(deps, incident, part)) await letGo(deps, { incident, part });
      else await repairFailed(deps, { incident, part });
      continue;
    }
    if (outcome === 'fixed' || outcome === 'rolled-back') continue;
    // What was never begun, or only unstaged, has written nothing.
    if (cause === undefined || cause === 'gate-closed') await unspent(deps, { incident, part });
    else await letGo(deps, { incident, part });
  }
}

/** Its rollback has told the breaker when it failed: its incident may end hours later, and that is no other failure. */
async function hasFailed(deps: Dependencies, { environment, target, number }: IncidentId, part: number): Promise<boolean> {
  for await (const entry of deps.ledger.entries({ environment, target, incident: number, kinds: ['rolled-back'] })) if (failedIn(entry).includes(part)) return true;
  return false;
}

interface Closing {
  readonly input: CloseInput;
  readonly row: IncidentRow;
  readonly target: Target | undefined;
}

async function closeRow(deps: Dependencies, { input, row, target }: Closing, ctx: ReadContext): Promise<void> {
  const at = deps.now().toISOString();
  await closeLeftOpen(deps, input.incident, at);
  const entries = await entriesOf(deps, input.incident);
  const config = await deps.config();
  for (const part of input.parts) {
    if (part.outcome === 'fixed') expectProof(input.incident, part, entries);
    if (mustSign(config, input.incident.environment)) await expectWord(deps, { incident: input.incident, part }, entries);
  }
  const plans = await Promise.all(input.parts.map(async (part) => (part.plan === undefined ? undefined : readablePlan(deps, part.plan))));
  const parts = await Promise.all(input.parts.map((part, index) => narrated(deps, part, plans[index], entries)));
  const firstSeen = await earliestSight(deps, input.incident, plans);
  const rolledBack = input.parts.some((part) => part.outcome === 'rolled-back');
  const healthy = rolledBack && target !== undefined && target.health.length > 0
    ? (await probeFor(deps, target.health, ctx, { single: true })).verdict === 'healthy'
    : undefined;
  const moved = rolledBack ? await desiredMoved(deps, input.incident, row.openedAt) : undefined;
  const narrative = narrate({
    incident: formatIncident(input.incident), kind: row.kind, openedAt: row.openedAt, closedAt: at, outcome: input.outcome, parts,
    ...(firstSeen === undefined || firstSeen > row.openedAt ? {} : { firstSeen }),
    ...(healthy === undefined ? {} : { healthyAfterRollback: healthy }),
    ...(moved === undefined ? {} : { desiredMoved: moved }),
    ...(mustSign(config, input.incident.environment) ? { key: KEY } : {}),
  });
  const settling = input.parts.filter((part) => SETTLING_OUTCOMES.includes(part.outcome) && !isSettled(known(row.parts, part.part), part.outcome));
  const settled = await Promise.all(settling.map((part) => settledRows(deps, input.incident, {
    at, outcome: part.outcome, reason: part.given ?? part.reason, parts: [part],
    ...(part.by === undefined ? {} : { by: part.by }),
    ...(part.until === undefined ? {} : { until: part.until }),
    ...(part.ticket === undefined ? {} : { ticket: part.ticket }),
  })));
  // What was released while the incident was open is asked about again.
  const gates = rolledBack ? await deps.ledger.closedGates(input.incident, at) : [];
  const wasQuarantined = settling.map((part) => part.outcome === 'rolled-back' && QUARANTINES.includes(part.cause ?? ''));
  await deps.ledger.closeIncident(input.incident, {
    at,
    outcome: input.outcome,
    parts: input.parts.map((part, index) => ({ ...known(row.parts, part.part), ...endOf(part), phase: 'closed', ...fingerprintsOf(plans[index]) })),
    narrative,
    settled: settled.flatMap((rows, index) => rows.filter((each) => wasQuarantined[index] !== true || !isLetGo(each, gates))),
  });
}

/** How an intent is closed whose attempt never came back to say. */
export const CUT_SHORT = 'the attempt was cut short; what it left was looked at afterwards';

/**
 * An attempt that was cut short leaves its intent open, and where another step took over, nobody came
 * back to it. What it left was looked at since, by the next attempt, the rollback or the last proof.
 */
export async function closeLeftOpen(deps: Dependencies, incident: IncidentId, at: string): Promise<void> {
  for (const { key, fence } of await deps.ledger.intents({ incident, open: true })) {
    await deps.ledger.closeIntent(key, { at, ok: false, fence, error: CUT_SHORT });
  }
}

/** A part without a plan keeps those under which it was noted. */
function fingerprintsOf(plan: Plan | undefined): JsonObject {
  return plan === undefined ? {} : { fingerprints: plan.changes.map((change) => change.fingerprint) };
}

function known(parts: readonly JsonObject[], number: number): JsonObject {
  return parts.find((part) => part['part'] === number) ?? {};
}

function endOf(part: EndedPart): JsonObject {
  const { by, until, plan, ...rest } = part;
  return { ...rest, ...(by === undefined ? {} : { by }), ...(until === undefined ? {} : { until }), ...(plan === undefined ? {} : { plan }) };
}

async function entriesOf(deps: Dependencies, incident: IncidentId): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of deps.ledger.entries({ environment: incident.environment, target: incident.target, incident: incident.number })) entries.push(entry);
  return entries;
}

/** `fixed` is what the record itself shows: a switch, and after it a healthy measurement and a look that found nothing left. */
function expectProof(incident: IncidentId, part: EndedPart, entries: readonly Entry[]): void {
  const own = entries.filter(({ data }) => data['part'] === part.part && data['plan'] === part.plan);
  const after = own.slice(own.findLastIndex((entry) => entry.kind === 'finalized'));
  const isProven = after[0]?.kind === 'finalized' && after.some(({ kind, data }) => kind === 'validated' && data['verdict'] === 'healthy' && data['left'] === 0);
  if (!isProven) throw refused(`${formatIncident(incident)}: part ${part.part} is not recorded as fixed, since no switch and healthy look after it are on record`);
}

/** What a person's word ends. */
const ENDED_BY: Readonly<Partial<Record<Outcome, DecisionKind>>> = { rejected: 'reject', accepted: 'accept' };

/**
 * Where words must be signed, what one of them ends is ended by one on record, which the judge has
 * proved: a workflow that somebody started by hand keeps no drift quiet in the name of others.
 */
async function expectWord(deps: Dependencies, { incident, part }: { readonly incident: IncidentId; readonly part: EndedPart }, entries: readonly Entry[]): Promise<void> {
  const word = ENDED_BY[part.outcome];
  if (word === undefined) return;
  const decision = part.ask === undefined ? undefined : await deps.ledger.decisionOf(part.ask);
  const isSaid = (by: string | undefined, until: Json | undefined): boolean => by === part.by && (until === part.until || inUtc(textOf(until)) === inUtc(part.until ?? ''));
  const isAnswer = decision !== undefined && formatIncident(decision) === formatIncident(incident) && decision.decision === word && decision.plan === part.plan && isSaid(decision.by, decision.until);
  const unasked = entries.some(({ kind, by, data }) => kind === 'decided' && data['decision'] === word && isSaid(by, data['until']) && Array.isArray(data['parts']) && data['parts'].includes(part.part));
  if (!isAnswer && !(unasked && part.plan === undefined)) throw refused(`${formatIncident(incident)}: part ${part.part} is not recorded as ${part.outcome}, since no such decision of ${part.by ?? 'anybody'} is on record`);
}

async function narrated(deps: Dependencies, part: EndedPart, plan: Plan | undefined, entries: readonly Entry[]): Promise<NarratedPart> {
  const ask = part.ask === undefined ? undefined : await deps.ledger.askOf(part.ask);
  const decision = part.ask === undefined ? undefined : await deps.ledger.decisionOf(part.ask);
  const own = entries.filter((entry) => entry.data['part'] === part.part);
  const writes = own.filter((entry) => ['staged', 'finalized', 'rolled-back', 'adopted'].includes(entry.kind)).map(writeText);
  return {
    part: part.part,
    outcome: part.outcome,
    decision: part.decision,
    reason: part.reason,
    brief: plan === undefined ? 'no plan' : changesInBrief(plan.changes),
    rules: ask?.rules ?? [],
    writes,
    measured: own.filter((entry) => entry.kind === 'validated').map(measuredText),
    values: (plan?.changes ?? []).filter((change) => !change.sensitive && change.path !== '@content').slice(0, 5).map((change) => ({
      place: oneLine(fieldKey(change), 200), desired: valueText(change.desired), actual: valueText(change.actual),
    })),
    ...(part.by === undefined ? {} : { by: part.by }),
    ...(part.cause === undefined ? {} : { cause: part.cause }),
    ...(part.until === undefined ? {} : { until: part.until }),
    ...(part.given === undefined ? {} : { given: part.given }),
    ...(part.ticket === undefined ? {} : { ticket: part.ticket }),
    lapsed: lapsesOf(entries, plan),
    ...(decision?.decision === 'approve' ? { approvedBy: approversOf(decision), approvedAt: decision.at } : {}),
    broken: breakersOf(own),
  };
}

/** That somebody had accepted what this part is about, as the incident said it. */
function lapsesOf(entries: readonly Entry[], plan: Plan | undefined): readonly string[] {
  const said = entries.filter(({ kind, data }) => kind === 'settled' && data['event'] === LAPSED);
  const own = said.filter(({ data }) => plan === undefined || plan.changes.some((change) => data['place'] === fieldKey(change)));
  return [...new Set(own.map(({ data }) => textOf(data['message'])))];
}

function approversOf({ by, with: others = [], verified, breakGlass }: DecisionRow): string {
  const all = [...others, by].join(' and ');
  return `${all}${verified ? '' : ' (unverified)'}${breakGlass === undefined ? '' : ', who broke the glass,'}`;
}

/** Whoever broke the glass once it was approved or allowed. */
function breakersOf(own: readonly Entry[]): readonly string[] {
  return own.filter(({ kind, data }) => kind === 'decided' && data['decision'] === BREAK_GLASS).map(({ by = '', at, data }) => `${by}${data['verified'] === true ? '' : ' (unverified)'} broke the glass for it at ${at}`);
}

function writeText({ kind, at, data }: Entry): string {
  if (kind !== 'adopted') return `${kind} at ${at}`;
  const where = textOf(data['branch']) === '' ? textOf(data['to']) : `branch ${textOf(data['branch'])}`;
  return `adopted as ${where} at ${at}`;
}

function measuredText(entry: Entry): string {
  const checks = Array.isArray(entry.data['checks']) ? entry.data['checks'] : [];
  const bad = checks.find((check): check is JsonObject => isJsonObject(check) && check['verdict'] !== 'healthy');
  const why = bad === undefined ? '' : `, ${textOf(bad['name'])}: ${textOf(bad['message'])}`;
  return `${textOf(entry.data['of'])} ${textOf(entry.data['verdict'])} at ${entry.at}${why}`;
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function valueText(value: Json | undefined): string {
  return value === undefined ? 'absent' : oneLine(JSON.stringify(value), 120);
}

/**
 * Compares the desired state of the last clean look before the incident with that of the drift; the record
 * has an entry for each. A look that is clean meanwhile saw what the repair had switched to.
 */
async function desiredMoved(deps: Dependencies, { environment, target }: IncidentId, openedAt: string): Promise<boolean | undefined> {
  let clean: Json | undefined;
  let drifted: Json | undefined;
  for await (const entry of deps.ledger.entries({ environment, target, kinds: ['clean', 'drift'] })) {
    if (entry.kind === 'drift') drifted = entry.data['revision'];
    else if (Date.parse(entry.at) < Date.parse(openedAt)) clean = entry.data['revision'];
  }
  return clean === undefined || drifted === undefined ? undefined : clean !== drifted;
}

async function earliestSight(deps: Dependencies, incident: IncidentId, plans: readonly (Plan | undefined)[]): Promise<string | undefined> {
  const fingerprints = plans.flatMap((plan) => plan?.changes.map((change) => change.fingerprint) ?? []);
  if (fingerprints.length === 0) return undefined;
  const sightings = await deps.ledger.sightings(incident, fingerprints);
  return sightings.map((each) => each.firstSeen).sort()[0];
}

interface Ended {
  readonly incident: IncidentId;
  readonly outcome: Outcome;
  readonly narrative: string;
  readonly at: string;
  readonly target: Target | undefined;
}

async function tellEnd(deps: Dependencies, { incident, outcome, narrative, at, target }: Ended): Promise<void> {
  const name = formatIncident(incident);
  await tellAbout(deps, { ...incident, owner: target?.owner, intent: target?.intent }, {
    event: LOUD[outcome] ?? 'closed',
    subject: name,
    at,
    title: `${name}: ${outcome}`,
    text: narrative,
    outcome,
    commands: [`holdfast incident ${name}`],
    key: 'end',
  });
}

import type { Client } from '@temporalio/client';
import type { Plan } from '../../../src/domain/plan.js';
import type { Entry, Ledger, OutboxMessage, Verification } from '../../../src/ledger/ledger.js';
import { incidentWorkflowId } from '../../../src/workflows/messages.js';
import { violations, type Counts, type Violation } from '../../support/statements.js';
import { callViolations } from './call-statements.js';
import { decidingViolations } from './deciding-statements.js';
import { BESIDE, type Cloud, type State } from './cloud.js';
import { driftOf, LIVE, MEDDLED, MOVED, pathNamed } from './paths.js';
import { environmentOf, type Case } from './plan-of-group.js';
import { proposedIn } from './remote.js';

/** What a look that differs from the one before is recorded as. */
const LOOKS = ['drift', 'clean', 'unknown'] as const;

export type Messages = ReadonlyMap<string, readonly OutboxMessage[]>;

export interface Judging {
  readonly ledger: Ledger;
  readonly cloud: Cloud;
  readonly temporal: Client;
  readonly verification: Verification;
  /** What stood in the record of each target before ten more checks. */
  readonly before: ReadonlyMap<string, Counts>;
  /** The messages to people that each target has caused. */
  readonly messages: Messages;
  /** Of the group. */
  readonly folder: string;
}

/** Checks the ten statements on what one case left in record, histories, call log and engine. */
export async function judgeCase(each: Case, { ledger, cloud, temporal, verification, before, messages, folder }: Judging): Promise<readonly Violation[]> {
  const address = { environment: environmentOf(each), target: each.target };
  const name = `${address.environment}/${address.target}`;
  const entries = await entriesOf(ledger, each);
  const incidents = await ledger.incidents(address);
  const intents = await ledger.intents({ address });
  const hashes = new Set([...intents.map((intent) => intent.plan), ...incidents.flatMap((row) => row.parts.flatMap((part) => (typeof part['plan'] === 'string' ? [part['plan']] : [])))]);
  const plans = (await Promise.all([...hashes].map((hash) => ledger.plan(hash)))).filter((plan): plan is Plan => plan !== undefined);
  const decisions = (await Promise.all(incidents.map((row) => ledger.decisions(row)))).flat();
  const { status, historyLength, historySize = 0, runId } = await temporal.workflow.getHandle(incidentWorkflowId(address.environment, address.target)).describe();
  const lines = cloud.log.of(each.target);
  const whole = cloud.live(each.target);
  const live = Object.fromEntries(Object.entries(whole).filter(([resource]) => !resource.startsWith(BESIDE)));
  const desired = cloud.desired(each.target);
  const drifted = beforeRepair(each, lines.filter((line) => line.what === 'drift').map((line) => line.label), desired);
  const counted = before.get(each.target);
  const told = messages.get(name) ?? [];
  return [
    ...violations({
      entries, verification, incidents, intents, decisions, plans,
      runs: [{ workflowId: incidentWorkflowId(address.environment, address.target), runId, status: status.name, events: historyLength, bytes: historySize }],
      targets: [{ address: name, live, desired, before: drifted, releases: Object.keys(whole).length - Object.keys(live).length }],
      pendingMessages: 0,
      leaks: [],
      ...(counted === undefined ? {} : { quiet: { before: counted, after: countsOf(entries, incidents.length, told.length) } }),
    }),
    ...decidingViolations({ address: name, path: pathNamed(each.path), entries, incidents, messages: told, ...(pathNamed(each.path).git === true ? { proposed: proposedIn(folder, each.target) } : {}), gates: await ledger.closedGates(address, new Date().toISOString()) }),
    ...callViolations({ address: name, lines, incidents, live, desired, before: drifted }),
  ];
}

export async function countCase(each: Case, ledger: Ledger, messages: Messages): Promise<Counts> {
  const incidents = await ledger.incidents({ environment: environmentOf(each), target: each.target });
  return countsOf(await entriesOf(ledger, each), incidents.length, (messages.get(`${environmentOf(each)}/${each.target}`) ?? []).length);
}

/**
 * What stood in the record before ten more checks. A fault may have struck the last look of all, and the
 * first one without faults then finds what is true: its word on what it saw is no news. Whatever else it causes is.
 */
export function withLooksOf(before: Counts, after: Counts): Counts {
  const looks = Object.fromEntries(LOOKS.flatMap((kind) => (after.entries[kind] === undefined ? [] : [[kind, after.entries[kind]]])));
  return { ...before, entries: { ...before.entries, ...looks } };
}

export async function messagesOf(ledger: Ledger): Promise<Messages> {
  const told = new Map<string, OutboxMessage[]>();
  for (const message of await ledger.outbox({ limit: 1_000_000 })) {
    const address = message.subject.split('#')[0] ?? message.subject;
    told.set(address, [...(told.get(address) ?? []), message]);
  }
  return told;
}

function countsOf(entries: readonly Entry[], incidents: number, messages: number): Counts {
  const kinds: Record<string, number> = {};
  for (const entry of entries) if (entry.kind !== 'message') kinds[entry.kind] = (kinds[entry.kind] ?? 0) + 1;
  return { incidents, messages, entries: kinds };
}

async function entriesOf(ledger: Ledger, each: Case): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of ledger.entries({ environment: environmentOf(each), target: each.target })) entries.push(entry);
  return entries;
}

/** What was live before Holdfast wrote: as everybody else left it. */
function beforeRepair({ path }: Case, drifts: readonly string[], desired: State): State {
  const changes = { ...LIVE, ...driftOf(pathNamed(path)), ...(drifts.includes('moved') ? MOVED : {}), ...(drifts.includes('meddled') && pathNamed(path).meddles === 'staged' ? MEDDLED : {}), ...(drifts.includes('cleared') ? desired : {}) };
  return Object.fromEntries(Object.entries(changes).flatMap(([name, value]) => (value === null ? [] : [[name, value]])));
}

import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Plan } from '../../src/domain/plan.js';
import type { Entry } from '../../src/ledger/ledger.js';
import type { Laboratory } from './laboratory.js';
import type { Counts, Evidence, RunHistory, TargetFiles } from './statements.js';
import { violations, type Violation } from './statements.js';
import { filesHolding, readTree } from './trees.js';

export interface Gathering {
  /** Secrets that stand in live or desired files and must appear nowhere else. */
  readonly canaries?: readonly string[];
  /** Where the server keeps its histories, searched for secrets too. */
  readonly serverFolder?: string;
  /** Further folders that are searched for secrets: those of workers elsewhere. */
  readonly folders?: readonly string[];
  readonly quiet?: Evidence['quiet'];
}

/** Checks the ten statements on what a laboratory left; empty when all hold. */
export async function checkStatements(laboratory: Laboratory, gathering: Gathering = {}): Promise<readonly Violation[]> {
  return violations(await gather(laboratory, gathering));
}

/** Looks ten more times and counts what that caused. */
export async function tenMoreChecks(laboratory: Laboratory, addresses: readonly string[]): Promise<NonNullable<Evidence['quiet']>> {
  const before = await counts(laboratory);
  for (let time = 0; time < 10; time += 1) await Promise.all(addresses.map((address) => laboratory.check(address)));
  return { before, after: await counts(laboratory) };
}

async function gather(laboratory: Laboratory, { canaries = [], serverFolder, folders = [], quiet }: Gathering): Promise<Evidence> {
  const recorded = await laboratory.withLedger(async (ledger) => {
    const entries: Entry[] = [];
    for await (const entry of ledger.entries({})) entries.push(entry);
    const incidents = await ledger.incidents({});
    const intents = await ledger.intents({});
    const hashes = new Set([...intents.map((intent) => intent.plan), ...incidents.flatMap((row) => row.parts.flatMap((part) => (typeof part['plan'] === 'string' ? [part['plan']] : [])))]);
    const plans = (await Promise.all([...hashes].map((hash) => ledger.plan(hash)))).filter((plan): plan is Plan => plan !== undefined);
    const decisions = (await Promise.all(incidents.map((row) => ledger.decisions(row)))).flat();
    const pendingMessages = (await ledger.outbox({ pending: true })).length;
    return { entries, incidents, intents, plans, decisions, pendingMessages, verification: await ledger.verify() };
  });
  return {
    ...recorded,
    runs: await runsOf(laboratory),
    targets: await Promise.all(laboratory.site.targets.map(({ address }) => filesOf(laboratory, address))),
    leaks: canaries.length === 0 ? [] : await leaksOf(laboratory, canaries, [...folders, ...(serverFolder === undefined ? [] : [serverFolder])]),
    ...(quiet === undefined ? {} : { quiet }),
  };
}

async function counts(laboratory: Laboratory): Promise<Counts> {
  return laboratory.withLedger(async (ledger) => {
    const entries: Record<string, number> = {};
    // Signing the head and delivering a message are not caused by a check.
    for await (const entry of ledger.entries({})) if (entry.kind !== 'message' && entry.kind !== 'configuration') entries[entry.kind] = (entries[entry.kind] ?? 0) + 1;
    return { incidents: (await ledger.incidents({})).length, messages: (await ledger.outbox({})).length, entries };
  });
}

async function runsOf({ temporal }: Laboratory): Promise<readonly RunHistory[]> {
  const runs: RunHistory[] = [];
  for await (const { workflowId, runId } of temporal.workflow.list()) {
    const { status, historyLength, historySize = 0 } = await temporal.workflow.getHandle(workflowId, runId).describe();
    runs.push({ workflowId, runId, status: status.name, events: historyLength, bytes: historySize });
  }
  return runs;
}

async function filesOf({ site }: Laboratory, address: string): Promise<TargetFiles> {
  const before = site.before(address);
  const releases = (await readdir(site.releases(address)).catch(() => [])).filter((name) => !name.endsWith('.json')).length;
  return { address, live: await readTree(site.live(address)), desired: await readTree(site.desired(address)), releases, ...(before === undefined ? {} : { before }) };
}

/** The server's and the ledger's files are searched as bytes, so that nothing is missed for the way in which it is stored. */
async function leaksOf({ site, processes, temporal }: Laboratory, canaries: readonly string[], folders: readonly string[]): Promise<readonly string[]> {
  await mkdir(site.dataDir, { recursive: true });
  const logs = join(site.dataDir, 'said-by-processes');
  await writeFile(logs, processes.map((running) => running.said()).join('\n'));
  const histories: string[] = [];
  for await (const { workflowId, runId } of temporal.workflow.list()) {
    const { events } = await temporal.workflow.getHandle(workflowId, runId).fetchHistory();
    const text = JSON.stringify(events ?? [], (_, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString() : isBuffer(value) ? Buffer.from(value.data).toString() : value));
    histories.push(...canaries.filter((canary) => text.includes(canary)).map((canary) => `the history of ${workflowId}: ${canary}`));
  }
  const found = [...histories, ...(await filesHolding(site.dataDir, canaries)), ...(await Promise.all(folders.map((folder) => filesHolding(folder, canaries)))).flat()];
  await rm(logs);
  return found;
}

function isBuffer(value: unknown): value is { readonly type: 'Buffer'; readonly data: readonly number[] } {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer';
}

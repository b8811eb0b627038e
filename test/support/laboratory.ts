import { Client, Connection } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import { holdfastClient, type HoldfastClient } from '../../src/client.js';
import { ensureSearchAttributes } from '../../src/embedded/search-attributes.js';
import { parseAddress } from '../../src/domain/address.js';
import type { IncidentRow, Ledger } from '../../src/ledger/ledger.js';
import { openLedger } from '../../src/ledger/open.js';
import { incidentWorkflowId, type DecideAnswer, type IncidentStatus } from '../../src/workflows/messages.js';
import { join } from 'node:path';
import { HOLDFAST, startNode, WORKER_PROCESS, type Running } from './processes.js';
import { createSite, type Site, type SiteOptions } from './site.js';
import { eventually } from './waiting.js';

/** What a worker process of the tests does besides its work; see test/faults/worker-process.mjs. */
export interface Fault {
  /** `files.stage`, `ledger.intend`, `artifacts.put`, …. */
  readonly point: string;
  /** Which call of that point, from 1; absent: every call. */
  readonly call?: number;
  readonly when: 'before' | 'after';
  /**
   * `kill`: SIGKILL of the worker; `fail`: the caller sees a time-out; `refuse`: an error that no retry helps; `stall`: the
   * call hangs for so long; `throttle`: it was asked too often, and wants to be left alone for so long; `swell`: what it
   * returns has 3 MB more.
   */
  readonly act: 'kill' | 'fail' | 'refuse' | 'stall' | 'throttle' | 'swell';
  readonly ms?: number;
  /** Only calls whose arguments, as JSON, hold this text. */
  readonly of?: string;
}

export interface FaultyTask {
  readonly faults?: readonly Fault[];
  /** Every call of a point is written there, one line each. */
  readonly trace?: string;
  /** The worker's clock is ahead by so much. */
  readonly aheadMs?: number;
}

/** A site with a Temporal namespace of its own: workers are killed and started beside it as a test wants. */
export interface Laboratory {
  readonly site: Site;
  readonly temporal: Client;
  readonly client: HoldfastClient;
  readonly env: Readonly<Record<string, string>>;
  /** Everything that ran here and may have said something. */
  readonly processes: readonly Running[];
  /** Counts a process that a test started itself among them. */
  watch(running: Running): void;
  /** `holdfast worker` as it is shipped; ready when it polls. */
  worker(args?: readonly string[], env?: Readonly<Record<string, string>>, program?: string): Promise<Running>;
  /** The same, in a process whose writes fail instead of ending it once `prlimit --fsize` says so, as on a full disk. */
  limitedWorker(): Promise<Running>;
  /** The same composition with faults put between it and the world. */
  faultyWorker(task: FaultyTask): Promise<Running>;
  /** Checks now and waits for the counts. */
  check(address: string): ReturnType<HoldfastClient['waitForCheck']>;
  incident(address: string, number?: number): Promise<IncidentRow | undefined>;
  status(address: string): Promise<IncidentStatus | undefined>;
  untilPhase(address: string, phase: string): Promise<IncidentStatus>;
  untilClosed(address: string, number?: number, timeoutMs?: number): Promise<IncidentRow>;
  /** Approves the plan that waits. */
  approve(address: string, by?: string): Promise<DecideAnswer>;
  withLedger<T>(use: (ledger: Ledger) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface Place {
  readonly address: string;
  readonly namespace: string;
  /** A record in PostgreSQL; every process of the laboratory finds it as `LEDGER_URL`. */
  readonly ledgerUrl?: string;
  /** For a laboratory whose workers encrypt. */
  readonly codec?: PayloadCodec;
}

let namespaces = 0;

/** A namespace of its own on a server that many share, so that their queues and ids never meet. */
export async function newNamespace(address: string): Promise<Place> {
  namespaces += 1;
  const namespace = `lab-${process.pid}-${namespaces}`;
  const connection = await Connection.connect({ address });
  try {
    await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: { seconds: 86_400 as never } });
    await eventually(`namespace ${namespace} is known`, async () => {
      await ensureSearchAttributes(connection, namespace);
      await connection.workflowService.listWorkflowExecutions({ namespace, query: 'HoldfastTarget = "x"' });
      return true;
    });
  } finally {
    await connection.close();
  }
  return { address, namespace };
}

export async function openLaboratory(place: Place, options: SiteOptions): Promise<Laboratory> {
  return laboratoryOf(place, await createSite(options));
}

/** A laboratory around a site that is there, wherever its Temporal runs. */
export async function laboratoryOf(place: Place, site: Site): Promise<Laboratory> {
  const connection = await Connection.connect({ address: place.address });
  const temporal = new Client({ connection, namespace: place.namespace, ...(place.codec === undefined ? {} : { dataConverter: { payloadCodecs: [place.codec] } }) });
  const client = holdfastClient(temporal, 90_000);
  const { ledgerUrl } = place;
  const env = { TEMPORAL_ADDRESS: place.address, TEMPORAL_NAMESPACE: place.namespace, ...(ledgerUrl === undefined ? {} : { LEDGER_URL: ledgerUrl }) };
  const processes: Running[] = [...site.services.values()];

  async function ready(running: Running): Promise<Running> {
    processes.push(running);
    await eventually('a worker polls', () => {
      if (!running.isRunning()) throw new Error(`the worker ended: ${running.said()}`);
      return running.said().includes('Working on') || undefined;
    }, { last: () => running.said() });
    return running;
  }

  const laboratory: Laboratory = {
    site, temporal, client, env, processes,
    watch: (running) => void processes.push(running),
    worker: (args = [], more = {}, program = HOLDFAST) => ready(startNode([program, 'worker', '--config', site.config, '--data-dir', site.dataDir, ...args], { ...env, ...more })),
    limitedWorker: () => ready(startNode([process.execPath, HOLDFAST, 'worker', '--config', site.config, '--data-dir', site.dataDir], env, ['/bin/sh', '-c', 'trap "" XFSZ; exec "$0" "$@"'])),
    faultyWorker: (task) => ready(startNode([WORKER_PROCESS, JSON.stringify({ ...place, config: site.config, dataDir: site.dataDir, ...task })], env)),
    async check(address) {
      const { environment, target } = parseAddress(address) ?? { environment: address };
      return client.waitForCheck(await client.startCheck(environment, target));
    },
    incident: (address, number) => laboratory.withLedger((ledger) => ledger.incident(addressOf(address), number)),
    status: (address) => client.incidentStatus(addressOf(address)),
    async untilPhase(address, phase) {
      return eventually(`${address} is ${phase}`, async () => {
        const status = await laboratory.status(address);
        return status?.phase === phase ? status : undefined;
      }, { last: () => laboratory.status(address) });
    },
    async untilClosed(address, number, timeoutMs = 180_000) {
      return eventually(`${address} is closed`, async () => {
        const row = await laboratory.incident(address, number);
        if (row?.closedAt === undefined) return undefined;
        // The record closes first; then people are told, and the run ends.
        const { status } = await handleOf(laboratory, address).describe();
        return status.name === 'RUNNING' ? undefined : row;
      }, { timeoutMs, last: () => laboratory.incident(address, number) });
    },
    async approve(address, by = 'alice') {
      const { parts } = await laboratory.untilPhase(address, 'awaiting-approval');
      const plan = parts.find((part) => part.phase === 'awaiting-approval')?.plan ?? '';
      return client.decide(addressOf(address), { decision: 'approve', by, plan });
    },
    async withLedger(use) {
      const file = join(site.dataDir, 'ledger.db');
      const ledger = ledgerUrl === undefined
        ? await openLedger({ ledger: { type: 'sqlite', file } }, { readOnly: true })
        : await openLedger({ ledger: { type: 'postgres', url: 'url', checkpointFile: join(site.dataDir, 'ledger.checkpoint') } }, { readOnly: true, resolveSecret: () => Promise.resolve(ledgerUrl) });
      try {
        return await use(ledger);
      } finally {
        await ledger.close();
      }
    },
    async close() {
      await Promise.all(processes.map((running) => running.stop()));
      await connection.close();
      await site.remove();
    },
  };
  return laboratory;
}

export function addressOf(address: string): { readonly environment: string; readonly target: string } {
  const parsed = parseAddress(address);
  if (parsed?.target === undefined) throw new Error(`${address} names no target`);
  return { environment: parsed.environment, target: parsed.target };
}

export function handleOf(laboratory: Laboratory, address: string): ReturnType<Client['workflow']['getHandle']> {
  const { environment, target } = addressOf(address);
  return laboratory.temporal.workflow.getHandle(incidentWorkflowId(environment, target));
}

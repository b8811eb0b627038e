import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { holdfastClient, startEnvironment, type HoldfastClient } from '../../../src/client.js';
import { openLedger } from '../../../src/ledger/open.js';
import { incidentWorkflowId } from '../../../src/workflows/messages.js';
import { devServer, type DevServer } from '../../support/dev-server.js';
import { newNamespace } from '../../support/laboratory.js';
import { startNode, type Running } from '../../support/processes.js';
import type { Violation } from '../../support/statements.js';
import { filesHolding } from '../../support/trees.js';
import { eventually } from '../../support/waiting.js';
import { workflowBundle } from '../../support/workflow-bundle.js';
import type { LogLine } from './call-log.js';
import { openCloud, openDatabase, type Cloud } from './cloud.js';
import { drive } from './drive.js';
import { countCase, messagesOf, judgeCase, withLooksOf } from './evidence-of-case.js';
import type { Aftermath } from './faults.js';
import { CANARIES, DESIRED, LIVE, pathNamed } from './paths.js';
import { openSigners, type Signers } from './people.js';
import { configOf, environmentOf, filesOf, type Case, type Group } from './plan-of-group.js';
import { createRemote } from './remote.js';
import { openStandstill, type Standstill } from './standstill.js';
import { openWatch } from './watch.js';

export interface CaseResult {
  readonly case: Case;
  /** False when the run never came to a point of the case. */
  readonly struck: boolean;
  readonly outcome?: string;
  readonly violations: readonly Violation[];
  /** From the fault, or the kill after it, until the case was at work again. */
  readonly recoveryMs: number;
  readonly lines: readonly LogLine[];
}

export interface GroupOptions {
  readonly giveUpMs?: number;
  readonly log?: (line: string) => void;
}

/** The server that runs now: one that was killed is followed by another over the same data. */
export interface ServerHolder {
  now: DevServer;
}

const WORKER = join(import.meta.dirname, 'worker-main.mjs');
/** A group is killed once all of its cases stand at their points, or nobody new came there for so long; who comes later, with a kill of their own. */
const NOBODY_NEW_MS = 20_000;
const MORE_CHECKS = 10;

/** Runs many cases at once on one server, in a namespace and a worker process of their own, and judges what each left. */
export async function runGroup(server: ServerHolder, cases: readonly Case[], { giveUpMs = 600_000, log = () => undefined }: GroupOptions = {}): Promise<readonly CaseResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-lab-'));
  const bundle = join(folder, 'workflows.js');
  await writeFile(bundle, (await workflowBundle()).code);
  const { namespace } = await newNamespace(server.now.address);
  const signers = openSigners();
  const group: Group = { address: server.now.address, namespace, folder, bundle, cases, people: signers.people };
  const file = join(folder, 'group.json');
  await writeFile(file, JSON.stringify(group));
  const cloud = openCloud(filesOf(group).cloud);
  const standstill = openStandstill(openDatabase(filesOf(group).cloud));
  for (const { target, path } of cases) {
    cloud.create(target, { desired: DESIRED, live: LIVE });
    if (pathNamed(path).git === true) createRemote(folder, target, DESIRED);
  }
  const clock = setInterval(() => { cloud.tick(); }, 50);
  const lab: Running_ = { group, file, server, cloud, standstill, signers, said: [], log };
  try {
    await startWorker(lab);
    return await inGroup(lab, giveUpMs);
  } finally {
    clearInterval(clock);
    await lab.worker?.kill();
    cloud.close();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Running_ {
  readonly group: Group;
  readonly file: string;
  /** Another one after it was killed. */
  readonly server: ServerHolder;
  readonly cloud: Cloud;
  readonly standstill: Standstill;
  readonly signers: Signers;
  readonly said: Running[];
  readonly log: (line: string) => void;
  worker?: Running;
}

async function startWorker(lab: Running_): Promise<void> {
  const worker = startNode(['--disable-warning=ExperimentalWarning', WORKER, lab.file]);
  lab.worker = worker;
  lab.said.push(worker);
  await eventually('the worker of the laboratory works', () => {
    if (!worker.isRunning()) throw new Error(`the worker ended: ${worker.said()}`);
    return worker.said().includes('working') || undefined;
  }, { last: () => worker.said() });
}

async function inGroup(lab: Running_, giveUpMs: number): Promise<readonly CaseResult[]> {
  const { group, cloud } = lab;
  const connection = await Connection.connect({ address: group.address });
  const temporal = new Client({ connection, namespace: group.namespace });
  const client = holdfastClient(temporal, 8_000);
  const ledger = await openLedger(configOf(group), { readOnly: true });
  const isOver = async (environment: string, target: string): Promise<boolean> => (await temporal.workflow.getHandle(incidentWorkflowId(environment, target)).describe()).status.name !== 'RUNNING';
  const watch = openWatch(ledger, client);
  try {
    for (const environment of new Set(group.cases.map(environmentOf))) await startEnvironment(temporal, environment);
    const done = new Set<string>();
    const driven = Promise.all(group.cases.map(async (each) => {
      const row = await drive(each, { client, watch, cloud, standstill: lab.standstill, signers: lab.signers, giveUpMs, isOver, folder: group.folder });
      done.add(each.target);
      return row;
    }));
    const kills = await killAll(lab, done);
    const rows = await driven;
    lab.standstill.quieten();
    const told = await messagesOf(ledger);
    const ended = await Promise.all(group.cases.map((each) => countCase(each, ledger, told)));
    await checkAgain(client, group, 1);
    const before = new Map(await Promise.all(group.cases.map(async (each, index) => {
      const seen = await countCase(each, ledger, told);
      return [each.target, withLooksOf(ended[index] ?? seen, seen)] as const;
    })));
    await checkAgain(client, group, MORE_CHECKS);
    const verification = await ledger.verify();
    const messages = await messagesOf(ledger);
    const leaks = await leaksOf(lab);
    return await Promise.all(group.cases.map(async (each, index): Promise<CaseResult> => {
      const row = rows[index];
      const found = [...leaks, ...(await judgeCase(each, { ledger, cloud, temporal, verification, before, messages, folder: group.folder }))];
      const lines = cloud.log.of(each.target);
      return {
        case: each,
        struck: lines.filter((line) => line.what === 'strike').length === each.faults.length,
        ...(row?.outcome === undefined ? {} : { outcome: row.outcome }),
        violations: [...found, ...unexpected(each, (await ledger.incidents({ environment: environmentOf(each), target: each.target })).map(({ outcome }) => outcome))],
        recoveryMs: recovery(lines, kills),
        lines,
      };
    }));
  } finally {
    watch.close();
    await ledger.close();
    await connection.close();
  }
}

/**
 * Whatever went wrong has passed, so that the end is the one that the path has without it. A look that
 * lagged may see a drift that is gone: its incident is cleared, and nothing was written.
 */
function unexpected(each: Case, outcomes: readonly (string | undefined)[]): readonly Violation[] {
  const wanted = pathNamed(each.path).outcome;
  const say = (detail: string): readonly Violation[] => [{ statement: 1, incident: `${environmentOf(each)}/${each.target}`, detail }];
  const [last] = outcomes;
  if (last === undefined) return say('it did not end in time');
  const isCleared = last === 'cleared' && outcomes.includes(wanted) && each.faults.some((fault) => fault.kind === 'stale');
  return last === wanted || isCleared ? [] : say(`it ended ${last}, and nothing was wrong for good: ${wanted} was to be`);
}

async function checkAgain(client: HoldfastClient, { cases }: Group, times: number): Promise<void> {
  const environments = [...new Set(cases.map(environmentOf))];
  for (let time = 0; time < times; time += 1) {
    await Promise.all(environments.map(async (environment) => client.waitForCheck(await client.startCheck(environment))));
  }
}

/** Really kills what the cases of the group are to survive, as often as it takes until each had its point. Answers when. */
async function killAll(lab: Running_, done: ReadonlySet<string>): Promise<readonly number[]> {
  const aftermaths = new Set(lab.group.cases.flatMap((each) => each.faults.map((fault) => fault.aftermath)));
  const real = (['worker', 'everything', 'server'] as const satisfies readonly Aftermath[]).find((each) => aftermaths.has(each));
  if (real === undefined) return [];
  const waited = lab.group.cases.filter((each) => each.faults.some((fault) => fault.aftermath === real)).map(({ target }) => target);
  const kills: number[] = [];
  const survived = new Set<string>();
  for (;;) {
    const standing = (await untilTheyStand(lab, waited, done)).filter((target) => !survived.has(target));
    if (standing.length === 0) return kills;
    lab.log(`${standing.length} of ${waited.length} cases stand at their points: ${real === 'server' ? 'the server is killed' : real === 'worker' ? 'the worker is killed' : 'worker and server are killed'}`);
    const { dataDir, address } = lab.server.now;
    kills.push(Date.now());
    if (real !== 'server') await lab.worker?.kill();
    if (real !== 'worker') {
      await lab.server.now.kill();
      lab.server.now = await devServer({ dataDir, port: Number(address.split(':')[1]) });
    }
    for (const target of standing) survived.add(target);
    lab.standstill.release();
    if (real !== 'server') await startWorker(lab);
  }
}

/** Until all stand or stood there, or are done without, or nobody new came for a while. Answers who stands or stood. */
async function untilTheyStand({ standstill }: Running_, waited: readonly string[], done: ReadonlySet<string>): Promise<readonly string[]> {
  const before = standstill.arrived().size;
  let count = before;
  for (let newest = Date.now(); ; ) {
    const arrived = standstill.arrived();
    if (arrived.size > count) newest = Date.now();
    count = arrived.size;
    const isAlone = count > before && Date.now() - newest > NOBODY_NEW_MS;
    if (isAlone || waited.every((target) => arrived.has(target) || done.has(target))) return [...arrived];
    await sleep(100);
  }
}

/** From the last fault, or the kill after it, until the next call. */
function recovery(lines: readonly LogLine[], kills: readonly number[]): number {
  const strike = lines.findLast((line) => line.what === 'strike');
  if (strike === undefined) return 0;
  const from = kills.find((at) => at >= strike.at) ?? strike.at;
  const next = lines.find((line) => line.what === 'call' && line.seq > strike.seq && line.at >= from);
  return next === undefined ? 0 : next.at - from;
}

/** The record, the histories and what the processes said are searched as bytes. */
async function leaksOf(lab: Running_): Promise<readonly Violation[]> {
  const texts = lab.said.map((running) => running.said()).join('\n');
  const { state } = filesOf(lab.group);
  const found = [...(await filesHolding(state, CANARIES)), ...(await filesHolding(lab.server.now.dataDir, CANARIES)), ...CANARIES.filter((canary) => texts.includes(canary)).map((canary) => `what a worker said: ${canary}`)];
  return found.map((detail) => ({ statement: 10, detail }));
}

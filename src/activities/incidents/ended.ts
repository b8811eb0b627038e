import type { WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import { formatIncident, type TargetAddress } from '../../domain/address.js';
import { oneLine } from '../../domain/plain-text.js';
import type { Target } from '../../domain/target.js';
import type { IncidentRow, IntentRow } from '../../ledger/ledger.js';
import { ENVIRONMENT_SIGNALS, environmentWorkflowId, incidentWorkflowId, WORKFLOW_QUEUE } from '../../workflows/messages.js';
import { waitingBranches } from '../adopting/adopted.js';
import { closeLeftOpen, CUT_SHORT } from './close.js';
import { tellDependants } from './dependants.js';
import type { Dependencies } from '../deps.js';
import { isGone } from './gone.js';
import { letGo, unspent } from '../gates/let-through.js';
import { settledRows, type SettlingInput } from './settling.js';
import { tellAbout } from '../telling.js';

/** No write step runs longer than this after its run was ended: its start-to-close limit. */
const LONGEST_STEP_MS = 10 * 60 * 1000;
/** Attempts of one workflow task after which a run counts as stuck. */
const STUCK_ATTEMPTS = 3;

/**
 * Finds the run of an open incident that was ended behind the incident's back (terminated, failed,
 * deleted), closes its record, says what was left half done, and gives its slot back once no step
 * of it can still be writing. Returns whether it had ended.
 */
export async function findEnded(deps: Dependencies, target: Target, row: IncidentRow, at: string): Promise<boolean> {
  const run = await describeRun(deps, row);
  if (run.state === 'running') return false;
  if (run.state === 'stuck') {
    await tell(deps, target, row, {
      at,
      title: `${formatIncident(row)} cannot go on: its workflow task keeps failing`,
      text: `The worker fails every attempt (${run.attempts} so far)${run.said === undefined ? '' : `: ${oneLine(run.said, 300)}`}. Look at the workflow in the Temporal UI; a fixed release goes on where it stands.`,
    });
    return false;
  }
  if (run.state === 'strange') {
    deps.log.warn('another workflow runs under the id of an incident', { incident: formatIncident(row), type: oneLine(run.type, 100), queue: oneLine(run.queue, 100) });
    await tell(deps, target, row, {
      at,
      title: `${formatIncident(row)} cannot go on: another workflow runs under its id`,
      text: `A workflow of type ${oneLine(run.type, 100)} on the task queue ${oneLine(run.queue, 100)} holds its id, and is no incident of Holdfast: nobody hears what is decided. Terminate it in the Temporal UI; the next check then closes the record and says what was left.`,
    });
    return false;
  }
  const intents = await deps.ledger.intents({ incident: row });
  const writing = intents.filter((intent) => intent.closedAt === undefined).map((intent) => intent.at).sort().at(-1);
  // Nobody says when a run ended that Temporal does not know; its last step began before its last intent.
  if (writing !== undefined && Date.parse(at) - Date.parse(run.closedAt ?? writing) < LONGEST_STEP_MS) return false;
  await closeLeftOpen(deps, row, at);
  // Nobody has decided anything by it: where nothing live was touched, the next check asks anew.
  const isLost = (run.lost === true || run.byServer === true) && intents.every((intent) => intent.step.endsWith('/stage') || intent.step.endsWith('/adopt'));
  const text = whatIsLeft(row, intents, `${whyEnded(run)}${isLost ? ' What still differs is opened anew.' : ''}`);
  // The record is closed last: an attempt that is cut short before it does all of this again.
  const giveBack = intents.some((intent) => intent.step.endsWith('/finalize')) ? letGo : unspent;
  for (const part of row.parts) await giveBack(deps, { incident: row, part: Number(part['part']) });
  await deps.client.workflow
    .getHandle(environmentWorkflowId(row.environment))
    .signal(ENVIRONMENT_SIGNALS.returnSlot, { workflowId: incidentWorkflowId(row.environment, row.target), runId: run.runId ?? row.runId ?? '' })
    .catch((error: unknown) => { if (!isGone(error)) throw error; });
  await tell(deps, target, row, { at, title: `${formatIncident(row)} was terminated`, text });
  await deps.ledger.closeIncident(row, {
    at,
    outcome: 'terminated',
    parts: row.parts.map((part) => ({ ...part, outcome: part['outcome'] ?? part['settledAs'] ?? 'terminated' })),
    narrative: text,
    settled: isLost ? [] : await settledRows(deps, row, { at, outcome: 'terminated', reason: text, ...unsettled(row) }),
  });
  await tellDependants(deps, row, ['terminated']);
  return true;
}

/** For an attempt after one that may have been cut short once the record was closed: who comes after it hears it. */
export async function tellEndedAgain(deps: Dependencies, target: TargetAddress): Promise<void> {
  const row = await deps.ledger.incident(target);
  if (row?.outcome === 'terminated') await tellDependants(deps, row, ['terminated']);
}

/** What a person has accepted stays so, however the rest of its incident ended. */
function unsettled({ parts }: IncidentRow): Pick<SettlingInput, 'parts'> {
  const left = parts.filter((part) => part['settledAs'] === undefined);
  return left.length === parts.length ? {} : { parts: left.map(({ part, plan }) => (typeof plan === 'string' ? { part: Number(part), plan } : { part: Number(part) })) };
}

function whyEnded({ lost, byServer }: Ended): string {
  if (lost === true) return 'Temporal does not know its run any more.';
  return byServer === true ? 'The Temporal server ended its run, since its history grew too large: look for who sends it so much.' : 'Its run was ended from outside.';
}

function whatIsLeft(row: IncidentRow, intents: readonly IntentRow[], why: string): string {
  const said = [`${formatIncident(row)} ended: terminated. ${why}`];
  const half = intents.filter((intent) => intent.closedAt === undefined || intent.error === CUT_SHORT).map((intent) => oneLine(intent.resource ?? intent.write, 200));
  const done = (step: string): boolean => intents.some((intent) => intent.step.endsWith(`/${step}`) && intent.ok === true);
  if (half.length > 0) said.push(`Left half done, look at: ${[...new Set(half)].join(', ')}.`);
  if (done('rollback')) said.push('It had put back what was live before.');
  else if (done('finalize')) said.push('It had switched over, and nobody has proved since that what is live is healthy.');
  else if (half.length === 0 && done('stage')) said.push('What it had staged lies beside what is live until the next repair; nothing that is live was changed.');
  else if (half.length === 0) said.push('Nothing was being written.');
  for (const branch of waitingBranches(row)) said.push(`The branch ${branch} waits to be merged, or to be deleted.`);
  return said.join(' ');
}

interface Ended {
  readonly state: 'ended';
  readonly closedAt?: string;
  /** The last run, which may have continued the first one as new. */
  readonly runId?: string;
  readonly lost?: true;
  /** No person and no program ended it: a limit of the server did. */
  readonly byServer?: true;
}

type RunState =
  | { readonly state: 'running' }
  | { readonly state: 'stuck'; readonly attempts: number; readonly said?: string }
  /** Somebody else's workflow took the id of one that was ended. */
  | { readonly state: 'strange'; readonly type: string; readonly queue: string }
  | Ended;

/** How often the workflow task of a run was tried that keeps failing; `undefined` for one that gets on. */
export function stuckFor({ raw }: WorkflowExecutionDescription): number | undefined {
  const attempts = raw.pendingWorkflowTask?.attempt ?? 0;
  return attempts > STUCK_ATTEMPTS ? attempts : undefined;
}

async function describeRun(deps: Dependencies, row: IncidentRow): Promise<RunState> {
  try {
    const description = await deps.client.workflow.getHandle(incidentWorkflowId(row.environment, row.target)).describe();
    if (description.status.name === 'RUNNING') {
      const { type, taskQueue: queue } = description;
      if (type !== 'incident' || queue !== WORKFLOW_QUEUE) return { state: 'strange', type, queue };
      const attempts = stuckFor(description);
      if (attempts === undefined) return { state: 'running' };
      const said = await lastTaskFailure(deps, description);
      return { state: 'stuck', attempts, ...(said === undefined ? {} : { said }) };
    }
    const byServer = description.status.name === 'TERMINATED' && (await isByServer(deps, description));
    return { state: 'ended', ...(byServer ? { byServer } : {}), runId: description.runId, ...(description.closeTime === undefined ? {} : { closedAt: description.closeTime.toISOString() }) };
  } catch (error) {
    if (isGone(error)) return { state: 'ended', lost: true };
    throw error;
  }
}

/** How the server names itself where it terminates a run whose history is beyond its limits. */
const HISTORY_SERVICE = 'history-service';

async function isByServer(deps: Dependencies, run: WorkflowExecutionDescription): Promise<boolean> {
  const [last] = await latestEvents(deps, run, 1);
  return last?.workflowExecutionTerminatedEventAttributes?.identity === HISTORY_SERVICE;
}

/** Only the first failure of a task stands in the history, near its end. */
async function lastTaskFailure(deps: Dependencies, run: WorkflowExecutionDescription): Promise<string | undefined> {
  const failed = (await latestEvents(deps, run, 10)).find((event) => event.workflowTaskFailedEventAttributes != null);
  return failed?.workflowTaskFailedEventAttributes?.failure?.message ?? undefined;
}

async function latestEvents({ client }: Dependencies, { workflowId, runId }: WorkflowExecutionDescription, maximumPageSize: number): Promise<readonly HistoryEvent[]> {
  const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({ namespace: client.options.namespace, execution: { workflowId, runId }, maximumPageSize });
  return history?.events ?? [];
}

type HistoryEvent = NonNullable<NonNullable<Awaited<ReturnType<Dependencies['client']['workflowService']['getWorkflowExecutionHistoryReverse']>>['history']>['events']>[number];

/** Which incident of its target a run belongs to. */
export async function numberOfRun(handle: WorkflowHandle): Promise<unknown> {
  return (await handle.describe()).memo?.['incident'];
}

async function tell(deps: Dependencies, target: Target, row: IncidentRow, { at, title, text }: { at: string; title: string; text: string }): Promise<void> {
  await tellAbout(deps, target, {
    event: 'needs-human',
    subject: formatIncident(row),
    at,
    title,
    text,
    outcome: 'terminated',
    commands: [`holdfast incident ${formatIncident(row)}`],
    key: title,
  });
}

import { WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/common';
import { startEnvironment } from '../../client.js';
import { formatAddress } from '../../domain/address.js';
import type { Target } from '../../domain/target.js';
import type { IncidentKind, IncidentRow } from '../../ledger/ledger.js';
import { incidentWorkflowId, searchAttributes, WORKFLOW_QUEUE } from '../../workflows/messages.js';
import type { Dependencies } from '../deps.js';
import { numberOfRun } from './ended.js';
import { endLost } from './lost.js';
import { tellAbout } from '../telling.js';
import type { Undone } from '../types.js';

/** The run of the incident before ends within moments; what holds the id for longer is something else. */
const BLOCKED_AFTER_MS = 5 * 60_000;

/** Asked for once a minute: a thousand incidents of one check need one guard, and a part that finds none starts it. */
const GUARD_KNOWN_MS = 60_000;
const guards = new WeakMap<Dependencies['client'], Map<string, number>>();

export interface Opening {
  readonly drift: string;
  readonly kind: IncidentKind;
  readonly at: string;
}

export async function openIncident(deps: Dependencies, target: Target, { drift, kind, at }: Opening): Promise<void> {
  const after = await endLost(deps, target);
  const { row } = await deps.ledger.openIncident({ address: { environment: target.environment, target: target.target }, at, drift: kind === 'blind' ? 'unknown' : drift, kind, after });
  await ensureGuard(deps, target.environment);
  await startIncident(deps, target, row);
}

async function ensureGuard({ client, now }: Dependencies, environment: string): Promise<void> {
  const known = guards.get(client) ?? new Map<string, number>();
  guards.set(client, known);
  if (now().getTime() - (known.get(environment) ?? 0) < GUARD_KNOWN_MS) return;
  await startEnvironment(client, environment);
  known.set(environment, now().getTime());
}

export async function startIncident(deps: Dependencies, target: Target, row: IncidentRow, undoes?: Undone): Promise<void> {
  const incident = { environment: row.environment, target: row.target, number: row.number };
  const fingerprint = row.drift.slice(0, 60);
  const handle = await deps.client.workflow.start('incident', {
    taskQueue: WORKFLOW_QUEUE,
    workflowId: incidentWorkflowId(row.environment, row.target),
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    memo: { incident: row.number },
    args: [{ incident, kind: row.kind, pool: target.pool, ...(undoes === undefined ? {} : { undoes }) }],
    staticSummary: `${formatAddress(target)}#${row.number}: ${row.kind === 'blind' ? 'could not be read' : row.kind === 'undo' ? `undo of #${undoes?.number ?? 0}` : 'drift'}`,
    staticDetails: `Holdfast found that **${formatAddress(target)}** is not what its desired state says. This workflow holds the whole incident: what drifted, what was decided, what was done. The current details say where it stands and how to approve, stop or undo it.`,
    typedSearchAttributes: searchAttributes({
      HoldfastEnvironment: row.environment,
      HoldfastTarget: row.target,
      HoldfastProvider: target.provider,
      HoldfastPhase: 'deciding',
      HoldfastFingerprint: fingerprint,
      HoldfastRecurrence: row.number,
      ...(target.owner === undefined ? {} : { HoldfastOwner: target.owner }),
    }),
  });
  // The run of the incident before may still be ending; the next check starts this one then.
  const running = await numberOfRun(handle);
  if (running === row.number) await deps.ledger.updateIncident(incident, { runId: handle.firstExecutionRunId });
  else if (typeof running === 'number' && (await deps.ledger.incident(row, running)) === undefined) await endLost(deps, target);
  else if (deps.now().getTime() - Date.parse(row.openedAt) > BLOCKED_AFTER_MS) {
    const before = typeof running === 'number' ? await deps.ledger.incident(row, running) : undefined;
    // As a reset leaves it: its incident is closed on record, so that no step of it can write and nobody can answer it.
    if (before?.closedAt !== undefined) await deps.client.workflow.getHandle(handle.workflowId).cancel();
    else await tellBlocked(deps, target, row);
  }
}

/** What an undo puts back, as the record says it: one that was asked for while the run before it was still ending is started with that. */
export async function undoneBy(deps: Dependencies, row: IncidentRow): Promise<Undone | undefined> {
  const part = row.undoes === undefined ? undefined : (await deps.ledger.incident(row, row.undoes))?.parts.find((each) => each['outcome'] === 'fixed');
  if (row.undoes === undefined || typeof part?.['plan'] !== 'string') return undefined;
  for await (const { by = '', data } of deps.ledger.entries({ environment: row.environment, target: row.target, incident: row.number, kinds: ['decided'] })) {
    if (data['decision'] === 'undo') return { number: row.undoes, part: Number(part['part']), plan: part['plan'], by, reason: typeof data['reason'] === 'string' ? data['reason'] : '' };
  }
  return undefined;
}

/** Another workflow holds the incident's id, and nothing of Holdfast's ends it: a person must. */
async function tellBlocked(deps: Dependencies, target: Target, row: IncidentRow): Promise<void> {
  const name = `${formatAddress(target)}#${row.number}`;
  await tellAbout(deps, target, {
    event: 'needs-human',
    subject: name,
    at: deps.now().toISOString(),
    title: `${name} cannot start: another workflow runs under its id`,
    text: `Look at the workflow ${incidentWorkflowId(row.environment, row.target)} in the Temporal UI. If it is not an incident of Holdfast, terminate it; the next check starts this one.`,
    commands: [`holdfast status ${formatAddress(target)}`],
    key: 'blocked',
  });
}

import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ApplicationFailure, cancellationSignal, heartbeat, activityInfo } from '@temporalio/activity';
import { HoldfastError, isHoldfastError } from '../domain/errors.js';
import { formatAddress } from '../domain/address.js';
import type { HealthCheck, HealthReport } from '../domain/health.js';
import { pauseMs } from '../domain/pause.js';
import type { ProbeOptions } from '../health/probe.js';
import type { IntentRow } from '../ledger/ledger.js';
import type { ExternalWrite, OpenIntent, ReadContext, WriteContext } from '../providers/provider.js';
import type { Dependencies } from './deps.js';
import type { PartRef } from './types.js';

/** Heartbeats begin late and come seldom: each that reaches the server is a billed action. */
const FIRST_HEARTBEAT_MS = 5_000;
const HEARTBEAT_EVERY_MS = 4_000;
/** What one step may add to history, unless it says otherwise. */
const MOST_RESULT_BYTES = 256 * 1024;

/** Runs one step: heartbeats, a work folder of its own, and errors in the form that Temporal retries or not. */
export async function inStep<T>(deps: Dependencies, work: (ctx: ReadContext) => Promise<T>, { mostBytes = MOST_RESULT_BYTES }: { readonly mostBytes?: number } = {}): Promise<T> {
  const workFolder = join(deps.workRoot, randomUUID());
  let detail = 'at work';
  let timer: NodeJS.Timeout | undefined;
  const first = setTimeout(() => {
    heartbeat(detail);
    timer = setInterval(() => { heartbeat(detail); }, HEARTBEAT_EVERY_MS);
  }, FIRST_HEARTBEAT_MS);
  try {
    await mkdir(workFolder, { recursive: true, mode: 0o700 });
    return await bounded(work({
      signal: cancellationSignal(),
      heartbeat: (next) => { detail = next ?? detail; },
      log: deps.log,
      workFolder,
      resolveSecret: deps.resolveSecret,
    }), mostBytes);
  } catch (error) {
    throw asFailure(error);
  } finally {
    clearTimeout(first);
    clearInterval(timer);
    await rm(workFolder, { recursive: true, force: true }).catch(() => undefined);
  }
}

/**
 * The server refuses a result of more than 2 MB, and fails the whole incident with it, after the effect
 * has happened. What a provider lets grow so far fails its own step instead, which is answered as any failure is.
 */
async function bounded<T>(work: Promise<T>, mostBytes: number): Promise<T> {
  const result = await work;
  const bytes = result === undefined ? 0 : Buffer.byteLength(JSON.stringify(result));
  if (bytes > mostBytes) throw new HoldfastError('Invalid', `the step's result has ${bytes} bytes, more than the ${mostBytes} that history may keep`, { remedy: 'the provider must put what is large into artifacts' });
  return result;
}

/** Retryable or final is decided by the error itself, in `domain/errors.ts`; what is unknown may pass and is tried again. */
function asFailure(error: unknown): unknown {
  if (!isHoldfastError(error)) return error;
  const remedy = error.remedy === undefined ? '' : `; ${error.remedy}`;
  return ApplicationFailure.create({
    message: `${error.message}${remedy}`,
    type: error.failure,
    nonRetryable: !error.retryable,
    ...(error.retryAfterMs === undefined ? {} : { nextRetryDelay: pauseMs({ times: 1, random: Math.random(), askedMs: error.retryAfterMs }) }),
  });
}

/** Whether an attempt of this step came before: what it had done may stand in the record, and nobody have heard of it. */
export function isAgain(): boolean {
  return activityInfo().attempt > 1;
}

/** Health checks as a step runs them: heard while it lives, ended when it is. */
export function probeFor(deps: Dependencies, checks: readonly HealthCheck[], { signal, heartbeat: alive }: ReadContext, options?: ProbeOptions): Promise<HealthReport> {
  return deps.probe(checks, { signal, heartbeat: alive, now: deps.now, resolveSecret: deps.resolveSecret }, options);
}

export interface WriteStep {
  readonly ref: Pick<PartRef, 'incident' | 'part' | 'plan' | 'round'>;
  readonly step: 'stage' | 'finalize' | 'rollback' | 'adopt';
}

/** The context of a step that may write: fenced against every later attempt, with an intent before each external write. */
export async function writeContext(deps: Dependencies, read: ReadContext, { ref, step }: WriteStep): Promise<WriteContext> {
  const { attempt, workflowExecution } = activityInfo();
  const run = workflowExecution?.runId ?? '';
  const { environment, target } = ref.incident;
  const address = { environment, target };
  const idempotencyKey = stepName(ref, step);
  const fence = await deps.ledger.takeFence({ address, step: idempotencyKey, attempt, run, at: deps.now().toISOString() });
  return {
    ...read,
    idempotencyKey,
    fence,
    intend: (write) => intend(write),
    artifacts: {
      put: (name, content) => deps.artifacts.put(address, name, content),
      get: (artifact) => deps.artifacts.get(address, artifact),
      remove: (artifact) => deps.artifacts.remove(address, artifact),
    },
  };

  async function intend(write: ExternalWrite): Promise<OpenIntent> {
    const key = `${idempotencyKey}/${write.name}`;
    const row: IntentRow = await deps.ledger.intend({
      ...ref.incident,
      key,
      step: idempotencyKey,
      write: write.name,
      plan: ref.plan,
      fence,
      at: deps.now().toISOString(),
      ...(write.resource === undefined ? {} : { resource: write.resource }),
    });
    return {
      reopened: row.attempts > 1,
      done: row.closedAt !== undefined && row.ok === true,
      child: (process) => deps.ledger.intentChild(key, process),
      close: (outcome) => deps.ledger.closeIntent(key, { at: deps.now().toISOString(), fence, ...outcome }),
    };
  }
}

/** The same on every retry of the step, another for each staging of the part: `prod/storefront#7/1.2/finalize`. */
export function stepName(ref: Pick<PartRef, 'incident' | 'part' | 'round'>, step: string): string {
  return `${formatAddress(ref.incident)}#${ref.incident.number}/${ref.part}.${ref.round}/${step}`;
}

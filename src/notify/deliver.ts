import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError, isHoldfastError } from '../domain/errors.js';
import type { Ledger, OutboxMessage } from '../ledger/ledger.js';
import { backoffMs } from './backoff.js';
import type { Sink } from './sink.js';

export interface DelivererOptions {
  readonly ledger: Pick<Ledger, 'takeDue' | 'delivered'>;
  /** Asked on every look, so that a new configuration is taken without a restart. */
  readonly sinks: () => ReadonlyMap<string, Sink>;
  readonly now: () => Date;
  /** 0 to 1. */
  readonly random: () => number;
  readonly log: DelivererLog;
  /** Ends the deliverer; what is being sent may finish within `graceMs`. */
  readonly signal: AbortSignal;
  /** How often the outbox is looked at. */
  readonly intervalMs: number;
  readonly graceMs?: number;
}

export interface DelivererLog {
  warn(message: string, fields?: Record<string, unknown>): void;
}

export interface Deliverer {
  /** Settles once nothing is being sent any more; it never rejects. The ledger may be closed after it. */
  readonly stopped: Promise<void>;
}

/** How many messages one sink is sent at once. */
const AT_ONCE = 4;
/** A message that was taken by a process which then died is due again after this. */
const LEASE_MS = 120_000;
/** No send is waited for longer, whatever its sink does: well within the lease. */
const SEND_LIMIT_MS = 90_000;
const GRACE_MS = 5_000;

/**
 * Brings the outbox to the sinks, at least once and with the same delivery id on every attempt.
 * Each sink is served on its own, so that one which is slow or down holds up no other, and nothing
 * else waits for any of them.
 */
export function startDeliverer(options: DelivererOptions): Deliverer {
  return { stopped: run(options) };
}

async function run(options: DelivererOptions): Promise<void> {
  const hardStop = new AbortController();
  const lanes = new Map<string, Promise<void>>();
  const complain = once(options.log);
  while (!options.signal.aborted) {
    for (const sink of options.sinks().values()) {
      if (!lanes.has(sink.name)) lanes.set(sink.name, serve(sink, { ...options, complain }, hardStop.signal).finally(() => lanes.delete(sink.name)));
    }
    await sleep(options.intervalMs, undefined, { signal: options.signal }).catch(() => undefined);
  }
  const grace = setTimeout(() => { hardStop.abort(new Error('the deliverer stops')); }, options.graceMs ?? GRACE_MS);
  await Promise.all(lanes.values());
  clearTimeout(grace);
}

/** Sends what is due for one sink until nothing is, or until it does not take one: then it rests until the next look. */
async function serve(sink: Sink, options: DelivererOptions & { readonly complain: Complain }, hardStop: AbortSignal): Promise<void> {
  try {
    let more = true;
    while (more && !options.signal.aborted) {
      const at = options.now();
      const leaseUntil = new Date(at.getTime() + LEASE_MS).toISOString();
      const due = await options.ledger.takeDue({ at: at.toISOString(), leaseUntil, limit: AT_ONCE, sink: sink.name });
      const taken = await Promise.all(due.map((message) => deliver(sink, message, options, hardStop)));
      options.complain(undefined);
      more = due.length === AT_ONCE && taken.every(Boolean);
    }
  } catch (error) {
    options.complain(error);
  }
}

type Complain = (error: unknown) => void;

/** An outage of the ledger is said once, not on every look. */
function once(log: DelivererLog): Complain {
  let down = false;
  return (error) => {
    if (error !== undefined && !down) log.warn('the outbox cannot be read or written; messages wait there', { error: reasonOf(error) });
    down = error !== undefined;
  };
}

async function deliver(sink: Sink, message: OutboxMessage, options: DelivererOptions, hardStop: AbortSignal): Promise<boolean> {
  try {
    await sendWithin(sink, message, AbortSignal.any([hardStop, AbortSignal.timeout(SEND_LIMIT_MS)]));
  } catch (error) {
    await failed(error, sink, message, { ...options, stopping: hardStop.aborted });
    return false;
  }
  await options.ledger.delivered(message.id, { at: options.now().toISOString(), ok: true });
  return true;
}

/** A sink that does not heed its signal is left alone with what it does. */
async function sendWithin(sink: Sink, message: OutboxMessage, signal: AbortSignal): Promise<void> {
  const over = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => { reject(new HoldfastError('Unreachable', `sink ${sink.name}: did not answer in time`)); }, { once: true });
  });
  await Promise.race([sink.send(message, signal), over]);
}

async function failed(error: unknown, sink: Sink, message: OutboxMessage, options: DelivererOptions & { readonly stopping: boolean }): Promise<void> {
  const at = options.now();
  const asked = isHoldfastError(error) ? error.retryAfterMs : undefined;
  // A stop is no fault of the sink: the next process tries again at once.
  const waitMs = options.stopping ? 0 : backoffMs(message.attempts, options.random, asked);
  const retryAt = new Date(at.getTime() + waitMs).toISOString();
  const reason = reasonOf(error);
  options.log.warn('a message was not taken; it will be sent again', { sink: sink.name, delivery: message.id, event: message.event, subject: message.subject, retryAt, error: reason });
  await options.ledger.delivered(message.id, { at: at.toISOString(), ok: false, error: reason, retryAt });
}

/** Only messages that Holdfast made are shown: those of others may quote what was sent. */
function reasonOf(error: unknown): string {
  return isHoldfastError(error) ? error.message : 'an unexpected failure';
}

import type { Ledger, OutboxMessage } from '../ledger/ledger.js';
import { count } from './render/changes.js';
import { plain } from './render/escape.js';
import { formatTime } from './render/entry.js';

const LIMIT = 1_000;

export interface SinkAway {
  readonly sink: string;
  /** `3 messages wait for sink ops since 2026-11-02 10:00: status 503`. */
  readonly message: string;
}

/** The sinks that have refused what still waits for them: repairs go on, and each message is sent again until it is taken. */
export async function sinksAway(ledger: Ledger): Promise<readonly SinkAway[]> {
  const pending = (await ledger.outbox({ pending: true, limit: LIMIT })).filter((message) => message.attempts > 0 && message.error !== undefined);
  return [...new Set(pending.map((message) => message.sink))].sort().map((sink) => awayOf(sink, pending.filter((message) => message.sink === sink)));
}

function awayOf(sink: string, messages: readonly OutboxMessage[]): SinkAway {
  const since = messages.map((message) => message.at).sort()[0] ?? '';
  const error = messages.find((message) => message.error !== undefined)?.error ?? '';
  return { sink, message: `${count(messages.length, 'message')} ${messages.length === 1 ? 'waits' : 'wait'} for sink ${plain(sink)} since ${formatTime(since)}: ${plain(error)}` };
}

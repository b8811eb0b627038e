import type { Intent } from '../domain/deciding/intent.js';
import type { OutboxMessage } from '../ledger/ledger.js';

/** What happened, as routes and sinks see it. One message per incident is updated: `subject` is the same throughout. */
export interface Notice {
  readonly event: NoticeEvent;
  /** `prod/storefront#12`, or the address for what concerns no incident. */
  readonly subject: string;
  readonly environment: string;
  readonly target?: string;
  readonly owner?: string;
  readonly risk?: string;
  /** What the target is for. */
  readonly intent?: Intent;
  /** ISO, UTC. */
  readonly at: string;
  /** One line: what happened. */
  readonly title: string;
  /** Plain text: what drifted, what was decided, what to do next. No secrets. */
  readonly text: string;
  readonly outcome?: string;
  /** Commands to paste. */
  readonly commands: readonly string[];
}

export type NoticeEvent =
  | 'approval-needed' | 'approval-reminder' | 'approval-escalated' | 'break-glass' | 'fixed' | 'rolled-back' | 'needs-human' | 'closed' | 'blind' | 'frozen' | 'lapsed' | 'test';

/** Sends one message. Throws when it was not taken; the outbox tries again with the same id. */
export interface Sink {
  readonly name: string;
  send(message: OutboxMessage, signal: AbortSignal): Promise<void>;
}

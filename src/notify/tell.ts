import type { Notifications } from '../config/config.js';
import { hashJson } from '../digest.js';
import type { Ledger } from '../ledger/ledger.js';
import { compose } from './compose.js';
import { sinksFor } from './routes.js';
import type { Notice } from './sink.js';

export interface TellerOptions {
  readonly ledger: Pick<Ledger, 'enqueue'>;
  readonly project: string;
  /** Asked on every notice, so that a new configuration is taken without a restart. */
  readonly notifications: () => Notifications;
}

/**
 * Puts a notice into the outbox for every sink that its routes name, and returns once it is there:
 * nobody waits for a sink. Telling the same `key` of an event and subject again tells nothing new.
 */
export function createTeller({ ledger, project, notifications }: TellerOptions): (notice: Notice, key: string) => Promise<void> {
  return async (notice, key) => {
    const messages = compose({ notice, key, sinks: sinksFor(notice, notifications()), project, hash: hashJson });
    if (messages.length > 0) await ledger.enqueue(messages);
  };
}

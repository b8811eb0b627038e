import type { JsonObject } from '../domain/json.js';
import type { OutboxMessage } from '../ledger/ledger.js';

/**
 * The message as a CloudEvent 1.0 in structured JSON: the same on every attempt. `subject` and the
 * extension `sequence` tell which earlier message it updates.
 */
export function cloudEvent(message: OutboxMessage): JsonObject {
  const { project, sequence } = message.body;
  return {
    specversion: '1.0',
    id: message.id,
    source: `/holdfast/${encodeURIComponent(typeof project === 'string' ? project : '')}`,
    type: `holdfast.${message.event}`,
    subject: message.subject,
    time: message.at,
    datacontenttype: 'application/json',
    sequence: String(typeof sequence === 'number' ? sequence : 0),
    data: message.body,
  };
}

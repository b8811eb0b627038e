import type { JsonObject } from '../domain/json.js';

/** A word to people on its way to a sink. */
export interface OutboxMessage {
  /** The delivery id, the same on every attempt. */
  readonly id: string;
  readonly sink: string;
  readonly event: string;
  readonly subject: string;
  readonly at: string;
  readonly body: JsonObject;
  readonly attempts: number;
  readonly nextAt: string;
  readonly deliveredAt?: string;
  readonly error?: string;
}

import { createHmac } from 'node:crypto';
import type { SinkConfig } from '../config/config.js';
import { HoldfastError } from '../domain/errors.js';
import { oneLine } from '../domain/plain-text.js';
import type { OutboxMessage } from '../ledger/ledger.js';
import { exchange } from '../system/http-exchange.js';
import { runCommand, type CommandEnd } from '../system/run-command.js';
import { retryAfter } from '../system/retry-after.js';
import { cloudEvent } from './cloud-event.js';
import type { Sink } from './sink.js';

export interface SinkContext {
  /** Resolves a secret reference at use; it is asked on every attempt, so that a new secret needs no restart. */
  readonly resolveSecret: (reference: string) => Promise<string>;
  readonly now: () => Date;
}

export type WebhookConfig = Extract<SinkConfig, { type: 'webhook' }>;
export type CommandConfig = Extract<SinkConfig, { type: 'command' }>;

/**
 * Posts the event, signed as Standard Webhooks sign: `v1,` and the base64 of HMAC-SHA-256 over
 * `<webhook-id>.<webhook-timestamp>.<raw body>`. A status of 300 or more was not taken; redirects
 * are not followed. Errors name the sink, never its address, which may hold a token.
 */
export function webhookSink(config: WebhookConfig, ctx: SinkContext): Sink {
  return {
    name: config.name,
    async send(message, signal) {
      const body = JSON.stringify(cloudEvent(message));
      const timestamp = String(Math.floor(ctx.now().getTime() / 1000));
      const key = signingKey(config.name, await ctx.resolveSecret(config.secret));
      const answer = await exchange({
        url: config.url,
        method: 'POST',
        headers: {
          'content-type': 'application/cloudevents+json; charset=utf-8',
          'webhook-id': message.id,
          'webhook-timestamp': timestamp,
          'webhook-signature': `v1,${createHmac('sha256', key).update(`${message.id}.${timestamp}.${body}`).digest('base64')}`,
        },
        body,
        timeoutMs: config.timeoutMs,
        maxBytes: 0,
        allowPrivate: config.allowPrivate,
        signal,
      });
      if (!answer.answered) throw new HoldfastError(answer.problem === 'refused' ? 'Refused' : 'Unreachable', `sink ${config.name}: ${answer.message}`);
      if (answer.status < 200 || answer.status >= 300) throw notTaken(config.name, answer.status, retryAfter(answer.headers['retry-after'], ctx.now()));
    },
  };
}

/** Gives the event as JSON to standard input of a command, without a shell. Only exit 0 has taken it. */
export function commandSink(config: CommandConfig): Sink {
  return {
    name: config.name,
    async send(message: OutboxMessage, signal: AbortSignal) {
      const result = await runCommand({
        command: config.command,
        env: { HOLDFAST_DELIVERY_ID: message.id },
        stdin: `${JSON.stringify(cloudEvent(message))}\n`,
        timeoutMs: config.timeoutMs,
        signal,
      });
      if (result.end === 'exited' && result.code === 0) return;
      const said = oneLine(result.stderr.split('\n')[0] ?? '', 200);
      throw new HoldfastError('Unreachable', `sink ${config.name}: ${failureOf(result, config.timeoutMs)}${said === '' ? '' : `: ${said}`}`);
    },
  };
}

/** `whsec_` and base64, as Standard Webhooks write a secret, or any other text as it is. */
function signingKey(sink: string, secret: string): Buffer {
  const text = secret.trim();
  const key = text.startsWith('whsec_') ? Buffer.from(text.slice('whsec_'.length), 'base64') : Buffer.from(text, 'utf8');
  if (key.length === 0) throw new HoldfastError('Invalid', `sink ${sink}: its secret is empty`, { remedy: 'a webhook is never sent unsigned; set the secret' });
  return key;
}

function notTaken(sink: string, status: number, retryAfterMs: number | undefined): HoldfastError {
  const message = `sink ${sink}: status ${String(status)}`;
  if (retryAfterMs !== undefined) return new HoldfastError('Throttled', message, { retryAfterMs });
  return new HoldfastError(status === 429 ? 'Throttled' : status >= 500 ? 'Unreachable' : 'Rejected', message);
}

function failureOf(end: CommandEnd, timeoutMs: number): string {
  switch (end.end) {
    case 'exited':
      return `exit ${String(end.code)}`;
    case 'signalled':
      return `ended by ${end.signal}`;
    case 'timed-out':
      return `did not end within ${String(timeoutMs)} ms`;
    case 'aborted':
      return 'stopped';
    case 'not-started':
      return `the command could not be started (${end.code})`;
    default:
      return unreachable(end);
  }
}

function unreachable(end: never): never {
  throw new TypeError(`no such end of a command: ${String(end)}`);
}

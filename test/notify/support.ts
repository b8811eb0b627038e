import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { hashJson } from '../../src/digest.js';
import type { OutboxMessage } from '../../src/ledger/ledger.js';
import { compose } from '../../src/notify/compose.js';
import type { Notice } from '../../src/notify/sink.js';
import type { WebhookConfig } from '../../src/notify/sinks.js';

export const NOTICE: Notice = {
  event: 'approval-needed',
  subject: 'prod/storefront#12',
  environment: 'prod',
  target: 'storefront',
  owner: 'team-web',
  risk: 'high',
  at: '2026-11-02T10:00:00.000Z',
  title: 'prod/storefront drifted: etc/app.yaml',
  text: 'etc/app.yaml /port: 8080 should be 80\nSomebody has to decide.',
  commands: ['holdfast approve prod/storefront#12 --plan 3f1c9a77'],
};

export function messageFor(sink: string, more: Partial<Notice> = {}, key = 'ask-1'): OutboxMessage {
  const [message] = compose({ notice: { ...NOTICE, ...more }, key, sinks: [sink], project: 'shop', hash: hashJson });
  if (message === undefined) throw new Error('one sink makes one message');
  return message;
}

export function webhook(url: string, more: Partial<WebhookConfig> = {}): WebhookConfig {
  return { name: 'ops', type: 'webhook', url, secret: '${env:WEBHOOK_SECRET}', allowPrivate: false, timeoutMs: 5000, ...more };
}

export interface Received {
  readonly method: string;
  readonly headers: IncomingMessage['headers'];
  /** As it came over the wire. */
  readonly body: string;
}

/** A receiver for the test at hand; it is closed with it. */
export async function receive(answer: (response: ServerResponse, received: Received) => void, port = 0): Promise<{ url: string; port: number; received: Received[]; close: () => Promise<void> }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = { method: request.method ?? '', headers: request.headers, body: Buffer.concat(chunks).toString('utf8') };
      received.push(one);
      answer(response, one);
    });
  });
  await new Promise<void>((resolve) => { server.listen(port, '127.0.0.1', resolve); });
  const close = (): Promise<void> => new Promise((resolve) => { server.closeAllConnections(); server.close(() => { resolve(); }); });
  onTestFinished(close);
  const bound = (server.address() as AddressInfo).port;
  return { url: `http://127.0.0.1:${String(bound)}/hook?token=url-canary-91`, port: bound, received, close };
}

/** The outbox of a ledger, in memory, with the clock of the test. */
export class MemoryOutbox {
  readonly rows = new Map<string, OutboxMessage>();
  /** Every result that was reported, in order. */
  readonly results: { readonly id: string; readonly ok: boolean; readonly error?: string; readonly retryAt?: string }[] = [];

  constructor(messages: readonly OutboxMessage[]) {
    for (const message of messages) this.rows.set(message.id, message);
  }

  takeDue(input: { at: string; leaseUntil: string; limit: number; sink?: string }): Promise<readonly OutboxMessage[]> {
    const due = [...this.rows.values()]
      .filter((row) => row.deliveredAt === undefined && row.nextAt <= input.at && (input.sink === undefined || row.sink === input.sink))
      .sort((a, b) => (a.nextAt < b.nextAt ? -1 : 1))
      .slice(0, input.limit);
    for (const row of due) this.rows.set(row.id, { ...row, nextAt: input.leaseUntil });
    return Promise.resolve(due);
  }

  delivered(id: string, result: { at: string; ok: boolean; error?: string; retryAt?: string }): Promise<void> {
    const row = this.rows.get(id);
    if (row === undefined) throw new Error(`no message ${id}`);
    const { ok, error, retryAt } = result;
    this.results.push({ id, ok, ...(error === undefined ? {} : { error }), ...(retryAt === undefined ? {} : { retryAt }) });
    this.rows.set(id, ok ? { ...row, deliveredAt: result.at } : { ...row, attempts: row.attempts + 1, nextAt: retryAt ?? row.nextAt });
    return Promise.resolve();
  }

  get pending(): number {
    return [...this.rows.values()].filter((row) => row.deliveredAt === undefined).length;
  }
}

import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { OutboxMessage } from '../../src/ledger/ledger.js';
import { startDeliverer, type DelivererOptions } from '../../src/notify/deliver.js';
import type { Sink } from '../../src/notify/sink.js';
import { webhookSink } from '../../src/notify/sinks.js';
import { MemoryOutbox, messageFor, receive, webhook } from './support.js';

const SECRET = 'canary-secret-5d2e';

/** A deliverer over these sinks whose clock the test moves; it stops with the test. */
function start(outbox: DelivererOptions['ledger'], sinks: readonly Sink[], more: Partial<DelivererOptions> = {}) {
  const stop = new AbortController();
  const logs: unknown[] = [];
  const clock = { now: new Date('2026-11-02T10:00:00.000Z') };
  const deliverer = startDeliverer({
    ledger: outbox,
    sinks: () => new Map(sinks.map((sink) => [sink.name, sink])),
    now: () => clock.now,
    random: () => 1,
    log: { warn: (message, fields) => { logs.push({ message, ...fields }); } },
    signal: stop.signal,
    intervalMs: 1,
    graceMs: 20,
    ...more,
  });
  onTestFinished(async () => { stop.abort(); await deliverer.stopped; });
  return { stop, deliverer, logs, pass: (ms: number) => { clock.now = new Date(clock.now.getTime() + ms); } };
}

function fake(name: string, send: Sink['send']): Sink {
  return { name, send };
}

function messages(sink: string, count: number): OutboxMessage[] {
  return Array.from({ length: count }, (_, index) => messageFor(sink, { subject: `prod/storefront#${String(index + 1)}` }));
}

describe('startDeliverer', () => {
  it('delivers what is due, once, and not what is not', async () => {
    const later: OutboxMessage = { ...messageFor('ops', { event: 'fixed' }), nextAt: '2026-11-02T12:00:00.000Z' };
    const outbox = new MemoryOutbox([...messages('ops', 10), later]);
    const { url, received } = await receive((response) => response.end());
    start(outbox, [webhookSink(webhook(url), { resolveSecret: () => Promise.resolve(SECRET), now: () => new Date() })]);
    await vi.waitFor(() => { expect(outbox.pending).toBe(1); });
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(10);
    expect(received).toHaveLength(10);
  });

  it('tries again after the receiver was down, with the same id, until it was taken once', async () => {
    const outbox = new MemoryOutbox([messageFor('ops')]);
    const down = await receive((response) => response.end());
    await down.close();
    const { pass, logs } = start(outbox, [webhookSink(webhook(down.url), { resolveSecret: () => Promise.resolve(SECRET), now: () => new Date() })]);
    await vi.waitFor(() => { expect(outbox.results).toHaveLength(1); });
    pass(5_000);
    await vi.waitFor(() => { expect(outbox.results).toHaveLength(2); });
    const up = await receive((response) => response.end(), down.port);
    pass(10_000);
    await vi.waitFor(() => { expect(outbox.pending).toBe(0); });
    pass(24 * 3_600_000);
    expect(up.received.map(({ headers }) => headers['webhook-id'])).toEqual([messageFor('ops').id]);
    expect(outbox.results.map(({ ok, retryAt }) => [ok, retryAt])).toEqual([[false, '2026-11-02T10:00:05.000Z'], [false, '2026-11-02T10:00:15.000Z'], [true, undefined]]);
    expect(JSON.stringify([logs, outbox.results])).not.toMatch(/canary/);
  });

  it('waits as long as the receiver asks', async () => {
    const outbox = new MemoryOutbox([messageFor('ops')]);
    const { url } = await receive((response) => response.writeHead(429, { 'retry-after': '600' }).end());
    start(outbox, [webhookSink(webhook(url), { resolveSecret: () => Promise.resolve(SECRET), now: () => new Date() })]);
    await vi.waitFor(() => { expect(outbox.results).toMatchObject([{ ok: false, retryAt: '2026-11-02T10:10:00.000Z', error: 'sink ops: status 429' }]); });
  });

  it('is not held up by a sink that never answers', async () => {
    const outbox = new MemoryOutbox([...messages('stuck', 20), ...messages('ops', 20)]);
    const taken: string[] = [];
    start(outbox, [fake('stuck', () => new Promise(() => undefined)), fake('ops', (message) => { taken.push(message.id); return Promise.resolve(); })]);
    await vi.waitFor(() => { expect(taken).toHaveLength(20); });
  });

  it('sends a sink at most four at once', async () => {
    let now = 0;
    let most = 0;
    const outbox = new MemoryOutbox(messages('ops', 20));
    start(outbox, [fake('ops', async () => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => { setTimeout(resolve, 1); });
      now -= 1;
    })]);
    await vi.waitFor(() => { expect(outbox.pending).toBe(0); });
    expect(most).toBe(4);
  });

  it('goes on when the ledger comes back, and says once that it was away', async () => {
    const outbox = new MemoryOutbox([messageFor('ops')]);
    let away = 5;
    const ledger: DelivererOptions['ledger'] = {
      takeDue: (input) => (away-- > 0 ? Promise.reject(new Error(`SQLITE_IOERR ${SECRET}`)) : outbox.takeDue(input)),
      delivered: (id, result) => outbox.delivered(id, result),
    };
    const { logs } = start(ledger, [fake('ops', () => Promise.resolve())]);
    await vi.waitFor(() => { expect(outbox.pending).toBe(0); });
    expect(logs).toEqual([{ message: 'the outbox cannot be read or written; messages wait there', error: 'an unexpected failure' }]);
  });

  it('leaves a message for a sink that is no longer configured where it is', async () => {
    const outbox = new MemoryOutbox([messageFor('gone'), messageFor('ops')]);
    start(outbox, [fake('ops', () => Promise.resolve())]);
    await vi.waitFor(() => { expect(outbox.pending).toBe(1); });
    expect(outbox.results).toHaveLength(1);
  });

  it('serves a sink that is configured later', async () => {
    const outbox = new MemoryOutbox([messageFor('new')]);
    const sinks = new Map<string, Sink>();
    start(outbox, [], { sinks: () => sinks });
    sinks.set('new', fake('new', () => Promise.resolve()));
    await vi.waitFor(() => { expect(outbox.pending).toBe(0); });
  });

  it('stops at once when idle', async () => {
    const { stop, deliverer } = start(new MemoryOutbox([]), [], { intervalMs: 3_600_000 });
    stop.abort();
    await deliverer.stopped;
  });

  it('lets what is being sent finish when it stops', async () => {
    const outbox = new MemoryOutbox([messageFor('ops')]);
    const sending = Promise.withResolvers<undefined>();
    const begun = Promise.withResolvers<undefined>();
    const { stop, deliverer } = start(outbox, [fake('ops', async () => { begun.resolve(undefined); await sending.promise; })], { graceMs: 3_600_000 });
    await begun.promise;
    stop.abort();
    sending.resolve(undefined);
    await deliverer.stopped;
    expect(outbox.results).toMatchObject([{ ok: true }]);
  });

  it('gives back what could not finish, due at once for the next process', async () => {
    const outbox = new MemoryOutbox([messageFor('ops')]);
    const begun = Promise.withResolvers<undefined>();
    const { stop, deliverer } = start(outbox, [fake('ops', () => { begun.resolve(undefined); return new Promise(() => undefined); })]);
    await begun.promise;
    stop.abort();
    await deliverer.stopped;
    expect(outbox.results).toMatchObject([{ ok: false, retryAt: '2026-11-02T10:00:00.000Z', error: 'sink ops: did not answer in time' }]);
  });
});

import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSinks } from '../../src/notify/index.js';
import { commandSink, webhookSink, type SinkContext } from '../../src/notify/sinks.js';
import { messageFor, receive, webhook } from './support.js';

const SECRET = 'canary-secret-5d2e';
const NOW = new Date('2026-11-02T10:00:30.500Z');
const ctx: SinkContext = { resolveSecret: () => Promise.resolve(SECRET), now: () => NOW };
const going = new AbortController().signal;

describe('webhookSink', () => {
  it('posts a CloudEvent under the delivery id', async () => {
    const { url, received } = await receive((response) => response.writeHead(204).end());
    await webhookSink(webhook(url), ctx).send(messageFor('ops'), going);
    const [request] = received;
    expect(request?.method).toBe('POST');
    expect(request?.headers).toMatchObject({ 'content-type': 'application/cloudevents+json; charset=utf-8', 'webhook-id': messageFor('ops').id, 'webhook-timestamp': '1793613630' });
    expect(JSON.parse(request?.body ?? '')).toMatchObject({
      specversion: '1.0',
      id: messageFor('ops').id,
      source: '/holdfast/shop',
      type: 'holdfast.approval-needed',
      subject: 'prod/storefront#12',
      time: '2026-11-02T10:00:00.000Z',
      sequence: '1793613600000',
      data: { version: 1, environment: 'prod', target: 'storefront', owner: 'team-web', risk: 'high', sequence: 1_793_613_600_000 },
    });
  });

  it.each([
    { reason: 'a secret is taken as it is', secret: SECRET, key: Buffer.from(SECRET) },
    { reason: 'a file that ends in a newline has the same secret', secret: `${SECRET}\n`, key: Buffer.from(SECRET) },
    { reason: 'whsec_ is base64, as Standard Webhooks write it', secret: `whsec_${Buffer.from('0123456789abcdef').toString('base64')}`, key: Buffer.from('0123456789abcdef') },
  ])('signs the raw body: $reason', async ({ secret, key }) => {
    const { url, received } = await receive((response) => response.end());
    await webhookSink(webhook(url), { ...ctx, resolveSecret: () => Promise.resolve(secret) }).send(messageFor('ops', { title: 'zürich ☂ "quoted"' }), going);
    const [request] = received;
    const content = `${String(request?.headers['webhook-id'])}.${String(request?.headers['webhook-timestamp'])}.${request?.body ?? ''}`;
    expect(request?.headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(content).digest('base64')}`);
  });

  it('asks for the secret by its reference, on every attempt', async () => {
    const asked: string[] = [];
    const { url } = await receive((response) => response.end());
    const sink = webhookSink(webhook(url), { ...ctx, resolveSecret: (reference) => { asked.push(reference); return Promise.resolve(SECRET); } });
    expect(asked).toEqual([]);
    await sink.send(messageFor('ops'), going);
    await sink.send(messageFor('ops'), going);
    expect(asked).toEqual(['${env:WEBHOOK_SECRET}', '${env:WEBHOOK_SECRET}']);
  });

  it.each([
    { status: 200, headers: {}, taken: true },
    { status: 302, headers: { location: '/elsewhere' }, taken: false, failure: 'Rejected' },
    { status: 404, headers: {}, taken: false, failure: 'Rejected' },
    { status: 500, headers: {}, taken: false, failure: 'Unreachable' },
    { status: 429, headers: {}, taken: false, failure: 'Throttled' },
    { status: 503, headers: { 'retry-after': '120' }, taken: false, failure: 'Throttled', retryAfterMs: 120_000 },
    { status: 503, headers: { 'retry-after': 'Mon, 02 Nov 2026 10:01:00 GMT' }, taken: false, failure: 'Throttled', retryAfterMs: 29_500 },
    { status: 503, headers: { 'retry-after': 'Mon, 02 Nov 2026 09:00:00 GMT' }, taken: false, failure: 'Throttled', retryAfterMs: 0 },
    { status: 503, headers: { 'retry-after': 'soon' }, taken: false, failure: 'Unreachable' },
  ])('status $status with $headers: taken is $taken', async ({ status, headers, taken, failure, retryAfterMs }) => {
    const { url } = await receive((response) => response.writeHead(status, headers).end());
    const sent = webhookSink(webhook(url), ctx).send(messageFor('ops'), going);
    if (taken) await expect(sent).resolves.toBeUndefined();
    else await expect(sent).rejects.toMatchObject({ failure, message: `sink ops: status ${String(status)}`, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
  });

  it('does not wait for an answer without end', async () => {
    const { url } = await receive((response) => { response.writeHead(200); response.write('x'.repeat(100_000)); });
    await expect(webhookSink(webhook(url), ctx).send(messageFor('ops'), going)).resolves.toBeUndefined();
  });

  it('gives up when the answer does not come in time', async () => {
    const { url } = await receive(() => undefined);
    await expect(webhookSink(webhook(url, { timeoutMs: 30 }), ctx).send(messageFor('ops'), going)).rejects.toThrow('sink ops: no answer within 30 ms');
  });

  it.each([
    { reason: 'a link-local address', url: 'http://169.254.169.254/', resolveSecret: ctx.resolveSecret },
    { reason: 'another scheme', url: 'file:///etc/passwd', resolveSecret: ctx.resolveSecret },
    { reason: 'no secret', url: 'http://127.0.0.1:9/', resolveSecret: () => Promise.resolve('\n') },
  ])('refuses $reason', async ({ url, resolveSecret }) => {
    await expect(webhookSink(webhook(url), { ...ctx, resolveSecret }).send(messageFor('ops'), going)).rejects.toMatchObject({ name: expect.stringMatching(/^(Refused|Invalid)Error$/) as string });
  });

  it('shows neither its secret nor its address, whatever goes wrong', async () => {
    const { url, port } = await receive((response) => response.writeHead(500, SECRET).end(SECRET));
    const addresses = [url, `http://127.0.0.1:${String(port)}0000/?token=url-canary-91`, 'http://no-such-host.invalid/?token=url-canary-91', 'http://127.0.0.1:1/?token=url-canary-91'];
    for (const address of addresses) {
      const error: unknown = await webhookSink(webhook(address), ctx).send(messageFor('ops'), going).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(Error);
      const shown = `${String(error)} ${(error as Error).stack ?? ''} ${JSON.stringify(error)}`;
      expect(shown).not.toMatch(/canary/);
    }
  });
});

describe('commandSink', () => {
  let folder: string;
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'holdfast-sink-')); });
  afterEach(() => { rmSync(folder, { recursive: true, force: true }); });

  function sink(script: string, timeoutMs = 5000): ReturnType<typeof commandSink> {
    return commandSink({ name: 'pager', type: 'command', command: [process.execPath, '-e', script], timeoutMs });
  }

  it('gives the event on standard input and the delivery id in the environment', async () => {
    const file = join(folder, 'event.json');
    await sink(`const fs = require("node:fs"); fs.writeFileSync(${JSON.stringify(file)}, fs.readFileSync(0)); process.exit(process.env.HOLDFAST_DELIVERY_ID.startsWith("msg_") ? 0 : 1)`).send(messageFor('pager'), going);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ specversion: '1.0', id: messageFor('pager').id, data: { subject: 'prod/storefront#12' } });
  });

  it.each([
    { reason: 'another exit', script: 'console.error("no route\\u001b[2J"); process.exit(4)', message: 'sink pager: exit 4: no route' },
    { reason: 'a hang', script: 'setInterval(() => {}, 1000)', timeoutMs: 300, message: 'sink pager: did not end within 300 ms' },
    { reason: 'an end by a signal', script: 'process.kill(process.pid, "SIGKILL")', message: 'sink pager: ended by SIGKILL' },
  ])('has not delivered after $reason', async ({ script, timeoutMs, message }) => {
    await expect(sink(script, timeoutMs).send(messageFor('pager'), going)).rejects.toThrow(message);
  });

  it('may leave its input unread', async () => {
    await expect(sink('process.exit(0)').send(messageFor('pager', { text: 'x'.repeat(100_000) }), going)).resolves.toBeUndefined();
  });
});

describe('openSinks', () => {
  it('opens each under its name and asks for no secret', () => {
    const sinks = openSinks(
      { sinks: [webhook('http://127.0.0.1:9/'), { name: 'pager', type: 'command', command: ['true'], timeoutMs: 1 }], routes: [] },
      { now: () => NOW, resolveSecret: () => { throw new Error('not yet'); } },
    );
    expect([...sinks.keys()]).toEqual(['ops', 'pager']);
  });
});

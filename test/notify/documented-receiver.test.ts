import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { webhookSink } from '../../src/notify/sinks.js';
import { messageFor, receive, webhook, type Received } from './support.js';

type IsFromHoldfast = (headers: Received['headers'], rawBody: string, secret: string) => boolean;

const SECRET = 'a secret of the receiver';

/** The function that docs/notifications.md gives to receivers. */
async function documented(): Promise<IsFromHoldfast> {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'notifications.md'), 'utf8');
  const code = /```js\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  const module = (await import(`data:text/javascript,${encodeURIComponent(`${code}\nexport { isFromHoldfast };`)}`)) as { isFromHoldfast: IsFromHoldfast };
  return module.isFromHoldfast;
}

describe('the receiver in docs/notifications.md', () => {
  it('takes what Holdfast sent, and nothing that was changed, sent again later or signed by another', async () => {
    const isFromHoldfast = await documented();
    const { url, received } = await receive((response) => response.end());
    await webhookSink(webhook(url), { resolveSecret: () => Promise.resolve(SECRET), now: () => new Date() }).send(messageFor('ops'), new AbortController().signal);
    const [request] = received;
    if (request === undefined) throw new Error('nothing was received');
    const { headers, body } = request;
    const longAgo = String(Number(headers['webhook-timestamp']) - 3600);
    expect(isFromHoldfast(headers, body, SECRET)).toBe(true);
    expect(isFromHoldfast(headers, body.replace('high', 'low'), SECRET)).toBe(false);
    expect(isFromHoldfast({ ...headers, 'webhook-timestamp': longAgo }, body, SECRET)).toBe(false);
    expect(isFromHoldfast({ ...headers, 'webhook-id': 'msg_0' }, body, SECRET)).toBe(false);
    expect(isFromHoldfast(headers, body, 'another secret')).toBe(false);
    expect(isFromHoldfast({}, body, SECRET)).toBe(false);
  });
});

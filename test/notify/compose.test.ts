import { describe, expect, it } from 'vitest';
import { hashJson } from '../../src/digest.js';
import { compose } from '../../src/notify/compose.js';
import type { Notice } from '../../src/notify/sink.js';
import { messageFor, NOTICE } from './support.js';

describe('compose', () => {
  it('makes one message per sink, due at once', () => {
    const messages = compose({ notice: NOTICE, key: 'ask-1', sinks: ['ops', 'web'], project: 'shop', hash: hashJson });
    expect(messages).toMatchObject([
      { sink: 'ops', event: 'approval-needed', subject: 'prod/storefront#12', attempts: 0, nextAt: NOTICE.at },
      { sink: 'web', event: 'approval-needed', subject: 'prod/storefront#12', attempts: 0, nextAt: NOTICE.at },
    ]);
    expect(new Set(messages.map(({ id }) => id)).size).toBe(2);
  });

  it('gives the same id to the same notice, so that a step which runs twice tells once', () => {
    expect(messageFor('ops', { at: '2026-11-02T10:00:09.000Z' }).id).toBe(messageFor('ops').id);
    expect(messageFor('ops').id).toMatch(/^msg_[0-9a-f]{32}$/);
  });

  it.each<{ reason: string; more: Partial<Notice>; key?: string }>([
    { reason: 'another event', more: { event: 'fixed' } },
    { reason: 'another incident', more: { subject: 'prod/storefront#13' } },
    { reason: 'another question', more: {}, key: 'ask-2' },
  ])('gives another id to $reason', ({ more, key }) => {
    expect(messageFor('ops', more, key).id).not.toBe(messageFor('ops').id);
  });

  it('keeps the subject and raises the sequence, so that a later message updates the earlier', () => {
    const asked = messageFor('ops');
    const fixed = messageFor('ops', { event: 'fixed', at: '2026-11-02T10:00:00.001Z', outcome: 'fixed' });
    expect(fixed.subject).toBe(asked.subject);
    expect(Number(fixed.body['sequence'])).toBeGreaterThan(Number(asked.body['sequence']));
  });

  it('renders hostile names harmless for each kind of reader', () => {
    const { body } = messageFor('ops', { title: '<!channel> \u001b[31m*x*\nnext', text: '</script>@here', commands: ['holdfast plan prod/x\nrm -rf /'] });
    expect(body).toMatchObject({
      title: '<!channel> *x* next',
      commands: ['holdfast plan prod/x rm -rf /'],
      rendered: {
        chat: '*&lt;!channel&gt; *\u200bx*\u200b next*\n&lt;/script&gt;@\u200bhere\n```\nholdfast plan prod/x rm -rf /\n```',
        html: '<p><b>&lt;!channel&gt; *x* next</b></p><pre>&lt;/script&gt;@here</pre><pre>holdfast plan prod/x rm -rf /</pre>',
      },
    });
  });

  it('has what the target is for, its own members alone and each in bounds', () => {
    const { body } = messageFor('ops', { intent: { purpose: 'shop\nfront', stakeholders: ['team-web'], tier: 'critical', notes: 'x'.repeat(1e6) } });
    expect(body['intent']).toEqual({ purpose: 'shop front', tier: 'critical', stakeholders: ['team-web'] });
    expect(messageFor('ops').body).not.toHaveProperty('intent');
  });

  it('stays small, however much drifted', () => {
    const huge = messageFor('ops', { title: 'x'.repeat(1e6), text: '*'.repeat(1e6), commands: Array.from({ length: 1000 }, () => 'y'.repeat(1e5)) });
    expect(JSON.stringify(huge).length).toBeLessThan(128 * 1024);
  });
});

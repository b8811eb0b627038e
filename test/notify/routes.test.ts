import { describe, expect, it } from 'vitest';
import type { Route } from '../../src/config/config.js';
import { sinksFor } from '../../src/notify/routes.js';
import type { Notice } from '../../src/notify/sink.js';
import { NOTICE, webhook } from './support.js';

const SINKS = ['ops', 'web', 'audit'].map((name) => webhook('http://127.0.0.1:9/', { name }));

describe('sinksFor', () => {
  it.each<{ reason: string; routes: Route[]; notice?: Partial<Notice>; sinks: string[] }>([
    { reason: 'without routes everyone is told', routes: [], sinks: ['ops', 'web', 'audit'] },
    { reason: 'a route without conditions matches everything', routes: [{ match: {}, to: ['audit'] }], sinks: ['audit'] },
    { reason: 'one of several values is enough', routes: [{ match: { environment: ['staging', 'prod'] }, to: ['ops'] }], sinks: ['ops'] },
    { reason: 'every named member must match', routes: [{ match: { environment: ['prod'], owner: ['team-db'] }, to: ['ops'] }], sinks: [] },
    { reason: 'events are told apart', routes: [{ match: { event: ['fixed'] }, to: ['ops'] }, { match: { event: ['approval-needed'] }, to: ['web'] }], sinks: ['web'] },
    { reason: 'risk is told apart', routes: [{ match: { risk: ['high', 'critical'] }, to: ['ops'] }], sinks: ['ops'] },
    { reason: 'a notice without an owner matches no owner', routes: [{ match: { owner: ['team-web'] }, to: ['ops'] }], notice: { owner: undefined as never }, sinks: [] },
    { reason: 'an empty list matches nothing', routes: [{ match: { owner: [] }, to: ['ops'] }], sinks: [] },
    { reason: 'all matching routes count, each sink once, in the order of the configuration', routes: [{ match: {}, to: ['web', 'ops'] }, { match: { environment: ['prod'] }, to: ['ops'] }], sinks: ['ops', 'web'] },
  ])('$sinks: $reason', ({ routes, notice, sinks }) => {
    expect(sinksFor({ ...NOTICE, ...notice }, { sinks: SINKS, routes })).toEqual(sinks);
  });
});

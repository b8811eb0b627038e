import { describe, expect, it } from 'vitest';
import { probe } from '../../src/health/index.js';
import type { Probe } from '../../src/health/probe.js';
import { context, httpCheck, nodeCheck, serve, tcpCheck } from './support.js';

describe('probe', () => {
  it('fills its contract', () => {
    const contract: Probe = probe;
    expect(contract).toBe(probe);
  });

  it('is healthy when every check is, each with its own count', async () => {
    const { url, port } = await serve((_request, response) => response.end());
    const report = await probe([httpCheck(url, { count: 3 }), tcpCheck(port, { count: 2 }), nodeCheck('')], context());
    expect(report.verdict).toBe('healthy');
    expect(report.checks.map(({ type, verdict, successes }) => [type, verdict, successes])).toEqual([['http', 'healthy', 3], ['tcp', 'healthy', 2], ['command', 'healthy', 1]]);
  });

  it('forgives failures within the limit and counts them', async () => {
    let asked = 0;
    const { url } = await serve((_request, response) => { response.writeHead(++asked === 2 ? 500 : 200).end(); });
    const report = await probe([httpCheck(url, { count: 4, failureLimit: 1 })], context());
    expect(report).toMatchObject({ verdict: 'healthy', checks: [{ successes: 3, failures: 1 }] });
  });

  it('stops the others once one is unhealthy, and does not call them healthy', async () => {
    const good = await serve((_request, response) => response.end());
    const bad = await serve((_request, response) => { response.writeHead(500).end(); });
    const report = await probe([httpCheck(good.url, { name: 'good', count: 1_000_000, intervalMs: 60_000 }), httpCheck(bad.url, { name: 'bad' })], context());
    expect(report.verdict).toBe('unhealthy');
    expect(report.checks).toMatchObject([{ name: 'good', verdict: 'inconclusive', message: 'stopped: bad was unhealthy' }, { name: 'bad', verdict: 'unhealthy' }]);
  });

  it('with single takes one measurement of each, without delay, and stops nothing early', async () => {
    const good = await serve((_request, response) => { setTimeout(() => response.end(), 30); });
    const bad = await serve((_request, response) => { response.writeHead(500).end(); });
    const slow = { count: 50, initialDelayMs: 3_600_000, intervalMs: 3_600_000, failureLimit: 9 };
    const report = await probe([httpCheck(good.url, slow), httpCheck(bad.url, slow)], context(), { single: true });
    expect(report.checks).toMatchObject([{ verdict: 'healthy', successes: 1 }, { verdict: 'unhealthy', failures: 1 }]);
  });

  it('has nothing against a target without checks', async () => {
    expect(await probe([], context())).toEqual({ verdict: 'healthy', checks: [] });
  });

  it('beats with every measurement, without a secret', async () => {
    const beats: (string | undefined)[] = [];
    const { url } = await serve((_request, response) => response.end());
    await probe([httpCheck(url, { count: 2 })], context({ heartbeat: (detail) => { beats.push(detail); } }));
    expect(beats).toEqual(['web: success, status 200', 'web: success, status 200']);
  });

  it.each([
    { reason: 'in a pause', timing: { count: 2, intervalMs: 3_600_000 } },
    { reason: 'in the initial delay', timing: { initialDelayMs: 3_600_000 } },
    { reason: 'before it began', timing: {} },
  ])('throws the reason of the signal when it fires $reason', async ({ timing }) => {
    const abort = new AbortController();
    const { url } = await serve((_request, response) => { response.end(); setTimeout(() => { abort.abort(new Error('shutting down')); }, 20); });
    if (!('count' in timing)) abort.abort(new Error('shutting down'));
    await expect(probe([httpCheck(url, timing)], context({ signal: abort.signal }))).rejects.toThrow('shutting down');
  });

  it('throws the reason while an answer is awaited', async () => {
    const abort = new AbortController();
    const { url } = await serve(() => { abort.abort(new Error('cancelled')); });
    await expect(probe([httpCheck(url)], context({ signal: abort.signal }))).rejects.toThrow('cancelled');
  });
});

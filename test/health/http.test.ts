import { describe, expect, it } from 'vitest';
import type { HttpCheck, MeasurementResult } from '../../src/domain/health.js';
import { measureHttp } from '../../src/health/http.js';
import { probe } from '../../src/health/index.js';
import { closedPort, context, httpCheck, serve } from './support.js';

const CANARY = 'canary-3f1c9a';

describe('measureHttp', () => {
  const answers: { reason: string; status: number; body?: string; expect: HttpCheck['expect']; result: MeasurementResult; message: string }[] = [
    { reason: 'the status is expected', status: 200, expect: { status: [200] }, result: 'success', message: 'status 200' },
    { reason: 'one of several statuses is expected', status: 204, expect: { status: [200, 204] }, result: 'success', message: 'status 204' },
    { reason: 'the status is another', status: 503, expect: { status: [200, 204] }, result: 'failure', message: 'status 503, expected 200 or 204' },
    { reason: 'the pattern is in the body', status: 200, body: '{"state":"ready"}', expect: { status: [200], body: '"state":\\s*"ready"' }, result: 'success', message: 'status 200' },
    { reason: 'the pattern is not in the body', status: 200, body: CANARY, expect: { status: [200], body: 'ready' }, result: 'failure', message: 'the body does not match the expected pattern' },
    { reason: 'a pattern that backtracks elsewhere is bounded here', status: 200, body: `${'a'.repeat(50_000)}!`, expect: { status: [200], body: '^(a+)+$' }, result: 'failure', message: 'the body does not match the expected pattern' },
    { reason: 'a pattern that cannot be read is no verdict on the service', status: 200, expect: { status: [200], body: '(' }, result: 'error', message: 'the measurement could not be taken' },
  ];
  it.each(answers)('$result when $reason', async ({ status, body, expect: expected, result, message }) => {
    const { url } = await serve((_request, response) => { response.writeHead(status).end(body); });
    expect(await measureHttp(httpCheck(url, { expect: expected }), context())).toMatchObject({ result, message, at: '2026-11-02T10:00:00.000Z' });
  });

  it.each([
    { header: '120', afterMs: 120_000 },
    { header: 'Mon, 02 Nov 2026 10:00:30 GMT', afterMs: 30_000 },
    { header: undefined, afterMs: 30_000 },
  ])('429 is no verdict on the service: it is asked again after $afterMs ms (Retry-After: $header)', async ({ header, afterMs }) => {
    let asked = 0;
    const { url } = await serve((_request, response) => { asked += 1; response.writeHead(429, header === undefined ? {} : { 'retry-after': header }).end(); });
    const report = await probe([httpCheck(url, { count: 5, consecutiveErrorLimit: 4 })], context());
    expect(report).toMatchObject({ verdict: 'error', checks: [{ retryAfterMs: afterMs, message: `throttled: status 429, asked again after ${String(afterMs / 1000)} s` }] });
    expect(asked).toBe(1);
    expect(await measureHttp(httpCheck(url, { expect: { status: [429] } }), context())).toMatchObject({ result: 'success' });
  });

  it('fails when the answer takes longer than maxLatency', async () => {
    const { url } = await serve((_request, response) => { setTimeout(() => response.end(), 50); });
    const measurement = await measureHttp(httpCheck(url, { expect: { status: [200], maxLatencyMs: 1 } }), context());
    expect(measurement.result).toBe('failure');
    expect(measurement.message).toMatch(/^took \d+ ms, expected at most 1 ms$/);
  });

  it('follows no redirect: it is an answer like any other', async () => {
    const asked: (string | undefined)[] = [];
    const { url } = await serve((request, response) => {
      asked.push(request.url);
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    expect(await measureHttp(httpCheck(url), context())).toMatchObject({ result: 'failure', message: 'status 302, expected 200' });
    expect(asked).toEqual(['/healthz']);
  });

  it('reads no more than 64 KiB of a body without end', async () => {
    const { url } = await serve((_request, response) => {
      const chunk = Buffer.alloc(16 * 1024, 'x');
      const more = (): void => { while (!response.destroyed && response.write(chunk)); };
      response.on('drain', more);
      more();
    });
    expect(await measureHttp(httpCheck(url, { expect: { status: [200], body: 'y' } }), context())).toMatchObject({ result: 'failure' });
  });

  it('fails when nobody listens', async () => {
    const port = await closedPort();
    expect(await measureHttp(httpCheck(`http://127.0.0.1:${String(port)}/`), context())).toMatchObject({ result: 'failure', message: 'connection refused' });
  });

  it('fails when the answer does not come in time', async () => {
    const { url } = await serve(() => undefined);
    expect(await measureHttp(httpCheck(url, { timeoutMs: 30 }), context())).toMatchObject({ result: 'failure', message: 'no answer within 30 ms' });
  });

  it('fails when the body stops half-way', async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => { response.destroy(); });
    });
    expect(await measureHttp(httpCheck(url, { expect: { status: [200], body: 'half' } }), context())).toMatchObject({ result: 'failure' });
  });

  it.each([
    { url: 'http://169.254.169.254/latest/meta-data/', message: '169.254.169.254 is refused: 169.254.169.254 is a link-local address' },
    { url: 'http://0xa9fea9fe/', message: '169.254.169.254 is refused: 169.254.169.254 is a link-local address' },
    { url: 'http://[::ffff:169.254.169.254]/', message: '[::ffff:a9fe:a9fe] is refused: ::ffff:a9fe:a9fe is a link-local address' },
    { url: 'http://100.100.100.200/', message: '100.100.100.200 is refused: 100.100.100.200 is a metadata address' },
    { url: 'file:///etc/passwd', message: 'only http and https addresses are allowed' },
    { url: 'not an address', message: 'the address or a header is not valid' },
  ])('errs without a connection for $url', async ({ url, message }) => {
    expect(await measureHttp(httpCheck(url), context())).toMatchObject({ result: 'error', message });
  });

  it('sends resolved secrets in headers and shows them nowhere, whatever the answer says', async () => {
    const seen: (string | undefined)[] = [];
    const { url } = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(500, `no ${CANARY}`, { 'x-echo': CANARY }).end(CANARY);
    });
    const check = httpCheck(url, { headers: { authorization: 'Bearer ${env:TOKEN}' }, expect: { status: [200], body: 'ok' } });
    const measurement = await measureHttp(check, context({ resolveSecret: () => Promise.resolve(CANARY) }));
    expect(seen).toEqual([`Bearer ${CANARY}`]);
    expect(measurement.result).toBe('failure');
    expect(JSON.stringify(measurement)).not.toContain(CANARY);
  });

  it.each([
    { reason: 'a secret that no header can carry', resolveSecret: () => Promise.resolve(`${CANARY}\r\nx-injected: 1`) },
    { reason: 'a secret that cannot be resolved', resolveSecret: () => Promise.reject(new Error(`cannot read ${CANARY}`)) },
  ])('errs without showing $reason', async ({ resolveSecret }) => {
    const { url } = await serve((_request, response) => response.end());
    const measurement = await measureHttp(httpCheck(url, { headers: { authorization: '${file:token}' } }), context({ resolveSecret }));
    expect(measurement.result).toBe('error');
    expect(JSON.stringify(measurement)).not.toContain(CANARY);
  });
});

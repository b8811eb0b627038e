import type { RE2JS } from 're2js';
import type { HttpCheck, Measurement } from '../domain/health.js';
import { exchange, type Exchange } from '../system/http-exchange.js';
import { retryAfter } from '../system/retry-after.js';
import { measurementOf, type Found } from './measurement.js';
import type { ProbeContext } from './probe.js';
import { resolveReferences } from './references.js';

/** How much of a body a pattern is looked for in. */
const BODY_BYTES = 64 * 1024;
const TOO_MANY = 429;
/** How long who is asked too often is left alone where it names no time. */
const UNASKED_MS = 30_000;

/**
 * Asks once. Redirects are answers like any other. The latency runs from the request until the
 * status has come, or with `expect.body` until the body has. The body is never shown.
 */
export async function measureHttp(check: HttpCheck, ctx: ProbeContext): Promise<Measurement> {
  return measurementOf(ctx, async () => {
    const { values: headers } = await resolveReferences(check.headers, ctx.resolveSecret);
    const pattern = check.expect.body === undefined ? undefined : await compile(check.expect.body);
    const start = performance.now();
    const answer = await exchange({
      url: check.url,
      method: check.method,
      headers,
      timeoutMs: check.timeoutMs,
      maxBytes: pattern === undefined ? 0 : BODY_BYTES,
      allowPrivate: check.allowPrivate,
      signal: ctx.signal,
    });
    return judge(check, answer, { latencyMs: Math.round(performance.now() - start), now: ctx.now(), ...(pattern === undefined ? {} : { pattern }) });
  });
}

/** Loading has checked it; what cannot be read all the same is no verdict on the service. */
async function compile(pattern: string): Promise<RE2JS> {
  const { compileBodyPattern } = await import('../system/pattern.js');
  const compiled = compileBodyPattern(pattern);
  if ('message' in compiled) throw new TypeError(compiled.message);
  return compiled;
}

function judge(check: HttpCheck, answer: Exchange, found: { readonly latencyMs: number; readonly now: Date; readonly pattern?: RE2JS }): Found {
  if (!answer.answered) return { result: answer.problem === 'silent' ? 'failure' : 'error', message: answer.message };
  const { status, maxLatencyMs } = check.expect;
  if (answer.status === TOO_MANY && !status.includes(TOO_MANY)) {
    const retryAfterMs = retryAfter(answer.headers['retry-after'], found.now) ?? UNASKED_MS;
    return { result: 'error', message: `throttled: status ${String(TOO_MANY)}, asked again after ${String(Math.ceil(retryAfterMs / 1000))} s`, retryAfterMs };
  }
  if (!status.includes(answer.status)) return failure(`status ${String(answer.status)}, expected ${status.join(' or ')}`);
  if (maxLatencyMs !== undefined && found.latencyMs > maxLatencyMs) {
    return failure(`took ${String(found.latencyMs)} ms, expected at most ${String(maxLatencyMs)} ms`);
  }
  if (found.pattern?.matcher(answer.body).find() === false) return failure('the body does not match the expected pattern');
  return { result: 'success', message: `status ${String(answer.status)}` };
}

function failure(message: string): Found {
  return { result: 'failure', message };
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { CheckReport, HealthCheck, HealthReport, Measurement } from '../domain/health.js';
import { combine, judgeCheck, reportCheck } from '../domain/health-verdict.js';
import { measureCommand } from './command.js';
import { measureHttp } from './http.js';
import type { ProbeContext, ProbeOptions } from './probe.js';
import { measureTcp } from './tcp.js';

/** How often a long wait says that it is alive. */
const PULSE_MS = 5000;

/** One measurement decides, whatever the limits of a series would forgive. */
const ONCE = { count: 1, initialDelayMs: 0, failureLimit: 0, inconclusiveLimit: 0, consecutiveErrorLimit: 0 } as const;

/**
 * Runs every check side by side until each has its verdict. The first that is not healthy decides:
 * the others stop, and are `inconclusive` where they had none. With `single` nothing stops early.
 * Throws the reason of `ctx.signal` when that fires, and nothing else.
 */
export async function probe(checks: readonly HealthCheck[], ctx: ProbeContext, options: ProbeOptions = {}): Promise<HealthReport> {
  const decided = new AbortController();
  const pulse = setInterval(() => { ctx.heartbeat(); }, PULSE_MS);
  const bound: ProbeContext = { ...ctx, signal: AbortSignal.any([ctx.signal, decided.signal]) };
  try {
    const reports = checks.map(async (check) => {
      const report = await runCheck(options.single === true ? { ...check, ...ONCE } : check, bound);
      if (options.single !== true && report.verdict !== 'healthy') decided.abort(`stopped: ${report.name} was ${report.verdict}`);
      return report;
    });
    const report = combine(await Promise.all(reports));
    ctx.signal.throwIfAborted();
    return report;
  } finally {
    clearInterval(pulse);
  }
}

async function runCheck(check: HealthCheck, ctx: ProbeContext): Promise<CheckReport> {
  const measurements: Measurement[] = [];
  let pauseMs = check.initialDelayMs;
  while (judgeCheck(check, measurements).verdict === undefined) {
    await pause(pauseMs, ctx.signal);
    const measurement = await measure(check, ctx);
    // A measurement that was cut off says nothing about the service.
    if (ctx.signal.aborted) return reportCheck(check, measurements, stopReason(ctx.signal));
    measurements.push(measurement);
    ctx.heartbeat(`${check.name}: ${measurement.result}, ${measurement.message}`);
    const { retryAfterMs, message } = measurement;
    if (retryAfterMs !== undefined) return { ...reportCheck(check, measurements), verdict: 'error', message, retryAfterMs };
    pauseMs = check.intervalMs;
  }
  return reportCheck(check, measurements);
}

function measure(check: HealthCheck, ctx: ProbeContext): Promise<Measurement> {
  switch (check.type) {
    case 'http':
      return measureHttp(check, ctx);
    case 'tcp':
      return measureTcp(check, ctx);
    case 'command':
      return measureCommand(check, ctx);
    default:
      return unreachable(check);
  }
}

/** Returns at once when the signal fires: whoever waits looks at the signal itself. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal }).catch(() => undefined);
}

function stopReason(signal: AbortSignal): string {
  return typeof signal.reason === 'string' ? signal.reason : 'stopped';
}

function unreachable(check: never): never {
  throw new TypeError(`no such health check: ${String(check)}`);
}

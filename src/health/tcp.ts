import { connect } from 'node:net';
import type { Measurement, TcpCheck } from '../domain/health.js';
import { isHoldfastError } from '../domain/errors.js';
import { checkLiteral, guardedLookup } from '../system/guarded-lookup.js';
import { connectionProblem } from '../system/http-exchange.js';
import { measurementOf, type Found } from './measurement.js';
import type { ProbeContext } from './probe.js';

/** Connects once and hangs up. A connection that is taken is success; nothing is sent or read. */
export async function measureTcp(check: TcpCheck, ctx: ProbeContext): Promise<Measurement> {
  return measurementOf(ctx, async () => {
    checkLiteral(check.host, check.allowPrivate);
    return tryConnect(check, ctx.signal);
  });
}

function tryConnect(check: TcpCheck, stopped: AbortSignal): Promise<Found> {
  const timeout = AbortSignal.timeout(check.timeoutMs);
  return new Promise((resolve) => {
    const socket = connect({
      host: check.host.replace(/^\[(.*)\]$/, '$1'),
      port: check.port,
      lookup: guardedLookup(check.allowPrivate),
      signal: AbortSignal.any([stopped, timeout]),
    });
    socket.on('connect', () => {
      resolve({ result: 'success', message: `port ${String(check.port)} is open` });
      socket.destroy();
    });
    socket.on('error', (error) => {
      resolve(timeout.aborted ? { result: 'failure', message: `no connection within ${String(check.timeoutMs)} ms` } : found(error));
    });
  });
}

function found(error: Error): Found {
  if (isHoldfastError(error)) return { result: 'error', message: error.message };
  const { problem, message } = connectionProblem(error);
  return { result: problem === 'silent' ? 'failure' : 'error', message };
}

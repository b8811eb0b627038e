import type { Measurement } from '../domain/health.js';
import { isHoldfastError } from '../domain/errors.js';
import type { ProbeContext } from './probe.js';

export type Found = Pick<Measurement, 'result' | 'message' | 'retryAfterMs'>;

/** Times one look and makes a measurement of it. What it throws is a result of `error`, told without quoting anything. */
export async function measurementOf(ctx: ProbeContext, look: () => Promise<Found>): Promise<Measurement> {
  const at = ctx.now().toISOString();
  const start = performance.now();
  const found = await look().catch(asError);
  return { ...found, at, latencyMs: Math.round(performance.now() - start) };
}

function asError(error: unknown): Found {
  return { result: 'error', message: isHoldfastError(error) ? error.message : 'the measurement could not be taken' };
}

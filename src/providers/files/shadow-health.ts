import { z } from 'zod';
import type { HealthCheck, HealthTiming } from '../../domain/health.js';
import { duration, milliseconds } from './duration.js';

const nought = z.string().regex(/^0(?:ms|s|m|h|d)?$/);
const limit = z.int().min(0).max(10_000);

const timing = {
  name: z.string().min(1).optional(),
  interval: duration.default('2s'),
  count: z.int().min(1).max(10_000).default(3),
  initialDelay: z.union([duration, nought]).default('0s'),
  timeout: duration.default('5s'),
  failureLimit: limit.default(0),
  inconclusiveLimit: limit.default(0),
  consecutiveErrorLimit: limit.default(4),
};

const http = z.strictObject({
  type: z.literal('http'),
  ...timing,
  url: z.string().min(1),
  method: z.enum(['GET', 'HEAD', 'POST']).default('GET'),
  headers: z.record(z.string(), z.string()).default({}),
  expect: z.strictObject({
    status: z.union([z.int(), z.array(z.int()).min(1)]).default(200),
    maxLatency: duration.optional(),
    body: z.string().optional(),
  }).default({ status: 200 }),
  allowPrivate: z.boolean().default(false),
});

const tcp = z.strictObject({
  type: z.literal('tcp'),
  ...timing,
  host: z.string().min(1).default('127.0.0.1'),
  port: z.union([z.int().min(1).max(65_535), z.string().min(1)]).default('{port}'),
  allowPrivate: z.boolean().default(false),
});

const commandCheck = z.strictObject({
  type: z.literal('command'),
  ...timing,
  command: z.array(z.string().min(1)).min(1),
  env: z.record(z.string(), z.string()).default({}),
  cwd: z.string().optional(),
  inconclusiveExit: z.int().min(1).max(255).optional(),
});

/** A health check of the shadow, in the words of a target's own. */
export const shadowHealth = z.discriminatedUnion('type', [http, tcp, commandCheck]);

export type ShadowHealth = z.output<typeof shadowHealth>;

/** The check, ready to probe: `fill` puts `{port}` and `{release}` in. */
export function healthCheckOf(check: ShadowHealth, fill: (text: string) => string, cwd: string | undefined): HealthCheck {
  const base = { name: check.name ?? `shadow ${check.type}`, ...timingOf(check) };
  switch (check.type) {
    case 'http': {
      const { status, maxLatency, body } = check.expect;
      return {
        type: 'http', ...base, url: fill(check.url), method: check.method, allowPrivate: check.allowPrivate,
        headers: Object.fromEntries(Object.entries(check.headers).map(([name, value]) => [name, fill(value)])),
        expect: {
          status: typeof status === 'number' ? [status] : status,
          ...(maxLatency === undefined ? {} : { maxLatencyMs: milliseconds(maxLatency) }),
          ...(body === undefined ? {} : { body }),
        },
      };
    }
    case 'tcp':
      return { type: 'tcp', ...base, host: fill(check.host), port: Number(fill(String(check.port))), allowPrivate: check.allowPrivate };
    case 'command': {
      const folder = check.cwd === undefined ? cwd : fill(check.cwd);
      return {
        type: 'command', ...base, command: check.command.map(fill),
        env: Object.fromEntries(Object.entries(check.env).map(([name, value]) => [name, fill(value)])),
        ...(folder === undefined ? {} : { cwd: folder }),
        ...(check.inconclusiveExit === undefined ? {} : { inconclusiveExit: check.inconclusiveExit }),
      };
    }
  }
}

function timingOf(check: ShadowHealth): HealthTiming {
  return {
    intervalMs: milliseconds(check.interval),
    count: check.count,
    initialDelayMs: milliseconds(check.initialDelay),
    timeoutMs: milliseconds(check.timeout),
    failureLimit: check.failureLimit,
    inconclusiveLimit: check.inconclusiveLimit,
    consecutiveErrorLimit: check.consecutiveErrorLimit,
  };
}

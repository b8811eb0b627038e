import { z } from 'zod';
import { environmentRemediationSchema } from './schema-remediation.js';
import { cronSchema, durationOrZeroSchema, durationSchema, jsonSchema, lineSchema, nameSchema, said, timezoneSchema } from './values.js';

const countSchema = z.int().min(1).max(1_000);

export const scheduleSchema = z.union(
  [
    cronSchema,
    z.strictObject({
      cron: z.union([cronSchema, z.array(cronSchema).min(1).max(20)], { error: said('expected a cron expression or a list of them', 'write ["*/15 * * * *"]') }),
      jitter: durationOrZeroSchema.prefault('0s'),
    }),
  ],
  { error: said('expected a cron expression or { cron, jitter }', 'write "*/15 * * * *"') },
);

const voterSchema = z.strictObject({ group: z.string().min(1), count: countSchema.default(1) });

const ruleSchema = z
  .strictObject({
    /** An expression of the policy language; absent means always. */
    when: z.string().min(1).max(1_000).optional(),
    any: z.array(voterSchema).min(1).max(20).optional(),
    all: z.array(voterSchema).min(1).max(20).optional(),
    /** With `all`: `false` lets one person stand for several of its groups. */
    distinct: z.boolean().optional(),
  })
  .refine((rule) => (rule.any === undefined) !== (rule.all === undefined), {
    error: said('a rule has either `any` or `all`', 'write any: [{ group: NAME, count: 1 }]'),
  })
  .refine((rule) => rule.distinct === undefined || rule.all !== undefined, { path: ['distinct'], error: said('`distinct` goes with `all`', 'remove it: of `any`, one quorum is enough') });

const stepSchema = z.strictObject({ after: durationSchema, to: z.string().min(1) });

/** A glass that stays broken is no emergency. */
const LONGEST_GLASS_MS = 24 * 3_600_000;

const breakGlassSchema = z.strictObject({
  group: z.string().min(1),
  /** How soon after it the repair must start. */
  expires: durationSchema.prefault('30m').refine((ms) => ms <= LONGEST_GLASS_MS, { error: said('is longer than a day', 'one word alone is for an emergency: write 30m') }),
  /** With trust `namespace`, where nobody can prove who they are, only when this says so. */
  unverified: z.boolean().default(false),
});

const approvalsSchema = z.strictObject({
  trust: z.enum(['namespace', 'signed']).default('namespace'),
  rules: z.array(ruleSchema).max(50).optional(),
  expires: durationSchema.prefault('4h'),
  remind: z.array(durationSchema).max(20).default([]),
  escalate: z.union([stepSchema.transform((step) => [step]), z.array(stepSchema).min(1).max(10)], { error: said('expected { after, to } or a list of them', 'write { after: 2h, to: leads }') }).optional(),
  breakGlass: breakGlassSchema.optional(),
  onExpiry: z.enum(['hold', 'leave']).default('hold'),
  settled: durationSchema.prefault('7d'),
});

const WINDOW_ACTIONS = ['stage', 'finalize'] as const;

const windowSchema = z.strictObject({
  kind: z.enum(['allow', 'deny']),
  start: cronSchema,
  duration: durationSchema,
  timezone: timezoneSchema.optional(),
  actions: z.array(z.enum(WINDOW_ACTIONS)).min(1).default(['finalize']),
  overrun: z.boolean().default(false),
});

const limitsSchema = z.strictObject({
  concurrent: countSchema.default(2),
  reads: countSchema.default(8),
  resources: z.strictObject({ max: z.int().min(1), percent: z.int().min(1).max(100) }).optional(),
  failures: z.strictObject({ max: countSchema, within: durationSchema }).optional(),
  flapping: z.strictObject({ repairs: z.int().min(2).max(1_000), within: durationSchema }).optional(),
  budget: z.strictObject({ max: countSchema, within: durationSchema }).optional(),
});

/** Values only: a variable never holds another variable, nor a reference to a secret. */
export const varsSchema = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]{0,62}$/, { error: said('this is not a name for a variable', 'use letters, digits, _ and -') }),
  z
    .union([z.string(), z.number(), z.boolean()], { error: said('a variable is a string, a number or true/false', 'write the structure where it is used') })
    .refine((value) => typeof value !== 'string' || !value.includes('${'), {
      error: said('a variable may not hold ${…}', 'variables are not expanded again; write the value itself, and a secret where it is used'),
    }),
);

export const environmentSchema = z.strictObject({
  owner: lineSchema.optional(),
  /** Whether people depend on it; absent: its name tells. */
  production: z.boolean().optional(),
  timezone: timezoneSchema.default('UTC'),
  schedule: scheduleSchema.optional(),
  remediation: environmentRemediationSchema.prefault('ask'),
  firstSeen: z.enum(['ask', 'repair']).default('ask'),
  settle: durationOrZeroSchema.prefault('0s'),
  blindAfter: durationSchema.prefault('45m'),
  pool: nameSchema.optional(),
  acceptFromResources: z.boolean().default(false),
  vars: varsSchema.default({}),
  /** Of each engine, in its own words. */
  credentials: z.record(z.string(), jsonSchema).optional(),
  approvals: approvalsSchema.prefault({}),
  windows: z.array(windowSchema).max(100).default([]),
  limits: limitsSchema.prefault({}),
});

export type EnvironmentInput = z.output<typeof environmentSchema>;

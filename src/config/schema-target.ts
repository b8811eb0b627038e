import { z } from 'zod';
import { inUtc } from '../domain/instant.js';
import { isJsonObject } from '../domain/json.js';
import { slipIn } from './exceptions.js';
import { scheduleSchema } from './schema-environment.js';
import { targetRemediationSchema } from './schema-remediation.js';
import {
  commandSchema, durationOrZeroSchema, durationSchema, globSchema, jsonSchema, lineSchema, nameSchema, bodyPatternSchema, referenceSchema,
  referringTextSchema, said, textualSchema, urlSchema,
} from './values.js';

const limitSchema = z.int().min(0).max(10_000).default(0);

const timing = {
  name: nameSchema.optional(),
  interval: durationSchema.prefault('2s'),
  count: z.int().min(1).max(10_000).default(3),
  initialDelay: durationOrZeroSchema.prefault('0s'),
  timeout: durationSchema.prefault('5s'),
  failureLimit: limitSchema,
  inconclusiveLimit: limitSchema,
  consecutiveErrorLimit: z.int().min(0).max(10_000).default(4),
};

const statusSchema = z.int().min(100).max(599);

export const healthSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('http'),
    url: urlSchema(['http:', 'https:']),
    method: z.enum(['GET', 'HEAD', 'POST']).default('GET'),
    headers: z.record(z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/), referringTextSchema.regex(/^[^\r\n]*$/)).default({}),
    expect: z
      .strictObject({
        status: z.union([statusSchema, z.array(statusSchema).min(1).max(50)], { error: said('expected an HTTP status or a list of them', 'write 200 or [200, 204]') }).default(200),
        maxLatency: durationSchema.optional(),
        body: bodyPatternSchema.optional(),
      })
      .prefault({}),
    allowPrivate: z.boolean().default(false),
    ...timing,
  }),
  z.strictObject({
    type: z.literal('tcp'),
    host: z.string().min(1).max(255).regex(/^[A-Za-z0-9._:[\]-]+$/, { error: said('expected a host name or address', 'write db.internal or 127.0.0.1; the port has a key of its own') }),
    port: z.int().min(1).max(65_535),
    allowPrivate: z.boolean().default(false),
    ...timing,
  }),
  z.strictObject({
    type: z.literal('command'),
    command: commandSchema,
    env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), referringTextSchema).default({}),
    cwd: z.string().min(1).optional(),
    inconclusiveExit: z.int().min(1).max(255).optional(),
    ...timing,
  }),
]);

export type HealthInput = z.output<typeof healthSchema>;

const GIT_URL_REMEDY = 'write https://host/repository.git, ssh://git@host/repository.git, git@host:repository.git or file:///folder';

const gitUrlSchema = z.string().max(2_000).superRefine((text, ctx) => {
  const add = (fact: string, remedy: string) => ctx.addIssue({ code: 'custom', params: { secret: true }, message: said(fact, remedy) });
  if (/^[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:[^\s/-][^\s]*$/.test(text) && !text.includes('::')) return;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['https:', 'ssh:', 'file:'].includes(url.protocol) || /[\s\\]/.test(text) || /^-/.test(url.hostname)) {
    return add('expected the address of a Git repository', GIT_URL_REMEDY);
  }
  if (url.password !== '' || (url.protocol === 'https:' && url.username !== '')) {
    add('an address may not hold a user or password', 'take them out and set auth: { token: "${env:NAME}" }');
  }
});

const refSchema = z
  .string()
  .max(200)
  .refine((ref) => /^[A-Za-z0-9_][\w./@+-]*$/.test(ref) && !/\.\.|@\{|\/\/|\.lock(?:\/|$)|[./]$/.test(ref), {
    error: said('expected a branch, a tag or a commit', 'write a name such as main or v1.2.0'),
  });

const inRepositorySchema = z.string().max(1_000).refine((path) => !path.startsWith('/') && !path.includes('\\') && !path.split('/').includes('..'), {
  error: said('expected a path inside the repository', 'write it relative to the top of the repository, without ..'),
});

const authSchema = z.union(
  [z.strictObject({ sshKey: referenceSchema }), z.strictObject({ token: referenceSchema, username: z.string().min(1).max(200).optional() })],
  { error: said('expected { sshKey } or { token }', 'write { sshKey: "${file:keys/deploy}" }') },
);

const sourceSchema = z
  .strictObject({
    path: z.string().max(4_000).optional(),
    git: gitUrlSchema.optional(),
    ref: refSchema.optional(),
    auth: authSchema.optional(),
  })
  .superRefine((source, ctx) => {
    if (source.git === undefined && source.path === undefined) {
      ctx.addIssue({ code: 'custom', message: said('has neither `path` nor `git`', 'write { path: ./desired } or { git: ADDRESS, ref: main }') });
    }
    if (source.git === undefined && (source.ref !== undefined || source.auth !== undefined)) {
      ctx.addIssue({ code: 'custom', message: said('`ref` and `auth` belong to a Git source', 'add git: ADDRESS, or leave them out') });
    }
    const wrongAuth = source.git !== undefined && source.auth !== undefined && ('token' in source.auth) !== source.git.startsWith('https:');
    if (wrongAuth) ctx.addIssue({ code: 'custom', path: ['auth'], message: said('does not suit the address', 'use { token } with https:// and { sshKey } with ssh://') });
    if (source.git === undefined || source.path === undefined) return;
    const inside = inRepositorySchema.safeParse(source.path);
    if (!inside.success) ctx.addIssue({ code: 'custom', path: ['path'], message: inside.error.issues[0]?.message ?? '' });
  });

const NO_DATE = said('expected a date', 'write 2031-12-31 or 2031-12-31T18:00:00Z');

export const dateSchema = z.string({ error: NO_DATE }).superRefine((text, ctx) => {
  const shape = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2}))?$/;
  if (!shape.test(text) || inUtc(text.includes('T') ? text : `${text}T00:00:00Z`) === undefined) ctx.addIssue({ code: 'custom', message: NO_DATE });
});

const ignoreSchema = z.strictObject({
  resource: globSchema,
  path: globSchema.optional(),
  reason: lineSchema,
  until: dateSchema.optional(),
});

const acceptSchema = z.strictObject({
  resource: globSchema,
  path: globSchema.optional(),
  until: dateSchema,
  reason: lineSchema,
  by: lineSchema,
  ticket: lineSchema.optional(),
});

const PEOPLE_REMEDY = 'write ["team-checkout", "finance@example.com"]';

const intentSchema = z
  .looseObject({
    purpose: lineSchema.optional(),
    stakeholders: z.union([lineSchema.transform((one) => [one]), z.array(lineSchema).max(50)], { error: said('expected a list of who is concerned', PEOPLE_REMEDY) }).optional(),
    tier: lineSchema.optional(),
    horizon: lineSchema.optional(),
    runbook: lineSchema.optional(),
  })
  .superRefine((intent, ctx) => {
    if (!isJsonObject(intent)) ctx.addIssue({ code: 'custom', message: said('expected keys with values', 'write { purpose: …, tier: critical }') });
    const slip = slipIn(intent);
    if (slip !== undefined) ctx.addIssue({ code: 'custom', path: [slip.key], message: said(`looks like a slip for ${slip.meant}`, `write ${slip.meant}, or give a key of your own another name`) });
  });

/** What defaults, targets and overrides may all set; `spec` belongs to the provider. */
export const targetFields = {
  owner: lineSchema.optional(),
  intent: intentSchema.optional(),
  source: sourceSchema,
  spec: jsonSchema.optional(),
  expect: z.record(z.string().min(1).max(100), textualSchema).default({}),
  health: z.array(healthSchema).max(50).default([]),
  ignore: z.array(ignoreSchema).max(500).default([]),
  accept: z.array(acceptSchema).max(500).default([]),
  remediation: targetRemediationSchema.optional(),
  pool: nameSchema.optional(),
  soak: durationOrZeroSchema.prefault('10m'),
  settle: durationOrZeroSchema.optional(),
  blindAfter: durationSchema.optional(),
  observeTimeout: durationSchema.prefault('1m'),
  schedule: scheduleSchema.optional(),
  after: z.array(nameSchema).max(100).default([]),
};

/** One target with everything merged and substituted. */
export const targetSchema = z.strictObject(targetFields);
export type TargetInput = z.output<typeof targetSchema>;

const eachSchema = z.strictObject({
  folders: z.string().min(1).max(500),
  name: z.string().min(1).max(500),
});

type Shape = Readonly<Record<string, z.ZodType>>;

/** The same fields, all optional and without defaults: what may be inherited or overridden. */
export function partialOf(fields: Shape): Record<string, z.ZodType> {
  return Object.fromEntries(Object.entries(fields).map(([key, schema]) => [key, withoutDefault(schema).optional()]));
}

function withoutDefault(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional ? withoutDefault(schema.unwrap() as z.ZodType) : schema;
}

/** What only the declaration of a target has. `fields` are the inheritable ones. */
export function declarationOf(fields: Shape) {
  return {
    environments: z.array(nameSchema, { error: said('expected the environments this target is in', 'write environments: [dev, prod]') }).min(1, { error: said('no environment is named', 'write environments: [dev, prod]') }),
    provider: z.string({ error: said('expected the name of a provider', 'write provider: files') }),
    each: eachSchema.optional(),
    ...fields,
    overrides: z.record(nameSchema, z.strictObject(partialOf(fields))).optional(),
  };
}

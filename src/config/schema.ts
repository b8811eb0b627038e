import { z } from 'zod';
import type { Json } from '../domain/json.js';
import type { Provider } from '../providers/provider.js';
import { environmentSchema } from './schema-environment.js';
import { principalKeySchema } from './schema-key.js';
import { notificationsSchema } from './schema-notifications.js';
import { declarationOf, partialOf, targetFields } from './schema-target.js';
import { durationSchema, hiddenReferenceSchema, nameSchema, referenceSchema, said } from './values.js';

const globsOf = (example: string) => z.array(z.string().min(1).max(1_000), { error: said('expected a list of paths', `write ["${example}"]`) }).max(200);

export const principalSchema = z.strictObject({
  oidc: z.string().min(1).max(320).optional(),
  keys: z.array(principalKeySchema).max(20).optional(),
  /** Other names of the same person, so that nobody approves what they caused under another. */
  aliases: z.array(z.string().min(1).max(320)).max(20).optional(),
});

export const groupSchema = z
  .array(z.string().min(1).max(320), { error: said('expected a list of principals', 'write [alice, "oidc:group/sre"]') })
  .min(1, { error: said('the group is empty', 'name a principal, or "oidc:group/NAME"') });

const KEY_ID_REMEDY = 'use letters, digits, dots and hyphens, such as "2026-11"';

const pathSchema = z.string().min(1).max(4_000);

const connectionsSchema = z.number().int().min(2).max(100);

export const ledgerSchema = z
  .strictObject({ sqlite: pathSchema.optional(), postgres: referenceSchema.optional(), signingKey: referenceSchema.optional(), connections: connectionsSchema.optional() })
  .superRefine((input, ctx) => {
    one(ctx, input, ['sqlite', 'postgres'], 'write { sqlite: .holdfast/ledger.db } or { postgres: "${env:LEDGER_URL}" }');
    only(ctx, input, 'postgres', ['signingKey', 'connections']);
  });

const artifactKeysSchema = z
  .array(hiddenReferenceSchema, { error: said('expected a list of references to keys', 'write ["${file:keys/NAME.key}"]; the first encrypts, all decrypt') })
  .min(1, { error: said('the list of keys is empty', 'name a key: ["${file:keys/NAME.key}"], made with openssl rand -base64 32') })
  .max(20, { error: said('more than 20 keys', 'drop those that nothing is encrypted with any more') });

export const artifactsSchema = z
  .strictObject({ folder: pathSchema.optional(), postgres: referenceSchema.optional(), keys: z.record(nameSchema, artifactKeysSchema).optional() })
  .superRefine((input, ctx) => {
    one(ctx, input, ['folder', 'postgres'], 'write { folder: .holdfast/artifacts } or { postgres: "${env:ARTIFACTS_URL}", keys: … }');
    only(ctx, input, 'postgres', ['keys']);
  });

/** Of these keys, exactly one. */
function one(ctx: z.RefinementCtx, input: object, keys: readonly string[], remedy: string): void {
  const given = keys.filter((key) => key in input);
  if (given.length === 0) ctx.addIssue({ code: 'custom', message: said(`expected ${keys.join(' or ')}`, remedy) });
  if (given.length > 1) ctx.addIssue({ code: 'custom', path: [given[1] ?? ''], message: said(`${given.join(' and ')} exclude each other`, 'keep one of them') });
}

/** These keys belong to another one. */
function only(ctx: z.RefinementCtx, input: object, owner: string, keys: readonly string[]): void {
  if (owner in input) return;
  for (const key of keys.filter((each) => each in input)) ctx.addIssue({ code: 'custom', path: [key], message: said(`goes with ${owner} only`, 'remove it: the embedded store makes its keys itself') });
}

const keyIdSchema = z.string({ error: said('expected the name of a key', KEY_ID_REMEDY) }).regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, { error: said('this is not a name for a key', KEY_ID_REMEDY) });

const payloadKeysSchema = z
  .array(z.strictObject({ id: keyIdSchema, key: hiddenReferenceSchema }), { error: said('expected a list of keys', 'write [{ id: "2026-11", key: "${file:keys/payload-2026-11}" }]') })
  .min(1, { error: said('the list of keys is empty', 'name a key, or leave encryption out') })
  .max(20, { error: said('more than 20 keys', 'drop those that nothing is encrypted with any more') })
  .superRefine((keys, ctx) => {
    for (const [index, { id }] of keys.entries()) {
      if (keys.findIndex((each) => each.id === id) < index) ctx.addIssue({ code: 'custom', path: [index, 'id'], message: said('another key has this name', 'a name stays with its key for ever: give the new key a new one') });
    }
  });

export const temporalSchema = z.strictObject({ encryption: z.strictObject({ keys: payloadKeysSchema }).optional() });

export const retentionSchema = z.strictObject({
  reports: durationSchema.prefault('90d'),
  entries: durationSchema.prefault('730d'),
  plans: durationSchema.prefault('365d'),
  outbox: durationSchema.prefault('30d'),
  sightings: durationSchema.prefault('365d'),
  artifacts: durationSchema.prefault('14d'),
});

const percentSchema = z.int().min(1).max(100);

/** When a class of change in an environment has earned the next step. */
export const readinessSchema = z.strictObject({
  within: durationSchema.prefault('30d'),
  ask: z.strictObject({ seen: z.int().min(1).max(100_000).default(5), over: durationSchema.prefault('7d') }).prefault({}),
  auto: z.strictObject({ approved: z.int().min(1).max(100_000).default(10), unchanged: percentSchema.default(95), healthy: percentSchema.default(100), over: durationSchema.prefault('14d') }).prefault({}),
});

export const sections = {
  version: z.literal(1, { error: said('expected 1, the only version there is', 'write version: 1') }),
  project: nameSchema,
  include: globsOf('./teams/*/holdfast.yaml').optional(),
  principals: z.record(nameSchema, principalSchema).optional(),
  groups: z.record(nameSchema, groupSchema).optional(),
  policies: globsOf('./policies/*.yaml').optional(),
  notifications: notificationsSchema.optional(),
  ledger: ledgerSchema.optional(),
  artifacts: artifactsSchema.optional(),
  retention: retentionSchema.optional(),
  readiness: readinessSchema.optional(),
  temporal: temporalSchema.optional(),
};

/** What an included file may set; everything else is the root's alone. */
export const INCLUDED_SECTIONS: readonly string[] = ['version', 'project', 'defaults', 'targets'];

/** The outermost keys, their values looked at one by one afterwards, so that one mistake hides no other. */
export const outerSchema = z.strictObject({
  version: z.unknown().optional(),
  project: z.unknown().optional(),
  include: z.unknown().optional(),
  principals: z.unknown().optional(),
  groups: z.unknown().optional(),
  defaults: z.unknown().optional(),
  environments: z.unknown().optional(),
  targets: z.unknown().optional(),
  policies: z.unknown().optional(),
  notifications: z.unknown().optional(),
  ledger: z.unknown().optional(),
  artifacts: z.unknown().optional(),
  retention: z.unknown().optional(),
  readiness: z.unknown().optional(),
  temporal: z.unknown().optional(),
});

const deferredFields = Object.fromEntries(Object.keys(targetFields).map((key) => [key, z.unknown().optional()]));

/** A target as declared; what may hold variables is looked at once they are replaced. */
export const declarationSchema = z.strictObject(declarationOf(deferredFields));
export type Declaration = {
  readonly environments: readonly string[];
  readonly provider: string;
  readonly each?: { readonly folders: string; readonly name: string } | undefined;
};

export const defaultsSchema = z.strictObject(deferredFields);

/** JSON Schema (2020-12) of `holdfast.yaml`, with the `spec` of each provider given. */
export function configJsonSchema(providers: Readonly<Record<string, Provider>>): Json {
  const known = Object.values(providers);
  const fieldsOf = (provider: Provider) => ({ ...targetFields, spec: provider.spec });
  const declarations = known.map((provider) => z.strictObject({ ...declarationOf(fieldsOf(provider)), provider: z.literal(provider.name), source: targetFields.source.optional() }));
  const whole = z.strictObject({
    ...sections,
    defaults: z
      .strictObject({
        target: z.strictObject(partialOf(targetFields)).optional(),
        ...Object.fromEntries(known.map((provider) => [provider.name, z.strictObject({ ...partialOf(targetFields), spec: z.looseObject({}).optional() }).optional()])),
      })
      .optional(),
    environments: z.record(nameSchema, environmentSchema),
    targets: z.record(nameSchema, declarations.length === 0 ? z.looseObject({}) : z.union(declarations)).optional(),
  });
  const schema = z.toJSONSchema(whole, { io: 'input', unrepresentable: 'any', reused: 'ref' }) as { properties?: Record<string, Json>; $defs?: Json };
  const title = { title: 'holdfast.yaml', description: 'Configuration of Holdfast. Durations are 500ms, 30s, 5m, 4h, 7d.' };
  return { ...title, ...(allowVariables(schema) as Record<string, Json>) };
}

/** A variable may stand for any value of a target: `port: "${vars.port}"`. Where none may, loading says so. */
function allowVariables(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map((item: Json) => allowVariables(item));
  if (typeof schema !== 'object' || schema === null) return schema;
  const walked = Object.fromEntries(Object.entries(schema as Record<string, Json>).map(([key, value]) => [key, key === 'default' || key === 'enum' ? value : allowVariables(value)]));
  const { type, pattern, $ref } = walked as { type?: Json; pattern?: Json; $ref?: Json };
  const closed = type === 'number' || type === 'integer' || type === 'boolean' || (type === 'string' && (pattern !== undefined || 'enum' in walked));
  return closed && $ref === undefined ? { anyOf: [walked, { type: 'string', pattern: '\\$\\{[^{}]+\\}' }] } : walked;
}


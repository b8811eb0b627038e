import { z } from 'zod';
import { CLASSES, type ChangeClass } from '../domain/deciding/class.js';
import { REMEDIATIONS, type RemediationInput, type Share } from '../domain/deciding/remediation.js';
import type { Remediation } from '../domain/target.js';
import { nameSchema, said } from './values.js';

const modeSchema = z.enum(REMEDIATIONS);

const classesSchema = z.strictObject(Object.fromEntries(CLASSES.map((each) => [each, modeSchema.optional()])) as Record<ChangeClass, z.ZodOptional<typeof modeSchema>>);

const PERCENT_REMEDY = 'write "10%", or a list of targets: [storefront]';

const shareSchema = z.strictObject({
  targets: z.union(
    [
      z.string().regex(/^(?:100|\d{1,2}(?:\.\d{1,2})?)%$/, { error: said('this is no share of all targets', PERCENT_REMEDY) }),
      z.array(nameSchema).min(1, { error: said('the list is empty', 'name a target, or write "0%"') }).max(10_000),
    ],
    { error: said('expected a share of all targets or a list of them', PERCENT_REMEDY) },
  ),
});

const FORMS = said('expected observe, ask or auto, or what holds by class', 'write remediation: ask, or { default: ask, classes: { metadata: auto } }');

/** Of an environment: `ask`, or `{ default, classes, providers, auto }`. */
export const environmentRemediationSchema = z
  .union([modeSchema, z.strictObject({ default: modeSchema.default('ask'), classes: classesSchema.optional(), providers: z.record(nameSchema, modeSchema).optional(), auto: shareSchema.optional() })], { error: FORMS })
  .transform((input): RemediationInput & { readonly default: Remediation } => {
    if (typeof input === 'string') return { default: input };
    const { auto, ...rest } = input;
    return { ...plain(rest), default: input.default, ...(auto === undefined ? {} : { share: shareOf(auto.targets) }) };
  });

/** Of a target: `ask`, or `{ default, classes }`. */
export const targetRemediationSchema = z
  .union([modeSchema, z.strictObject({ default: modeSchema.optional(), classes: classesSchema.optional() })], { error: FORMS })
  .transform((input): RemediationInput => (typeof input === 'string' ? { default: input } : plain(input)));

/** Without the members that nobody wrote. */
function plain<T extends object>(input: T): RemediationInput {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
}

function shareOf(targets: string | readonly string[]): Share {
  return typeof targets === 'string' ? { percent: Number(targets.slice(0, -1)) } : { targets };
}

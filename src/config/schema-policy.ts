import { z } from 'zod';
import { CLASSES } from '../domain/deciding/class.js';
import { OUTCOMES } from '../domain/phase.js';
import { RESTRICTIVE } from '../domain/deciding/decide.js';
import { REMEDIATIONS } from '../domain/deciding/remediation.js';
import { RISKS } from '../domain/deciding/risk.js';
import { dateSchema } from './schema-target.js';
import { durationOrZeroSchema, globSchema, jsonSchema, lineSchema, nameSchema, said, timezoneSchema } from './values.js';

/** Rules of one file, and of all files together. */
export const MOST_RULES = 500;
const MOST_TESTS = 1_000;

const KINDS = ['changed', 'missing', 'unmanaged'] as const;
const EFFECTS = ['create', 'update', 'replace', 'delete'] as const;

const remediationSchema = z.enum(REMEDIATIONS);
const decisionSchema = z.enum(RESTRICTIVE);
const riskSchema = z.enum(RISKS);

/** One word or several. */
function wordsOf<Word extends string>(word: z.ZodType<Word, string>) {
  return z.union([z.string().pipe(word).transform((one): readonly Word[] => [one]), z.array(z.string().pipe(word)).min(1).max(100)], { error: said('expected a word or a list of words', 'write one, or [one, two]') });
}

const onSchema = z.strictObject({
  type: wordsOf(globSchema).optional(),
  path: wordsOf(globSchema).optional(),
  class: wordsOf(z.enum(CLASSES)).optional(),
  kind: wordsOf(z.enum(KINDS)).optional(),
  effect: wordsOf(z.enum(EFFECTS)).optional(),
  provider: wordsOf(globSchema).optional(),
});

const voterSchema = z.strictObject({ group: z.string().min(1).max(320), count: z.int().min(1).max(1_000).default(1) });

const approvalsSchema = z
  .strictObject({ any: z.array(voterSchema).min(1).max(20).optional(), all: z.array(voterSchema).min(1).max(20).optional() })
  .refine((approvals) => (approvals.any === undefined) !== (approvals.all === undefined), { error: said('approvals have either `any` or `all`', 'write { any: [{ group: NAME, count: 1 }] }') });

export const ruleSchema = z
  .strictObject({
    name: nameSchema,
    on: onSchema.default({}),
    when: z.string({ error: said('expected a condition', 'write a CEL expression in quotes, such as "change.path == \'/port\'"') }).optional(),
    decision: decisionSchema.optional(),
    risk: riskSchema.optional(),
    approvals: approvalsSchema.optional(),
    message: lineSchema.optional(),
    shadow: z.boolean().default(false),
    until: dateSchema.optional(),
  })
  .superRefine((rule, ctx) => {
    const add = (path: string, fact: string, remedy: string) => ctx.addIssue({ code: 'custom', path: [path], message: said(fact, remedy) });
    if (rule.decision === undefined && rule.risk === undefined) ctx.addIssue({ code: 'custom', message: said('the rule says nothing: it has neither a decision nor a risk', 'add decision: ask, or risk: high') });
    if (rule.decision === 'accept' && rule.message === undefined) ctx.addIssue({ code: 'custom', message: said('a rule that accepts must say why', 'add message: WHY, for the record') });
    if (rule.approvals !== undefined && rule.decision !== 'ask') add('approvals', 'go with decision: ask alone', 'write decision: ask, or remove them');
    if (rule.until !== undefined && rule.decision !== 'accept') add('until', 'goes with decision: accept alone', 'write decision: accept, or remove it');
  });

const textSchema = z.string().max(1_000);
const countSchema = z.int().min(0).max(1_000_000);

const givenSchema = z.strictObject({
  change: z
    .strictObject({
      resource: textSchema.optional(), type: textSchema.optional(), path: textSchema.optional(), kind: z.enum(KINDS).optional(), effect: z.enum(EFFECTS).optional(),
      desired: jsonSchema.optional(), actual: jsonSchema.optional(), sensitive: z.boolean().optional(), by: textSchema.optional(),
    })
    .optional(),
  environment: z.strictObject({ name: nameSchema.optional(), owner: textSchema.optional(), remediation: remediationSchema.optional(), timezone: timezoneSchema.optional(), production: z.boolean().optional() }).optional(),
  target: z.strictObject({ name: nameSchema.optional(), provider: nameSchema.optional(), pool: nameSchema.optional(), owner: textSchema.optional(), remediation: remediationSchema.optional(), health: z.boolean().optional() }).optional(),
  intent: z.record(textSchema, jsonSchema).optional(),
  plan: z
    .strictObject({
      creates: countSchema.optional(), updates: countSchema.optional(), replaces: countSchema.optional(), deletes: countSchema.optional(), resources: countSchema.optional(),
      staging: z.enum(['shadow', 'transaction', 'saved-plan', 'canary', 'dry-run']).optional(), rollback: z.enum(['exact', 'previous-revision', 'forward-only']).optional(), fencing: z.enum(['conditional', 'none']).optional(),
    })
    .optional(),
  history: z.strictObject({ recurrence: countSchema.optional(), lastOutcome: z.enum([...OUTCOMES, '']).optional(), age: durationOrZeroSchema.optional(), firstLook: z.boolean().optional() }).optional(),
  time: z.strictObject({ now: dateSchema.optional() }).optional(),
});

export const ruleTestSchema = z.strictObject({
  name: lineSchema,
  given: givenSchema.default({}),
  expect: z
    .strictObject({ decision: decisionSchema.optional(), risk: riskSchema.optional(), rules: z.array(nameSchema).max(50).optional() })
    .refine((expected) => Object.keys(expected).length > 0, { error: said('the test expects nothing', 'write expect: { decision: ask }') }),
});

/** The outermost keys of a rule file; each rule is looked at alone, so that one mistake hides no other. */
export const ruleFileSchema = z.strictObject({
  version: z.literal(1, { error: said('expected 1, the only version there is', 'begin with `version: 1`') }),
  rules: z.array(z.unknown(), { error: said('expected a list of rules', 'write rules: with a `- name: …` for each') }).max(MOST_RULES, { error: said(`more than ${MOST_RULES} rules`, 'keep one set of rules below that; let one rule select several types or paths') }).default([]),
  tests: z.array(z.unknown(), { error: said('expected a list of tests', 'write tests: with a `- name: …` for each') }).max(MOST_TESTS, { error: said(`more than ${MOST_TESTS} tests`, 'split the file') }).default([]),
});

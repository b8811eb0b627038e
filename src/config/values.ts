import { z } from 'zod';
import { isName } from '../domain/address.js';
import { compileBodyPattern } from '../system/pattern.js';
import { cronProblem, timezoneProblem } from './cron.js';
import { DURATION, parseDuration, POSITIVE_DURATION } from './durations.js';
import { globProblem } from './globs.js';
import { nearest, quote } from './text.js';

/**
 * The kinds of values a configuration is made of. A message of two lines is a fact and its remedy;
 * `issues.ts` takes them apart.
 */
export function said(fact: string, remedy: string): string {
  return `${fact}\n${remedy}`;
}

const NAME_PATTERN = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const NAME_REMEDY = 'use lower-case letters, digits and inner hyphens, at most 63 of them';

export function nameProblem(text: string): string | undefined {
  return isName(text) ? undefined : said(`${quote(text)} is not a name`, NAME_REMEDY);
}

export const nameSchema = z.string({ error: said('expected a name', NAME_REMEDY) }).regex(NAME_PATTERN, { error: (issue) => nameProblem(String(issue.input)) });

/** A line of text for people: an owner, a purpose. */
export const lineSchema = z
  .string()
  .regex(/\S/, { error: said('expected some text', 'write something, or leave the key out') })
  .max(500, { error: said('the text is longer than 500 characters', 'shorten it') })
  .refine((text) => !/\p{Cc}/u.test(text), { error: said('the text holds control characters', 'write plain text') });

const DURATION_REMEDY = 'write a number and its unit without a space: 500ms, 30s, 5m, 4h or 7d';

function durationError(issue: { readonly input?: unknown }): string {
  if (typeof issue.input === 'number') return said(`${issue.input} has no unit`, DURATION_REMEDY);
  if (typeof issue.input !== 'string') return said('expected a duration', DURATION_REMEDY);
  if (DURATION.test(issue.input)) return said(`${quote(issue.input)} must be longer than zero`, 'write a duration such as 5m');
  if (/^-\d/.test(issue.input)) return said(`${quote(issue.input)} is negative`, 'write a duration such as 5m');
  return said(`${quote(issue.input)} is not a duration`, DURATION_REMEDY);
}

/** A duration above zero, in milliseconds. */
export const durationSchema = durationOf(POSITIVE_DURATION);
/** A duration in milliseconds that may be `0s`. */
export const durationOrZeroSchema = durationOf(DURATION);

function durationOf(pattern: RegExp) {
  return z
    .string({ error: durationError })
    .regex(pattern, { error: durationError, abort: true })
    .refine((text) => parseDuration(text) !== undefined, { error: said('is longer than ten years', 'write a shorter duration'), abort: true })
    .transform((text) => parseDuration(text) ?? 0);
}

export const cronSchema = z.string({ error: said('expected a cron expression', 'write five fields in quotes, such as "*/15 * * * *"') }).superRefine((text, ctx) => {
  const problem = cronProblem(text);
  if (problem !== undefined) ctx.addIssue({ code: 'custom', message: said(`${quote(text)} ${problem.message}`, problem.remedy) });
});

export const timezoneSchema = z.string().superRefine((name, ctx) => {
  const problem = timezoneProblem(name, nearest);
  if (problem !== undefined) ctx.addIssue({ code: 'custom', message: said(`${quote(name)} ${problem.message}`, problem.remedy) });
});

export const globSchema = z.string().superRefine((glob, ctx) => {
  const problem = globProblem(glob);
  if (problem !== undefined) ctx.addIssue({ code: 'custom', message: said(`${quote(glob)} ${problem.message}`, problem.remedy) });
});

/** A regular expression that is looked for in the body of an answer, in time bounded by the pattern. */
export const bodyPatternSchema = z.string().min(1).max(1_000).superRefine((pattern, ctx) => {
  const compiled = compileBodyPattern(pattern);
  if ('message' in compiled) ctx.addIssue({ code: 'custom', message: said(`${quote(pattern)}: ${compiled.message}`, compiled.remedy) });
});

const REFERENCE = /^\$\{(?:env:[A-Za-z_][A-Za-z0-9_]*|file:[^{}\n]+)\}$/;

/** A secret: only ever a reference, resolved by the process that uses it. */
export const referenceSchema = z.string({ error: referenceError }).regex(REFERENCE, { error: referenceError });

/** The same under a key whose name does not tell: the line it stands in is not shown at all. */
export const hiddenReferenceSchema = z.string({ error: referenceError }).superRefine((text, ctx) => {
  if (!REFERENCE.test(text)) ctx.addIssue({ code: 'custom', params: { secret: true }, message: referenceError() });
});

/** The value itself is never repeated: it may be the secret. */
function referenceError(): string {
  return said('expected a reference to a secret, not the secret itself', 'write "${env:NAME}" or "${file:path}", and change the secret if it was ever stored here');
}

/** Text in which references to secrets may stand. */
export const referringTextSchema = z.string().max(4_000);

const URL_REMEDY = 'write it as https://host/path';

/** An address without a password in it. */
export function urlSchema(protocols: readonly string[]) {
  return z.string().max(2_000).superRefine((text, ctx) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined || !protocols.includes(url.protocol)) {
      const expected = protocols.map((protocol) => `${protocol}//`).join(' or ');
      ctx.addIssue({ code: 'custom', params: { secret: true }, message: said(`expected an address that begins with ${expected}`, URL_REMEDY) });
    } else if (url.username !== '' || url.password !== '') {
      ctx.addIssue({ code: 'custom', params: { secret: true }, message: said('an address may not hold a user or password', 'take them out of the address and use a reference such as "${env:NAME}" where the key allows one') });
    }
  });
}

export const commandSchema = z
  .array(z.string().min(1), { error: said('expected a command as a list of words', 'write [program, argument, …]; no shell reads it') })
  .min(1, { error: said('the command is empty', 'write [program, argument, …]') })
  .max(100);

export const jsonSchema: z.ZodType = z.json();

/** Text; numbers and truth values are taken as they are written. */
export const textualSchema = z.union([z.string(), z.number(), z.boolean()]).transform(String);


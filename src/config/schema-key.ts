import { z } from 'zod';
import { parseKeyLine } from '../trust/ssh-key.js';
import { said } from './values.js';

const KEY_REMEDY = 'write a public key as in a .pub file: "ssh-ed25519 AAAA…"; a private key never belongs here';

const keySchema = z
  .string({ error: said('this is not a public SSH key', KEY_REMEDY) })
  .max(4_000, { error: said('this is not a public SSH key', KEY_REMEDY) })
  .regex(/^(?:ssh-|ecdsa-|sk-)[a-z0-9@.-]+ [A-Za-z0-9+/]{16,}={0,3}(?: [^\n]*)?$/, { error: said('this is not a public SSH key', KEY_REMEDY), abort: true })
  .superRefine((line, ctx) => {
    const key = parseKeyLine(line);
    if (!key.ok) ctx.addIssue({ code: 'custom', message: said(`this key cannot be used: ${key.problem}`, 'make one with: ssh-keygen -t ed25519') });
  });

const INSTANT_REMEDY = 'write a time in UTC such as "2030-01-31T12:00:00Z"';

const instantSchema = z.iso.datetime({ error: said('expected a time', INSTANT_REMEDY) });

/** A key, and maybe the time in which it signs. */
export const principalKeySchema = z.union(
  [
    keySchema.transform((key) => ({ key, from: undefined, until: undefined })),
    z
      .strictObject({ key: keySchema, from: instantSchema.optional(), until: instantSchema.optional() })
      .refine(({ from, until }) => from === undefined || until === undefined || Date.parse(from) < Date.parse(until), { path: ['until'], error: said('the key ends before it begins', 'write an `until` after `from`') }),
  ],
  { error: said('expected a public key, or { key, from, until }', KEY_REMEDY) },
);

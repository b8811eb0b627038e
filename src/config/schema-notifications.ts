import { z } from 'zod';
import { commandSchema, durationSchema, lineSchema, nameSchema, referenceSchema, urlSchema } from './values.js';

/** What can be told; the same words as the notices that are sent. */
export const NOTICE_EVENTS = [
  'approval-needed', 'approval-reminder', 'approval-escalated', 'break-glass', 'fixed', 'rolled-back', 'needs-human', 'closed', 'blind', 'frozen', 'lapsed', 'test',
] as const;

export const sinkSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('webhook'),
    url: urlSchema(['https:', 'http:']),
    secret: referenceSchema,
    allowPrivate: z.boolean().default(false),
    timeout: durationSchema.prefault('10s'),
  }),
  z.strictObject({
    type: z.literal('command'),
    command: commandSchema,
    timeout: durationSchema.prefault('30s'),
  }),
]);

export type SinkInput = z.output<typeof sinkSchema>;

/** One value or a list of them. */
function someOf<Item extends z.ZodType>(item: Item) {
  return z.union([item, z.array(item).min(1).max(100)]).transform((value) => (Array.isArray(value) ? (value as z.output<Item>[]) : [value as z.output<Item>]));
}

const routeSchema = z.strictObject({
  match: z
    .strictObject({
      environment: someOf(nameSchema).optional(),
      owner: someOf(lineSchema).optional(),
      risk: someOf(z.enum(['low', 'medium', 'high', 'critical'])).optional(),
      event: someOf(z.enum(NOTICE_EVENTS)).optional(),
    })
    .default({}),
  to: someOf(nameSchema),
});

export const notificationsSchema = z.strictObject({
  sinks: z.record(nameSchema, sinkSchema).default({}),
  routes: z.array(routeSchema).max(200).default([]),
});

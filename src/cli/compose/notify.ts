import type { Config } from '../../config/config.js';
import { HoldfastError } from '../../domain/errors.js';
import type { Notice } from '../../notify/sink.js';
import type { Io } from '../io.js';

export interface TestMessage {
  readonly sink: string;
  readonly signal: AbortSignal;
  readonly io: Io;
}

/** Sends one test event past routes and outbox, so that an answer is seen at once. */
export async function sendTest(config: Config, { sink, signal, io }: TestMessage): Promise<void> {
  const { openSinks } = await import('../../notify/index.js');
  const { compose } = await import('../../notify/compose.js');
  const { resolveSecret } = await import('../../config/secrets.js');
  const { hashJson } = await import('../../digest.js');
  const sinks = openSinks(config.notifications, { resolveSecret: (reference) => resolveSecret(reference, { folder: config.folder, env: { ...io.env } }), now: () => io.now() });
  const at = io.now().toISOString();
  const notice: Notice = {
    event: 'test',
    subject: 'test',
    environment: config.environments[0]?.name ?? 'none',
    at,
    title: `A test of the sink ${sink} from ${config.project}`,
    text: 'Nothing has happened. Somebody ran: holdfast notify test',
    commands: ['holdfast status'],
  };
  const [message] = compose({ notice, sinks: [sink], project: config.project, hash: hashJson, key: at });
  const target = sinks.get(sink);
  if (target === undefined || message === undefined) throw new HoldfastError('Invalid', `there is no sink ${sink}`);
  await target.send(message, signal);
}

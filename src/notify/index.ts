import type { Notifications, SinkConfig } from '../config/config.js';
import type { Sink } from './sink.js';
import { commandSink, webhookSink, type SinkContext } from './sinks.js';

/** Every configured sink under its name. Nothing is connected, started or resolved before a message is sent. */
export function openSinks(notifications: Notifications, ctx: SinkContext): ReadonlyMap<string, Sink> {
  return new Map(notifications.sinks.map((config) => [config.name, openSink(config, ctx)]));
}

function openSink(config: SinkConfig, ctx: SinkContext): Sink {
  switch (config.type) {
    case 'webhook':
      return webhookSink(config, ctx);
    case 'command':
      return commandSink(config);
    default:
      return unreachable(config);
  }
}

function unreachable(config: never): never {
  throw new TypeError(`no such sink: ${String(config)}`);
}

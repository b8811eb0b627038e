import type { Notifications, SinkConfig } from './config.js';
import type { ConfigFile } from './files.js';
import { check } from './issues.js';
import type { Report } from './problem.js';
import { notificationsSchema, type SinkInput } from './schema-notifications.js';
import { quote, suggest } from './text.js';
import { child, locate, toPlain } from './tree.js';
import { refuseExpressions } from './variables.js';

/** Sinks and routes; every route leads to a sink there is. */
export function readNotifications(root: ConfigFile, environments: readonly string[], report: Report): Notifications {
  const tree = child(root.tree, 'notifications');
  if (tree === undefined) return { sinks: [], routes: [] };
  refuseExpressions(tree, { report, where: ['notifications'], allowed: (path) => path[0] === 'sinks' && path[2] === 'secret' });
  const input = check(notificationsSchema, toPlain(tree), { report, where: ['notifications'], tree });
  if (input === undefined) return { sinks: [], routes: [] };
  const sinks = Object.entries(input.sinks).map(([name, sink]) => toSink(name, sink));
  for (const [index, route] of input.routes.entries()) {
    const missing = (key: string, name: string, known: readonly string[], what: string) =>
      report.add({ at: locate(tree, ['routes', index, key]).at, message: `notifications.routes[${index}]: ${quote(name)} is not ${what}`, remedy: suggest(name, known) });
    const names = sinks.map((sink) => sink.name);
    for (const name of route.to) if (!names.includes(name)) missing('to', name, names, 'a sink');
    for (const name of route.match.environment ?? []) if (!environments.includes(name)) missing('match', name, environments, 'an environment');
  }
  const routes = input.routes.map(({ match, to }) => ({
    to,
    match: {
      ...(match.environment === undefined ? {} : { environment: match.environment }),
      ...(match.owner === undefined ? {} : { owner: match.owner }),
      ...(match.risk === undefined ? {} : { risk: match.risk }),
      ...(match.event === undefined ? {} : { event: match.event }),
    },
  }));
  return { sinks, routes };
}

function toSink(name: string, input: SinkInput): SinkConfig {
  if (input.type === 'command') return { name, type: 'command', command: input.command, timeoutMs: input.timeout };
  return { name, type: 'webhook', url: input.url, secret: input.secret, allowPrivate: input.allowPrivate, timeoutMs: input.timeout };
}

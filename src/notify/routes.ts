import type { Notifications, Route } from '../config/config.js';
import type { Notice } from './sink.js';

/**
 * The sinks that a notice goes to, each once, in the order of the configuration. Every route that
 * matches counts. With sinks but no routes at all, every sink is told everything; and of a broken glass
 * every sink is told, whatever the routes say.
 */
export function sinksFor(notice: Notice, notifications: Notifications): readonly string[] {
  const names = notifications.sinks.map((sink) => sink.name);
  if (notifications.routes.length === 0 || notice.event === 'break-glass') return names;
  const wanted = new Set(notifications.routes.filter((route) => matches(notice, route.match)).flatMap((route) => route.to));
  return names.filter((name) => wanted.has(name));
}

/** A member that the route names must be there and be one of its values: a notice without an owner matches no owner. */
function matches(notice: Notice, match: Route['match']): boolean {
  return (
    isOneOf(notice.environment, match.environment) &&
    isOneOf(notice.owner, match.owner) &&
    isOneOf(notice.risk, match.risk) &&
    isOneOf(notice.event, match.event)
  );
}

function isOneOf(value: string | undefined, allowed: readonly string[] | undefined): boolean {
  return allowed === undefined || (value !== undefined && allowed.includes(value));
}

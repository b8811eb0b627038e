import { formatAddress, formatIncident } from '../domain/address.js';
import type { Exception } from '../domain/deciding/exception.js';
import type { Target } from '../domain/target.js';
import type { Acceptance, Ledger } from '../ledger/ledger.js';
import type { Context } from './context.js';
import { EXIT } from './exit.js';
import { plain } from './render/escape.js';
import { formatTime } from './render/entry.js';
import { formatAge } from './render/time.js';

/** What of a target is left alone, who said so, and until when. */
export interface Kept extends Omit<Exception, 'fingerprint' | 'incident'> {
  readonly address: string;
  /** `prod/storefront#7`, when it was given there. */
  readonly incident?: string;
  /** True where its date has come. */
  readonly lapsed: boolean;
}

/** So long before its date an acceptance is pointed at. */
const SOON_MS = 7 * 86_400_000;

/** Everything that is accepted for these targets by name, the next to lapse first. What resources carry themselves is seen by a look alone. */
export function keptOf(targets: readonly Target[], acceptances: readonly Acceptance[], now: Date): readonly Kept[] {
  const known = new Map(targets.map((target) => [formatAddress(target), target]));
  const ofRecord = acceptances.filter((each) => known.has(formatAddress(each))).map((each): Kept => ({
    address: formatAddress(each), source: each.incident === undefined ? 'announced' : 'incident', resource: each.resource, until: each.until, by: each.by, reason: each.reason,
    ...(each.path === undefined ? {} : { path: each.path }), ...(each.ticket === undefined ? {} : { ticket: each.ticket }),
    ...(each.incident === undefined ? {} : { incident: formatIncident({ ...each, number: each.incident }) }), lapsed: isOver(each.until, now),
  }));
  const ofConfiguration = targets.flatMap((target) => (target.accept ?? []).map((rule): Kept => ({ address: formatAddress(target), source: 'configuration', ...rule, lapsed: isOver(rule.until, now) })));
  return [...ofRecord, ...ofConfiguration].sort((one, other) => (one.until === other.until ? (one.address < other.address ? -1 : 1) : one.until < other.until ? -1 : 1));
}

/** Those in force that lapse within a week. */
export function lapsingSoon(kept: readonly Kept[], now: Date): readonly Kept[] {
  return kept.filter((each) => !each.lapsed && Date.parse(each.until) - now.getTime() <= SOON_MS);
}

/** `prod/storefront etc/app.yaml /limits/rps: in 2d 4h (2026-11-04 13:00:00), accepted by alice (OPS-12): load test`. */
export function keptLine({ address, resource, path, until, by, ticket, reason, source }: Kept, now: Date): string {
  const where = source === 'configuration' ? ' in the configuration' : '';
  return `${plain(address)} ${plain(resource)}${path === undefined || path === '' ? '' : ` ${plain(path)}`}: ${formatAge(until, now)} (${formatTime(until)}), accepted${where} by ${plain(by)}${ticket === undefined ? '' : ` (${plain(ticket)})`}: ${plain(reason)}`;
}

/** `accept --list`: what is left alone now. */
export async function listKept(context: Context, address: string | undefined): Promise<number> {
  const targets = await context.targets(address);
  const now = context.io.now();
  const ledger: Ledger | undefined = await context.ledger();
  try {
    const kept = keptOf(targets, (await ledger?.acceptances({})) ?? [], now);
    if (context.json) {
      await context.printJson('acceptances', { acceptances: kept });
      return EXIT.done;
    }
    const held = kept.filter((each) => !each.lapsed);
    if (held.length === 0) context.note('Nothing is accepted by name now.');
    else await context.say(context.table(['TARGET', 'RESOURCE', 'PATH', 'LAPSES', 'UNTIL (UTC)', 'BY', 'TICKET', 'GIVEN', 'REASON'], held.map((each) => cells(each, now))));
    if (ledger === undefined) context.note('There is no record yet: only what the configuration accepts is known.');
    return EXIT.done;
  } finally {
    await ledger?.close();
  }
}

function cells({ address, resource, path, until, by, ticket, source, incident, reason }: Kept, now: Date): readonly string[] {
  return [plain(address), plain(resource), plain(path === undefined ? '*' : path === '' ? '-' : path), formatAge(until, now), formatTime(until), plain(by), plain(ticket ?? '-'), plain(incident ?? source), plain(reason)];
}

function isOver(until: string, now: Date): boolean {
  return Date.parse(until) <= now.getTime();
}

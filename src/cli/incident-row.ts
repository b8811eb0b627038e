import { nearest } from '../config/text.js';
import { formatAddress, formatIncident, type TargetAddress } from '../domain/address.js';
import type { IncidentRow, Ledger } from '../ledger/ledger.js';
import type { Context } from './context.js';
import { CliError } from './errors.js';
import { type RecordedPart, readPart } from './parts.js';

/** The incident that an argument names: by its number, or the open or last one of the target. */
export async function findIncident(context: Context, ledger: Ledger, text: string): Promise<IncidentRow> {
  const asked = context.incidentAddress(text);
  const row = await ledger.incident(asked, asked.number);
  if (row !== undefined) return row;
  throw await unknownIncident(context, ledger, asked);
}

export function partsOf(row: IncidentRow): readonly RecordedPart[] {
  return row.parts.map(readPart);
}

export function isClosed(row: IncidentRow): boolean {
  return row.closedAt !== undefined || row.phase === 'closed';
}

/** The parts whose plan a person is asked about, or may still approve. */
export function askedParts(row: IncidentRow): readonly RecordedPart[] {
  return partsOf(row).filter((part) => part.plan !== undefined && part.outcome === undefined && (part.phase === 'awaiting-approval' || part.phase === 'observed'));
}

/** The parts that are approved or allowed and wait, so that somebody may break the glass for them. */
export function waitingParts(row: IncidentRow): readonly RecordedPart[] {
  return partsOf(row).filter((part) => part.plan !== undefined && part.outcome === undefined && (part.phase === 'waiting' || part.phase === 'kept'));
}

/** A target that cannot be read; once it can, its incident goes on as any other. */
export function isUnread(row: IncidentRow): boolean {
  return row.kind === 'blind' && !isClosed(row) && row.parts.length === 0;
}

/** Whether it left changes that nobody is asked about now. */
export function asksAgain({ outcome }: IncidentRow): boolean {
  return outcome !== 'fixed' && outcome !== 'cleared' && outcome !== 'adopted';
}

/** How it ended, as far as asking again goes: one part that was rolled back is quarantined, however the others ended. */
export function endOf(row: IncidentRow): string | undefined {
  return partsOf(row).some((part) => part.outcome === 'rolled-back') ? 'rolled-back' : row.outcome;
}

async function unknownIncident(context: Context, ledger: Ledger, asked: TargetAddress & { readonly number?: number }): Promise<CliError> {
  const address = formatAddress(asked);
  const last = asked.number === undefined ? undefined : await ledger.incident(asked);
  if (last !== undefined) {
    return new CliError(`${address} has no incident #${asked.number}`, { remedy: `Its last one is ${formatIncident(last)}; list them with: holdfast incidents ${address}` });
  }
  const config = await context.config();
  const known = config.targets.map(formatAddress);
  if (known.includes(address)) {
    return new CliError(`${address} has had no incident`, { remedy: `See what differs now, and what would be done about it, with: holdfast plan ${address}` });
  }
  const near = nearest(address, known);
  return new CliError(`the configuration and the record know no target ${address}`, {
    remedy: near === undefined ? 'List the targets with: holdfast status' : `Did you mean ${near}?`,
  });
}

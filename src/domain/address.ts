/** The name of one target in one environment, written `prod/storefront`. */
export interface TargetAddress {
  readonly environment: string;
  readonly target: string;
}

export type AddressText = `${string}/${string}`;

/** Names are lower-case letters, digits and inner hyphens, at most 63 bytes: they become workflow ids, folders and queue names. */
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export function isName(text: string): boolean {
  return NAME.test(text);
}

export function formatAddress(address: TargetAddress): AddressText {
  return `${address.environment}/${address.target}`;
}

/** Parses `prod` or `prod/storefront`; `undefined` when it is neither. */
export function parseAddress(text: string): { environment: string; target?: string } | undefined {
  const parts = text.split('/');
  if (parts.length > 2 || !parts.every(isName)) return undefined;
  const [environment, target] = parts;
  if (environment === undefined) return undefined;
  return target === undefined ? { environment } : { environment, target };
}

/** One incident: `prod/storefront#12`. */
export interface IncidentId extends TargetAddress {
  readonly number: number;
}

export function formatIncident(id: IncidentId): string {
  return `${formatAddress(id)}#${id.number}`;
}

/** Parses `prod/storefront#12`, or `prod/storefront` for the open or last incident of the target. */
export function parseIncident(text: string): (TargetAddress & { number?: number }) | undefined {
  const match = /^([^#]+)(?:#([1-9][0-9]{0,8}))?$/.exec(text);
  const address = parseAddress(match?.[1] ?? '');
  if (address?.target === undefined) return undefined;
  const base = { environment: address.environment, target: address.target };
  return match?.[2] === undefined ? base : { ...base, number: Number(match[2]) };
}

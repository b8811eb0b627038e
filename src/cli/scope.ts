import { parseAddress } from '../domain/address.js';
import type { Context } from './context.js';
import { badAddress } from './context.js';
import { CliError } from './errors.js';

export interface Scope {
  /** `prod`, `prod/storefront` or `*`. */
  readonly scope: string;
  /** The environments that must hear of it. */
  readonly environments: readonly string[];
}

/** What a command is to hold for: one address, or with `--all` everything; never both, never neither. */
export async function scopeOf(context: Context, address: string | undefined, all: boolean): Promise<Scope> {
  if (address !== undefined && all) throw new CliError(`both ${address} and --all are given`, { remedy: 'Give one of them.' });
  const config = await context.config();
  if (all) return { scope: '*', environments: config.environments.map((each) => each.name) };
  if (address === undefined) throw new CliError('nothing is named', { remedy: 'Name ENVIRONMENT or ENVIRONMENT/TARGET, or give --all.' });
  const parsed = parseAddress(address);
  if (parsed === undefined) throw badAddress(address);
  await context.environment(parsed.environment);
  if (parsed.target !== undefined) await context.targets(address);
  return { scope: address, environments: [parsed.environment] };
}

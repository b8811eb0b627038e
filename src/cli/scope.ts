import { parseAddress } from '../domain/address.js';
import type { Context } from './context.js';
import { badAddress } from './context.js';
import { CliError } from './errors.js';

export interface Scope {
  /** `prod`, `prod/storefront` or `*`. */
  readonly scope: string;
  /** Who is told: any environment carries out what holds for everything, and wakes the incidents of all. */
  readonly environment: string;
}

/** What a command is to hold for: one address, or with `--all` everything; never both, never neither. */
export async function scopeOf(context: Context, address: string | undefined, all: boolean): Promise<Scope> {
  if (address !== undefined && all) throw new CliError(`both ${address} and --all are given`, { remedy: 'Give one of them.' });
  const config = await context.config();
  if (all) {
    const [first] = config.environments;
    if (first === undefined) throw new CliError('the configuration has no environment');
    return { scope: '*', environment: first.name };
  }
  if (address === undefined) throw new CliError('nothing is named', { remedy: 'Name ENVIRONMENT or ENVIRONMENT/TARGET, or give --all.' });
  const parsed = parseAddress(address);
  if (parsed === undefined) throw badAddress(address);
  await context.environment(parsed.environment);
  if (parsed.target !== undefined) await context.targets(address);
  return { scope: address, environment: parsed.environment };
}

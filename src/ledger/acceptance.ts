import type { TargetAddress } from '../domain/address.js';
import type { Exception } from '../domain/deciding/exception.js';

/** An exception that somebody gave: in an incident, or announced before the change was made. */
export interface Acceptance extends TargetAddress, Omit<Exception, 'source'> {
  readonly at: string;
}

/** Without a target a whole environment, without both everything. */
export interface AcceptanceFilter {
  readonly environment?: string;
  readonly target?: string;
}
